"""Where images go and come from -> whether the registries let us, whether the base images are there, and whether the clocks agree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from matrixbuild.adapters.network import Reach, reach_of
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.adapters.registry_access import HASTY, Access, try_push
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.checkup import Check, fail, warn
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.problems import InvalidError, UnusableError
from matrixbuild.workflow.doctoring_needs import Needs

_MOST = 24
"""Repositories and base images of one registry that are asked for: what holds for those holds for more."""
_LITTLE, _MUCH = 60.0, 300.0
"""Seconds by which clocks may differ: tokens begin to be refused after minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A registry, the images of it that matter, and what came of asking for each of them."""

    host: str
    images: tuple[ImageName, ...]


def check_registries(needs: Needs, environ: Mapping[str, str]) -> tuple[Check, ...]:
    """A line for each registry that images go to, for each that they come from, and one for the clock."""
    if needs.manifest is None:
        return ()
    try:
        reach = reach_of(needs.manifest.network, base=needs.base, environ=environ)
    except InvalidError:
        return ()  # `network` tells of it
    pushed = [pair for one in _by_host(_repositories(needs)) for pair in _pushed(one, reach, needs)]
    asked_for = frozenset(image for image, asked in needs.bases if asked)
    digests = bool(needs.builds_of("embedded"))
    pulled = side_by_side(lambda one: _pulled(one, reach, asked_for, digests=digests), _by_host([image for image, _ in needs.bases]))
    ahead = [access.ahead for _, access in pushed if access and access.ahead is not None]
    return (*(check for check, _ in pushed), *pulled, *_clock(ahead))


def _repositories(needs: Needs) -> Sequence[ImageName]:
    if needs.builds is not None:
        return [image.with_tag("") for build in needs.builds for image in [build.image, *build.refs] if image]
    registry = needs.manifest.registry.value if needs.manifest else ""
    try:
        # What will be below it nobody knows yet; that it may be pushed to at all says the most.
        return [ImageName.parse(f"{registry}/matrixbuild", layout=registry if registry.startswith(LAYOUT_PREFIX) else "").with_tag("")]
    except ValueError:
        return []


def _by_host(images: Sequence[ImageName]) -> list[_Asked]:
    groups = groupby(sorted(set(images)), key=lambda image: image.registry)
    return [_Asked(host=host, images=tuple(group)[:_MOST]) for host, group in groups]


def _pushed(asked: _Asked, reach: Reach, needs: Needs) -> Iterator[tuple[Check, Access | None]]:
    if asked.host.startswith(LAYOUT_PREFIX):
        yield _layout(asked.host, needs), None
        return
    names = [image.repository for image in asked.images]
    answers = side_by_side(lambda name: _tried(asked.host, name, reach), names)
    refused = [answer for answer in answers if isinstance(answer, UnusableError)]
    allowed = [answer for answer in answers if isinstance(answer, Access)]
    if refused:
        more = f" (and {len(refused) - 1} more of {len(names)} repositories)" if len(refused) > 1 else ""
        yield fail("registry", f"{refused[0]}{more}", refused[0].problems[0].hint, about=asked.host), allowed[0] if allowed else None
    else:
        count = f"{len(names)} repositories" if len(names) > 1 else names[0]
        yield Check(name="registry", about=asked.host, summary=f"{asked.host} lets us push to {count}"), allowed[0]


def _tried(host: str, repository: str, reach: Reach) -> Access | UnusableError:
    try:
        return try_push(host, repository, reach)
    except UnusableError as error:
        return error


def _layout(name: str, needs: Needs) -> Check:
    directory = Path(os.path.normpath(needs.base / name.removeprefix(LAYOUT_PREFIX)))
    there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK) or not there.is_dir():
        summary = f"{there} may not be written to, and the image layout {directory} is to be there"
        return fail("registry", summary, "check its permissions", about=name)
    if needs.has("earthly"):
        hint = "give spec.registry a registry; a layout is for the embedded engine"
        return fail("registry", f"Earthly pushes to registries, and {name} is an image layout", hint, about=name)
    return Check(name="registry", about=name, summary=f"the image layout {directory} can be written")


def _pulled(asked: _Asked, reach: Reach, asked_for: frozenset[ImageName], *, digests: bool) -> Check:
    """One that is pinned the builder alone has to reach, and so has one that is not, unless builds start from `digests`: that it is not reached from
    here is worth a look."""
    if asked.host.startswith(LAYOUT_PREFIX):
        return Check(name="base images", about=asked.host, summary=f"{len(asked.images):,} are in {asked.host}")
    registry = HttpRegistry(asked.host, reach=reach, tuning=HASTY)
    for image in asked.images:
        needed = image in asked_for
        try:
            found = registry.digest(image.repository, image.digest or image.tag)
        except UnusableError as error:
            return fail("base images", str(error), error.problems[0].hint, about=asked.host, needed=needed and digests)
        if found is None:
            return fail("base images", f"{asked.host} has no {image}", "push it first, or correct its name", about=asked.host, needed=needed)
    count = f"{len(asked.images)} base images" if len(asked.images) > 1 else str(asked.images[0])
    return Check(name="base images", about=asked.host, summary=f"{asked.host} has {count}")


def _clock(ahead: Sequence[float]) -> Iterator[Check]:
    if not ahead:
        return
    worst = max(ahead, key=abs)
    told = f"this machine's clock is {abs(worst):.0f} s {'behind' if worst > 0 else 'ahead of'} the registry's"
    if abs(worst) >= _MUCH:
        yield fail("clock", told, "set it (`timedatectl` tells whether it is kept): certificates and tokens are refused otherwise")
    elif abs(worst) >= _LITTLE:
        yield warn("clock", told, "set it before tokens and certificates are refused")
    else:
        yield Check(name="clock", summary="this machine's clock agrees with the registry's")
