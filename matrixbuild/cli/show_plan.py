"""A plan becomes plain text for a person: image names first, then builds, then one line that sums up."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.image_names import ImageAction, PlannedImage
from matrixbuild.core.plan import Action, Plan, PlannedBuild

LONG = 30
"""So many lines are shown one by one; with more, those alike are grouped."""

_SHOWN = 8
"""So many values of an axis, or changes of a build, are named; the others are counted."""

_WORDS = {
    Why.NEW: "new",
    Why.EXPIRED: "too old",
    Why.FORCED: "asked for",
    Why.MISSING: "no longer in the registry",
    Why.ADOPTED: "in the registry already",
    Why.UNCHANGED: "unchanged",
    Why.GONE: "no longer in the manifest; tags are kept",
}
_HOW = {"added": "+", "removed": "-", "modified": ""}


def plan_text(plan: Plan) -> str:
    """The plan, a line each for image names and builds, or a few lines a group where there are many; LF-terminated."""
    pins = [f"+ pin     {ref}  to the digest it has when apply asks" for ref in plan.to_pin]
    sections = (("Image names", _images(plan.images)), ("Base images", pins), ("Builds", _builds(plan.builds)))
    parts = [*(_section(title, lines) for title, lines in sections), [_summary(plan)]]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def reason_text(reason: Reason) -> str:
    """One reason in words: `args VERSION, files overlay/motd`."""
    match reason.why:
        case Why.CHANGED:
            return _changes(reason.changes)
        case Why.NEED_CHANGED:
            return f"needs {reason.build}"
        case Why.BASE_MOVED:
            return f"base image {reason.ref} moved: {_short(reason.old)} -> {_short(reason.new)}"
        case Why.MISSING_ARTIFACT:
            return f"not on this machine: {', '.join(change.name for change in reason.changes)}"
        case _:
            return _WORDS[reason.why]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _images(images: Sequence[PlannedImage]) -> list[str]:
    if len(images) > LONG:
        return _grouped((image.action.symbol, image.action.value, _image_why(image), _family(image.ref), _variant(image.ref)) for image in images)
    width = max((len(image.ref) for image in images), default=0)
    rows = [f"{image.action.symbol} {image.action.value:<7}  {image.ref:<{width}}  {_digests(image)}" for image in sorted(images, key=_image_order)]
    return [row.rstrip() for row in rows]


def _image_order(image: PlannedImage) -> tuple[bool, str]:
    return image.action is ImageAction.LEAVE, image.ref


def _image_why(image: PlannedImage) -> str:
    return _WORDS[Why.GONE] if image.reason.why is Why.GONE else ""


def _digests(image: PlannedImage) -> str:
    if image.action is ImageAction.MOVE:
        return f"{_short(image.old)} -> {_short(image.new) if image.new else 'known after the build'}"
    if image.action is ImageAction.CREATE:
        return _short(image.new)
    return _image_why(image)


def _builds(builds: Sequence[PlannedBuild]) -> list[str]:
    if len(builds) > LONG:
        return _grouped((build.action.symbol, build.action.value, _why(build), *_split(build.name)) for build in builds)
    names = {build.name: f"{build.name}{_cells(build)}" for build in builds}
    width = max(map(len, names.values()), default=0)
    rows = sorted(builds, key=_build_order)
    return [f"{build.action.symbol} {build.action.value:<7}  {names[build.name]:<{width}}  {_why(build)}" for build in rows]


def _build_order(build: PlannedBuild) -> tuple[bool, str]:
    return build.action is Action.REUSE, build.name


def _cells(build: PlannedBuild) -> str:
    return f" for {len(build.cells)} cells" if len(build.cells) > 1 else ""


def _why(build: PlannedBuild) -> str:
    return "; ".join(reason_text(reason) for reason in build.reasons)


def _grouped(rows: Iterable[tuple[str, str, str, str, str]]) -> list[str]:
    """Rows of (symbol, word, reason, family, variant) that differ only in the variant as one line, and under it how their axes vary."""
    groups: defaultdict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for *kind, variant in rows:
        symbol, word, why, family = kind
        groups[symbol, word, why, family].append(variant)
    lines = []
    for (symbol, word, why, family), variants in sorted(groups.items(), key=lambda group: (group[0][0] == "=", *group[0])):
        lines.append(f"{symbol} {word:<7}  {len(variants):>5}  {family}{f'  {why}' if why else ''}")
        lines += [f"                    {line}" for line in _axes(variants)]
    return lines


def _axes(variants: Sequence[str]) -> list[str]:
    """`os: ubuntu-22.04, ubuntu-24.04`, a line an axis; variants without axes (tags) in one line."""
    values: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for variant in variants:
        for part in variant.split(",") if variant else ():
            axis, equals, value = part.partition("=")
            values[axis if equals else ""][value if equals else part] = None
    return [f"{axis}: {_some(_natural(found))}" if axis else _some(_natural(found)) for axis, found in sorted(values.items())]


def _natural(values: Iterable[str]) -> list[str]:
    """`1.9` before `1.10`."""
    return sorted(values, key=lambda value: [part.zfill(12) if part.isdigit() else part for part in re.split(r"(\d+)", value)])


def _split(name: str) -> tuple[str, str]:
    """`iso[os=ubuntu-24.04]` -> `iso`, `os=ubuntu-24.04`."""
    target, _, rest = name.partition("[")
    return target, rest.partition("]")[0]


def _family(ref: str) -> str:
    return ref.rpartition(":")[0]


def _variant(ref: str) -> str:
    return ref.rpartition(":")[2]


def _changes(changes: Sequence[Change]) -> str:
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for change in changes:
        fields[change.field] += [f"{_HOW[change.how]}{change.name}"] if change.name else []
    return ", ".join(f"{name} {_some(found)}" if found else name for name, found in sorted(fields.items()))


def _some(values: Sequence[str]) -> str:
    more = len(values) - _SHOWN
    return f"{', '.join(values[:_SHOWN])} and {more} more" if more > 0 else ", ".join(values)


def _short(digest: str) -> str:
    return digest[: len("sha256:") + 12]


def _summary(plan: Plan) -> str:
    actions: Mapping[Action, int] = Counter(build.action for build in plan.builds)
    images: Mapping[ImageAction, int] = Counter(image.action for image in plan.images)
    counted = plan.counts
    whole = f"{_count(counted.cells, 'cell')} -> {_count(counted.demands, 'build')} -> {counted.builds} after deduplication"
    done = ", ".join(f"{actions[action]} to {action.value}" for action in Action if actions.get(action))
    names = ", ".join(f"{images[action]} to {action.value}" for action in ImageAction if images.get(action))
    told = f"{f'Image names: {names}. ' if names else ''}Builds: {done or 'none'}."
    return f"{whole}\n{told if plan.changes else f'Nothing to do. {told}'}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
