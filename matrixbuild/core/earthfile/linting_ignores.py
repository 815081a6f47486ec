"""The ignore file beside an Earthfile -> what it does not hide, though it says so."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from matrixbuild.core.earthfile.ignorefiles import patterns
from matrixbuild.core.earthfile.linting_findings import Finding, Kind, Rule, some
from matrixbuild.core.earthfile.linting_recipes import Sheet, Step
from matrixbuild.core.earthfile.walk import IGNORE_FILES
from matrixbuild.core.patterns import as_sent

NOT_ASCII = Rule(name="ignore-not-ascii", kind=Kind.TRAP, about="one pattern that is not ASCII undoes the other patterns of an ignore file")


def escaped_patterns(sheet: Sheet) -> Iterator[Finding]:
    """At the first COPY of files: what the ignore file is to keep from it."""
    step = next((step for part in sheet.everything for step in part.of("COPY") if _is_of_context(step)), None)
    for name in IGNORE_FILES if step else ():
        written = patterns(sheet.checkout.text(posixpath.join(sheet.directory, name)) or "")
        lost = [pattern for pattern, sent in zip(written, as_sent(written), strict=True) if pattern != sent]
        odd = next((pattern for pattern in written if not pattern.isascii()), None)
        if step and odd is not None:
            yield _finding(name, odd, lost, step)


def _finding(name: str, odd: str, lost: list[str], step: Step) -> Finding:
    several = len(lost) > 1
    what, why, they = ("mean nothing", f"{odd!r}", "they") if several else ("means nothing", "it", "it")
    summary = f"{some([repr(pattern) for pattern in lost])} of {name} {what} to Earthly, as {why} is not ASCII: COPY takes what {they} should hide"
    bare = "".join(char if char.isascii() else "*" for char in odd)
    return Finding(rule=NOT_ASCII, summary=summary, place=step.place, hint=f"write * for such letters: {bare}")


def _is_of_context(step: Step) -> bool:
    """Whether it may take files of the checkout: what is in parentheses, or has a + in it, is another Earthly target's."""
    return any("+" not in word and not word.startswith("(") for word in step.flags.words[:-1])
