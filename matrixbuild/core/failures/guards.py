"""The text of a RUN and what it printed -> whether it is a guard: it says in its own words what it refuses, and ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PRINTED = re.compile(
    r"(?:^|[\s;&|({!])(?:echo(?:\s+-[neE]+)*|printf(?:\s+--)?)\s+"
    r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^;&|>"'\n]+))"""
)
_ENDS = re.compile(r"\b(?:exit|return)\s+(?:[1-9]\d*|\"?\$)|(?:&&|;)\s*false\b")
_ERROR = re.compile(r"^\W*(?:error|fatal|failed|failure|abort(?:ed|ing)?)\b\W", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(?:is|are) (?:not (?:set|supported|allowed|valid)|required|missing|invalid|mutually exclusive)\b"
    r"|\bmust (?:not )?be\b|\bunsupported\b",
    re.IGNORECASE,
)
_EXPANDED = re.compile(r"[$`\\%].*", re.DOTALL)


def is_guard(command: str, output: str) -> bool:
    """A RUN whose text prints an error message and exits, where that is what it did: its output, as far as it is there, has the message."""
    if not command.startswith("RUN ") or not _ENDS.search(command):
        return False
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return any(_refuses(command, message) and _was_printed(message, lines) for message in _messages(command))


def _messages(command: str) -> Iterator[str]:
    for found in _PRINTED.finditer(command):
        yield (found["double"] or found["single"] or found["bare"] or "").strip()


def _refuses(command: str, message: str) -> bool:
    """An error by its first word; where the whole RUN does nothing but say why it ends, also by its verb."""
    return bool(_ERROR.match(message)) or (bool(_REFUSAL.search(message)) and bool(re.match(r"RUN (?:--\S+ )*(?:echo|printf)\b", command)))


def _was_printed(message: str, lines: list[str]) -> bool:
    """Up to its first expansion: what follows is known to the shell alone."""
    known = _EXPANDED.sub("", message).strip()
    return not lines or any(known in line if known else _ERROR.match(line) for line in lines)
