"""A plan becomes Markdown for a pull request: short, with the rest folded away, and nothing of the manifest read as markup.

Whatever a manifest, a file name or a lock says stands in fenced code or code spans: there no renderer looks for HTML, links, mentions or tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from matrixbuild.cli.show_plan import dropped_lines, pin_lines, summary_lines, target_lines, uses_lines
from matrixbuild.cli.show_plan_lines import Detail, build_lines, image_lines
from matrixbuild.cli.show_plan_words import printable
from matrixbuild.cli.show_sections import cut
from matrixbuild.core.against import Against
from matrixbuild.core.counts import counted
from matrixbuild.core.plan import Plan

LARGEST = 60_000
"""Characters at most: a comment of GitHub's holds 65,536."""

_OVERVIEW = 30
"""So many lines are not folded away."""

_LONGEST = 400
"""Characters of a line that is not folded away."""


def plan_markdown(plan: Plan, split: Against | None = None) -> str:
    """At most 60,000 characters, LF-terminated. The first line is a hidden marker by which a bot finds its comment again. With `split`, what a
    change brings and what was pending before it are told apart."""
    head = [marker(plan.name), f"### matrixbuild plan of {code(plan.name)}", *_block(summary_lines(plan))]
    foot = ["", f"Plan {code(plan.digest)}: `apply --expect` with this digest does this and nothing else."]
    if split is None:
        return _whole(head, _overview(plan), _details(plan), foot)
    change = ["", f"**By this change** (since {code(split.revision)})", *_overview(split.change)]
    overview = [*change, "", "**Already pending**", *_overview(split.pending)]
    overview += ["", f"No longer pending: {counted(len(split.settled), 'build')}."] if split.settled else []
    overview += _block(split.notes) if split.notes else []
    details = [*_details(split.change, "by this change"), *_details(split.pending, "already pending"), *_context(plan)]
    return _whole(head, overview, details, foot)


def marker(name: str) -> str:
    """The hidden line by which a comment about the plan of this manifest is known."""
    return f"<!-- matrixbuild:plan {re.sub(r'[^A-Za-z0-9._-]', '_', name)[:_LONGEST]} -->"


def code(text: str) -> str:
    """A code span that holds this text, whatever is in it; a very long one is cut."""
    told = _clipped(printable(text))
    fence = _fence(told, 1)
    room = " " if told.startswith("`") or told.endswith("`") or not told.strip() else ""
    return f"{fence}{room}{told}{room}{fence}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(longest + 1, least)


def _overview(plan: Plan) -> list[str]:
    """What is done, in groups; without the lists of what is left as it is."""
    images, builds = image_lines(plan.images, Detail.GROUPED), build_lines(plan.builds, Detail.GROUPED)
    if len(images) + len(builds) > _OVERVIEW:
        images, builds = image_lines(plan.images, Detail.COARSE), build_lines(plan.builds, Detail.COARSE)
    lines = [*cut(images, _OVERVIEW // 2), *([""] if images and builds else []), *cut(builds, _OVERVIEW // 2)]
    return _block(lines, "diff") if lines else ["", "Nothing."]


def _details(plan: Plan, whose: str = "") -> list[tuple[str, Sequence[str]]]:
    """Folded parts: title and lines."""
    of = f" {whose}" if whose else ""
    parts = [
        (f"{counted(len(plan.images), 'image name')}{of}", image_lines(plan.images, Detail.EACH)),
        (f"{counted(len(plan.builds), 'build')}{of}", build_lines(plan.builds, Detail.EACH)),
    ]
    return [part for part in [*parts, *([] if whose else _context(plan))] if part[1]]


def _context(plan: Plan) -> list[tuple[str, Sequence[str]]]:
    cells = sum(each.cells for each in plan.dropped)
    parts = [
        (counted(len(plan.to_pin), "base image") + " to pin", pin_lines(plan.to_pin)),
        (f"{counted(cells, 'cell')} dropped by {counted(len(plan.dropped), 'rule')}", dropped_lines(plan.dropped)),
        (f"{counted(len(plan.uses), 'ARG')} corrected by `uses`", uses_lines(plan.uses)),
        ("Targets", target_lines(plan)),
    ]
    return [part for part in parts if part[1]]


def _whole(head: Sequence[str], overview: Sequence[str], details: Sequence[tuple[str, Sequence[str]]], foot: Sequence[str]) -> str:
    room = LARGEST - _size([*head, *overview, *foot])
    parts: list[str] = []
    for position, (title, lines) in enumerate(details):
        # What the later parts need is kept for them, up to an equal share.
        share = room // (len(details) - position)
        later = sum(min(_size(_folded(title, lines)), share) for title, lines in details[position + 1 :])
        part = _folded(title, _fitted(title, lines, room - later))
        parts += part
        room -= _size(part)
    return "".join(f"{line}\n" for line in [*head, *overview, *parts, *foot])


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"<details><summary>{title}</summary>", *_fenced(list(map(printable, lines)), "diff"), "", "</details>"]


def _fitted(title: str, lines: Sequence[str], room: int) -> Sequence[str]:
    """As many whole lines as there is room for, and how many are left out."""
    if _size(_folded(title, lines)) <= room:
        return lines
    room -= _size(_folded(title, ["... and 1,000,000 more: `plan --all` shows them"]))
    kept = 0
    while kept < len(lines) and (room := room - len(printable(lines[kept])) - 1) >= 0:
        kept += 1
    return [*lines[:kept], f"... and {len(lines) - kept:,} more: `plan --all` shows them"]


def _block(lines: Iterable[str], language: str = "") -> list[str]:
    """Lines that stand in any case: very long ones are cut."""
    return _fenced([_clipped(printable(line)) for line in lines], language)


def _fenced(lines: Sequence[str], language: str) -> list[str]:
    told = list(map(_marked, lines)) if language == "diff" else lines
    fence = _fence("\n".join(told), 3)
    return ["", f"{fence}{language}", *told, fence]


def _clipped(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _marked(line: str) -> str:
    """As a diff is coloured: what is changed with `!`."""
    return f"!{line[1:]}" if line.startswith("~ ") else line


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)
