"""A demand and the source it is about -> what it reads, by whichever way its engine has."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from matrixbuild.adapters.notes import Notes
from matrixbuild.adapters.sources import Source
from matrixbuild.core.demand import Demand
from matrixbuild.core.docker_reading import dockerfile_path, read_dockerfile
from matrixbuild.core.earthfile.calls import split_target
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.earthfile.syntax import builds_others
from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.workflow.sharing import Args
from matrixbuild.workflow.targets import LINES, EarthlyReader, EmbeddedReader, Read

if TYPE_CHECKING:
    from matrixbuild.core.profile import ProfileStatement

SourceOf = Callable[[tuple[int, ...]], Source]
"""The source as a demand's variant sees it (core.demand.Demand.variant)."""


class Examiners:
    """An examiner for each variant; `engine` is the kind that builds Earthly targets, `statements` are a profile's, `notes` what earlier
    processes found out. What one has found it knows."""

    def __init__(
        self, source_of: SourceOf, engine: str, statements: tuple[ProfileStatement, ...] = (), notes: Notes | None = None
    ) -> None:
        self.source = source_of
        self._engine = engine
        self._statements = statements
        self._notes = notes
        self._made: dict[tuple[int, ...], Examiner] = {}

    def of(self, variant: tuple[int, ...]) -> Examiner:
        if variant not in self._made:
            self._made[variant] = Examiner(self.source(variant), self._engine, self._statements, self._notes)
        return self._made[variant]


class Examiner:
    """Reads the demands of one variant of a source."""

    def __init__(self, source: Source, engine: str, statements: tuple[ProfileStatement, ...] = (), notes: Notes | None = None) -> None:
        self._source = source
        self._engine = engine
        self._statements = statements
        self._notes = notes
        self._readers: dict[frozenset[str], EarthlyReader | EmbeddedReader] = {}
        self._dockerfiles: dict[tuple[object, ...], Read] = {}
        self._split = cache(split_target)
        self._builds_others = cache(self._of_others)

    def line(self, demand: Demand) -> str:
        return LINES["docker"] if demand.docker else LINES[self._engine]

    def fingerprints(self, paths: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        return self._reader(frozenset()).fingerprints(paths)

    def read(self, demand: Demand) -> Read:
        """Raises EarthfileError, NEEDS_EARTHLY for what the embedded engine cannot run."""
        args = tuple([(arg.name, arg.value) for arg in demand.args])
        if demand.docker:
            key = (demand.docker, args)
            if key not in self._dockerfiles:
                self._dockerfiles[key] = self._dockerfile(demand, dict(args))
            return self._dockerfiles[key]
        return self._reader(self._doubted(args)).read(*self._split(demand.earthly), args)

    def earthly(self, args: Args) -> EarthlyReader:
        """Who reads calls with these args for Earthly."""
        found = self._reader(self._doubted(args))
        if not isinstance(found, EarthlyReader):
            raise TypeError("the embedded engine reads these calls")
        return found

    def statements(self, args: Iterable[tuple[str, str]]) -> tuple[Statement, ...]:
        """What the profile states of a call with these args."""
        return self._believed(self._doubted(args))

    def builds_others(self, demand: Demand) -> bool:
        """Whether an image of its Earthly target would be that of no image at all: it only BUILDs other targets."""
        return self._builds_others(*self._split(demand.earthly))

    def _of_others(self, directory: str, name: str) -> bool:
        path = posixpath.join(directory, "Earthfile")
        text = self._source.text(path)
        targets = parsed(text, path).earthfile.targets if text is not None else ()
        return any(builds_others(recipe) for recipe in targets if recipe.name == name)

    def _doubted(self, args: Iterable[tuple[str, str]]) -> frozenset[str]:
        """The texts of the statements that do not hold for a call with these args."""
        if not self._statements:
            return frozenset()
        given = {name for name, value in args if value}
        return frozenset(each.statement.text for each in self._statements if not each.unless.isdisjoint(given))

    def _believed(self, doubted: frozenset[str]) -> tuple[Statement, ...]:
        return tuple(each.statement for each in self._statements if each.statement.text not in doubted)

    def _reader(self, doubted: frozenset[str]) -> EarthlyReader | EmbeddedReader:
        if doubted not in self._readers:
            believed = self._believed(doubted)
            earthly = self._engine == "earthly"
            self._readers[doubted] = EarthlyReader(self._source, believed, notes=self._notes) if earthly else EmbeddedReader(self._source)
        return self._readers[doubted]

    def _dockerfile(self, demand: Demand, args: dict[str, str]) -> Read:
        """Whoever builds a Dockerfile is given everything: each file of its context and each arg counts."""
        docker = demand.docker
        assert docker is not None  # noqa: S101  (asked by `read` alone)
        path = dockerfile_path(docker.context, docker.dockerfile)
        text = self._source.text(path)
        if text is None:
            raise EarthfileError(Fault.FILE_NOT_FOUND, f"the source has no Dockerfile {path}", hint="docker.dockerfile is relative to docker.context")
        found = read_dockerfile(text, context=docker.context, dockerfile=docker.dockerfile, listing=self._source.listing, args=args)
        given = frozenset(args)
        return Read(
            commands=("docker", docker.context, docker.dockerfile, *([docker.platform] if docker.platform else [])),
            declared=found.declared,
            used=given & found.declared,
            files=found.files,
            bases=found.bases,
            opaque=("time",) if found.timed else (),
            secrets=docker.secrets if found.secrets is None else tuple(name for name in docker.secrets if name in found.secrets),
        )
