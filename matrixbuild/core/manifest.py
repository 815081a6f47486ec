"""What the author of a manifest wrote, as values that remember their places: the declared family, which expansion makes concrete."""

from __future__ import annotations

from dataclasses import dataclass, field

from matrixbuild.core.declared import Axis, Condition, DeclaredArg, Inclusion, Rule, Text
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.surroundings import DeclaredSecret, EngineUse, Network, ProfileUse, Publish, Schedule, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredImage:
    """`index`: axes whose values share one image name, each with its own platform in an index."""

    repository: Text
    tag: Text
    index: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredArtifact:
    path: Text
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredDockerfile:
    """A Dockerfile build: `context` and `dockerfile` (relative to it, `Dockerfile` where None) in the source, and the `platform` it is built for (the
    builder's own where None), all templates; `secrets` by name."""

    context: Text
    dockerfile: Text | None = None
    platform: Text | None = None
    secrets: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So much of a pool, in the units of core.demand.Resources."""

    pool: str
    amount: int
    written: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target as declared; `axes` is None where it has every axis.

    It has `earthly` or `docker`. `weak_args` are the profile's: everything else that gives the same arg wins over them; they may read
    `weak_needs`, the profile's needs, whatever the manifest has in place of these. `ambient` are args
    that reach the engine and no key; `added` and `ignored` correct the analysis (`uses`). `timeout` in seconds. `keeps_files`: what
    it wrote is never replaced.
    """

    name: str
    place: Place
    earthly: Text | None = None
    docker: DeclaredDockerfile | None = None
    axes: tuple[Text, ...] | None = None
    when: tuple[Condition, ...] = ()
    needs: tuple[Text, ...] = ()
    args: tuple[DeclaredArg, ...] = ()
    weak_args: tuple[DeclaredArg, ...] = ()
    weak_needs: tuple[str, ...] = ()
    image: DeclaredImage | None = None
    artifacts: tuple[DeclaredArtifact, ...] = ()
    resources: tuple[Amount, ...] = ()
    ambient: tuple[Text, ...] = ()
    added: tuple[Text, ...] = ()
    ignored: tuple[Text, ...] = ()
    privileged: bool = False
    keeps_files: bool = False
    timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One manifest (with those it extends and its profile's targets merged in), valid against the schema.

    `problems` are what is wrong with single values and no schema can say (a registry's form, an amount); they are kept with the rest so
    that expansion can tell everything at once. `limits` are the declared ones alone: pools left out are this machine's.
    """

    file: str
    name: str
    place: Place
    """Where `spec` stands: for what concerns the matrix as a whole."""
    source: Source
    registry: Text
    axes: tuple[Axis, ...]
    targets: tuple[Target, ...]
    profile: ProfileUse | None = None
    vars: tuple[tuple[str, Text], ...] = ()
    args: tuple[DeclaredArg, ...] = ()
    rules: tuple[Rule, ...] = ()
    include: tuple[Inclusion, ...] = ()
    secrets: tuple[DeclaredSecret, ...] = ()
    engine: EngineUse = field(default_factory=EngineUse)
    limits: tuple[Amount, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    publish: Publish = field(default_factory=Publish)
    network: Network = field(default_factory=Network)
    problems: tuple[Problem, ...] = ()

    @property
    def layout(self) -> str:
        """The registry where it is an image layout, else nothing: what core.names.ImageName.parse asks for."""
        return self.registry.value if self.registry.value.startswith("oci-layout:") else ""

    def inherits(self, place: Place) -> bool:
        """Whether something stands in a manifest that this one extends (or in a profile): then it may be about nothing here."""
        return place.file != self.file

    @property
    def inherited_args(self) -> frozenset[Place]:
        """Where a manifest that this one extends gives args to every target: they may be for targets that are not here."""
        return frozenset(arg.place for arg in self.args if self.inherits(arg.place))
