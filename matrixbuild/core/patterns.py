"""Glob patterns and the patterns of ignore files -> which paths they mean, as BuildKit reads them for COPY and for build contexts.

Three dialects meet in one COPY: the pattern itself (Go's filepath.Match), the patterns that choose what of the context is sent, and
those of the ignore file (both moby/patternmatcher). They differ in `**`, in `?` and in what a directory means, so each has its own function.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache


class PatternError(ValueError):
    """A pattern that Go's filepath.Match would call malformed; the text is one sentence."""


def has_wildcard(pattern: str) -> bool:
    """Whether `*`, `?` or `[` occurs in it without a backslash before."""
    return bool(re.search(r"[*?\[]", re.sub(r"\\.", "", pattern, flags=re.DOTALL)))


def split_wildcard(pattern: str) -> tuple[str, str]:
    """A clean path -> (the directories before the first one with a wildcard, the rest); the rest is empty where there is none."""
    parts = pattern.split("/")
    first = next((index for index, part in enumerate(parts) if has_wildcard(part)), len(parts))
    return "/".join(parts[:first]) or ("/" if pattern.startswith("/") else ""), "/".join(parts[first:])


@lru_cache(maxsize=4096)
def compiled_glob(pattern: str) -> re.Pattern[str]:
    """`pattern` in the language of Go's filepath.Match: `*` and `?` stop at a slash, `**` is no more than `*`. PatternError where it is malformed."""
    out, position = "", 0
    while position < len(pattern):
        char = pattern[position]
        if char == "[":
            part, position = _class(pattern, position + 1)
            out += part
            continue
        if char == "\\":
            position += 1
            if position == len(pattern):
                raise PatternError(f"the pattern {pattern!r} ends with a backslash")
            char = re.escape(pattern[position])
        else:
            char = {"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char))
        out += char
        position += 1
    return re.compile(out, re.DOTALL)


def glob_match(pattern: str, name: str) -> bool:
    """Whether the whole of `name` matches `pattern`, as Go's filepath.Match says; PatternError where the pattern is malformed."""
    return compiled_glob(pattern).fullmatch(name) is not None


def _class(pattern: str, position: int) -> tuple[str, int]:
    """A character class after its `[`: (regular expression, where it ends)."""
    negated = pattern.startswith("^", position)
    position += negated
    ranges: list[str] = []
    while not (ranges and pattern.startswith("]", position)):
        low, position = _class_char(pattern, position)
        high = low
        if pattern.startswith("-", position):
            high, position = _class_char(pattern, position + 1)
        # Go takes an empty range such as [z-a] for one that nothing is in; Python would refuse it.
        ranges.append(f"{re.escape(low)}-{re.escape(high)}" if low <= high else "")
    inside = "".join(ranges)
    if not inside:
        return ("." if negated else "(?!)"), position + 1
    return f"[{'^' if negated else ''}{inside}]", position + 1


def _class_char(pattern: str, position: int) -> tuple[str, int]:
    if pattern.startswith("\\", position):
        position += 1
    elif pattern.startswith(("-", "]"), position):
        raise PatternError(f"the pattern {pattern!r} has a character class that starts or ends with a bare '-' or ']'")
    if position >= len(pattern):
        raise PatternError(f"the pattern {pattern!r} has a character class without its ']'")
    return pattern[position], position + 1


def if_exists_pattern(pattern: str) -> str:
    """The pattern that Earthly makes of a source of COPY --if-exists: a glob that may match nothing (`[f]oo`), which the plain name may not.

    It puts the first byte between the brackets, as if that were a character: a name that begins with none of ASCII is never found.
    """
    bare = pattern.removeprefix("./").removeprefix("/").encode("utf-8", "surrogateescape")
    return f"[{chr(bare[0])}]{bare[1:].decode('utf-8', 'surrogateescape')}" if bare else ""


def include_pattern(source: str) -> str:
    """The pattern by which Earthly sends a source of COPY to the build (converter: `.` is `./*`, and `?` is a letter like any other)."""
    if source == ".":
        source = "./*"
    elif source.endswith("/."):
        source = f"{source[:-1]}*"
    return re.sub(r"([+?{}])", r"\\\1", source)


def as_sent(patterns: Sequence[str]) -> Sequence[str]:
    """The patterns of one transfer as they reach Earthly's side of it. Where one of them is not ASCII, BuildKit escapes all of them to fit into
    a header (session/filesync, encodeOpts), and Earthly 0.8 does not undo it: only plain names still mean what they say.
    """
    if all(pattern.isascii() for pattern in patterns):
        return patterns
    return tuple("".join(map(_escaped_byte, pattern.encode("utf-8", "surrogateescape"))) for pattern in patterns)


def _escaped_byte(byte: int) -> str:
    """As Go's url.QueryEscape."""
    char = chr(byte)
    if char.isascii() and (char.isalnum() or char in "-_.~"):
        return char
    return "+" if char == " " else f"%{byte:02X}"


def clean(path: str) -> str:
    """Go's path.Clean: as posixpath.normpath, but `//x` is `/x`."""
    path = posixpath.normpath(path) if path else "."
    return path[1:] if path.startswith("//") else path


_WILD = re.compile(r"[*?\[\]\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    negated: bool
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPatterns:
    """Patterns of an ignore file or of a context's selection, in order; a later `!pattern` takes back what an earlier one matched."""

    lines: tuple[_Line, ...]
    plain: tuple[str, ...] | None = None
    """The patterns, where each is a path that is compared as it is; None where one has a wildcard or takes back another."""

    @classmethod
    def of(cls, patterns: Iterable[str]) -> PathPatterns:
        """PatternError where one is malformed, or a `!` stands alone."""
        cleaned = [clean(pattern.strip()) for pattern in patterns if pattern.strip()]
        if "!" in cleaned:
            raise PatternError("the pattern '!' takes back nothing: a path belongs after it")
        for pattern in cleaned:
            compiled_glob(pattern.removeprefix("!"))  # patternmatcher refuses what filepath.Match calls malformed
        lines = tuple(_Line(negated=pattern.startswith("!"), pattern=_path_pattern(pattern.removeprefix("!"))) for pattern in cleaned)
        plain = not any(pattern.startswith("!") or _WILD.search(pattern) for pattern in cleaned)
        return cls(lines=lines, plain=tuple(cleaned) if plain else None)

    def step(self, path: str, parent: Sequence[bool] | None) -> tuple[bool, tuple[bool, ...]]:
        """Whether `path` is matched, given what its directory gave (None at the top), and what to give on to the paths in it.

        A directory's match holds for everything in it, line by line: moby's MatchesUsingParentResults.
        """
        matched, each = False, []
        for index, line in enumerate(self.lines):
            hit = parent is not None and parent[index]
            if not hit and line.negated == matched:
                hit = line.pattern.fullmatch(path) is not None
            if hit:
                matched = not line.negated
            each.append(hit)
        return matched, tuple(each)

    def leads_below(self, directory: str) -> bool:
        """Whether a path in a directory that is not matched itself may be."""
        return self.plain is None or any(pattern.startswith(f"{directory}/") for pattern in self.plain)

    def matches(self, path: str) -> bool:
        """Whether `path` is matched, itself or through a directory it is in."""
        matched, parent = False, None
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            matched, parent = self.step("/".join(parts[:end]), parent)
        return matched


@lru_cache(maxsize=4096)
def _path_pattern(pattern: str) -> re.Pattern[str]:
    """moby/patternmatcher's reading: `**/` is any number of directories, `**` at the end everything below.

    A pattern without wildcards is compared as it is, and one with nothing but `**` at its start by its end.
    """
    if not _WILD.search(pattern):
        return re.compile(re.escape(pattern))
    if pattern.startswith("**") and not _WILD.search(pattern[2:]):
        rest = pattern[2:]
        ends = f".*{re.escape(rest)}"
        return re.compile(f"{ends}|{re.escape(rest[1:])}" if rest.startswith("/") else ends, re.DOTALL)
    out, position, in_class = "", 0, False
    while position < len(pattern):
        part, position, in_class = _token(pattern, position, in_class=in_class)
        out += part
    try:
        return re.compile(out, re.DOTALL)
    except re.error as error:
        raise PatternError(f"the pattern {pattern!r} is malformed: {error}") from error


def _token(pattern: str, position: int, *, in_class: bool) -> tuple[str, int, bool]:
    """One token: (regular expression, where the next starts, whether that is inside a character class)."""
    char = pattern[position]
    if in_class:
        return _class_token(pattern, position)
    if pattern.startswith("**", position):
        after = position + 2
        after += pattern.startswith("/", after)
        return (".*" if after == len(pattern) else "(?:.*/)?"), after, False
    if char == "\\" and position + 1 < len(pattern):
        return _escaped(pattern, pattern[position + 1]), position + 2, False
    if char == "[":
        negated = pattern.startswith("^", position + 1)
        return ("[^" if negated else "["), position + 1 + negated, True
    # A bare ^ is an anchor in the expression that moby makes, so such a pattern matches nothing.
    return {"*": "[^/]*", "?": "[^/]", "^": "(?!)"}.get(char, re.escape(char)), position + 1, False


def _escaped(pattern: str, char: str) -> str:
    """What stands behind a backslash: moby gives both to the expression as they are, so that a letter means what it means there."""
    if char in "afnrtvbBA":
        return f"\\{char}"
    if char in "dDsSwW":
        return f"(?a:\\{char})"
    if char.isascii() and char.isalnum():
        raise PatternError(f"the pattern {pattern!r} has a backslash before {char!r}, which means nothing")
    return re.escape(char)


def _class_token(pattern: str, position: int) -> tuple[str, int, bool]:
    char = pattern[position]
    if char == "\\" and position + 1 < len(pattern):
        return re.escape(pattern[position + 1]), position + 2, True
    if char in "]-":
        return char, position + 1, char != "]"
    return re.escape(char), position + 1, True
