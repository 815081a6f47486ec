"""The message of a failure as the programs wrap it -> the words that tell its cause, without commands, answers of servers and what else quotes."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from matrixbuild.core.failures.run_manifest import is_in, relative
from matrixbuild.core.problems import Place

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_COMMAND = re.compile(r"\bThe(?: internal)? command\n.*?\n\s*failed: ", re.DOTALL)
_STACK = re.compile(r"^in\t\t.*\n?", re.MULTILINE)
_BODY_LAST = re.compile(r"(?<=[a-z)]) body=.*\Z", re.DOTALL)
_BODY_FIRST = re.compile(r"\bbody=.*?: (?=unexpected status\b)", re.DOTALL)
_GIT = re.compile(r"\bEARTHLY_GIT_STDERR: (?P<encoded>[A-Za-z0-9+/=]+)")
_SERVER = re.compile(r" - Server message: .*\Z", re.DOTALL)
_AT = re.compile(r"(?<![^\s:])(?P<file>[^\s:]*Earthfile):(?P<line>\d+):(?P<column>\d+)\b")
_LEXED = re.compile(r"\blexer error: (?P<file>\S+)\nsyntax error: line (?P<line>\d+):(?P<column>\d+)")
_LOCATION = r"(?:(?:ERROR|WARN):? ?)?(?:\S*Earthfile:\d+:\d+:? )?"
_DOING = (
    r"build target|build main|failed to solve|build new buildkitd client|connect provided buildkit|(?:un)?lazy force execution|force execution"
    r"|async force execution for \S+|(?:async )?earthfile2llb for \S+|resolve build context for target \S+|failed to SAVE IMAGE|apply build \S+"
    r"|apply [A-Z]+(?: [A-Z]+)*(?: \S+)?|cache: load key (?:\{[^}]*\}|\S+?)|resolve image config for \S+(?=: .*:)"
    r"|failed to (?:compute|load) cache key|failed to calculate buildkit URLs|failed stub frontend initialization|mount callback failed on \S+|body="
)
_CHAINED = re.compile(rf"^{_LOCATION}(?:(?:{_DOING}):\s+)?")
"""What was being done while the error came up: it says where, and that is told elsewhere."""

_DIGEST = re.compile(r"\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b")
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"]+=[^\s\"]*?(?=:?(?:\s|\"|$))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """`cause` is what rules look at; `line` the same for a person, in one line; `place` where in the author's Earthfile, if it says."""

    cause: str
    line: str
    place: Place | None = None


def plain(text: str) -> str:
    """Text of a terminal without its escape codes."""
    return _ESCAPES.sub("", text)


def capped(text: str, most: int = 8000) -> str:
    """The beginning and the end: nobody's error takes longer to tell, and what is quoted in the middle may be endless."""
    return text if len(text) <= 2 * most else f"{text[:most]} … {text[-most:]}"


def words(message: str, *, checkout: str = "", wrapper: str = "", first_column: int = 0) -> Words:
    """Of a message with the commands, targets and answers that it quotes: an Earthfile may well echo `connection refused`."""
    text = _GIT.sub(_git_said, plain(message))
    cause = _STACK.sub("", _COMMAND.sub("", text))
    for quoted in (_BODY_LAST, _BODY_FIRST, _SERVER):
        cause = quoted.sub("", cause)
    return Words(cause=cause.strip(), line=_line(cause), place=_place(text, checkout, wrapper, first_column))


def _git_said(found: re.Match[str]) -> str:
    try:
        return base64.b64decode(found["encoded"], validate=True).decode(errors="replace")
    except binascii.Error:
        return found[0]


def _line(cause: str) -> str:
    """The innermost error, without the chain of what was being done meanwhile."""
    line = " ".join(cause.split())
    while (shorter := _CHAINED.sub("", line, count=1)) and shorter != line:
        line = shorter
    return line


def shortened(line: str) -> str:
    """The same for a sentence: digests as people read them, URLs without their queries."""
    return _DIGEST.sub(r"\1…", _QUERY.sub("", line))


def _place(text: str, checkout: str, wrapper: str, first_column: int) -> Place | None:
    """The innermost one: an error comes after the lines that led to it. Lines of our own wrapper are nobody's."""
    found = list(_LEXED.finditer(text)) or [match for match in _AT.finditer(text) if not (wrapper and is_in(match["file"], wrapper))]
    if not found:
        return None
    column = max(1, int(found[-1]["column"]) + first_column)
    return Place(file=relative(found[-1]["file"], checkout), line=int(found[-1]["line"]), column=column)
