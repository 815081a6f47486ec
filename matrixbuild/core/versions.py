"""The text of a version range -> which versions it means, in two schemes; and versions in their order.

SEMVER is npm's language of ranges, DOTTED numbers with dots. In both a bound with fewer parts stands for everything that begins with it:
`<=1.33` has 1.33.4, `<=24` has 24.04, and `>24` has neither 24.04 nor 24.10.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from matrixbuild.core import dotted_versions as dotted

MAX_LENGTH = 256
"""Of a version and of a range, in characters: npm's own limit for a version."""

Test = Callable[[str], bool]

_OPERATORS = "<>=~^!"
_X_RANGE = re.compile(r"v?(?:[0-9]+\.)*[xX*](?:\.(?:[0-9]+|[xX*]))*")
_PARTIAL = re.compile(r"v?[0-9]+(?:\.(?:[0-9]+|[xX*]))*(?:[-+][0-9A-Za-z.+-]+)?")
_NUMBER_AFTER_X = re.compile(r"(?:^|[.\s=<>~^v])[xX*]\.[0-9]")
_SEMVER = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?")


class Scheme(StrEnum):
    """How versions are compared: as npm does (Kubernetes), or as numbers with dots (operating systems)."""

    SEMVER = "semver"
    DOTTED = "dotted"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRange:
    """A range as written; two are equal where text and scheme are."""

    text: str
    scheme: Scheme
    test: Test = field(compare=False, repr=False)

    def matches(self, version: str) -> bool:
        """Whether the version is in it; never so for a text that is no version of the scheme.

        SEMVER takes a pre-release only where the range itself names one of the same major.minor.patch, as npm does.
        """
        return is_version(version, self.scheme) and self.test(version)


def is_range(text: str) -> bool:
    """Whether a text reads as a range rather than as one version or any other word: `1.34.x`, `>=22.04`, `1 - 2`, `a || b`, `*`.

    A partial version (`1.34`) does not, although `parse_range` takes one; nor does a glob such as `leap-*`.
    """
    words = text.replace("||", " ").split()
    if "||" in text or any(word[0] in _OPERATORS for word in words):
        return True
    looks = all(word == "-" or _X_RANGE.fullmatch(word) or _PARTIAL.fullmatch(word) for word in words)
    return looks and ("-" in words or any(_X_RANGE.fullmatch(word) for word in words))


def is_version(text: str, scheme: Scheme) -> bool:
    """Whether a text is one version: x.y.z with or without a pre-release, or a dotted number; a `v` may stand before either."""
    return len(text) <= MAX_LENGTH and (dotted.numbers(text) if scheme is Scheme.DOTTED else _semver(text)) is not None


@lru_cache(maxsize=4096)
def parse_range(text: str, scheme: Scheme) -> VersionRange:
    """The range that a text means. ValueError, with one clause that names the text, where it means none.

    Stricter than npm in what is more likely a slip than a wish: an empty alternative (`1.33.x ||` would be everything), a number after an x.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the range {text[:20]!r}... is longer than {MAX_LENGTH} characters")
    if mistake := _mistake(text):
        raise ValueError(f"{text!r} is no range of versions: {mistake}")
    test = dotted.parse(text) if scheme is Scheme.DOTTED else _npm(text)
    return VersionRange(text=text, scheme=scheme, test=test)


def _mistake(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        return "it has characters that no version has"
    if not all(alternative.strip() for alternative in text.split("||")):
        return "nothing stands beside ||" if "||" in text else "it is empty"
    if "," in text:
        return "bounds are separated by spaces, not by commas"
    if "!" in text:
        return "it has no operator !, write not: {...} around what is not meant"
    return "a number stands after an x" if _NUMBER_AFTER_X.search(text) else ""


def _npm(text: str) -> Test:
    import nodesemver  # type: ignore[import-untyped]

    plain = " ".join(text.split())  # for a run of spaces the library's expressions take seconds
    for alternative in plain.split("||"):
        try:
            nodesemver.make_range(alternative, loose=False)
        except ValueError:
            raise ValueError(f"{text!r} is no range of versions: npm's semver does not know {alternative.strip()!r}") from None
    found = nodesemver.make_range(plain, loose=False)
    return lambda version: bool(found.test(_semver(version)))


@lru_cache(maxsize=65536)
def _semver(text: str) -> Any:
    """The library's version; None where the text is none (the library would let `=1.2.3` and spaces pass)."""
    if not _SEMVER.fullmatch(text):
        return None
    import nodesemver

    try:
        return nodesemver.make_semver(text, loose=False)
    except ValueError:
        return None


def sorted_versions(versions: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """Ascending, the same for every order of the input; texts that are no version of the scheme come first, by their numbers, then as texts."""
    return tuple(sorted(versions, key=lambda version: _key(version, scheme)))


def _key(version: str, scheme: Scheme) -> tuple[object, ...]:
    numbers = dotted.numbers(version)
    if scheme is Scheme.DOTTED or not is_version(version, scheme):
        ranked = scheme is Scheme.DOTTED and numbers is not None
        return (ranked, numbers or (), version)
    found = _semver(version)
    pre = tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in found.prerelease)
    return (True, (found.major, found.minor, found.patch), not pre, pre, version)


def latest(versions: Iterable[str], count: int, scheme: Scheme, of: VersionRange | None = None) -> tuple[str, ...]:
    """The newest patch of each of the newest `count` minors among the versions in `of` (all), ascending; fewer where there are fewer.

    A minor is the first two numbers, so that each of 22.04 and 24.04 is one. Pre-releases count only where `of` names one (see `matches`).
    ValueError where `count` is not positive.
    """
    if count < 1:
        raise ValueError(f"the latest {count} versions are none")
    within = of or parse_range("*", scheme)
    newest = {_minor(version, scheme): version for version in sorted_versions(filter(within.matches, versions), scheme)}
    return tuple(newest.values())[-count:]


def _minor(version: str, scheme: Scheme) -> Sequence[int]:
    if scheme is Scheme.DOTTED:
        return (dotted.numbers(version) or ())[:2]
    found = _semver(version)
    return (found.major, found.minor)
