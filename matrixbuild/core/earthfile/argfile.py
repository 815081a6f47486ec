"""The text of a `.arg` file in, its variables out, as Earthly reads it (the dotenv form: comments, quotes, `export`, `$NAME`)."""

from __future__ import annotations

import re

_BLANK = "\t\v\f\r \x85\xa0"
_KEY = re.compile(r"[\w.\t\v\f\r \x85\xa0]*?[=:]")
_VARIABLE = re.compile(r"(\\)?(\$)(\()?\{?([A-Z0-9_]+)?\}?")


class ArgFileProblem(Exception):  # noqa: N818
    """A line that is no assignment: its 1-based number, and a clause saying what is wrong."""

    def __init__(self, line: int, summary: str) -> None:
        super().__init__(summary)
        self.line = line
        self.summary = summary


def parse_arg_file(text: str) -> dict[str, str]:
    """Names and values in the file's order; a later one of the same name wins. Raises ArgFileProblem."""
    source = text.replace("\r\n", "\n")
    found: dict[str, str] = {}
    at = _statement(source, 0)
    while at < len(source):
        key, at = _key(source, at)
        found[key], at = _value(source, at, found)
        at = _statement(source, at)
    return found


def _statement(source: str, at: int) -> int:
    """Where the next assignment starts: after blank space and comment lines."""
    while at < len(source) and (source[at].isspace() or source[at] == "#"):
        at = _line_end(source, at) if source[at] == "#" else at + 1
    return at


def _line_end(source: str, at: int) -> int:
    end = source.find("\n", at)
    return len(source) if end < 0 else end


def _key(source: str, at: int) -> tuple[str, int]:
    exported = re.compile(rf"export[{_BLANK}]+").match(source, at)
    start = exported.end() if exported else at
    key = _KEY.match(source, start)
    if not key or "\n" in key.group():
        line = source[start : _line_end(source, start)]
        raise ArgFileProblem(source.count("\n", 0, start) + 1, f"{line!r} is not NAME=value")
    at = key.end()
    while at < len(source) and source[at] in _BLANK:
        at += 1
    return key.group()[:-1].rstrip(), at


def _value(source: str, at: int, known: dict[str, str]) -> tuple[str, int]:
    quote = source[at : at + 1]
    if quote not in ("'", '"') or not quote:
        end = min(_line_end(source, at), source.find("\r", at) % (len(source) + 1))
        return _expanded(_without_comment(source[at:end]).strip(_BLANK), known), end
    end = at + 1
    while end < len(source) and (source[end] != quote or source[end - 1] == "\\"):
        end += 1
    if end >= len(source):
        raise ArgFileProblem(source.count("\n", 0, at) + 1, f"the quote that opens {source[at : _line_end(source, at)]!r} is never closed")
    value = source[at:end].strip(quote)
    return (_expanded(_unescaped(value), known) if quote == '"' else value), end + 1


def _without_comment(line: str) -> str:
    """The line up to the last `#` that follows a blank."""
    for position in range(len(line) - 1, 0, -1):
        if line[position] == "#" and line[position - 1] in _BLANK:
            return line[:position]
    return line


def _unescaped(value: str) -> str:
    lines = re.sub(r"\\.", lambda match: {"\\n": "\n", "\\r": "\r"}.get(match.group(), match.group()), value)
    return re.sub(r"\\([^$])", r"\1", lines)


def _expanded(value: str, known: dict[str, str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        if match.group(1) or match.group(3):
            return match.group()[1:]
        return known.get(match.group(4), "") if match.group(4) else match.group()

    return _VARIABLE.sub(replacement, value)
