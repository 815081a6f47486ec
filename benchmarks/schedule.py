"""Empty builds on one graph: the state machine, the real loop, and all of it with processes and journal, against ninja, make and doit in one run.

Run from the repository: `python -m benchmarks.schedule [BUILDS ...]` (1,000 and 10,000 where none are given; 1 where the budget of design.md 14 is
missed: 1.3 x ninja at the same -j, with the journal on). 50,000 go through the state machine alone, to show that it stays linear.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.executors.local import LocalExecutor
from matrixbuild.adapters.journal import open_journal
from matrixbuild.core.events import Event, Finished, Report, Run, Started, State
from matrixbuild.core.journal import Performed
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.policy import failure_policy
from matrixbuild.core.priorities import ranked
from matrixbuild.core.process import Command, Ended
from matrixbuild.core.schedule import Schedule, ScheduledBuild
from matrixbuild.workflow.recording import Recorder
from matrixbuild.workflow.running import run_schedule

BUDGET = 1.3
AT_ONCE = 8
LAYERS = 10
COUNTS = (1_000, 10_000)
ALONE = (1_000, 10_000, 50_000)
TRUE = shutil.which("true") or "/bin/true"

Needs = Mapping[str, Sequence[str]]


def graph(count: int) -> Needs:
    """Ten layers; each build needs two of the layer before."""
    chance, wide = Random(count), count // LAYERS
    layers = [[f"b{layer * wide + number}" for number in range(wide)] for layer in range(LAYERS)]
    found: dict[str, Sequence[str]] = dict.fromkeys(layers[0], ())
    for before, layer in pairwise(layers):
        found |= {name: chance.sample(before, 2) for name in layer}
    return found


def schedule(needs: Needs) -> Schedule:
    builds = [ScheduledBuild(name=name, needs=tuple(found), amounts=(("cpu", 1000),)) for name, found in needs.items()]
    return Schedule(ranked(builds, {}), capacity={"cpu": 1000 * AT_ONCE}, policy=failure_policy())


def alone(needs: Needs) -> None:
    """Events in, instructions out, and nothing else."""
    machine, waiting = schedule(needs), deque[Event]([Started()])
    while waiting:
        waiting += (Finished(build=told.build, made=None) for told in machine.handle(waiting.popleft()) if isinstance(told, Run))
    if machine.counts[State.BUILT] != len(needs):
        raise RuntimeError(f"{machine.counts} of {len(needs)} builds")


class Nothing:
    """An executor that does nothing: what it is given is done."""

    def __init__(self) -> None:
        self._events = deque[Event]()

    def submit(self, build: str, work: object) -> None:
        self._events.append(Finished(build=build, made=work))

    def wake_later(self, build: str, seconds: float) -> None:
        raise RuntimeError(f"{build} rests for {seconds} s")

    def stop(self, build: str, *, now: bool) -> None:
        raise RuntimeError(f"{build} stops ({now=})")

    def interrupt(self) -> None:
        raise RuntimeError("interrupted")

    def next_event(self) -> Event:
        return self._events.popleft()

    def next_events(self) -> tuple[Event, ...]:
        return (self.next_event(),)

    def close(self) -> None:
        self._events.clear()


def looped(needs: Needs) -> None:
    run_schedule(schedule(needs), Nothing(), lambda run, _: run.build, lambda *_: None)


def with_processes(needs: Needs, record: Callable[[Sequence[tuple[Report, Ended | None]]], None]) -> None:
    """The loop, its threads, one guarded child for each build."""
    command = Command(argv=(TRUE,), cwd=str(Path.cwd()), env=tuple(sorted(os.environ.items())))

    def perform(name: str) -> Ended:
        return children.run(command, lambda *_: None, name=name)

    with Children() as children, LocalExecutor(perform) as executor:
        run_schedule(schedule(needs), executor, lambda run, _: run.build, lambda *_: None, record=record, early=True)


def journalled(needs: Needs, directory: Path) -> None:
    """The same with each build's state and result written down before anything follows from it, as an apply does."""
    with open_journal(directory) as journal:
        recorder = Recorder(journal, journal.begin(pid=os.getpid(), now=time.time()), lambda _: None)
        recorder.keys = {name: name for name in needs}

        def record(reports: Sequence[tuple[Report, Ended | None]]) -> None:
            recorder.record([(report, LEFT if made else None) for report, made in reports])
            for report, made in reports:
                recorder.report(report, LEFT if made else None)

        with_processes(needs, record)


LEFT = Performed(output=Output())


def ninja(needs: Needs, directory: Path) -> list[str]:
    lines = ["rule t", "  command = true", *(f"build {name}: t {' '.join(found)}" for name, found in needs.items())]
    (directory / "build.ninja").write_text("\n".join(lines) + "\n")
    return ["ninja", "-j", str(AT_ONCE), "--quiet"]


def make(needs: Needs, directory: Path) -> list[str]:
    rules = [f"{name}: {' '.join(found)}\n\t@{TRUE}" for name, found in needs.items()]
    names = " ".join(needs)
    (directory / "Makefile").write_text("\n".join([f"all: {names}", f".PHONY: all {names}", *rules]) + "\n")
    return ["make", "-s", "-j", str(AT_ONCE)]


def doit(needs: Needs, directory: Path) -> list[str]:
    (directory / "dodo.py").write_text(
        f"NEEDS = {dict(needs)!r}\n\ndef task_b():\n    for name, needs in NEEDS.items():\n"
        f"        yield {{'name': name, 'actions': [[{TRUE!r}]], 'task_dep': ['b:' + need for need in needs]}}\n"
    )
    program = Path(sys.executable).parent / "doit"
    return [str(program) if program.exists() else "doit", "-n", str(AT_ONCE), "-v", "0"]


RIVALS: Mapping[str, Callable[[Needs, Path], list[str]]] = {"ninja": ninja, "make": make, "doit": doit}


def rival(name: str, needs: Needs) -> float | None:
    """Its seconds, or None, with the reason told, where it is not installed."""
    with tempfile.TemporaryDirectory() as made:
        command = RIVALS[name](needs, Path(made))
        if shutil.which(command[0]) is None:
            print(f"  {name:<28} skipped: not installed")
            return None
        return timed(lambda: subprocess.run(command, cwd=made, check=True, stdout=subprocess.DEVNULL))


def ours(needs: Needs) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as made:
        return {
            "the loop, doing nothing": timed(lambda: looped(needs)),
            "with processes": timed(lambda: with_processes(needs, lambda _: None)),
            "with processes and journal": timed(lambda: journalled(needs, Path(made))),
        }


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compared(count: int) -> float:
    """Print all rows for so many builds; how many times what ninja takes we take."""
    needs = graph(count)
    print(f"{count:,} builds, {AT_ONCE} at once (load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores)")
    rivals = {name: taken for name in RIVALS if (taken := rival(name, needs)) is not None}
    rows = ours(needs) | rivals
    for name, taken in rows.items():
        ratio = f"   {taken / rivals['ninja']:5.2f} x ninja" if "ninja" in rivals else ""
        print(f"  {name:<28} {taken:7.2f} s   {taken / count * 1e6:6.0f} us a build{ratio}")
    return rows["with processes and journal"] / rivals["ninja"] if "ninja" in rivals else 0.0


def main(arguments: Sequence[str]) -> int:
    """Print everything; 1 where the budget is missed."""
    print("the state machine alone (seconds of CPU)")
    for count in ALONE:
        needs = graph(count)
        start = time.process_time()
        alone(needs)
        taken = time.process_time() - start
        print(f"  {count:>6,} builds {taken:14.2f} s   {taken / count * 1e6:6.0f} us a build")
    worst = max(compared(count) for count in ([int(argument) for argument in arguments] or COUNTS))
    print(f"budget {BUDGET} x ninja, worst {worst:.2f} x")
    return int(worst > BUDGET)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
