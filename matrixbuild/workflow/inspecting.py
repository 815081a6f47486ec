"""The state directories of a project -> what ran there, what runs now, and how each build went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from matrixbuild.adapters.journal import NAME, read_journal
from matrixbuild.adapters.project import project_root
from matrixbuild.adapters.state import STATE_DIRECTORY, Holder, holder_of, owner_of
from matrixbuild.core.journal import AttemptRecord, RunRecord
from matrixbuild.core.problems import InvalidError, Problem, did_you_mean
from matrixbuild.workflow.projects import project_of
from matrixbuild.workflow.reading import read_name

RUNS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """One manifest's state: `holder` is who runs now; `runs` the last ones, newest first; `run` the one that `attempts` are of (by build and
    number), None where there is none yet."""

    name: str
    directory: Path
    manifest: str
    holder: Holder | None
    runs: tuple[RunRecord, ...]
    run: RunRecord | None
    attempts: tuple[AttemptRecord, ...]

    @property
    def running(self) -> bool:
        """Whether the run that is shown runs now."""
        return self.run is not None and self.runs_now(self.run)

    def runs_now(self, run: RunRecord) -> bool:
        """Whether this run runs now."""
        return run.ended is None and self.holder is not None and run.pid == self.holder.pid and run == self.runs[0]

    def builds(self) -> Iterator[tuple[str, tuple[AttemptRecord, ...]]]:
        """Each build with its attempts."""
        for build, attempts in groupby(self.attempts, lambda attempt: attempt.build):
            yield build, tuple(attempts)


def state_directories(here: Path) -> tuple[Path, ...]:
    """The states of all manifests of the project that a directory belongs to, by name."""
    near = next((each for each in (here, *here.parents) if (each / STATE_DIRECTORY).is_dir()), None)
    root = near or project_root(here / "manifest.yaml")
    return tuple(sorted(path.parent for path in (root / STATE_DIRECTORY).glob(f"*/{NAME}")))


def named_states(here: Path, name: str) -> tuple[Path, ...]:
    """All states, or the one of this name. Raises InvalidError where there is none."""
    found = state_directories(here)
    chosen = tuple(path for path in found if not name or path.name == name)
    if name and not chosen:
        hint = did_you_mean(name, [path.name for path in found]) or "`matrixbuild status` shows all there are"
        raise InvalidError(Problem(summary=f"nothing has run here under the name {name!r}", hint=hint, code="unknown-state"))
    return chosen


def view(directory: Path, number: int | None = None) -> StateView:
    """What there is to know of a state, and of one run (None: the last). Raises InvalidError for a run that there is not."""
    # First who runs, then what was written: a run that ends between the two is told as ended.
    holder = holder_of(directory)
    with read_journal(directory) as journal:
        runs = journal.runs() if journal else ()
        run = _chosen(runs, number, directory.name)
        attempts = journal.attempts(run.number) if journal and run else ()
    return StateView(name=directory.name, directory=directory, manifest=owner_of(directory), holder=holder, runs=runs, run=run, attempts=attempts)


def _chosen(runs: Iterable[RunRecord], number: int | None, name: str) -> RunRecord | None:
    if number is None:
        return next(iter(runs), None)
    found = next((run for run in runs if run.number == number), None)
    if found is None:
        hint = "`matrixbuild status` shows the last ones"
        raise InvalidError(Problem(summary=f"there is no run {number} of {name}", hint=hint, code="unknown-run"))
    return found


def state_of(manifest: Path) -> Path:
    """The state directory of a manifest. Raises InvalidError where that cannot be read."""
    return project_of(manifest).state(read_name(manifest))
