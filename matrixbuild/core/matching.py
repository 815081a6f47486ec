"""What a condition accepts: a pattern as written -> the values it means among those that an axis, or a field of it, can have."""

from __future__ import annotations

import fnmatch
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from matrixbuild.core.document import Node
from matrixbuild.core.problems import Place, Problem, did_you_mean
from matrixbuild.core.versions import Scheme, VersionRange, is_range, is_version, parse_range, sorted_versions

Value = str | bool

_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """One value. A boolean is not the string `true`; `by_text`, for where nothing can be quoted (a selector), takes either for the other."""

    value: Value
    place: Place
    by_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Glob:
    """`opensuse-*`: `*` any text, `?` any character, `[...]` one of these, for the whole of a value's text."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class InRange:
    """`>=1.33`, for a field that holds versions."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """A list: whatever one of them accepts."""

    patterns: tuple[Pattern, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """`{not: ...}`: every value that the pattern does not accept."""

    pattern: Pattern
    place: Place


Pattern = Exact | Glob | InRange | AnyOf | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`os: ubuntu-24.04` or `os.version: [...]`: holds where the pattern accepts the axis' value, or that field of it."""

    axis: str
    field: str | None
    wanted: Pattern
    place: Place

    @property
    def subject(self) -> str:
        return f"{self.axis}.{self.field}" if self.field else self.axis


def read_pattern(node: Node) -> Pattern:
    """The pattern in a manifest's value: a scalar, a list of patterns, or a mapping with the one key `not` (the schema lets nothing else pass)."""
    if "not" in node.entries:
        return Not(pattern=read_pattern(node["not"]), place=node.entries["not"].key.place)
    if node.items:
        return AnyOf(patterns=tuple(read_pattern(item) for item in node.items), place=node.place)
    if isinstance(node.value, bool):
        return Exact(value=node.value, place=node.place)
    return text_pattern(node.source if node.plain else str(node.value), node.place)


def text_pattern(text: str, place: Place, *, by_text: bool = False) -> Pattern:
    """The pattern that a text is by its look: a range, a glob, or the value itself."""
    if is_range(text):
        return InRange(text=text, place=place)
    if any(char in text for char in "*?["):
        return Glob(text=text, place=place)
    return Exact(value=text, place=place, by_text=by_text)


def accepted(pattern: Pattern, values: Sequence[Value], scheme: Scheme | None, subject: str, problems: list[Problem]) -> frozenset[Value]:
    """The values that the pattern means. `values` are all that the subject (`os`, `os.version`) can have: strings, or booleans of a scalar axis.
    `scheme` is that of its versions, None where it holds none.

    A text that is literally one of the values is that value, whatever else it could be read as. Every part of the pattern has to mean a
    value, or it is a problem (code `unknown-value`); so has a range to be one (`version-range`), against versions (`no-versions`). The
    result is right whatever was told, so that whoever allows idle patterns may drop the first kind.
    """
    return _Asked(values=values, scheme=scheme, subject=subject, problems=problems).accepted(pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    values: Sequence[Value]
    scheme: Scheme | None
    subject: str
    problems: list[Problem]

    def accepted(self, pattern: Pattern) -> frozenset[Value]:
        match pattern:
            case AnyOf():
                return frozenset[Value]().union(*(self.accepted(each) for each in pattern.patterns))
            case Not():
                return self._others(pattern)
            case Exact():
                return self._exact(pattern)
            case Glob() | InRange():
                return self._like(pattern)

    def _others(self, pattern: Not) -> frozenset[Value]:
        refused = self.accepted(pattern.pattern)
        found = frozenset(self.values) - refused
        if not found and refused:
            self._never("anything but what not: names", pattern.place, hint=f"it is {_listed(self.texts)}")
        return found

    def _exact(self, pattern: Exact) -> frozenset[Value]:
        found = frozenset(value for value in self.values if _same(value, pattern))
        if not found:
            self._never(_written(pattern.value), pattern.place, hint=self._exact_hint(pattern))
        return found

    def _like(self, pattern: Glob | InRange) -> frozenset[Value]:
        if pattern.text in self.values:
            return frozenset((pattern.text,))
        if isinstance(pattern, InRange) and (self.scheme or not _is_glob(pattern.text)):
            return self._in_range(pattern)
        found = frozenset(value for value in self.values if fnmatch.fnmatchcase(text_of(value), pattern.text))
        if not found:
            self._never(repr(pattern.text), pattern.place, hint=f"it is {_listed(self.texts)}")
        return found

    def _in_range(self, pattern: InRange) -> frozenset[Value]:
        within = self._range(pattern)
        if within is None:
            return frozenset()
        found = frozenset(value for value in self.values if isinstance(value, str) and within.matches(value))
        if not found:
            self._never(pattern.text, pattern.place, hint=f"it is {self._span(within.scheme)}")
        return found

    def _range(self, pattern: InRange) -> VersionRange | None:
        if self.scheme is None:
            hint = "write the values themselves" if "." in self.subject else f"match a field that holds versions, such as {self.subject}.version"
            self._tell(f"{self.subject} has no versions that could be in the range {pattern.text}", pattern.place, hint, "no-versions")
            return None
        try:
            return parse_range(pattern.text, self.scheme)
        except ValueError as error:
            hint = "write, for example, >=22.04 <26" if self.scheme is Scheme.DOTTED else "write, for example, 1.34.x or >=1.33 <1.35"
            self._tell(f"{self.subject}: {error}", pattern.place, hint, "version-range")
            return None

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text_of(value) for value in self.values))

    def _exact_hint(self, pattern: Exact) -> str:
        shown, texts = text_of(pattern.value), self.texts
        if shown in texts:
            return f'write "{shown}" with quotes' if isinstance(pattern.value, bool) else f"write {shown} without quotes"
        if self.scheme and (wider := _wider(shown, texts, self.scheme)):
            return f"write {wider} for all that begin with it"
        if self.scheme and is_version(shown, self.scheme) and len(texts) > _SHOWN:
            return f"the nearest are {', '.join(_nearest(shown, texts, self.scheme))}"
        # Of two versions no one can say which was meant.
        return (not any(char.isdigit() for char in shown) and did_you_mean(shown, texts)) or f"it is {_listed(texts)}"

    def _span(self, scheme: Scheme) -> str:
        versions = sorted_versions(self.texts, scheme)
        return f"one of {len(versions)}, from {versions[0]} to {versions[-1]}" if len(versions) > _SHOWN else _listed(versions)

    def _never(self, what: str, place: Place, *, hint: str) -> None:
        self._tell(f"{self.subject} is never {what}", place, hint, "unknown-value")

    def _tell(self, summary: str, place: Place, hint: str, code: str) -> None:
        self.problems.append(Problem(summary=summary, place=place, hint=hint, code=code))


def shown(pattern: Pattern) -> str:
    """A pattern in words: `ubuntu or opensuse-*`, `not k3s`."""
    match pattern:
        case AnyOf():
            return " or ".join(shown(each) for each in pattern.patterns)
        case Not():
            return f"not {shown(pattern.pattern)}"
        case Exact():
            return text_of(pattern.value)
        case Glob() | InRange():
            return pattern.text


def text_of(value: Value) -> str:
    """A value as templates print it."""
    return str(value).lower() if isinstance(value, bool) else value


def _same(value: Value, pattern: Exact) -> bool:
    if pattern.by_text:
        return text_of(value) == text_of(pattern.value)
    return value == pattern.value and isinstance(value, bool) == isinstance(pattern.value, bool)


def _is_glob(text: str) -> bool:
    """Whether a text that reads as a range is a glob too: `1.34.*` is one where nothing has a scheme."""
    return "*" in text and not any(char in text for char in "<>=~^|! xX")


def _written(value: Value) -> str:
    return text_of(value) if isinstance(value, bool) else repr(value)


def _listed(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:_SHOWN])}{' ...' if len(texts) > _SHOWN else ''}"


def _wider(text: str, texts: Sequence[str], scheme: Scheme) -> str:
    """The range of what begins with a text, where there is any: `1.34.x` for `1.34`."""
    try:
        within = parse_range(f"{text}.x", scheme)
    except ValueError:
        return ""
    return within.text if any(within.matches(each) for each in texts) else ""


def _nearest(version: str, texts: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """The versions around the place where this one would be."""
    others = sorted_versions(texts, scheme)
    at = bisect_left([sorted_versions((other, version), scheme)[0] == version for other in others], x=True)
    first = max(0, min(at - 2, len(others) - 4))
    return others[first : first + 4]
