"""What happens in a run, as values: told alike to the events file, the program's log and whoever draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from matrixbuild.core.events import Paused, Report, Resumed, State
from matrixbuild.core.exit_codes import ExitCode
from matrixbuild.core.failure import Failure
from matrixbuild.core.journal import RunRecord, output_to_dict
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.problems import Problem
from matrixbuild.core.publish import PutTag
from matrixbuild.core.usage import UNMEASURED, Progress, Usage

EVENTS_VERSION = 1

_WORDS = {
    State.RUNNING: "build-started",
    State.RESTING: "build-resting",
    State.BUILT: "build-finished",
    State.FAILED: "build-failed",
    State.SKIPPED: "build-skipped",
    State.CANCELLED: "build-cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """`after` is the run that this one goes on from, because it was killed or interrupted (None: none was), `built` how many builds it had built."""

    run: int
    manifest: str
    pid: int
    after: RunRecord | None = None
    built: int = 0

    def to_dict(self) -> dict[str, object]:
        after = {"after": self.after.number} if self.after else {}
        return {"event": "run-started", "eventsVersion": EVENTS_VERSION, "run": self.run, "manifest": self.manifest, "pid": self.pid, **after}

    def __str__(self) -> str:
        return f"run {self.run} of {self.manifest} started by process {self.pid}{f'; {self.going_on}' if self.after else ''}"

    @property
    def going_on(self) -> str:
        """In one line, what this run goes on from; empty where it begins by itself."""
        if self.after is None:
            return ""
        how = "was killed" if self.after.exit is None else "was interrupted" if self.after.exit == ExitCode.INTERRUPTED else "was terminated"
        of = f" of {self.after.builds}" if self.after.builds is not None else ""
        return f"goes on from run {self.after.number}, which {how} (process {self.after.pid}) with {self.built}{of} builds built"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade:
    """What the run is going to do: how many builds are built, and how many are taken as they are."""

    name: str
    digest: str
    build: int
    reuse: int

    def to_dict(self) -> dict[str, object]:
        return {"event": "plan", "name": self.name, "digest": self.digest, "build": self.build, "reuse": self.reuse}

    def __str__(self) -> str:
        return f"plan {self.digest} of {self.name}: {self.build} to build, {self.reuse} as they were"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildMoved:
    """A build is in another state; `seconds` is how long the attempt took that ended now, `made` what it left, `usage` what it took."""

    report: Report
    key: str
    seconds: float | None = None
    made: Output | None = None
    usage: Usage = UNMEASURED

    def to_dict(self) -> dict[str, object]:
        report = self.report
        found: dict[str, object] = {"event": _WORDS[report.state], "build": report.build, "key": self.key, "attempt": report.attempt}
        rare: dict[str, object] = {
            "seconds": round(self.seconds, 3) if self.seconds is not None else None,
            "wait": round(report.wait, 3) if report.state is State.RESTING else None,
            "failure": failure_to_dict(report.failure) if report.failure else None,
            "memory": report.memory,
            "givenUp": report.given_up.value if report.given_up else None,
            "because": report.because or None,
            "limit": report.limit,
            "usage": usage_to_dict(self.usage) or None,
            **(output_to_dict(self.made) if self.made else {}),
        }
        return found | {name: value for name, value in rare.items() if value is not None}

    def __str__(self) -> str:
        return " ".join(self._words())

    def _words(self) -> Iterator[str]:
        report = self.report
        yield f"{report.build} {report.state}, attempt {report.attempt}"
        if self.seconds is not None:
            yield f"after {self.seconds:.3f} s"
        if report.state is State.RESTING:
            yield f"for {report.wait:.1f} s"
        if self.made and self.made.image:
            yield f"as {self.made.image.digest}"
        if report.because:
            yield f"because of {report.because}"
        if report.failure:
            yield f"({report.failure.kind}: {report.failure})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A running build is further on. Told at most about four times a second for each build, the last word always."""

    build: str
    progress: Progress

    def to_dict(self) -> dict[str, object]:
        found = self.progress
        rare: dict[str, object] = {"earthly": found.earthly or None, "percent": found.percent, "line": found.line or None}
        numbers = {"step": found.step, "steps": found.steps, "cached": found.cached}
        told = {name: value for name, value in rare.items() if value is not None}
        return {"event": "build-progressed", "build": self.build, **numbers, **told}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceFreed:
    """A build asked for `wanted` bytes of disk, and so many were made free by removing what was ours to remove."""

    build: str
    wanted: int
    freed: int

    def to_dict(self) -> dict[str, object]:
        return {"event": "space-freed", "build": self.build, "wanted": self.wanted, "freed": self.freed}

    def __str__(self) -> str:
        return f"{self.freed} bytes freed for {self.build}, which asks for {self.wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """Builds wait from now on, or no longer, for a registry or for a cause to go away (events.Paused)."""

    what: Paused | Resumed

    def to_dict(self) -> dict[str, object]:
        if isinstance(self.what, Resumed):
            return {"event": "resumed", "cause": self.what.cause}
        seconds = {"wait": round(self.what.seconds, 3)} if self.what.seconds is not None else {}
        host = {"host": self.what.host} if self.what.host else {}
        failure = failure_to_dict(self.what.failure)
        return {"event": "paused", "cause": self.what.cause, "build": self.what.build, "failure": failure, **host, **seconds}

    def __str__(self) -> str:
        if isinstance(self.what, Resumed):
            return f"builds go on: {self.what.cause}"
        how_long = f"for {self.what.seconds:.1f} s" if self.what.seconds is not None else "until that is gone"
        return f"builds wait {how_long}: {self.what.cause}, as {self.what.build} met it ({self.what.failure})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPut:
    """A final image name was given its digest."""

    put: PutTag

    def to_dict(self) -> dict[str, object]:
        return {"event": "tag-published", "ref": str(self.put.ref), "digest": self.put.digest}

    def __str__(self) -> str:
        return f"{self.put.ref} is {self.put.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockWritten:
    """The lock file was replaced."""

    path: str
    builds: int

    def to_dict(self) -> dict[str, object]:
        return {"event": "lock-written", "path": self.path, "builds": self.builds}

    def __str__(self) -> str:
        return f"{self.path} written, {self.builds} builds"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The run is over; `problems` are what it ended with, where that was an error and no build's failure."""

    run: int
    exit_code: int
    seconds: float
    builds: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def to_dict(self) -> dict[str, object]:
        problems = {"problems": [str(problem) for problem in self.problems]} if self.problems else {}
        counts = dict(sorted(self.builds.items()))
        return {"event": "run-ended", "run": self.run, "exit": self.exit_code, "seconds": round(self.seconds, 3), "builds": counts, **problems}

    def __str__(self) -> str:
        told = "".join(f", {count} {state}" for state, count in sorted(self.builds.items())) + "".join(f": {problem}" for problem in self.problems)
        return f"run {self.run} ended with {self.exit_code} after {self.seconds:.3f} s{told}"


Happening = RunStarted | PlanMade | BuildMoved | Progressed | SpaceFreed | Waited | TagPut | LockWritten | RunEnded


def usage_to_dict(usage: Usage) -> dict[str, object]:
    """What was measured: bytes of `memory`, seconds of `cpu`."""
    found: dict[str, object] = {"memory": usage.memory, "cpu": round(usage.cpu, 3) if usage.cpu is not None else None}
    return {name: value for name, value in found.items() if value is not None}


def failure_to_dict(failure: Failure) -> dict[str, object]:
    """As schemas/events.schema.json describes a failure."""
    rare: dict[str, object] = {
        "lines": list(failure.lines),
        "place": str(failure.place) if failure.place else "",
        "hint": failure.hint,
    }
    return {"kind": failure.kind.value, "summary": failure.summary, **{name: value for name, value in rare.items() if value}}
