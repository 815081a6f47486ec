"""Parts of an explanation -> words and lines that fit a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from matrixbuild.core.build import NEED_TOKEN
from matrixbuild.core.explain_variants import Explanation, Seen
from matrixbuild.core.problems import Place, Problem

WIDTH = 100
_SHOWN = 8
"""So many values of an axis are named; the others are counted."""

T = TypeVar("T")


def tag(found: Explanation, seen: Seen[T]) -> str:
    """` [1,3]` for what not all variants see that can be analysed."""
    return marked(found, seen.variants)


def marked(found: Explanation, variants: Sequence[int]) -> str:
    analysed = [variant.number for variant in found.variants if not variant.problem]
    return "" if list(variants) == analysed else f" [{','.join(map(str, variants))}]"


def plain(text: str) -> str:
    """A text with images of needs in it as the manifest names these, for nobody knows yet what they will be."""
    return NEED_TOKEN.sub(lambda token: f"needs['{token['target']}'].image", text)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def at(place: Place) -> str:
    return f"{place.file}:{place.line}"


def problem_lines(problem: Problem) -> Iterator[str]:
    """A problem without the line it is about, which an overview has no room for: place, summary and hint."""
    where = f"{at(problem.place)}: " if problem.place else ""
    yield from wrapped("", f"{where}{problem.summary}".split(), glue=" ", width=WIDTH - 6)
    if problem.hint:
        yield from wrapped("hint: ", problem.hint.split(), glue=" ", width=WIDTH - 6)


def listed(noun: str, names: Sequence[str]) -> str:
    """`target iso`, `targets iso, provider`."""
    return f"{noun}{'' if len(names) == 1 else 's'} {', '.join(names)}"


def some(values: Sequence[str]) -> str:
    more = len(values) - _SHOWN
    return f"{', '.join(values[:_SHOWN])}{f' and {more} more' if more > 0 else ''}"


def wrapped(head: str, words: Iterable[str], *, glue: str = ", ", width: int = WIDTH, margin: int = 12) -> Iterator[str]:
    """`head` and the words behind it, further lines below its end (at most `margin` in); no word is broken, not even one with blanks in it."""
    text = glue.join(word.replace(" ", "\0") for word in words)
    below = " " * min(len(head), margin)
    lines = textwrap.wrap(text, width, initial_indent=head, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)
    return (line.replace("\0", " ").rstrip() for line in lines)
