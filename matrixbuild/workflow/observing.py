"""Base images that builds start from -> the digests that their registries have now, and what a person has to know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.build import Build
from matrixbuild.core.names import ImageName, short
from matrixbuild.core.problems import Problem, RefusedError, Severity, UnusableError

_ENFORCING = "embedded"
"""The kind of engine that starts from pinned digests; the others take what a tag gives when they build (design.md 10: observed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Digests by ref ("" where nobody could be asked), and what is to be said of those."""

    digests: Mapping[str, str]
    remarks: tuple[Problem, ...] = ()


def resolved(refs: Sequence[str], registries: Registries, *, layout: str, engine: str) -> Seen:
    """What the registries have under these names. `layout` is the manifest's own, for names without a registry; `engine` the kind that builds.

    A daemon may pull through a mirror that this machine does not know, so for an engine that observes, a registry which cannot be asked leaves a
    base image without a digest; else UnusableError, as for an image that is not there.
    """
    names = {ref: _name(ref, layout) for ref in refs}

    def ask(ref: str) -> tuple[str, str]:
        try:
            return _digest(ref, names[ref], registries), ""
        except UnreachableError as error:
            if engine == _ENFORCING:
                raise UnusableError(*error.problems) from error
            return "", error.problems[0].summary

    answers = dict(zip(refs, side_by_side(ask, refs), strict=True))
    unasked = defaultdict[str, dict[str, str]](dict)
    for ref, (digest, why) in answers.items():
        if not digest:
            unasked[names[ref].registry][ref] = why
    return Seen(digests={ref: digest for ref, (digest, _) in answers.items()}, remarks=tuple(map(_unasked, unasked.values())))


class UnreachableError(UnusableError):
    """A registry did not tell what it has."""


def check_observed(builds: Iterable[Build], registries: Registries, *, layout: str) -> None:
    """Raise RefusedError where an engine would start from another image than the lock pins: its tag has moved since.

    A registry that cannot be asked is no reason: the remark of its pin, or the build itself, tells.
    """
    pinned = sorted({base for build in builds if not build.engine.startswith(_ENFORCING) for base in build.inputs.bases if base[1]})

    def ask(base: tuple[str, str]) -> str:
        try:
            return _digest(base[0], _name(base[0], layout), registries)
        except UnreachableError:
            return base[1]

    found = zip(pinned, side_by_side(ask, pinned), strict=True)
    if problems := [_moved(ref, digest, now) for (ref, digest), now in found if now != digest]:
        raise RefusedError(*problems)


def _digest(ref: str, name: ImageName, registries: Registries) -> str:
    try:
        digest = registries.of(name).digest(name.repository, name.tag)
    except UnusableError as error:
        raise UnreachableError(*error.problems) from error
    if digest is None:
        summary = f"the base image {ref} is not in its registry"
        raise UnusableError(Problem(summary=summary, hint="push it first, or correct its name", code="registry"))
    return digest


def _name(ref: str, layout: str) -> ImageName:
    try:
        return ImageName.parse(ref, layout=layout)
    except ValueError as error:
        raise UnusableError(Problem(summary=f"a base image cannot be found: {error}", hint="correct its name in the Earthfile or in args")) from error


def _unasked(refs: Mapping[str, str]) -> Problem:
    """Of one registry, each with why."""
    ref, why = next(iter(refs.items()))
    others = f" (and {len(refs) - 1} more of that registry)" if len(refs) > 1 else ""
    summary = f"the base image {ref}{others} is not pinned, for its registry cannot be asked: {why}"
    hint = "builds take what its tag gives them; `matrixbuild lock update --images` pins it once the registry answers"
    return Problem(summary=summary, hint=hint, code="unpinned-base", severity=Severity.WARNING)


def _moved(ref: str, pinned: str, now: str) -> Problem:
    summary = f"the base image {ref} has moved: the lock pins {short(pinned)}, its registry has {short(now)}"
    hint = "builds would start from the new one: `matrixbuild lock update --images` pins it, and shows what that rebuilds"
    return Problem(summary=summary, hint=hint, code="base-moved")
