"""What an update of a lock moves becomes plain text for a person: pin by pin, then what that rebuilds, then one line that sums up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from matrixbuild.cli.show_plan_words import printable, reasons_text, some
from matrixbuild.core.counts import counted
from matrixbuild.core.names import short
from matrixbuild.core.pin_moves import LockUpdate, Move, Upstream, VersionMove
from matrixbuild.core.plan import Action, PlannedBuild

_SHOWN = 8
"""So many commits, files, builds or names are shown one by one; the others are counted."""


def update_text(update: LockUpdate, *, lock: Path, dry_run: bool, every: bool) -> str:
    """About 40 lines; with `every`, everything. LF-terminated."""
    most = None if every else _SHOWN
    sections = (
        ("Source", [] if update.upstream is None else list(_source(update.upstream, most))),
        ("Engine", [] if update.engine is None else [_arrow(update.engine.old, update.engine.new)]),
        ("Versions", _cut([line for move in update.versions for line in _versions(move)], most)),
        ("Base images", _cut([_image(move) for move in update.images], most)),
        ("Generations", _cut([_generation(move) for move in update.generations], most)),
        ("Builds", _cut([_build(build) for build in update.builds], most)),
        ("Notes", list(_notes(update, most))),
    )
    parts = ["\n".join([title, *(f"  {line}" for line in lines)]) for title, lines in sections if lines]
    return "\n\n".join([*parts, "\n".join(_summary(update, lock, dry_run=dry_run))]) + "\n"


def _source(found: Upstream, most: int | None) -> Iterator[str]:
    yield f"{found.git} {found.ref}: {_arrow(found.old[:12], found.new[:12])}"
    if found.rewritten:
        yield "its history was rewritten: the old commit is not in that of the new one"
    more = found.count - len(found.commits[:most])
    yield from (f"  {commit.id[:12]} {printable(commit.subject)}" for commit in found.commits[:most])
    yield from [f"  and {counted(more, 'more commit')}"] if more > 0 else []
    if found.old and not found.notes:
        idle = sum(not file.targets for file in found.files)
        yield f"{counted(len(found.files), 'changed file')}{f', {idle} without effect' if idle else ''}"
    yield from _cut([f"  {name}: {some([printable(path) for path in files])}" for name, files in found.targets], most)
    yield from _cut(
        [f"upstream changed {printable(path)}, over which {printable(origin)} is laid: look at both" for path, origin in found.overlaid], most
    )


def _versions(move: VersionMove) -> Iterator[str]:
    if not move.old:
        yield f"{move.axis} {move.pick}: {', '.join(move.new)}"
    elif not move.new:
        yield f"{move.axis} {move.pick}: no longer in the manifest"
    else:
        changes = [*(f"+{version}" for version in move.gained), *(f"-{version}" for version in move.lost)]
        yield f"{move.axis} {move.pick}: {', '.join(changes) or 'another order'}"


def _image(move: Move) -> str:
    if not move.new:
        return f"{move.name}: no build starts from it any more"
    return f"{move.name}: {_arrow(short(move.old), short(move.new))}"


def _generation(move: Move) -> str:
    return f"{move.name}: {_arrow(move.old, move.new)}" if move.new else f"{move.name}: there is no such build any more"


def _build(build: PlannedBuild) -> str:
    cells = f" for {len(build.cells)} cells" if len(build.cells) > 1 else ""
    return f"{build.action.symbol} {build.action.value:<7}  {build.name}{cells}  {reasons_text(build.reasons)}"


def _notes(update: LockUpdate, most: int | None) -> Iterator[str]:
    yield from map(printable, [*update.notes, *(update.upstream.notes if update.upstream else ())])
    if update.held:
        names = counted(len(update.held), "image name")
        yield f"tags are immutable, and {names} would have to move: give the release new tags, or apply with --overwrite REF"
        yield from _cut([f"  {ref}" for ref in update.held], most)


def _summary(update: LockUpdate, lock: Path, *, dry_run: bool) -> Iterator[str]:
    near = os.path.relpath(lock)
    if not update.moved:
        yield f"Every pin is where it was; {near} is unchanged." if not update.written else f"Every pin is where it was; {near} is written."
        return
    yield _rebuilt(update)
    yield f"{near} is left as it was (--dry-run)." if dry_run else f"{near} has the new pins; commit it, then apply."


def _rebuilt(update: LockUpdate) -> str:
    if not update.compared:
        return f"{counted(update.pending, 'build')} to run, for it or anyway."
    builds = counted(sum(build.action is not Action.RETIRE for build in update.builds), "build")
    pending = f", {counted(update.pending, 'other')} to be built anyway" if update.pending else ""
    return f"{builds} to run for it{pending}."


def _arrow(old: str, new: str) -> str:
    return f"{old} -> {new}" if old else f"-> {new}"


def _cut(lines: Sequence[str], most: int | None) -> list[str]:
    more = 0 if most is None else len(lines) - most
    return [*lines[:most], *([f"and {more} more: --all shows everything"] if more > 0 else [])]
