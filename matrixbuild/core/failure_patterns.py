"""A regular expression of one's own, and what a failure is whose words it finds: from the manifest, before anything this program knows itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from matrixbuild.core.failure import FailureKind

LONGEST = 500
"""Characters of a pattern."""

_REPEATED_REPETITION = re.compile(r"(?<!\\)[*+}]\)(?:[*+]|\{\d+,)")
"""`(a+)+`: on a long line that does not match, it takes longer than anybody waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Where `match` finds something in the words of a failure, its kind is `kind` (None: what we find ourselves), and it is tried `again` or not
    (None: as its kind has it)."""

    match: re.Pattern[str]
    kind: FailureKind | None = None
    again: bool | None = None
    hint: str = ""


def compiled(text: str) -> re.Pattern[str]:
    """A pattern as a person writes it.

    Raises ValueError, whose text is a sentence, for one that is none, that matches everything, or that may take for ever.
    """
    if len(text) > LONGEST:
        raise ValueError(f"the pattern is longer than {LONGEST} characters")
    if _REPEATED_REPETITION.search(text):
        raise ValueError("the pattern repeats a repetition, which may take for ever")
    try:
        found = re.compile(text)
    except re.error as error:
        raise ValueError(f"the pattern is no regular expression: {error}") from error
    if found.search(""):
        raise ValueError("the pattern matches the empty text, and so every failure")
    return found
