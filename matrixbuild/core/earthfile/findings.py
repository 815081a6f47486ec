"""What a partial evaluation comes across beside the recipe: commands that run, references, what is opaque, what is read where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from matrixbuild.core.earthfile.recipe import Copied, Tree, copies_of
from matrixbuild.core.earthfile.statements import Stated
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.problems import Place


class Opacity(StrEnum):
    """How something is opaque (design.md 5): what is read, which value something has, or when it is done."""

    INPUTS = "inputs"
    VALUES = "values"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """A construct that the evaluation cannot see through, and why, as one clause."""

    kind: Opacity
    place: Place
    why: str


class EdgeKind(StrEnum):
    """How one Earthly target comes to another; LOAD is WITH DOCKER --load."""

    FROM = "FROM"
    COPY = "COPY"
    BUILD = "BUILD"
    DO = "DO"
    LOAD = "LOAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A RUN that prints a message and fails, on a branch that is certain."""

    message: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that a line needs of whoever builds: a secret by its name, or a privilege."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ran:
    """A command that runs in the image: the variables in its environment that its text does not name, with the ARGs behind each."""

    visit: Visit
    place: Place
    names: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taken:
    """A COPY of a target; one that is not `certain` stands on a branch that may not be taken."""

    visit: Visit
    copied: Copied
    certain: bool


@dataclass(slots=True, eq=False)
class Findings:
    """Collects; nothing in it is ever taken back, whichever branch it was found on."""

    ran: list[Ran] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    edges: dict[tuple[Visit, Visit, EdgeKind], None] = field(default_factory=dict)
    functions: dict[tuple[Visit, str], None] = field(default_factory=dict)
    opaque: dict[Opaque, None] = field(default_factory=dict)
    guards: dict[Guard, None] = field(default_factory=dict)
    secrets: dict[Need, None] = field(default_factory=dict)
    privileged: dict[Need, None] = field(default_factory=dict)
    said: dict[Visit, dict[str, Place]] = field(default_factory=dict)
    """The words of the texts that each visit runs, with the first place of each: a later command may run what they wrote."""
    hands_on: dict[Visit, Place] = field(default_factory=dict)
    """Where a visit first writes what may be a script that reads its whole environment, or says so in an ENTRYPOINT."""
    stated: dict[Stated, None] = field(default_factory=dict)
    defaults: list[tuple[str, str]] = field(default_factory=list)
    """ARGs and their defaults as written, where they count only if the ARG is used."""
    named: set[str] = field(default_factory=set)
    """The ARGs that reach the name of an image."""
    deciding: set[str] = field(default_factory=set)
    """The ARGs that decide on what is gone through: calls that agree on them differ in nothing but texts."""
    everything: Place | None = None
    """Where something was met that may read any ARG, whether or not the path declares it."""
    uncertain: int = 0
    """How many branches that may not be taken we are in."""

    def note(self, kind: Opacity, place: Place, why: str) -> None:
        self.opaque.setdefault(Opaque(kind=kind, place=place, why=why))

    def say(self, visit: Visit, words: Iterable[str], place: Place) -> None:
        """A text of a visit has these words."""
        said = self.said.setdefault(visit, {})
        for word in words:
            said.setdefault(word, place)

    def take(self, visit: Visit, tree: Tree) -> None:
        """All copies that a new part of a tree holds."""
        known = {id(each.copied) for each in self.taken}
        self.taken += [Taken(visit=visit, copied=copied, certain=not self.uncertain) for copied in copies_of(tree) if id(copied) not in known]

    def took(self, visit: Visit, copied: Copied) -> None:
        self.taken.append(Taken(visit=visit, copied=copied, certain=not self.uncertain))
