"""What a profile states of commands that hand on their whole environment, and a text: the statements that hold for it.

Design.md 5: such a command uses every active ARG, unless the profile states what it reads. A statement is about one text to the letter:
where that changes, it holds no longer, and every ARG counts again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The command `text` in `file` reads these variables of its environment, and no others.

    `file` is the path of an Earthfile or script in the checkout. `text` is what follows RUN, IF or FOR (its flags too), or one line of a
    script; blanks and line continuations count as one blank. `reason` says in a sentence what proves it, `source` who states it.
    """

    file: str
    text: str
    reads: frozenset[str]
    reason: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A statement that was believed: `place` is the command, or the command that may run the script."""

    statement: Statement
    place: Place


def stated(text: str, file: str, statements: Iterable[Statement]) -> Statement | None:
    """The statement about a command of an Earthfile."""
    return next((each for each in statements if each.file == file and folded(each.text) == folded(text)), None)


def left_over(text: str, file: str, statements: Iterable[Statement]) -> tuple[str, tuple[Statement, ...]]:
    """A script without the lines that statements speak of, and those statements: what is left has to be judged by itself."""
    known = {folded(each.text): each for each in statements if each.file == file}
    if not known:
        return text, ()
    lines = text.splitlines()
    found = dict.fromkeys(folded(line) for line in lines if folded(line) in known)
    return "\n".join(line for line in lines if folded(line) not in known), tuple(known[line] for line in found)


def folded(text: str) -> str:
    """A text with one blank wherever it has blanks, line ends or continuations."""
    return " ".join(text.replace("\\\n", " ").split())
