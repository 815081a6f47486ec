"""The options of a command line -> who listens to an apply: what a person sees of it, the events file, the JUnit file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from matrixbuild.adapters.attempt_logs import attempt_directory
from matrixbuild.adapters.event_files import event_file
from matrixbuild.adapters.journal import read_journal
from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.adapters.log_reading import lines_of
from matrixbuild.adapters.text_files import write_over
from matrixbuild.adapters.thinning import Thinned
from matrixbuild.cli.progress import LiveProgress, Sources, draws, last_line
from matrixbuild.cli.show_groups import GroupedProgress
from matrixbuild.cli.show_junit import junit, junit_of_problems
from matrixbuild.cli.show_problems import show_problems
from matrixbuild.cli.show_progress import Progress
from matrixbuild.core.durations import Basis, Durations
from matrixbuild.core.events import State
from matrixbuild.core.happenings import BuildMoved, Happening, Progressed, RunStarted
from matrixbuild.core.learning import Learned
from matrixbuild.core.naming import slug
from matrixbuild.core.plan import Plan
from matrixbuild.core.problems import MatrixbuildError
from matrixbuild.workflow.applying import Applied, Listener
from matrixbuild.workflow.projects import project_of

_SECOND = 1.0
"""How often at most the events file has a word about the progress of one build."""


class Watch:
    """Takes down what the end of an apply is told with."""

    def __init__(self, listener: Listener, junit_file: Path | None) -> None:
        self.listener = listener
        self._junit = junit_file
        self.seconds: dict[str, float] = {}

    def note(self, happening: Happening) -> None:
        if isinstance(happening, BuildMoved) and happening.seconds is not None and happening.report.state in (State.BUILT, State.FAILED):
            self.seconds[happening.report.build] = happening.seconds
        if isinstance(happening, RunStarted) and happening.after:
            sys.stderr.write(f"run {happening.run} {happening.going_on}\n")

    def applied(self, applied: Applied) -> None:
        if self._junit:
            write_over(self._junit, junit(applied, self.seconds))


@dataclass(slots=True)
class _Attempts:
    """Where the attempts of the run that is watched keep what they say, and how long builds took before."""

    manifest: Path
    run: int = 0
    state: Path | None = None
    durations: Durations | None = None

    def begin(self, plan: Plan) -> None:
        self.state = project_of(self.manifest).state(plan.name)
        with read_journal(self.state) as journal:
            self.durations = Learned(journal.samples() if journal else {}).durations

    def directory(self, build: str, attempt: int) -> Path:
        if self.state is None:
            raise AssertionError("an attempt is after the plan")
        return attempt_directory(self.state, self.run, slug(build), attempt)

    def expected(self, build: str) -> float | None:
        found = self.durations.of(build) if self.durations else None
        return found.median if found and found.basis is not Basis.DEFAULT else None

    def last_line(self, build: str, attempt: int) -> str:
        return last_line(self.directory(build, attempt) / "stdout")

    def said(self, build: str, attempt: int) -> Iterator[str]:
        return lines_of(self.directory(build, attempt))


def _progress(stream: TextIO, attempts: _Attempts) -> Progress | LiveProgress | GroupedProgress:
    if "GITHUB_ACTIONS" in os.environ:
        return GroupedProgress(stream, attempts.said)
    if not draws(stream, os.environ):
        return Progress(stream)
    from rich.console import Console

    return LiveProgress(Console(file=stream), Sources(expected=attempts.expected, last_line=attempts.last_line))


def _nowhere(_: Happening) -> None:
    """Nobody wants events."""


@contextmanager
def watched(*, events: str, junit: Path | None, manifest: Path) -> Iterator[Watch]:
    """`events` names the events file (empty: none), `junit` the JUnit file."""
    with ExitStack() as stack:
        write = stack.enter_context(event_file(events)) if events else _nowhere
        further = Thinned[Happening](lambda _, happening: write(happening), seconds=_SECOND)
        stack.callback(further.close)
        attempts = _Attempts(manifest)
        progress = _progress(sys.stderr, attempts)
        stack.callback(progress.close)

        def planned(plan: Plan) -> None:
            attempts.begin(plan)
            progress.plan(plan)

        def happened(happening: Happening) -> None:
            if isinstance(happening, RunStarted):
                attempts.run = happening.run
            watch.note(happening)
            progress.happened(happening)
            if isinstance(happening, Progressed):
                if events:
                    further.say(happening.build, happening)
                return
            if isinstance(happening, BuildMoved):
                further.forget(happening.report.build)
            write(happening)

        listener = Listener(on_plan=planned, on_report=progress.report, on_warnings=show_problems, on_happening=happened, on_outlook=progress.outlook)
        watch = Watch(listener, junit)
        try:
            yield watch
        except MatrixbuildError as error:
            # A file of the run before would tell that all is well.
            if junit:
                write_over(junit, junit_of_problems(manifest.stem, KNOWN.hidden_problems(error.problems)))
            raise
