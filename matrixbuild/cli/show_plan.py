"""A plan becomes plain text for a person: what the manifest asks for, image names, builds with their reasons, and what sums it up."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from matrixbuild.cli.show_forecast import span
from matrixbuild.cli.show_plan_lines import Detail, build_lines, image_lines
from matrixbuild.cli.show_plan_words import printable
from matrixbuild.cli.show_sections import Section, Ways, fitted, shorter
from matrixbuild.core.basis import Basis
from matrixbuild.core.boxes import target_of
from matrixbuild.core.counts import counted
from matrixbuild.core.image_names import ImageAction
from matrixbuild.core.plan import Action, Corrected, Dropped, Plan, PlannedBuild
from matrixbuild.core.shared_work import SharedWork

if TYPE_CHECKING:
    from matrixbuild.core.against import Against

LONGEST = 40
"""So many lines are shown at most, unless everything is asked for."""

_ENDLESS = sys.maxsize
_SHARED = 3

_LOSSES = {Detail.EACH: 0, Detail.CHANGES: 2, Detail.GROUPED: 3, Detail.COARSE: 8}
"""What is lost by showing image names or builds with so much detail."""


def plan_text(plan: Plan, split: Against | None = None, *, every: bool = False) -> str:
    """At most 40 lines: what is too much for them is grouped by action, reason and axis; with `every`, a line for each image name and build.
    With `split`, what a change brings and what was pending before it are told apart. LF-terminated; the plan's digest is last."""
    sections = _sections(plan, split, every=every)
    summary = summary_lines(plan)
    chosen, whole = fitted(sections, _ENDLESS if every else LONGEST - len(summary) - 2)
    parts = [_part(section.title, lines) for section, lines in zip(sections, chosen, strict=True) if lines]
    hint = [] if whole else ["Long lists are in groups, or cut: --all shows everything."]
    return "\n".join(map(printable, _joined([*parts, [*summary, *hint, digest_line(plan)]]))) + "\n"


def digest_line(plan: Plan) -> str:
    return f"Plan {plan.digest}"


def target_lines(plan: Plan) -> list[str]:
    """A table of targets: for how many cells, by how many builds, under how many image names; nothing where there is only one target."""
    wanted = [build for build in plan.builds if build.action is not Action.RETIRE]
    cells: dict[str, set[str]] = {}
    for build in wanted:
        cells.setdefault(target_of(build.name), set()).update(build.cells)
    builds = Counter(target_of(build.name) for build in wanted)
    names = Counter(target_of(image.build) for image in plan.images if image.build)
    rows = [[target, f"{len(cells[target]):,}", f"{builds[target]:,}", f"{names[target]:,}" if names[target] else "-"] for target in sorted(cells)]
    if len(rows) < 2:
        return []
    table = [["", "cells", "builds", "image names"], *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [f"{row[0]:<{widths[0]}}  " + "  ".join(f"{text:>{width}}" for text, width in zip(row[1:], widths[1:], strict=True)) for row in table]


def dropped_lines(dropped: Sequence[Dropped]) -> list[str]:
    width = max((len(f"{each.cells:,}") for each in dropped), default=0)
    names = max((len(each.rule) for each in dropped), default=0)
    return [f"{each.cells:>{width},}  {each.rule:<{names}}  {each.reason}" for each in dropped]


def uses_lines(uses: Sequence[Corrected]) -> list[str]:
    width = max((len(each.target) for each in uses), default=0)
    return [f"{each.target:<{width}}  uses.{each.effect}: {each.arg}, by {each.where}" for each in uses]


def pin_lines(to_pin: Sequence[str]) -> list[str]:
    return [f"+ pin     {ref}  to the digest it has when apply asks" for ref in to_pin]


def summary_lines(plan: Plan) -> list[str]:
    """How much there is, what becomes of it, what some builds have that others have not, and what the command line said."""
    actions: Mapping[Action, int] = Counter(build.action for build in plan.builds)
    images: Mapping[ImageAction, int] = Counter(image.action for image in plan.images)
    counts = plan.counts
    whole = f"{counted(counts.cells, 'cell')} -> {counted(counts.demands, 'build')} -> {counts.builds:,} after deduplication"
    done = ", ".join(f"{actions[action]:,} to {action.value}" for action in Action if actions.get(action))
    names = ", ".join(f"{images[action]:,} to {action.value}" for action in ImageAction if images.get(action))
    told = f"{f'Image names: {names}. ' if names else ''}Builds: {done or 'none'}."
    return [whole, told if plan.changes else f"Nothing to do. {told}", *_remarks(plan.builds), *shared_lines(plan.shared), *_options(plan.basis)]


def shared_lines(shared: Sequence[SharedWork]) -> list[str]:
    """One line about the Earthly targets that are made for several builds at once: those that spare most."""
    if not shared:
        return []
    told = [f"{each.target} {_times(each.times)} for {counted(each.builds, 'build')}" for each in shared[:_SHARED]]
    more = [f"{len(shared) - _SHARED:,} more"] if len(shared) > _SHARED else []
    return [f"Shared work: {', '.join([*told, *more])}{_saved(shared)}."]


def _saved(shared: Sequence[SharedWork]) -> str:
    known = [each.seconds for each in shared if each.seconds is not None]
    return f"; about {span(sum(known))}, learned" if known else ""


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def _sections(plan: Plan, split: Against | None, *, every: bool) -> list[Section]:
    """In the order in which they are shown; those that have nothing to show are left out."""
    images, builds = _planned(plan, every=every) if split is None else ((), ())
    apart = [] if split is None else [*_titled(split.change, _since(split), every=every), *_titled(split.pending, "already pending", every=every)]
    found: list[tuple[str, Ways]] = [
        ("Image names", images),
        *apart,
        ("Base images", shorter(pin_lines(plan.to_pin))),
        ("Builds", builds),
        ("Dropped cells, by rule", shorter(dropped_lines(plan.dropped))),
        ("ARGs that count otherwise than the Earthfile shows", shorter(uses_lines(plan.uses))),
        ("Targets", _table(plan)),
        ("Notes", shorter(_notes(split) if split else ())),
    ]
    sections = [Section(title, ways) for title, ways in found if ways]
    return [section for section in sections if section.lines(0)]


def _table(plan: Plan) -> Ways:
    return [(lambda: target_lines(plan), 0), (lambda: (), 2)]


def _notes(split: Against) -> list[str]:
    settled = [f"no longer pending: {counted(len(split.settled), 'build')}"] if split.settled else []
    return [*split.notes, *settled]


def _since(split: Against) -> str:
    return f"by this change (since {split.revision})"


def _titled(plan: Plan, whose: str, *, every: bool) -> list[tuple[str, Ways]]:
    images, builds = _planned(plan, every=every)
    return [(f"Image names {whose}", images), (f"Builds {whose}", builds)]


def _planned(plan: Plan, *, every: bool) -> tuple[Ways, Ways]:
    """The ways to tell the image names and the builds, each with what it loses."""
    images = _details([image.action is not ImageAction.LEAVE for image in plan.images], every=every)
    builds = _details([build.action is not Action.REUSE for build in plan.builds], every=every)
    return (
        [(partial(image_lines, plan.images, way), _LOSSES[way]) for way in images],
        [(partial(build_lines, plan.builds, way), _LOSSES[way]) for way in builds],
    )


def _details(changing: Sequence[bool], *, every: bool) -> Sequence[Detail]:
    """The ways to show things that change or do not: each of thousands is only put into words where that is asked for."""
    if every:
        return (Detail.EACH,)
    first = Detail.EACH if len(changing) <= LONGEST else Detail.CHANGES if sum(changing) <= LONGEST else Detail.GROUPED
    return tuple(Detail)[first:]


def _part(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)]


def _joined(parts: Sequence[Sequence[str]]) -> list[str]:
    return [line for part in parts for line in ("", *part)][1:]


def _options(basis: Basis | None) -> list[str]:
    """What the command line said that changes what comes out."""
    if basis is None:
        return []
    lines = [f"Vars given with --set: {', '.join(f'{name}={value}' for name, value in basis.sets)}."] if basis.sets else []
    lines += [f"Selected with -l {basis.selector}: everything else stays as it is."] if basis.selector else []
    return [*lines, *(["The source is a directory given with --source."] if basis.stands_in else [])]


def _remarks(builds: Iterable[PlannedBuild]) -> list[str]:
    """One line about what builds have that others have not: what is opaque in them, secrets, privileges; none where none has any."""
    wanted = [build for build in builds if build.action is not Action.RETIRE]
    opaque = Counter(kind for build in wanted for kind in build.opaque)
    secrets = Counter(name for build in wanted for name in build.secrets)
    privileged = sum(build.privileged for build in wanted)
    parts = [f"{counted(opaque['time'], 'build')} with steps opaque in time"] if opaque["time"] else []
    parts += [f"{opaque['inputs']:,} for which every file counts"] if opaque["inputs"] else []
    parts += [f"{number:,} with the secret {name}" for name, number in sorted(secrets.items())]
    parts += [f"{privileged:,} with privileges"] if privileged else []
    return [f"Among them: {'; '.join(parts)}."] if parts else []
