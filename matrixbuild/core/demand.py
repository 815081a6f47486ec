"""What the manifest asks for, made concrete: one declared target for one cell, with no template left in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from matrixbuild.core.cells import Cell
from matrixbuild.core.declared import Text
from matrixbuild.core.names import ImageName, sha256
from matrixbuild.core.problems import Place
from matrixbuild.core.uses import Uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Arg:
    """An ARG to pass: `axes` are those its value was rendered from; `place` is where the manifest gives it.

    A value may hold the token of a need (`need_token`), which stands for the needed image until that is known. An `optional` arg was given
    to every target (`spec.args`, an axis value, the profile): it is passed where the Earthly target declares it, and left out elsewhere. One
    that is also `tacit` nobody asked for (the default of an axis): no target has to declare it.
    """

    name: str
    value: str
    axes: frozenset[str]
    place: Place
    optional: bool = False
    tacit: bool = False
    pair: tuple[str, str] = field(init=False, repr=False, compare=False)
    """Name and value: one for all builds that are given it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pair", (self.name, self.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDemand:
    """A file or directory to take out of the target (`path`, absolute in it) and what to call it below out/."""

    path: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text as the manifest has it, and where; `foreign`: as its profile has it, and where the manifest names that."""

    text: str
    place: Place
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a build holds while it runs, as (pool, amount) sorted by name: cpu in thousandths of a core, memory and disk in bytes, others counted."""

    amounts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerDemand:
    """A Dockerfile build: directory and file of the source, the names of the secrets that it is given, and the platform that it is built for
    (`linux/arm64`; "": the one of the machine that builds)."""

    context: str
    dockerfile: str
    secrets: tuple[str, ...] = ()
    platform: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a target asks for in all of its cells alike.

    `earthly` is the Earthly target as the manifest names it (`+provider-image`, `./sub+image`), "" where its demands have a `docker`. `ambient` are
    ARGs that reach the engine and no key. `timeout` in seconds.
    """

    target: str
    earthly: str
    place: Place
    resources: Resources = Resources()
    earthly_place: Place | None = None
    tag: Written | None = None
    """The tag's template: what a message about image names shows."""
    uses: Uses | None = None
    ambient: tuple[str, ...] = ()
    own_ambient: tuple[Text, ...] = ()
    """Those that the manifest itself names, where it does."""
    privileged: bool = False
    keeps_files: bool = False
    """What it wrote before is never replaced."""
    timeout: float | None = None
    covered: frozenset[str] = frozenset()
    """The axes that its image name tells, and those of `index`: their values share one image name, with an image for each of them."""
    index: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One declared target for one cell (reduced to the target's axes): the unit that deduplication works on.

    `asked` is one value for all demands of a target. `variant` says which files are laid over the source for it (indexes of the manifest's
    `source.files`).
    """

    asked: Asked
    cell: Cell
    args: tuple[Arg, ...] = ()
    image: ImageName | None = None
    artifacts: tuple[ArtifactDemand, ...] = ()
    needs: tuple[tuple[str, Cell], ...] = ()
    """Target and cell of each demand this one needs."""
    docker: DockerDemand | None = None
    variant: tuple[int, ...] = ()
    secret_versions: tuple[tuple[str, str], ...] = ()
    """Of the secrets that its cells may be given: name and version, where that has one. Those that it asks for count."""

    @property
    def target(self) -> str:
        return self.asked.target

    @property
    def earthly(self) -> str:
        return self.asked.earthly

    @property
    def place(self) -> Place:
        return self.asked.place

    @property
    def address(self) -> tuple[str, Cell]:
        return self.asked.target, self.cell


NEED_HOST = "need.matrixbuild.invalid"


def need_token(target: str, digest: str) -> str:
    """A valid image reference that stands for the image of a need: `digest` is the needed cell's (in a demand) or build key's (in a key)."""
    return f"{NEED_HOST}/{target}@{digest}"


def cell_digest(cell: Cell) -> str:
    """What a demand's need token carries for the needed cell: the digest of its text."""
    return sha256(str(cell).encode("utf-8", "surrogatepass"))
