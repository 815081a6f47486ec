"""States of manifests -> what a person sees of them, and JSON (schemas/status.schema.json)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from matrixbuild.core.events import State
from matrixbuild.core.exit_codes import ExitCode
from matrixbuild.core.journal import AttemptRecord, RunRecord
from matrixbuild.core.usage import Usage
from matrixbuild.workflow.inspecting import RUNS_SHOWN, StateView

_SHOWN = 40
_KILLED = "killed"
_ENDS = {
    ExitCode.DONE: "done",
    ExitCode.BUILDS_FAILED: "some builds failed",
    ExitCode.REFUSED: "refused",
    ExitCode.INVALID: "invalid",
    ExitCode.UNUSABLE: "environment unusable",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "terminated",
}


def status_text(views: Sequence[StateView]) -> str:
    return "\n\n".join("\n".join(_lines(view)) for view in views) + "\n"


def status_json(views: Sequence[StateView]) -> str:
    document = {"statusVersion": 1, "states": [_state(view) for view in views]}
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def _lines(view: StateView) -> Iterator[str]:
    yield f"{view.name}  ({view.manifest})"
    yield f"  process {view.holder.pid} runs since {view.holder.since}" if view.holder else "  nothing runs"
    runs = view.runs[:RUNS_SHOWN]
    if view.run and view.run not in runs:
        runs = (view.run,)
    for run in runs:
        yield f"  run {run.number:<4} {_local(run.started)}  {_how(view, run)}{_lasted(run)}"
    if not view.run:
        return
    latest = [(build, attempts[-1]) for build, attempts in view.builds()]
    yield f"  builds of run {view.run.number}: {_counts(view, [attempt for _, attempt in latest])}"
    listed = [(build, attempt) for build, attempt in latest if len(latest) <= _SHOWN or attempt.state is not State.BUILT]
    width = max((len(build) for build, _ in listed[:_SHOWN]), default=0)
    yield from (f"    {build:<{width}}  {_attempt(view, attempt)}" for build, attempt in listed[:_SHOWN])
    if len(listed) > _SHOWN:
        yield f"    and {len(listed) - _SHOWN} more"


def _counts(view: StateView, latest: Sequence[AttemptRecord]) -> str:
    counts = Counter(_state_of(view, attempt) for attempt in latest)
    waiting = (view.run.builds or 0) - len(latest) if view.run else 0
    told = [f"{count} {state}" for state, count in sorted(counts.items())] + ([f"{waiting} not started"] if waiting > 0 else [])
    return ", ".join(told) or "none"


def _attempt(view: StateView, attempt: AttemptRecord) -> str:
    words = [f"{_state_of(view, attempt):<9}"]
    if attempt.number:
        words.append(f"attempt {attempt.number}")
    if attempt.seconds is not None:
        words.append(f"{attempt.seconds:.2f} s{_took(attempt.usage)}")
    if attempt.summary:
        words.append(f"(because of {attempt.summary})" if attempt.state is State.SKIPPED else f"{attempt.kind}: {attempt.summary}")
    return "  ".join(words).rstrip()


def _took(usage: Usage) -> str:
    """`, 812 MiB, 31.0 s of cpu`: what was measured."""
    memory = f", {usage.memory / 2**20:,.0f} MiB" if usage.memory is not None else ""
    return f"{memory}, {usage.cpu:.1f} s of cpu" if usage.cpu is not None else memory


def _state_of(view: StateView, attempt: AttemptRecord) -> str:
    """What ran or rested when its run was killed does so no more."""
    return attempt.state.value if attempt.state.final or view.running else _KILLED


def _how(view: StateView, run: RunRecord) -> str:
    if run.exit is None:
        return "runs" if view.runs_now(run) else _KILLED
    return _ENDS[ExitCode(run.exit)] if run.exit in _ENDS else f"ended with {run.exit}"


def _lasted(run: RunRecord) -> str:
    return f", {run.ended - run.started:.1f} s" if run.ended is not None else ""


def _local(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")


def _utc(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _state(view: StateView) -> dict[str, object]:
    return {
        "name": view.name,
        "manifest": view.manifest,
        "running": {"pid": view.holder.pid, "since": view.holder.since} if view.holder else None,
        "runs": [_run(view, run) for run in view.runs],
        "shown": view.run.number if view.run else None,
        "builds": [_build(view, build, attempts) for build, attempts in view.builds()],
    }


def _run(view: StateView, run: RunRecord) -> dict[str, object]:
    return {
        "number": run.number,
        "pid": run.pid,
        "started": _utc(run.started),
        "ended": _utc(run.ended),
        "exit": run.exit,
        "how": _how(view, run),
        "toBuild": run.builds,
    }


def _build(view: StateView, build: str, attempts: Sequence[AttemptRecord]) -> dict[str, object]:
    return {
        "name": build,
        "key": attempts[-1].key,
        "state": _state_of(view, attempts[-1]),
        "attempts": [
            {
                "number": attempt.number,
                "state": _state_of(view, attempt),
                "started": _utc(attempt.started),
                "ended": _utc(attempt.ended),
                "seconds": round(attempt.seconds, 3) if attempt.seconds is not None else None,
                "memory": attempt.usage.memory,
                "cpu": round(attempt.usage.cpu, 3) if attempt.usage.cpu is not None else None,
                "failure": {"kind": attempt.kind, "summary": attempt.summary} if attempt.kind else None,
                "because": attempt.summary if attempt.state is State.SKIPPED else None,
            }
            for attempt in attempts
        ],
    }
