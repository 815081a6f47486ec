"""Image names and builds of a plan -> lines: each by itself, or grouped by action, reason and axis."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import cache, lru_cache

from matrixbuild.cli.show_plan_words import WIDTH, box_text, fitting, kinds_text, reasons_text, some
from matrixbuild.core.boxes import Box, Point, around, boxes, named, natural, size, target_of
from matrixbuild.core.changes import Why
from matrixbuild.core.counts import counted
from matrixbuild.core.image_names import ImageAction, PlannedImage
from matrixbuild.core.names import short
from matrixbuild.core.plan import Action, PlannedBuild

_PRODUCTS = 4
"""So many products tell which builds of a target are meant; with more, they are only said to be among one."""

_REASONS = 3
"""So many reasons are told of all builds together."""


class Detail(IntEnum):
    """How much of a plan is shown: each thing, each that changes (the others in groups), groups, or a few lines whatever there is."""

    EACH = 0
    CHANGES = 1
    GROUPED = 2
    COARSE = 3


def image_lines(images: Sequence[PlannedImage], detail: Detail) -> list[str]:
    changing = [image for image in images if image.action is not ImageAction.LEAVE]
    idle = [image for image in images if image.action is ImageAction.LEAVE]
    if detail is Detail.EACH:
        return _each_image([*changing, *idle])
    if detail is Detail.CHANGES:
        return [*_each_image(changing), *_image_groups(idle)]
    return [*_image_groups(changing, apart=detail is Detail.GROUPED), *_image_groups(idle)]


def build_lines(builds: Sequence[PlannedBuild], detail: Detail) -> list[str]:
    changing = [build for build in builds if build.action is not Action.REUSE]
    idle = [build for build in builds if build.action is Action.REUSE]
    if detail is Detail.EACH:
        return _each_build([*changing, *idle])
    told = {Detail.CHANGES: _each_build, Detail.GROUPED: _by_reason, Detail.COARSE: _by_action}[detail](changing)
    return [*told, *_idle(idle)]


def _each_image(images: Sequence[PlannedImage]) -> list[str]:
    width = max((len(image.ref) for image in images), default=0)
    return [f"{_sign(image)}  {image.ref:<{width}}  {_digests(image)}{_of_index(image)}".rstrip() for image in images]


def _of_index(image: PlannedImage) -> str:
    return f"  an index of {counted(len(image.index), 'image')}" if image.index else ""


def _digests(image: PlannedImage) -> str:
    if image.action is ImageAction.MOVE:
        return f"{short(image.old)} -> {short(image.new) if image.new else 'known after the build'}"
    return short(image.new) if image.action is ImageAction.CREATE else _image_why(image)


def _image_why(image: PlannedImage) -> str:
    return reasons_text([image.reason]) if image.reason.why is Why.GONE else ""


def _repository(image: PlannedImage) -> str:
    return image.ref.rpartition(":")[0]


def _image_groups(images: Sequence[PlannedImage], *, apart: bool = False) -> list[str]:
    """A line for names of one action and reason; with `apart`, for each repository of them."""
    groups: defaultdict[tuple[str, str, str], list[PlannedImage]] = defaultdict(list)
    for image in images:
        groups[_sign(image), _repository(image) if apart else "", _image_why(image)].append(image)
    return [_image_group(sign, group, why) for (sign, _, why), group in sorted(groups.items(), key=lambda pair: pair[0])]


def _image_group(sign: str, group: Sequence[PlannedImage], why: str) -> str:
    repositories = Counter(_repository(image) for image in group)
    head = f"{sign}  {len(group):>5,}"
    if len(repositories) == 1:
        (repository,) = repositories
        lead = f"{head}  {repository}: "
        told = fitting(natural(image.ref.rpartition(":")[2] for image in group), WIDTH - len(lead))
    else:
        common, names = _below(repositories)
        lead = f"{head}  in {counted(len(repositories), 'repository', 'repositories')}{f' of {common}' if common else ''}: "
        told = fitting([f"{names[each]} ({repositories[each]:,})" for each in natural(repositories)], WIDTH - len(lead))
    return f"{lead}{told}{f'  {why}' if why else ''}"


def _below(repositories: Iterable[str]) -> tuple[str, Mapping[str, str]]:
    """What repositories begin with alike, and what each is called below that."""
    parts = {repository: repository.split("/") for repository in repositories}
    alike = 0
    shortest = min(map(len, parts.values()))
    while alike < shortest - 1 and len({each[alike] for each in parts.values()}) == 1:
        alike += 1
    return "/".join(next(iter(parts.values()))[:alike]), {repository: "/".join(each[alike:]) for repository, each in parts.items()}


def _each_build(builds: Sequence[PlannedBuild]) -> list[str]:
    names = {build.name: f"{build.name}{_cells(build)}" for build in builds}
    width = max(map(len, names.values()), default=0)
    return [f"{_sign(build)}  {names[build.name]:<{width}}  {reasons_text(build.reasons)}" for build in builds]


def _cells(build: PlannedBuild) -> str:
    return f" for {counted(len(build.cells), 'cell')}" if len(build.cells) > 1 else ""


def _by_reason(builds: Sequence[PlannedBuild]) -> list[str]:
    """A line for builds of one action and reason, and under it which they are, by target."""
    groups = sorted(_alike(builds).items())
    return [line for (sign, why), group in groups for line in (f"{sign}  {len(group):>5,}  {why}", *_members(group, _PRODUCTS))]


def _alike(builds: Sequence[PlannedBuild]) -> dict[tuple[str, str], list[PlannedBuild]]:
    """Those of one action and the same reasons, both in words."""
    groups: defaultdict[tuple[str, str], list[PlannedBuild]] = defaultdict(list)
    told: dict[int, str] = {}  # by the identity of the reasons, which the builds keep
    for build in builds:
        why = told.get(id(build.reasons)) or told.setdefault(id(build.reasons), kinds_text(build.reasons))
        groups[_sign(build), why].append(build)
    return groups


def _by_action(builds: Sequence[PlannedBuild]) -> list[str]:
    groups: defaultdict[str, list[PlannedBuild]] = defaultdict(list)
    for build in builds:
        groups[_sign(build)].append(build)
    return [line for sign, group in sorted(groups.items()) for line in (f"{sign}  {len(group):>5,}  {_reasons(group)}", *_members(group, 1))]


def _reasons(group: Sequence[PlannedBuild]) -> str:
    """The most frequent reasons, with how many builds they are of."""
    counts = {why: len(alike) for (_, why), alike in _alike(group).items()}
    if len(counts) == 1:
        return next(iter(counts))
    most = sorted(counts, key=lambda why: (-counts[why], why))
    return some([f"{why} ({counts[why]:,})" for why in most], _REASONS)


def _members(group: Sequence[PlannedBuild], products: int) -> Iterator[str]:
    """`provider  12 builds: k8s {1.33, 1.34} x os {...}`, a line a product, or a line a target where they are no few products."""
    found = _by_target(tuple([build.name for build in group]))
    widths = max(map(len, found)), len(f"{max(len(points) for points, _ in found.values()):,}")
    for target, (points, boxed) in sorted(found.items()):
        for count, among, box in _products(points, boxed, products):
            lead = f"      {target:<{widths[0]}}  {count:>{widths[1]},} {'build' if count == 1 else 'builds'}"
            between = " among " if among else ": " if box else ""
            yield f"{lead}{between}{box_text(box, room=WIDTH - len(lead))}"


@lru_cache(maxsize=64)
def _by_target(names: tuple[str, ...]) -> Mapping[str, tuple[Sequence[Point], Sequence[Box]]]:
    """The points of the builds of each target, and the products that they are. Those of one action are looked at once more by reason, which often
    are the same: thousands of names are taken apart once."""
    points: defaultdict[str, list[Point]] = defaultdict(list)
    for name in names:
        found = named(name)
        points[found.target].append(found.point)
    return {target: (own, boxes(own)) for target, own in points.items()}


def _products(points: Sequence[Point], boxed: Sequence[Box], most: int) -> list[tuple[int, bool, Box]]:
    """Products with how many builds are of each; one alone may hold more than the builds, which are then among it."""
    if len(boxed) <= most and sum(map(size, boxed)) == len(points):
        return [(size(box), False, box) for box in boxed]
    return [(len(points), True, around(points))]


def _idle(builds: Sequence[PlannedBuild]) -> list[str]:
    return [f"{sign}  {len(group):>5,}  {why}: {_targets(group)}" for (sign, why), group in sorted(_alike(builds).items())]


def _targets(builds: Sequence[PlannedBuild]) -> str:
    counts = Counter(target_of(build.name) for build in builds)
    return some([f"{target} ({counts[target]:,})" for target in sorted(counts)])


def _sign(planned: PlannedImage | PlannedBuild) -> str:
    return _sign_of(planned.action)


@cache
def _sign_of(action: Action | ImageAction) -> str:
    return f"{action.symbol} {action.value:<7}"
