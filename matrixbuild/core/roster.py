"""The builds of one run, joined by their needs: where each is, how many are where, and the moves between."""

from __future__ import annotations

from collections.abc import Iterable

from matrixbuild.core.events import MOVES, Event, State
from matrixbuild.core.pools import Pools
from matrixbuild.core.scheduled import Progress, ScheduledBuild


class IllegalEvent(Exception):  # noqa: N818  (it names the event, not an error class)
    """A bug of the scheduler or of an executor: an event that cannot be, told with the story of its build."""


class Roster:
    """`order` is that of the plan. Raises ValueError where two builds have one name, a need is not among the builds, or a pool has no capacity."""

    def __init__(self, builds: Iterable[ScheduledBuild], pools: Pools) -> None:
        self._builds: dict[str, Progress] = {}
        for number, build in enumerate(builds):
            if build.name in self._builds:
                raise ValueError(f"two builds are called {build.name!r}")
            missing = len(set(build.needs))
            self._builds[build.name] = Progress(build=build, number=number, demand=pools.demand(build.amounts), missing=missing)
        self._join()
        self.order = list(self._builds.values())
        self.counts = dict.fromkeys(State, 0) | {State.WAITING: len(self.order)}

    def _join(self) -> None:
        for progress in self._builds.values():
            for need in sorted(set(progress.build.needs)):
                if need not in self._builds:
                    raise ValueError(f"{progress.build.name!r} needs {need!r}, which is not among the builds")
                self._builds[need].dependants.append(progress)

    def __getitem__(self, name: str) -> Progress:
        return self._builds[name]

    @property
    def ended(self) -> bool:
        """Every build is built, failed, skipped or cancelled."""
        return sum(self.counts[state] for state in _FINAL) == len(self.order)

    def move(self, progress: Progress, state: State) -> None:
        """Raises IllegalEvent for a move that is none of events.MOVES."""
        if state not in MOVES[progress.state]:
            raise IllegalEvent(f"{progress.build.name!r} cannot become {state}; it was {progress.told}")
        self.counts[progress.state] -= 1
        self.counts[state] += 1
        progress.state = state
        progress.story.append(f"{state} {progress.attempt}" if state is State.RUNNING else state)

    def known(self, name: str, event: Event) -> Progress:
        """The build an event is about; raises IllegalEvent where there is none."""
        if name not in self._builds:
            raise IllegalEvent(f"{type(event).__name__} for {name!r}, which is not among the builds")
        return self._builds[name]

    def running(self, name: str, event: Event) -> Progress:
        """The same, where it can only be about one that runs."""
        progress = self.known(name, event)
        if progress.state is not State.RUNNING:
            raise illegal(progress, event)
        return progress


_FINAL = tuple(state for state in State if state.final)


def illegal(progress: Progress, event: Event) -> IllegalEvent:
    return IllegalEvent(f"{type(event).__name__} for {progress.build.name!r}, which was {progress.told}")
