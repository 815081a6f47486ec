"""A manifest -> built images under content tags, then final tags, artifacts and a lock: the main story."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matrixbuild.adapters.engines.base import Engine, Order
from matrixbuild.adapters.engines.earthly.checkouts import CHECKOUTS
from matrixbuild.adapters.executors.interrupts import Interrupts
from matrixbuild.adapters.executors.local import LocalExecutor
from matrixbuild.adapters.freeing import Space
from matrixbuild.adapters.git_mirror import cache_directory
from matrixbuild.adapters.log_files import program_log
from matrixbuild.adapters.machine import free_disk
from matrixbuild.adapters.state import called, held_state
from matrixbuild.core.build import Build
from matrixbuild.core.events import Report, Run, State, Uploaded
from matrixbuild.core.exit_codes import ExitCode
from matrixbuild.core.happenings import Happening, Progressed
from matrixbuild.core.journal import Performed
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.names import ImageName
from matrixbuild.core.plan import Plan
from matrixbuild.core.problems import MatrixbuildError, Problem
from matrixbuild.core.publish import PutTag
from matrixbuild.core.schedule import Schedule
from matrixbuild.core.surroundings import PublishMode
from matrixbuild.workflow.approving import ANYTHING, Approval
from matrixbuild.workflow.common_work import built_already
from matrixbuild.workflow.deciding import decided
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.keeping import forget, keep
from matrixbuild.workflow.options import PLAIN, Options
from matrixbuild.workflow.owned_files import own_files
from matrixbuild.workflow.performing import Performing
from matrixbuild.workflow.planning import Planned, Prepared
from matrixbuild.workflow.projects import project_of
from matrixbuild.workflow.reading import read_name
from matrixbuild.workflow.recording import Recorder, recorded
from matrixbuild.workflow.releasing import Release, Watcher
from matrixbuild.workflow.running import Outcome, run_schedule
from matrixbuild.workflow.scheduling import Outlook, outlook, policy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """How an apply went: its plan, how each build ended that ran, digests by build key, those of `indexes` by image name, the tags that were put,
    and the first signal that came.

    `published` are the builds that have their final names now; `refusals` is what kept others of them that were built from theirs (with
    publish.mode each alone: else it is raised), `held_back` how many.
    """

    planned: Planned
    outcomes: Mapping[str, Outcome[Performed]]
    digests: Mapping[str, str]
    puts: tuple[PutTag, ...] = ()
    lock_changed: bool = False
    signal: signal.Signals | None = None
    published: frozenset[str] = frozenset()
    refusals: tuple[MatrixbuildError, ...] = ()
    held_back: int = 0
    indexes: Mapping[str, str] = field(default_factory=dict)

    def digest(self, build: Build, ref: ImageName) -> str:
        """What one of a build's image names holds: its own image, or the index that lists it. Raises KeyError where it has no image by now."""
        return self.indexes.get(str(ref)) or self.digests[build.key]

    @property
    def succeeded(self) -> bool:
        """Everything is built."""
        return all(outcome.state is State.BUILT for outcome in self.outcomes.values())

    @property
    def complete(self) -> bool:
        """Everything is built, and nothing kept it from being published."""
        return self.succeeded and not self.refusals and self.signal is None

    @property
    def exit_code(self) -> ExitCode:
        """How the program ends."""
        if self.signal:
            return ExitCode.INTERRUPTED if self.signal is signal.SIGINT else ExitCode.TERMINATED
        if not self.succeeded:
            return ExitCode.BUILDS_FAILED
        return self.refusals[0].exit_code if self.refusals else ExitCode.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whom an apply tells how it goes: what the manifest's rules remark, the plan when it is made, what its run is going to be and the schedule of it
    (to ask, from any thread, what waits for what), then every build that starts, rests or ends; `on_happening` hears of all this and more as values
    for machines, and of progress in another thread than the rest, but never of two things at once."""

    on_plan: Callable[[Plan], None]
    on_report: Callable[[Report, Output | None], None]
    on_warnings: Callable[[Sequence[Problem]], None] = lambda _: None
    on_happening: Callable[[Happening], None] = lambda _: None
    on_outlook: Callable[[Outlook, Schedule], None] = lambda _, __: None


def apply_manifest(
    path: Path,
    listener: Listener,
    *,
    overwrite: frozenset[str] = frozenset(),
    options: Options = PLAIN,
    locked: bool = False,
    rebuild: str = "",
    approval: Approval = ANYTHING,
    engine: Callable[[Prepared], Engine] = engine_of,
) -> Applied:
    """Build what the plan asks for, publish it as the manifest's `publish.mode` says, and write the lock.

    With `locked` no pin may be missing in the lock; `rebuild` selects cells whose builds are run again; anything but what `approval` says is
    refused. `engine` makes the engine of a manifest. Builds that fail are no exception: see `Applied.succeeded`. Raises MatrixbuildError for what
    keeps the run from starting, and for tags that must not move.
    """
    name = read_name(path)
    project = project_of(path)
    with held_state(project.root, name, path) as state, _recording(state, called(path, project.root), listener) as recorder:
        found = decided(
            path, listener.on_warnings, overwrite=overwrite, options=options, locked=locked, rebuild=rebuild, approval=approval
        )
        prepared = found.prepared
        recorder.planned(found.plan)
        listener.on_plan(found.plan)
        # Before anything is built: a run that is killed must find its pins again, or what it has built is nobody's.
        keep(prepared.project, name, lock=prepared.lock.pins if prepared.lock else None, pins=prepared.pins)
        release = Release(found, overwrite, Watcher(on_put=recorder.put, on_lock=recorder.lock_written))
        release.begin()
        try:
            outcomes, interrupted = _run(found, engine(prepared), listener, release, recorder)
        finally:
            release.flush()
        # A person who stopped the run wanted nothing more of it: what is built is under its content tag, and the next apply publishes it.
        if not interrupted and all(outcome.state is State.BUILT for outcome in outcomes.values()):
            release.finish()
        if release.pinned:
            forget(prepared.project, name)
        applied = _applied(found, outcomes, release, interrupted)
        recorder.exit_code = applied.exit_code
        return applied


@contextmanager
def _recording(state: Path, manifest: str, listener: Listener) -> Iterator[Recorder]:
    one_at_a_time = threading.RLock()
    with program_log(state, lambda problem: listener.on_warnings([problem])) as log:

        def tell(happening: Happening) -> None:
            # Progress comes from another thread than the rest, and is nothing to be kept for ever.
            with one_at_a_time:
                if not isinstance(happening, Progressed):
                    log(str(happening))
                listener.on_happening(happening)

        with recorded(state, manifest, tell) as recorder:
            yield recorder


def _applied(found: Planned, outcomes: Mapping[str, Outcome[Performed]], release: Release, interrupted: signal.Signals | None) -> Applied:
    return Applied(
        planned=found,
        outcomes=outcomes,
        digests=release.digests,
        puts=tuple(release.puts),
        lock_changed=release.lock_changed,
        signal=interrupted,
        published=release.names,
        refusals=tuple(release.refusals),
        held_back=len(release.held_back),
        indexes=release.indexes,
    )


def _run(
    found: Planned, engine: Engine, listener: Listener, release: Release, recorder: Recorder
) -> tuple[dict[str, Outcome[Performed]], signal.Signals | None]:
    prepared = found.prepared
    running = {build.name: build for build in prepared.builds if build.name in found.plan.to_build}
    if not running:
        return {}, None
    prepared.trees.check_secrets(build.variant for build in running.values())
    own_files(running.values(), prepared.project)
    ahead = outlook(running, prepared, recorder.history(), done=built_already(found.plan))
    schedule = ahead.schedule(policy_of(prepared.manifest))
    listener.on_outlook(ahead, schedule)

    def remark(problem: Problem) -> None:
        listener.on_warnings([problem])

    def uploaded(build: str) -> None:
        executor.announce(Uploaded(build=build))

    performing = Performing(
        found,
        engine,
        release.digests,
        run=recorder.run.number,
        tell=recorder.progressed,
        remark=remark,
        sent=ahead.common.sent,
        uploaded=uploaded,
    )
    checkouts = cache_directory(os.environ) / CHECKOUTS
    space = Space(prepared.project.state(prepared.manifest.name), run=recorder.run.number, checkouts=checkouts)

    def orders(run: Run, _: Mapping[str, Performed]) -> Order:
        return performing.order(run)

    def stop(build: str, now: bool) -> None:  # noqa: FBT001 (the executor's own form)
        performing.stop(build, now=now)

    with performing, LocalExecutor(performing.perform, stop=stop) as executor, Interrupts(executor.interrupt) as interrupts:

        def report(told: Report, made: Performed | None) -> None:
            recorder.report(told, made)
            listener.on_report(told, made.output if made else None)
            if made and told.state is State.BUILT:
                release.built(told.build, made.output, now=interrupts.signal is None)

        outcomes = run_schedule(
            schedule,
            executor,
            orders,
            report,
            record=recorder.record,
            heard=recorder.heard,
            # With `each`, a build has its names before another one starts where only one can run: nothing that was finished waits for them.
            early=prepared.manifest.publish.mode is not PublishMode.EACH,
            disk=lambda: free_disk(prepared.project.root),
            free_space=lambda wanted: recorder.freed(wanted, space.free(wanted.bytes)),
            on_pause=recorder.waits,
        )
        return outcomes, interrupts.signal
