"""A source of a COPY in parentheses, `(+t/path --X="a b")`, in; its words, quotes kept, out."""

from __future__ import annotations

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.problems import Place


def parse_params(word: str, place: Place) -> tuple[str, ...]:
    """The words; none where the word is not in parentheses. Raises EarthfileError (INVALID_ARG)."""
    if word.startswith('"(') and word.endswith(')"') and len(word) >= 4:
        inside = word[2:-2]
    elif word.startswith("(") and word.endswith(")"):
        inside = word[1:-1]
    else:
        return ()
    words = _split(inside, word, place)
    if not words:
        raise EarthfileError(Fault.INVALID_ARG, f"{word} names no artifact", place=place, hint="write (+target/path --NAME=value)")
    return words


def _split(inside: str, word: str, place: Place) -> tuple[str, ...]:
    words: list[str] = []
    part, quoted, escaped = "", False, False
    for char in inside:
        if char in " \t\n" and not quoted and not escaped:
            words += [part] if part else []
            part = ""
            continue
        quoted ^= char == '"' and not escaped
        escaped = char == "\\"
        part += char
    if quoted or escaped:
        raise EarthfileError(Fault.INVALID_ARG, f"{word} ends inside of a quote", place=place, hint="close the quote before the parenthesis")
    return (*words, part) if part else tuple(words)
