"""The small parts that manifests and profiles are written in, as values that remember their places."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.matching import Condition as Condition  # noqa: PLC0414 (named on purpose: others import it from here)
from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string and where it stands; booleans and numbers as templates print them. `switch` says that it was written as a boolean."""

    value: str
    place: Place
    switch: bool = False

    @property
    def scalar(self) -> str | bool:
        """What conditions of templates see: a text `false` would be true to them."""
        return self.value == "true" if self.switch else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """`{latest: 3, of: "1.34.x"}`: the newest patch of so many newest minors, among those that `of` has (every one without it)."""

    count: int
    of: Text | None
    place: Place

    def __str__(self) -> str:
        return f"latest {self.count}" + (f" of {self.of.value}" if self.of else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredArg:
    """An ARG and the template of its value; `place` is the name's."""

    name: str
    value: Text
    place: Place


Version = Text | Newest
"""One version or range of them (`all` is the range `*`), or the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredValue:
    """An entry of an axis: a scalar, or fields in declared order.

    `versions` (None where the entry has none) stands for one value per version, each with the field `version` in the place of the list:
    `version_at` is its index among the fields. `args` go to the targets of the cells that have the value.
    """

    place: Place
    scalar: str | bool | None = None
    fields: tuple[tuple[str, Text], ...] = ()
    versions: tuple[Version, ...] | None = None
    version_at: int = 0
    args: tuple[DeclaredArg, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    name: str
    place: Place
    values: tuple[DeclaredValue, ...]


class Effect(StrEnum):
    """What a rule does: require drops the cells that do not match, exclude those that do; deny refuses them, warn remarks."""

    REQUIRE = "require"
    EXCLUDE = "exclude"
    DENY = "deny"
    WARN = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`when` is empty where the rule is about every cell. An `inherited` one (of a profile, or of a manifest that is extended) may match nothing."""

    name: str
    reason: str
    effect: Effect
    when: tuple[Condition, ...]
    conditions: tuple[Condition, ...]
    place: Place
    inherited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """A cell to add: (axis, where its name stands, value)."""

    values: tuple[tuple[str, Place, DeclaredValue], ...]
    place: Place
