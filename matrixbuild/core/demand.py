"""What the manifest asks for, made concrete: one declared target for one cell, with no template left in it."""

from __future__ import annotations

from dataclasses import dataclass

from matrixbuild.core.cells import Cell
from matrixbuild.core.names import ImageName, sha256
from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Arg:
    """An ARG to pass: `axes` are those its value was rendered from; `place` is where the manifest gives it.

    A value may hold the token of a need (`need_token`), which stands for the needed image until that is known. An `optional` arg was given
    to every target (`spec.args`): it is passed where the Earthly target declares it, and left out elsewhere.
    """

    name: str
    value: str
    axes: frozenset[str]
    place: Place
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDemand:
    """A file or directory to take out of the target (`path`, absolute in it) and what to call it below out/."""

    path: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text as the manifest has it, and where."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a build holds while it runs, as (pool, amount) sorted by name: cpu in thousandths of a core, memory and disk in bytes, others counted."""

    amounts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One declared target for one cell (reduced to the target's axes): the unit that deduplication works on."""

    target: str
    cell: Cell
    earthly: str
    """The Earthly target as the manifest names it: `+provider-image`, `./sub+image`."""
    args: tuple[Arg, ...]
    image: ImageName | None
    artifacts: tuple[ArtifactDemand, ...]
    needs: tuple[tuple[str, Cell], ...]
    """Target and cell of each demand this one needs."""
    resources: Resources
    place: Place
    earthly_place: Place | None = None
    tag: Written | None = None
    """The tag's template: what a message about image names shows."""

    @property
    def address(self) -> tuple[str, Cell]:
        return self.target, self.cell


NEED_HOST = "need.matrixbuild.invalid"


def need_token(target: str, digest: str) -> str:
    """A valid image reference that stands for the image of a need: `digest` is the needed cell's (in a demand) or build key's (in a key)."""
    return f"{NEED_HOST}/{target}@{digest}"


def cell_digest(cell: Cell) -> str:
    """What a demand's need token carries for the needed cell: the digest of its text."""
    return sha256(str(cell).encode("utf-8", "surrogatepass"))
