"""What each build goes through and what tells it from others there -> how often each Earthly target is made, and how often it would be unshared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self

from matrixbuild.core import documents

_WORK = frozenset({"target", "builds", "times", "unshared", "commands"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An Earthly target that a build comes to: the args (by name) that its steps depend on as it is built and as its author wrote it, and how many
    commands it runs itself. `turn` tells several calls of one target apart."""

    target: str
    turn: int
    narrow: frozenset[str]
    wide: frozenset[str]
    commands: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A build: what it is given, what else keeps it from sharing steps with others (other files, another generation), and its stages."""

    name: str
    args: Mapping[str, str]
    apart: object
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWork:
    """An Earthly target of `commands` commands is made `times` times for `builds` builds; as its author wrote it, it would be `unshared` times."""

    target: str
    builds: int
    times: int
    unshared: int
    commands: int

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Raises DocumentError for what `to_dict` does not give."""
        document = documents.mapping(value, _WORK)
        numbers = {name: documents.field(document, name, documents.size) for name in sorted(_WORK - {"target"})}
        return cls(target=documents.field(document, "target", documents.text), **numbers)

    @property
    def saved(self) -> int:
        """Commands that need not run."""
        return (self.unshared - self.times) * self.commands

    def to_dict(self) -> dict[str, object]:
        return {
            "target": self.target,
            "builds": self.builds,
            "times": self.times,
            "unshared": self.unshared,
            "commands": self.commands,
        }


def shared_work(builds: Iterable[Going]) -> tuple[SharedWork, ...]:
    """Of each Earthly target that runs commands, those that save most first."""
    found: defaultdict[str, _Count] = defaultdict(_Count)
    for build in builds:
        for stage in build.stages:
            if stage.commands:
                found[stage.target].add(build, stage)
    made = [count.work(target) for target, count in found.items()]
    return tuple(sorted(made, key=lambda work: (-work.saved, -work.commands, work.target)))


class _Count:
    """Of one Earthly target."""

    def __init__(self) -> None:
        self.commands = 0
        self._builds: set[str] = set()
        self._narrow: set[object] = set()
        self._wide: set[object] = set()

    def add(self, build: Going, stage: Stage) -> None:
        self._builds.add(build.name)
        self.commands = max(self.commands, stage.commands)
        self._narrow.add((build.apart, stage.turn, _values(build, stage.narrow)))
        self._wide.add((build.apart, stage.turn, _values(build, stage.wide)))

    def work(self, target: str) -> SharedWork:
        return SharedWork(target=target, builds=len(self._builds), times=len(self._narrow), unshared=len(self._wide), commands=self.commands)


def _values(build: Going, names: frozenset[str]) -> tuple[str | None, ...]:
    return tuple([build.args.get(name) for name in _ordered(names)])


@cache
def _ordered(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
