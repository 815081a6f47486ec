"""What builds share of each Earthfile -> text for a person, and JSON as schemas/explain.schema.json describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from matrixbuild.cli.show_explain_words import at
from matrixbuild.cli.show_plan_words import printable
from matrixbuild.core.earthfile.narrowing import Moved
from matrixbuild.core.problems import Place
from matrixbuild.core.shared_work import SharedWork
from matrixbuild.workflow.explaining_cache import Cached, CacheView, Obstacle


def cache_text(view: CacheView) -> str:
    """LF-terminated: of each Earthfile its Earthly targets, the lines that stand in the way, and those that are rewritten."""
    lines = [f"Nothing is shared: {view.why}."] if view.why else []
    for found in view.earthfiles:
        lines += ["", *_told(found)] if lines else list(_told(found))
    return "".join(f"{printable(line)}\n" for line in lines)


def _told(found: Cached) -> Iterator[str]:
    yield found.earthfile if found.narrowed else f"{found.earthfile}, as its author wrote it"
    yield from _table(found.targets) if found.targets else ["  No build runs a command here."]
    if found.obstacles:
        yield from ("", "  What stands in the way", *(f"    {_obstacle(each)}" for each in found.obstacles))
    if found.moved:
        yield from ("", "  ARGs that are declared elsewhere", *(f"    {_moved(each)}" for each in found.moved))
    if found.diff:
        yield from ("", *found.diff)


def _table(targets: Sequence[SharedWork]) -> list[str]:
    rows = [[each.target, f"{each.builds:,}", f"{each.times:,}", f"{each.unshared:,}", f"{each.commands:,}"] for each in targets]
    table = [["", "builds", "made", "unshared", "commands"], *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    numbers = ("  ".join(f"{text:>{width}}" for text, width in zip(row[1:], widths[1:], strict=True)) for row in table)
    return [f"  {row[0]:<{widths[0]}}  {rest}" for row, rest in zip(table, numbers, strict=True)]


def _obstacle(found: Obstacle) -> str:
    return f"{at(found.place)}  {found.what}" if found.place else found.what


def _moved(found: Moved) -> str:
    into = ", ".join(f"+{each.target}" for each in found.into) or "nowhere: nothing that is built names it"
    return f"{found.name}  from {at(found.place)} to {into}"


def cache_json(view: CacheView) -> str:
    subjects = [_cached(view, each) for each in view.earthfiles] or [_nothing(view)]
    shown = {"kind": "Explanation", "name": view.name, "subjects": subjects, "problems": []}
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _nothing(view: CacheView) -> dict[str, object]:
    return {"kind": "cache", "earthfile": "", "narrowed": False, "why": view.why, "targets": [], "obstacles": [], "moved": [], "diff": []}


def _cached(view: CacheView, found: Cached) -> dict[str, object]:
    return {
        "kind": "cache",
        "earthfile": found.earthfile,
        "narrowed": found.narrowed,
        "why": view.why,
        "targets": [each.to_dict() for each in found.targets],
        "obstacles": [{"what": each.what, "place": _place(each.place)} for each in found.obstacles],
        "moved": [
            {"name": each.name, "place": _place(each.place), "into": [{"target": f"+{one.target}", "line": one.line} for one in each.into]}
            for each in found.moved
        ],
        "diff": list(found.diff),
    }


def _place(place: Place | None) -> dict[str, object] | None:
    return {"file": place.file, "line": place.line, "column": place.column, "text": place.text.strip()} if place else None
