"""Which builds may have their final image names: those that are made, once everything they need has got its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from matrixbuild.core.build import Build


class Releases:
    """The order in which builds are published one by one (`publish.mode: each`). What a build needs and is not among `builds` counts as released."""

    def __init__(self, builds: Sequence[Build]) -> None:
        self._builds = {build.name: build for build in builds}
        self._lacking = {build.name: {name for name, _ in build.needs if name in self._builds} for build in builds}
        self._dependants: defaultdict[str, list[str]] = defaultdict(list)
        for build in builds:
            for need in self._lacking[build.name]:
                self._dependants[need].append(build.name)
        self._made: set[str] = set()
        self._released: set[str] = set()

    def made(self, name: str) -> tuple[Build, ...]:
        """This build is made; itself, where it may be released now."""
        self._made.add(name)
        return self._free(name)

    def released(self, name: str) -> tuple[Build, ...]:
        """This build is released; those that waited for nothing else."""
        self._released.add(name)
        for dependant in self._dependants[name]:
            self._lacking[dependant].discard(name)
        return tuple(build for dependant in sorted(self._dependants[name]) for build in self._free(dependant))

    @property
    def held_back(self) -> tuple[Build, ...]:
        """What is made and not released."""
        return tuple(build for name, build in self._builds.items() if name in self._made - self._released)

    @property
    def complete(self) -> bool:
        return len(self._released) == len(self._builds)

    @property
    def names(self) -> frozenset[str]:
        """The names of those that are released."""
        return frozenset(self._released)

    def _free(self, name: str) -> tuple[Build, ...]:
        waits = self._lacking[name] or name in self._released or name not in self._made
        return () if waits else (self._builds[name],)
