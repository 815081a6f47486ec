"""What each build goes through and what tells it from others there -> how often each Earthly target is made, and how often it would be unshared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from matrixbuild.core import documents

_NUMBERS = frozenset({"builds", "times", "unshared", "commands"})
_WORK = _NUMBERS | {"target", "seconds"}


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
    """An Earthly target of `commands` commands is made `times` times for `builds` builds; as its author wrote it, it would be `unshared` times.
    `seconds` is how long what need not run has taken here before (None: that is not known, or nobody asked)."""

    target: str
    builds: int
    times: int
    unshared: int
    commands: int
    seconds: float | None = None

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Raises DocumentError for what `to_dict` does not give."""
        document = documents.mapping(value, _WORK)
        numbers = {name: documents.field(document, name, documents.size) for name in sorted(_NUMBERS)}
        seconds = documents.optional(document, "seconds", lambda found: documents.is_a(found, float), None)
        return cls(target=documents.field(document, "target", documents.text), **numbers, seconds=seconds)

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
            **({} if self.seconds is None else {"seconds": round(self.seconds, 3)}),
        }


def shared_work(builds: Iterable[Going]) -> tuple[SharedWork, ...]:
    """Of each Earthly target that runs commands, those that save most first."""
    found: defaultdict[str, _Count] = defaultdict(_Count)
    going = tuple(builds)
    # What no build is given tells none from another.
    given = frozenset[str]().union(*[build.args for build in going])
    for stages, alike in _by_stages(going):
        values = _Values(alike, given)
        names = frozenset(build.name for build in alike)
        for stage in stages:
            if stage.commands:
                found[stage.target].add(stage, names, values)
    made = [count.work(target) for target, count in found.items()]
    return tuple(sorted(made, key=lambda work: (-work.saved, -work.commands, work.target)))


def _by_stages(builds: Iterable[Going]) -> Iterator[tuple[tuple[Stage, ...], list[Going]]]:
    """Thousands of builds have the very same stages, which are not compared with one another."""
    found: dict[int, tuple[tuple[Stage, ...], list[Going]]] = {}
    for build in builds:
        found.setdefault(id(build.stages), (build.stages, []))[1].append(build)
    yield from found.values()


class _Values:
    """What tells builds apart that have some names in common: worked out once for all stages that hang on these names."""

    def __init__(self, builds: Sequence[Going], given: frozenset[str]) -> None:
        self._apart = [build.apart for build in builds]
        self._columns = {name: [build.args.get(name) for build in builds] for name in sorted(given)}
        self._known: dict[frozenset[str], frozenset[object]] = {}
        self._varying = frozenset(name for name, column in self._columns.items() if column.count(column[0]) < len(column))
        self._first: dict[frozenset[str], tuple[int, ...]] = {}

    def of(self, names: frozenset[str]) -> frozenset[object]:
        telling = names.intersection(self._columns)
        if telling not in self._known:
            columns: list[Sequence[object]] = [self._apart, *[self._columns[name] for name in sorted(telling)]]
            self._known[telling] = frozenset([tuple([column[at] for column in columns]) for at in self._different(telling & self._varying)])
        return self._known[telling]

    def _different(self, varying: frozenset[str]) -> tuple[int, ...]:
        """One build each of all that differ in these names: what is the same for all of them tells none from another."""
        if varying not in self._first:
            rows = zip(self._apart, *[self._columns[name] for name in sorted(varying)], strict=True)
            self._first[varying] = tuple({row: at for at, row in enumerate(rows)}.values())
        return self._first[varying]


class _Count:
    """Of one Earthly target: the builds, and by turn and names of args, what differs between them."""

    def __init__(self) -> None:
        self.commands = 0
        self._builds: set[str] = set()
        self._narrow: defaultdict[object, set[object]] = defaultdict(set)
        self._wide: defaultdict[object, set[object]] = defaultdict(set)

    def add(self, stage: Stage, builds: frozenset[str], values: _Values) -> None:
        self._builds |= builds
        self.commands = max(self.commands, stage.commands)
        self._narrow[stage.turn, stage.narrow] |= values.of(stage.narrow)
        self._wide[stage.turn, stage.wide] |= values.of(stage.wide)

    def work(self, target: str) -> SharedWork:
        times, unshared = (sum(map(len, found.values())) for found in (self._narrow, self._wide))
        return SharedWork(target=target, builds=len(self._builds), times=times, unshared=unshared, commands=self.commands)
