"""What the author of a manifest wrote, as values that remember their places: the declared family, which expansion makes concrete."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.problems import Place, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string and where it stands; booleans and numbers as templates print them."""

    value: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredValue:
    """An entry of an axis: a scalar, or fields in declared order.

    `versions` (None where the entry has none) stands for one value per version, each with the field `version` in the place of the list:
    `version_at` is its index among the fields.
    """

    place: Place
    scalar: str | bool | None = None
    fields: tuple[tuple[str, Text], ...] = ()
    versions: tuple[Text, ...] | None = None
    version_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    name: str
    place: Place
    values: tuple[DeclaredValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A value that a condition accepts."""

    value: str | bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`os: ubuntu-24.04` or `os.version: [...]`: holds where the axis, or that field of it, has one of the wanted values."""

    axis: str
    field: str | None
    wanted: tuple[Wanted, ...]
    place: Place

    @property
    def subject(self) -> str:
        return f"{self.axis}.{self.field}" if self.field else self.axis


class Effect(StrEnum):
    """What a rule does: require drops the cells that do not match, exclude those that do; deny refuses them, warn remarks."""

    REQUIRE = "require"
    EXCLUDE = "exclude"
    DENY = "deny"
    WARN = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`when` is empty where the rule is about every cell."""

    name: str
    reason: str
    effect: Effect
    when: tuple[Condition, ...]
    conditions: tuple[Condition, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """A cell to add: (axis, where its name stands, value)."""

    values: tuple[tuple[str, Place, DeclaredValue], ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredArg:
    """An ARG and the template of its value; `place` is the name's."""

    name: str
    value: Text
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredImage:
    repository: Text
    tag: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredArtifact:
    path: Text
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So much of a pool, in the units of core.demand.Resources."""

    pool: str
    amount: int
    written: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target as declared; `axes` is None where it has every axis."""

    name: str
    place: Place
    earthly: Text
    axes: tuple[Text, ...] | None = None
    when: tuple[Condition, ...] = ()
    needs: tuple[Text, ...] = ()
    args: tuple[DeclaredArg, ...] = ()
    image: DeclaredImage | None = None
    artifacts: tuple[DeclaredArtifact, ...] = ()
    resources: tuple[Amount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`attempts` counts the first; waits in seconds."""

    attempts: int = 3
    initial: float = 5.0
    maximum: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One manifest, valid against the schema.

    `problems` are what is wrong with single values and no schema can say (a registry's form, an amount); they are kept with the rest so
    that expansion can tell everything at once. `limits` are the declared ones alone: pools left out are this machine's.
    """

    file: str
    name: str
    place: Place
    """Where `spec` stands: for what concerns the matrix as a whole."""
    source: Text
    registry: Text
    axes: tuple[Axis, ...]
    targets: tuple[Target, ...]
    vars: tuple[tuple[str, Text], ...] = ()
    args: tuple[DeclaredArg, ...] = ()
    rules: tuple[Rule, ...] = ()
    include: tuple[Inclusion, ...] = ()
    engine: str = "embedded"
    limits: tuple[Amount, ...] = ()
    retry: Retry = Retry()
    mutable_tags: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def layout(self) -> str:
        """The registry where it is an image layout, else nothing: what core.names.ImageName.parse asks for."""
        return self.registry.value if self.registry.value.startswith("oci-layout:") else ""
