"""A source's own list of versions (a JSON file, or the recipes of its Earthfile) -> a Catalog: which versions of each distribution there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.earthfile.source import Source
from matrixbuild.core.earthfile.version_lists import compared_with, listed_versions
from matrixbuild.core.problems import Problem, Severity
from matrixbuild.core.versions import Scheme, is_version

Versions = Mapping[str, tuple[str, ...]]
"""Distribution -> its versions, in the order of the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What versions there are: `file` is where they stand, `fips` the ones for FIPS where the source has other lists for it.

    A distribution that the source knows and lists no versions for has an empty list.
    """

    file: str
    plain: Versions
    fips: Versions | None = None

    def versions(self, distribution: str, *, fips: bool = False) -> tuple[str, ...]:
        """In the order of the source; none where nothing is listed."""
        return (self.plain if self.fips is None or not fips else self.fips).get(distribution, ())

    @property
    def distributions(self) -> tuple[str, ...]:
        """All that the source knows, sorted."""
        return tuple(sorted({*self.plain, *(self.fips or ())}))


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSource:
    """Where the sources of a profile list versions: in the JSON file `file`, or else in their Earthfile.

    There the Earthly target `plain` (for FIPS, `fips`) builds another for one version of `version_arg` after the other, as the ARGs
    `distribution_arg` and `fips_arg` (true or false) say.
    """

    file: str
    plain: str
    fips: str
    distribution_arg: str
    version_arg: str
    fips_arg: str


def catalog_for(where: CatalogSource, texts: Mapping[str, str], problems: list[Problem]) -> Catalog | None:
    """The catalog of a source; `texts` are its JSON file and its Earthfile (`Earthfile`), as far as it has them. None where neither lists versions.

    Nothing but the texts decides, so that a plan never changes with the day.
    """
    if where.file in texts:
        return json_catalog(texts[where.file], where.file, problems)
    return earthfile_catalog(texts["Earthfile"], "Earthfile", where, problems) if "Earthfile" in texts else None


# The Earthfile's own lists ---------------------------------------------------


def earthfile_catalog(text: str, file: str, where: CatalogSource, problems: list[Problem]) -> Catalog | None:
    """The versions that the recipes build one after the other, for each distribution that a condition anywhere in the Earthfile names.

    A version that is listed twice counts once: Earthly builds it twice. None where no recipe lists any, or the Earthfile is wrong.
    """
    try:
        earthfile = parse(text, file=file)
        plain = _lists(earthfile, where.plain, where, fips="false")
        fips = _lists(earthfile, where.fips, where, fips="true")
    except EarthfileError as error:
        problems.append(error.problem())
        return None
    return Catalog(file=file, plain=plain, fips=fips) if any(plain.values()) or any(fips.values()) else None


def _lists(earthfile: syntax.Earthfile, target: str, where: CatalogSource, *, fips: str) -> Versions:
    found = {}
    for distribution in compared_with(earthfile, where.distribution_arg):
        known = {where.distribution_arg: distribution, where.fips_arg: fips}
        listed = listed_versions(earthfile, target, where.version_arg, known)
        found[distribution] = tuple(dict.fromkeys(each.version for each in listed))
    return found


# The JSON file ---------------------------------------------------------------

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_SHAPE = 'write {"k3s": ["1.34.2", ...], ...}'
_HINT = "mend the file, or pin a ref of the source where it is right"


def json_catalog(text: str, file: str, problems: list[Problem]) -> Catalog:
    """An object of arrays of versions x.y.z. What is wrong with it is told with its place, and what is right is read all the same.

    Codes: `catalog-syntax`, `catalog-shape`, `catalog-version`; a version that is there twice (`catalog-twice`) is a warning.
    """
    source = Source.of(text, file=file)
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        summary = f"{file} is no JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        problems.append(Problem(summary=summary, place=source.place(error.pos), hint=_HINT, code="catalog-syntax"))
    except RecursionError:
        problems.append(Problem(summary=f"{file} is nested too deeply", place=source.place(0), hint=_SHAPE, code="catalog-shape"))
    else:
        return Catalog(file=file, plain=_Reader(source=source, problems=problems).lists())
    return Catalog(file=file, plain={})


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Goes through the tokens of a text that is JSON; json itself says of no value where it stands."""

    source: Source
    problems: list[Problem]
    tokens: Sequence[re.Match[str]] = ()
    at: int = 0
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def lists(self) -> Versions:
        self.tokens = tuple(_TOKEN.finditer(self.source.text))
        if self._next != "{":
            self._tell("the file holds no object of lists of versions", hint=_SHAPE)
            return self.found
        for key in self._items("}"):
            self.at += 2  # the key and its colon
            if key in self.found:
                self._tell(f"{key} stands in the file twice", hint="remove one of them", back=2)
            self.found.setdefault(key, tuple(self._versions(key)))
        return self.found

    @property
    def _next(self) -> str:
        return self.tokens[self.at][0]

    def _items(self, end: str) -> Iterator[str]:
        """The first token of each item, as a string where it is one; whoever asks for the next has gone past the item."""
        self.at += 1
        while self._next != end:
            self.at += self._next == ","
            yield json.loads(self._next) if self._next.startswith('"') else ""

    def _versions(self, key: str) -> Iterator[str]:
        if self._next != "[":
            self._tell(f"the versions of {key} are no list", hint=_SHAPE)
            self._skip()
            return
        seen: set[str] = set()
        for version in self._items("]"):
            if self._is_version(version, key, seen):
                yield version
            seen.add(version)
            self._skip()
        self.at += 1

    def _is_version(self, version: str, key: str, seen: set[str]) -> bool:
        if not is_version(version, Scheme.SEMVER):
            self._tell(f"{self._next[:40]} in the list of {key} is no version", hint='write x.y.z in quotes, as "1.34.2"', code="catalog-version")
            return False
        if version in seen:
            hint = "it counts once; remove one of them"
            self._tell(f"{version} is in the list of {key} twice", hint=hint, code="catalog-twice", severity=Severity.WARNING)
        return version not in seen

    def _skip(self) -> None:
        """Past one value, whatever it is."""
        depth = 0
        while True:
            depth += (self._next in ("{", "[")) - (self._next in ("}", "]"))
            self.at += 1
            if not depth:
                return

    def _tell(self, summary: str, *, hint: str, code: str = "catalog-shape", severity: Severity = Severity.ERROR, back: int = 0) -> None:
        token = self.tokens[self.at - back]
        place = self.source.place(token.start(), token.end())
        self.problems.append(Problem(summary=summary, place=place, hint=hint, code=code, severity=severity))
