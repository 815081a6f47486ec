"""An explained Earthly target -> plain text for a person: each thing it depends on, with the line that proves it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from matrixbuild.cli.show_explain_args import used_lines
from matrixbuild.cli.show_explain_words import WIDTH, at, cut, listed, marked, plain, problem_lines, some, tag, wrapped
from matrixbuild.core.cells import Cell
from matrixbuild.core.earthfile.analysis import Edge
from matrixbuild.core.earthfile.features import beyond_number
from matrixbuild.core.earthfile.findings import EdgeKind, Opacity
from matrixbuild.core.explain_variants import Explanation, Seen, Variant

_IMAGES = 8
"""So many images are shown; the others are counted."""


def explanation_text(found: Explanation) -> str:
    """Everything there is to tell of one Earthly target; LF-terminated."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Explanation) -> Iterator[str]:
    yield found.earthly
    yield from _about(found)
    sections = (
        (f"Used ARGs: {len({seen.what.name for seen in found.used})}", used_lines(found, WIDTH)),
        (f"Name-only ARGs: {len(found.name_only)} (they reach nothing but names of images)", _names(found, found.name_only)),
        (f"Unused ARGs: {len(found.unused)} (no path leads from them to anything)", _names(found, found.unused)),
        ("Corrected by the manifest's `uses`", _corrections(found)),
        ("Earthly targets it comes to", _tree(found)),
        (f"Base images{_platform(found)}", _bases(found)),
        ("Files it reads, by Earthly target", _files(found)),
        ("Images it saves (named as the first call that can be told apart names them)", _images(found)),
        ("Files it writes to the checkout", [f"{at(one.what.place)}  AS LOCAL {one.what.path}{tag(found, one)}" for one in found.locals]),
        ("Secrets", [f"{at(one.what.place)}  {one.what.name}{tag(found, one)}" for one in found.secrets]),
        ("Privileged", [f"{at(one.what.place)}  {one.what.name}{tag(found, one)}" for one in found.privileged]),
        ("Guards that fire", [f"{at(one.what.place)}  {one.what.message}{tag(found, one)}" for one in found.guards]),
        ("Opaque", _opaque(found)),
    )
    for title, lines in sections:
        shown = list(lines)
        if shown:
            yield from ("", title, *(f"  {line}" for line in shown))


def _about(found: Explanation) -> Iterator[str]:
    if found.declared_by:
        yield f"  built by the manifest's {listed('target', found.declared_by)}"
    else:
        yield "  built by no target of the manifest: looked at with its own defaults and what every target is given"
    if found.reached_by:
        yield from wrapped("  reached from ", found.reached_by)
    if found.left_out:
        yield from wrapped("  without the args that only a target with an image or needs can have: ", found.left_out)
    if found.features:
        number = found.features[0]
        yield from wrapped("  VERSION ", (*beyond_number(found.features), f"{number} (with the features of {number})"), glue=" ")
    yield from _variants(found)


def _variants(found: Explanation) -> Iterator[str]:
    everyone = [caller.cell for variant in found.variants for caller in variant.callers]
    if len(found.variants) == 1:
        args = [f"{name}={plain(value)}" for name, value in found.variants[0].args]
        many = len(dict.fromkeys(everyone)) > 1
        head = f"  {len(dict.fromkeys(everyone))} cells see the same; the args of the first: " if many else "  args: "
        yield from wrapped(head, args or ["none"])
        return
    yield f"  {len(dict.fromkeys(everyone))} cells see {len(found.variants)} variants; what not all see is marked with their numbers"
    for variant in found.variants:
        yield from wrapped(f"  [{variant.number}] ", [_where(variant, everyone)])
        if variant.problem:
            yield from (f"      {line}" for line in problem_lines(variant.problem))


def _where(variant: Variant, everyone: Sequence[Cell]) -> str:
    """`4 cells: os opensuse-15.6; fips false`: the axes on which not every value is there."""
    cells = list(dict.fromkeys(caller.cell for caller in variant.callers))
    parts = []
    for axis in cells[0].axes if cells else ():
        values = list(dict.fromkeys(cell[axis].text for cell in cells if axis in cell.axes))
        if set(values) != {cell[axis].text for cell in everyone if axis in cell.axes}:
            parts.append(f"{axis} {some(values)}")
    return f"{len(cells)} cell{'' if len(cells) == 1 else 's'}{': ' if parts else ''}{'; '.join(parts)}"


def _names(found: Explanation, names: Sequence[Seen[str]]) -> Iterator[str]:
    return wrapped("", [f"{seen.what}{tag(found, seen)}" for seen in names], glue="  ", width=WIDTH - 2) if names else iter(())


def _corrections(found: Explanation) -> list[str]:
    return [f"{at(seen.what.place)}  {'add' if seen.what.adds else 'ignore'} {seen.what.name}{tag(found, seen)}" for seen in found.corrections]


def _tree(found: Explanation) -> Iterator[str]:
    edges: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for edge in found.edges:
        if not _implied(edge.what):
            edges[edge.what.source].append((edge.what.kind.value, edge.what.target, tag(found, edge)))
    for called in found.functions:
        edges[called.what[0]].append(("DO", called.what[1], tag(found, called)))
    shared, done = dict(found.shared), {found.earthly}
    waiting = [(0, *each) for each in reversed(edges[found.earthly])]
    while waiting:
        depth, kind, target, mark = waiting.pop()
        told = f"  shared with {', '.join(shared[target])}" if target in shared and target not in done else ""
        again = "  (see above)" if target in done and edges[target] else ""
        yield f"{'  ' * depth}{kind:<5} {target}{mark}{told}{again}"
        waiting += [(depth + 1, *each) for each in reversed(edges[target])] if target not in done else []
        done.add(target)


def _implied(edge: Edge) -> bool:
    """The base recipe of an Earthfile, where each of its targets begins; a DO goes there for the globals of the function."""
    return edge.kind is EdgeKind.DO or (edge.target.endswith("+base") and edge.kind is EdgeKind.FROM)


def _bases(found: Explanation) -> Iterator[str]:
    for seen in found.bases:
        platform = "" if _platform(found) else f"  ({seen.what.platform})"
        yield f"{at(seen.what.place)}  {plain(seen.what.ref)}{platform}{tag(found, seen)}"


def _platform(found: Explanation) -> str:
    """` (linux/amd64)` where all base images are for one platform."""
    platforms = {str(seen.what.platform) for seen in found.bases}
    return f" ({platforms.pop()})" if len(platforms) == 1 else ""


def _files(found: Explanation) -> Iterator[str]:
    if found.whole:
        yield f"every file of the source counts: it is not known which are read (see Opaque){marked(found, found.whole)}"
    for seen in found.sources:
        entries = f"({len(seen.what.paths)} {'entry' if len(seen.what.paths) == 1 else 'entries'} now){tag(found, seen)}"
        yield from wrapped(f"{seen.what.target}  ", [*seen.what.patterns, entries], glue="  ", width=WIDTH - 2)
    for made in found.dockerfiles:
        yield f"{made.what[1]}  {made.what[0]} (FROM DOCKERFILE){tag(found, made)}"


def _images(found: Explanation) -> Iterator[str]:
    for seen in found.images[:_IMAGES]:
        for name in seen.what.names:
            yield f"{at(seen.what.place)}  {'pushed ' if seen.what.push else ''}{name}{tag(found, seen)}"
    if len(found.images) > _IMAGES:
        yield f"and {len(found.images) - _IMAGES} more"


def _opaque(found: Explanation) -> Iterator[str]:
    kinds: defaultdict[tuple[Opacity, str], list[str]] = defaultdict(list)
    for seen in sorted(found.opaque, key=lambda one: (one.what.place.file, one.what.place.line)):
        kinds[seen.what.kind, seen.what.why].append(f"{cut(f'{at(seen.what.place)}  {seen.what.place.text.strip()}', WIDTH - 6)}{tag(found, seen)}")
    for (kind, why), lines in sorted(kinds.items(), key=lambda item: item[0][0]):
        yield from wrapped(f"{kind.value}: ", why.split(), glue=" ", width=WIDTH - 2)
        yield from (f"  {line}" for line in lines)
