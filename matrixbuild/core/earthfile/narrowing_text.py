"""The text of an Earthfile and what is to become of its statements -> the text in which it has, and the author's line of each of its lines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from matrixbuild.core.earthfile.lexer import Kind, Token
from matrixbuild.core.earthfile.narrowing_base import Declaring
from matrixbuild.core.earthfile.narrowing_spans import Line, Span, spans
from matrixbuild.core.earthfile.narrowing_targets import Rewritten
from matrixbuild.core.earthfile.source import Source

_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`origins` are the author's numbers of all lines, `added` the numbers of those that were not there; `at` tells for (target, number of the
    statement in the base recipe) the line where that is done now."""

    text: str
    origins: tuple[int, ...]
    added: tuple[int, ...]
    removed: tuple[int, ...]
    at: dict[tuple[str, int], int]


def written(source: Source, leaving: Sequence[Declaring], targets: Iterable[Rewritten], given: frozenset[str]) -> Written:
    """`given` ARGs lose their defaults. Raises EarthfileError for what does not parse."""
    found = spans(source)
    gone = {number for each in leaving for number in _lines_of(found[each.place.line])}
    inserted: defaultdict[int, list[tuple[str, Declaring]]] = defaultdict(list)
    for target in targets:
        gone |= {number for each in target.dropped for number in _lines_of(found[each.place.line])}
        for insertion in target.insertions:
            inserted[target.recipe.body[insertion.at].place.line].append((target.recipe.name, insertion.declaring))
    return _put_together(source, found, gone, inserted, given)


def _lines_of(span: Span) -> range:
    return range(span.first, span.last + 1)


def _put_together(
    source: Source, found: dict[int, Span], gone: set[int], inserted: dict[int, list[tuple[str, Declaring]]], given: frozenset[str]
) -> Written:
    out: list[str] = []
    origins: list[int] = []
    added: list[int] = []
    at: dict[tuple[str, int], int] = {}
    for number, line in enumerate(source.text.split("\n"), 1):
        indent = _INDENT.match(line)[0]  # type: ignore[index]  # matches the empty string too
        for target, declaring in inserted.get(number, ()):
            at[target, declaring.at] = len(out) + 1
            for origin, text in _moved(source, found[declaring.place.line], indent, given):
                out.append(text + ("\r" if line.endswith("\r") else ""))
                origins.append(origin)
                added.append(len(out))
        if number not in gone:
            out.append(line)
            origins.append(number)
    return Written(text="\n".join(out), origins=tuple(origins), added=tuple(added), removed=tuple(sorted(gone)), at=at)


def _moved(source: Source, span: Span, indent: str, given: frozenset[str]) -> Iterator[tuple[int, str]]:
    """The lines of a statement as they stand in a target, with the author's number of each; comments and empty lines stay out."""
    for line in span.lines:
        first = source.place(line.start)
        text = _argument(source, line, given) if line.keyword == "ARG" else source.text[line.start : line.end]
        for number, part in enumerate(text.split("\n")):
            # What continues a line may stand in quotes: blanks before it would count.
            yield first.line + number, part.removesuffix("\r") if number else f"{indent}{' ' * (first.column - 1)}{part.removesuffix(chr(13))}"


def _argument(source: Source, line: Line, given: frozenset[str]) -> str:
    """An ARG of a target is never `--global`, and one that is always given needs no default."""
    words = _words(line.tokens[1:])
    name, flags = words[-1], [word.text for word in words[:-1] if word.text != "--global"]
    default = "" if name.text in given else source.text[name.end : line.end]
    return " ".join(["ARG", *flags, name.text]) + default


def _words(tokens: Sequence[Token]) -> list[Token]:
    """The words before the `=`."""
    ends = next((at for at, token in enumerate(tokens) if token.kind is Kind.EQUALS), len(tokens))
    return [token for token in tokens[:ends] if token.kind is Kind.WORD]
