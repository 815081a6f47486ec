"""A plan, and what its builds took on this machine before -> how long an apply takes, here or with other room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matrixbuild.adapters.journal import read_journal
from matrixbuild.core.forecast import Estimate
from matrixbuild.core.shared_work import SharedWork
from matrixbuild.workflow.common_work import built_already, with_savings
from matrixbuild.workflow.planning import Planned
from matrixbuild.workflow.scheduling import outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How long the builds of a plan take: `here`, with the limits of the manifest and this machine, and `there` with `room` in other pools; and what
    they share, with the time that this saves."""

    builds: int
    here: Estimate
    room: Mapping[str, int]
    there: Estimate
    shared: tuple[SharedWork, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Of `there`, as schemas/plan.schema.json describes it: seconds."""
        found = self.there
        times = {"seconds": found.makespan, "low": found.low, "high": found.high, "least": found.least}
        return {"room": dict(sorted(self.room.items())), **{name: round(value, 3) for name, value in times.items()}, "known": round(found.known, 3)}


def forecast(found: Planned, room: Mapping[str, int]) -> Forecast | None:
    """`room` are amounts of pools that are otherwise than here. None where nothing was ever built here, and no other
    room is asked for.

    Raises InvalidError for a pool that there is not, UnusableError for a journal that cannot be read.
    """
    prepared = found.prepared
    wanted = {build.name: build for build in prepared.builds if build.name in found.plan.to_build}
    with read_journal(prepared.project.state(prepared.manifest.name)) as journal:
        history = journal.samples() if journal else {}
    if not history and not room:
        return None
    done = built_already(found.plan)
    here = outlook(wanted, prepared, history, done=done).estimate
    there = outlook(wanted, prepared, history, done=done, room=room).estimate if room else here
    return Forecast(builds=len(wanted), here=here, room=room, there=there, shared=with_savings(found, history))
