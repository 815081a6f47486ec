"""The used ARGs of an explanation -> lines: grouped by the line of the Earthfile that proves them, each with how it comes there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from matrixbuild.cli.show_explain_words import at, cut, tag, wrapped
from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT
from matrixbuild.core.explain import Mention, Proof, UsedArg
from matrixbuild.core.explain_variants import Explanation, Seen

_MOST_LINES = 4
"""So many of the lines in which an ARG stands beside the one that proves it are named at once."""


def used_lines(found: Explanation, width: int) -> Iterator[str]:
    groups: defaultdict[tuple[str, int], list[Seen[UsedArg]]] = defaultdict(list)
    for seen in found.used:
        groups[seen.what.place.file, seen.what.place.line].append(seen)
    for _, group in sorted(groups.items()):
        place = group[0].what.place
        yield cut(f"{at(place)}  {place.text.strip()}", width - 2)
        if any(seen.what.proof is Proof.ENVIRONMENT for seen in group):
            yield "  it reads its whole environment, so that every ARG counts:"
        names = [f"{seen.what.name}{tag(found, seen)}" for seen in group]
        for name, seen in zip(names, group, strict=True):
            yield from _row(name, seen.what, max(map(len, names)), width)


def _row(name: str, used: UsedArg, longest: int, width: int) -> Iterator[str]:
    told = "; ".join([*_how(used), *_mentions(used)])
    head = f"  {name:<{longest}}  "
    return wrapped(head, told.split(), glue=" ", width=width - 2, margin=len(head)) if told else iter([f"  {name}"])


def _how(used: UsedArg) -> Iterator[str]:
    if used.through:
        yield f"through {', '.join(f'{step.name} ({at(step.place)})' for step in used.through)}"
    match used.proof:
        case Proof.FILE if used.file and used.word == WHOLE_ENVIRONMENT:
            yield f"{at(used.file)}, which this may run, hands on its whole environment"
        case Proof.FILE if used.file:
            yield f"{at(used.file)}, which this may run, names {used.word or 'it'}"
        case Proof.CUSTOM:
            yield "programs read it by custom"
        case Proof.USES:
            yield "the manifest's `uses` adds it"
        case Proof.VALUE:
            yield "its value has a part in it"


def _mentions(used: UsedArg) -> Iterator[str]:
    """Where else it stands, for one that the proving line does not name: `named in Earthfile:619, 622 for BASE_K8S_VERSION`."""
    if used.proof in (Proof.NAMED, Proof.THROUGH) or not used.mentions:
        return
    groups: defaultdict[tuple[str, str, bool], list[Mention]] = defaultdict(list)
    for mention in used.mentions:
        groups[mention.place.file, mention.sets, mention.idle].append(mention)
    parts = []
    for (file, sets, idle), mentions in groups.items():
        aim = f" for {sets}" if sets else ""
        parts.append(f"{file}:{_numbers(mentions)}{aim}{' (which no line names)' if idle else ''}")
    yield f"named in {'; '.join(parts)}"


def _numbers(mentions: Sequence[Mention]) -> str:
    more = len(mentions) - _MOST_LINES
    shown = ", ".join(str(mention.place.line) for mention in mentions[:_MOST_LINES])
    return f"{shown} and {more} more" if more > 0 else shown
