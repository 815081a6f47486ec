"""The versions that an axis value asks for (`1.34.x`, `{latest: 3}`) and a catalog -> the versions meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from matrixbuild.core.cells import AxisValue
from matrixbuild.core.counts import counted
from matrixbuild.core.declared import DeclaredValue, Newest, Text, Version
from matrixbuild.core.problems import Place, Problem, Severity, did_you_mean
from matrixbuild.core.values import mapping_value, plain_value
from matrixbuild.core.versions import Scheme, VersionRange, is_range, latest, parse_range, sorted_versions

if TYPE_CHECKING:
    from matrixbuild.core.catalogs import Catalog

UNKNOWN_DISTRIBUTION = "R03"
UNKNOWN_VERSION = "R04"
"""The rules of profiles that say what happens to a distribution, or a version, that the catalog does not list."""

Pinned = Mapping[str, tuple[str, ...]]
"""`rke2 latest 3` -> the versions it means."""

_SHOWN = 6
_WORDS = {"all": "all", "latest": "{latest: 1}"}
"""What stands for versions as a whole, and is none in a list of them."""


@dataclass(slots=True, kw_only=True)
class Picker:
    """Resolves versions against the catalog of one axis.

    `catalog` is None where there is none, or where the source that has it is not at hand (`axis` tells the two apart). `pinned` are what picks
    meant when they were pinned: as far as they are still in the range, they go before the catalog. `effects` are overrides by rule name.
    What was resolved is in `resolved`; whether something could not be for want of a catalog, in `unresolved`.
    """

    axis: str = ""
    catalog: Catalog | None = None
    pinned: Pinned = field(default_factory=dict)
    effects: Mapping[str, str] = field(default_factory=dict)
    resolved: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unresolved: bool = False

    def values(self, axis: str, scheme: Scheme, declared: DeclaredValue, problems: list[Problem]) -> Iterator[tuple[AxisValue, Place]]:
        """The values an entry stands for, each with its place: one, or one per version."""
        asked = _Asked(picker=self, axis=axis, scheme=scheme, declared=declared, problems=problems)
        if declared.versions is None:
            value = plain_value(declared)
            if asked.is_listed(value.field("version"), declared.place):
                yield value, declared.place
            return
        before, after = declared.fields[: declared.version_at], declared.fields[declared.version_at :]
        for pick in declared.versions:
            for version in asked.meant(pick):
                yield mapping_value((*before, ("version", Text(value=version, place=pick.place)), *after)), pick.place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    picker: Picker
    axis: str
    scheme: Scheme
    declared: DeclaredValue
    problems: list[Problem]

    @property
    def distribution(self) -> str:
        """What the catalog lists versions by, wherever it stands among the fields: `distribution`, or else the first that is no version."""
        others = {name: text.value for name, text in self.declared.fields if name != "version"}
        return others.get("distribution") or next(iter(others.values()), "")

    @property
    def has_catalog(self) -> bool:
        return self.axis == self.picker.axis

    def meant(self, pick: Version) -> tuple[str, ...]:
        if isinstance(pick, Text) and not is_range(pick.value):
            return (pick.value,) if self.is_listed(pick.value, pick.place) else ()
        text = str(pick) if isinstance(pick, Newest) else pick.value
        if not self.has_catalog:
            self.problems.append(_no_catalog(text, pick.place))
            return ()
        return self._resolved(pick, f"{self.distribution} {text}")

    def _resolved(self, pick: Version, name: str) -> tuple[str, ...]:
        picker = self.picker
        if pinned := self._pinned(pick, picker.pinned.get(name, ())):
            picker.resolved[name] = pinned
            self._count(pick, pinned, "is pinned to")
            return tuple(version for version in pinned if self._is_listed_still(version, pick.place, name))
        if picker.catalog is None:
            picker.unresolved = True
        elif listed := self._listed(picker.catalog, pick.place):
            picker.resolved[name] = self._selected(pick, listed)
        return picker.resolved.get(name, ())

    def _pinned(self, pick: Version, versions: tuple[str, ...]) -> tuple[str, ...]:
        """Those that the range has: somebody may have put others into the lock."""
        within = self._range(pick) if versions else None
        return tuple(filter(within.matches, versions)) if within else ()

    def _is_listed_still(self, version: str, place: Place, name: str) -> bool:
        """Another commit of the source may have dropped what was pinned."""
        hint = f"it is pinned for `{name}`: `matrixbuild lock update --versions` resolves that anew"
        return self.is_listed(version, place, hint=hint)

    def _listed(self, catalog: Catalog, place: Place) -> tuple[str, ...]:
        """What the catalog has for the distribution; where that is nothing, that is told."""
        listed = _every(catalog, self.distribution)
        if not listed:
            self._tell(UNKNOWN_DISTRIBUTION, self._unknown_distribution(catalog, place))
        return listed

    def _selected(self, pick: Version, listed: tuple[str, ...]) -> tuple[str, ...]:
        within = self._range(pick)
        if within is None:
            return ()
        if isinstance(pick, Newest):
            found = latest(listed, pick.count, self.scheme, within if pick.of else None)
        else:
            found = tuple(filter(within.matches, sorted_versions(listed, self.scheme)))
        self._count(pick, found, "comes to")
        if not found:
            summary = f"{self.axis}: no {self.distribution} version is in {within.text}"
            self.problems.append(Problem(summary=summary, place=pick.place, hint=self._span(listed), code="version-range"))
        return found

    def _count(self, pick: Version, found: tuple[str, ...], comes: str) -> None:
        """Fewer minors than somebody counts on are told: a catalog of the source may lose some with each commit."""
        if isinstance(pick, Newest) and 0 < len(found) < pick.count:
            summary = f"{self.axis}: {self.distribution} {pick} {comes} {counted(len(found), 'version')}, not {pick.count}"
            hint = f"that is {', '.join(found)}"
            self.problems.append(Problem(summary=summary, place=pick.place, hint=hint, code="version-range", severity=Severity.WARNING))

    def _range(self, pick: Version) -> VersionRange | None:
        written = pick.of if isinstance(pick, Newest) else pick
        try:
            return parse_range(written.value if written else "*", self.scheme)
        except ValueError as error:
            place = written.place if written else pick.place
            self.problems.append(Problem(summary=f"{self.axis}: {error}", place=place, hint="", code="version-range"))
            return None

    def is_listed(self, version: str | None, place: Place, *, hint: str = "") -> bool:
        """Whether one version stands for a value: unless the catalog lacks it and that drops it."""
        catalog = self.picker.catalog
        if not self.has_catalog or catalog is None or version is None:
            return True
        listed = _every(catalog, self.distribution)
        if not listed:
            return self._tell(UNKNOWN_DISTRIBUTION, self._unknown_distribution(catalog, place))
        if version in listed:
            return True
        summary = f"{catalog.file} lists no {self.distribution} {version}"
        return self._tell(UNKNOWN_VERSION, Problem(summary=summary, place=place, hint=hint or self._near(version, listed), code="unknown-version"))

    def _tell(self, rule: str, problem: Problem) -> bool:
        """Whether the value stays, with what there is to say about it told."""
        effect = self.picker.effects.get(rule, "deny")
        if effect in ("deny", "warn"):
            severity = Severity.ERROR if effect == "deny" else Severity.WARNING
            hint = f"{problem.hint}; `override: {{{rule}: warn}}` of the profile lets it pass" if effect == "deny" else problem.hint
            self.problems.append(replace(problem, severity=severity, hint=hint))
        return effect != "drop"

    def _unknown_distribution(self, catalog: Catalog, place: Place) -> Problem:
        known = catalog.distributions
        hint = did_you_mean(self.distribution, known) or f"it lists {', '.join(known)}"
        return Problem(summary=f"{catalog.file} lists no {self.axis} {self.distribution!r}", place=place, hint=hint, code="unknown-version")

    def _near(self, version: str, listed: tuple[str, ...]) -> str:
        """What was probably meant; else the versions of the same minor, else the span of all."""
        if version in _WORDS:
            return f"write versions: {_WORDS[version]}"
        if is_range(version):
            return f'a range stands in the list of an axis value: versions: ["{version}"]'
        if version.strip().removeprefix("v") in listed:
            return f"did you mean {version.strip().removeprefix('v')!r}?"
        if wider := self._wider(version, listed):
            return wider
        minor = ".".join(version.split(".")[:2])
        same = [each for each in sorted_versions(listed, self.scheme) if each.startswith(f"{minor}.")]
        return f"of {minor} there are {', '.join(same)}" if same else self._span(listed)

    def _wider(self, version: str, listed: tuple[str, ...]) -> str:
        """For a version that is the beginning of some."""
        within = [each for each in sorted_versions(listed, self.scheme) if each.startswith(f"{version}.")]
        if not within:
            return ""
        return f"write {version}.x for {', '.join(within) if len(within) <= _SHOWN else f'all {len(within)} that begin with it'}"

    def _span(self, listed: tuple[str, ...]) -> str:
        versions = sorted_versions(listed, self.scheme)
        if len(versions) <= _SHOWN:
            return f"there are {', '.join(versions)}"
        return f"there are {len(versions)}, from {versions[0]} to {versions[-1]}"


def _every(catalog: Catalog, distribution: str) -> tuple[str, ...]:
    """With and without FIPS: `not_listed` tells the two apart, cell by cell."""
    return tuple(dict.fromkeys((*catalog.versions(distribution), *catalog.versions(distribution, fips=True))))


def _no_catalog(text: str, place: Place) -> Problem:
    hint = "name the versions; ranges need the catalog of a profile"
    summary = "nothing says which versions there are" if text == "*" else f"{text!r} is a range, not a version"
    return Problem(summary=summary, place=place, hint=hint, code="version-range")
