"""An impact becomes plain text for a person: the changed files with what each affects, the builds with why, and one line that sums up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from matrixbuild.core.counts import counted
from matrixbuild.core.impact import Affected, Effect, Impact, Reached

_LONG = 12
"""So many files or builds are shown one by one; of more files the rest is counted, and builds that are alike are one line."""

_MOST = 18
"""So many lines of builds are shown."""

_SHOWN = 3
"""So many names are told in one line; the others are counted."""

_SYMBOLS = {Effect.CHANGED: "~", Effect.NEW: "+", Effect.GONE: "-", Effect.MAY_CHANGE: "?"}
_VERBS = {Effect.CHANGED: "change", Effect.NEW: "are new", Effect.GONE: "are gone", Effect.MAY_CHANGE: "may change"}
_VERB = {Effect.CHANGED: "changes", Effect.NEW: "is new", Effect.GONE: "is gone", Effect.MAY_CHANGE: "may change"}


def impact_text(impact: Impact, *, every: bool) -> str:
    """About 40 lines at most; with `every`, each file, build and cell in a line of its own. LF-terminated."""
    sections = (
        ("Changed files", _files(impact.files, every=every)),
        ("Builds", _each(impact.builds) if every else _builds(impact.builds)),
        ("Notes", impact.notes if every else _cut(impact.notes, _SHOWN)),
    )
    parts = ["\n".join([title, *(f"  {line}" for line in lines)]) for title, lines in sections if lines]
    return "\n\n".join([*parts, _summary(impact)]) + "\n"


def _files(files: Sequence[Reached], *, every: bool) -> list[str]:
    affecting = [file for file in files if file.builds]
    shown = affecting if every else affecting[:_LONG]
    width = max((len(file.path) for file in shown), default=0)
    most = len(files) if every else _SHOWN
    lines = [f"{_printable(file.path):<{width}}  {_some(file.targets, most)}  {counted(len(file.builds), 'build')}" for file in shown]
    lines += [f"and {len(affecting) - len(shown)} more that affect builds"] if len(affecting) > len(shown) else []
    without = [file.path for file in files if not file.builds]
    if every:
        return [*lines, *(f"{_printable(path):<{width}}  affects nothing" for path in without)]
    return [*lines, *([f"{_some(list(map(_printable, without)))}: nothing"] if without else [])]


def _builds(builds: Sequence[Affected]) -> list[str]:
    if len(builds) <= _LONG:
        names = {build.build: f"{build.build}{f' for {len(build.cells)} cells' if len(build.cells) > 1 else ''}" for build in builds}
        width = max(map(len, names.values()), default=0)
        return [f"{_SYMBOLS[build.effect]} {names[build.build]:<{width}}  {_why(build)}".rstrip() for build in builds]
    lines = _grouped(builds, by_reason=True)
    return _cut(lines if len(lines) <= _MOST else _grouped(builds, by_reason=False), _MOST)


def _grouped(builds: Sequence[Affected], *, by_reason: bool) -> list[str]:
    groups: defaultdict[tuple[str, str, str], list[Affected]] = defaultdict(list)
    for build in builds:
        groups[_SYMBOLS[build.effect], build.build.partition("[")[0], _why(build, short=True) if by_reason else ""].append(build)
    return [line for (symbol, target, why), group in groups.items() for line in _group(symbol, target, why or _whys(group), group)]


def _whys(group: Sequence[Affected]) -> str:
    return _some(list(dict.fromkeys(_printable(path) for build in group for path, _ in build.files)))


def _group(symbol: str, target: str, why: str, group: Sequence[Affected]) -> list[str]:
    values: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for build in group:
        for part in filter(None, build.build.partition("[")[2].rpartition("]")[0].split(",")):
            axis, _, value = part.partition("=")
            values[axis][value] = None
    axes = "; ".join(f"{axis} {_some(list(found))}" for axis, found in values.items())
    return [f"{symbol} {len(group):>5}  {target}  {why}".rstrip(), *([f"         {axes}"] if axes else [])]


def _each(builds: Sequence[Affected]) -> list[str]:
    return [line for build in builds for line in (f"{_SYMBOLS[build.effect]} {build.build}  {_why(build)}".rstrip(), *_cells(build))]


def _cells(build: Affected) -> list[str]:
    return [f"    {cell or 'the only cell'}" for cell in build.cells]


def _why(build: Affected, *, short: bool = False) -> str:
    """`overlay/motd, Earthfile (commands); through base[os=jammy]`."""
    others = [name for name in build.inputs if name != "files"]
    files = _some([_printable(path) for path, _ in build.files])
    own = " ".join(part for part in (files, f"({', '.join(others)})" if others else "") if part)
    needs = [name.partition("[")[0] for name in build.through] if short else build.through
    through = f"through {_some(list(dict.fromkeys(needs)))}" if needs else ""
    return "; ".join(part for part in (own, through) if part)


def _summary(impact: Impact) -> str:
    counts = Counter(build.effect for build in impact.builds)
    idle = sum(not file.builds for file in impact.files)
    files = f"{counted(len(impact.files), 'changed file')}{f', {idle} without effect' if idle and impact.builds else ''}"
    if not impact.builds:
        return f"{files}: no build is affected, of {impact.total}."
    cells = len({cell for build in impact.builds for cell in build.cells})
    told = ", ".join(f"{counted(count, 'build')} {(_VERB if count == 1 else _VERBS)[effect]}" for effect, count in _in_order(counts.items()))
    return f"{files}: {told}, of {impact.total}; {counted(cells, 'cell')}."


def _cut(lines: Sequence[str], most: int) -> list[str]:
    more = len(lines) - most
    return [*lines[:most], *([f"and {more} more lines: --all shows everything"] if more > 0 else [])]


def _in_order(counts: Iterable[tuple[Effect, int]]) -> list[tuple[Effect, int]]:
    return sorted(counts, key=lambda pair: list(Effect).index(pair[0]))


def _some(names: Sequence[str], most: int = _SHOWN) -> str:
    more = len(names) - most
    return f"{', '.join(names[:most])} and {more} more" if more > 0 else ", ".join(names)


def _printable(path: str) -> str:
    """A path in one line, whatever bytes are in it."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode() for char in path)
