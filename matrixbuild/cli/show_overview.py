"""All Earthly targets of a source, explained -> a block of plain text for each, short enough to look them all over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from matrixbuild.cli.show_explain import explanation_text
from matrixbuild.cli.show_explain_words import listed, problem_lines, wrapped
from matrixbuild.cli.show_problems import problem_text
from matrixbuild.core.earthfile.findings import Opacity
from matrixbuild.core.explain_variants import Explanation
from matrixbuild.workflow.explaining import Overview


def overview_text(found: Overview) -> str:
    """LF-terminated; where one Earthly target was asked for, that in full."""
    if not found.whole:
        return explanation_text(found.explanations[0])
    blocks = ["\n".join(_block(each)) for each in found.explanations]
    broken = [f"not analysed: {problem_text(problem).rstrip()}" for problem in found.broken]
    return "\n\n".join([*blocks, *broken, _totals(found)]) + "\n"


def _block(found: Explanation) -> Iterator[str]:
    told = f"  built by {listed('target', found.declared_by)}" if found.declared_by else ""
    reached = f"  reached from {', '.join(found.reached_by)}" if found.reached_by else ""
    yield f"{found.earthly}{told or reached}"
    if len(found.problems) < len(found.variants):
        yield from _facts(found)
    for problem in dict.fromkeys(found.problems):
        calls = sum(max(1, len(variant.callers)) for variant in found.variants if variant.problem == problem)
        yield f"  cannot be analysed{f' for {calls} cells' if calls > 1 else ''}:"
        yield from (f"    {line}" for line in problem_lines(problem))


def _facts(found: Explanation) -> Iterator[str]:
    used = list(dict.fromkeys(seen.what.name for seen in found.used))
    yield from wrapped(f"  ARGs    {len(used)} used: " if used else "  ARGs    ", used or ["none used"], glue=" ")
    if found.name_only:
        yield from wrapped("          for names of images alone: ", [seen.what for seen in found.name_only], glue=" ")
    patterns = sorted({*(pattern for seen in found.sources for pattern in seen.what.patterns), *(made.what[0] for made in found.dockerfiles)})
    yield from wrapped("  files   ", [*(["every file of the source"] if found.whole else []), *patterns] or ["none"], glue="  ")
    opaque = Counter(seen.what.kind for seen in found.opaque)
    told = [f"{opaque[kind]} {kind.value}" for kind in Opacity if opaque[kind]] or ["nothing"]
    needs = list(dict.fromkeys(seen.what.name for seen in found.secrets))
    yield f"  opaque  {', '.join(told)}{'; needs privileges' if found.privileged else ''}"
    if needs:
        yield from wrapped("  secrets ", needs)


def _totals(found: Overview) -> str:
    failed = sum(len(each.problems) == len(each.variants) for each in found.explanations)
    rest = f", {failed} of which cannot be analysed with these args (give them with --arg NAME=VALUE)" if failed else ""
    return f"{len(found.explanations)} Earthly targets{rest}"
