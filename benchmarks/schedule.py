"""Empty builds on one graph: the state machine, the real loop, and all of it with processes and journal, against ninja, make and doit in one run.

Run from the repository: `python -m benchmarks.schedule [BUILDS ...]` (1,000 and 10,000 where none are given; exits 1 where the budget of design.md 14
is missed: 10,000 builds in 1.3 x ninja at the same -j, with the journal on). 50,000 go through the state machine alone, to show that it stays linear.

Every build is one process: what a shell does for `true` is done by /bin/sh for ninja, which knows no other way to start a command, and make, doit and
we start /usr/bin/true. A row more has us start that very shell. Ninja notes each build in its log, doit in its database; make notes nothing, and
neither does anybody but us wait for the disk. The floors are of one Python program that does nothing else: no graph, no journal, nobody who ends
its children when it dies. All take turns, and a ratio is the median of those to the ninja of the same turn; processor time is of all processes, and
says more than seconds where the machine is busy.
"""

from __future__ import annotations

import os
import resource
import selectors
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
BUDGETED = 10_000  # builds; of fewer, starting the program is too much of the whole to be held against what it starts
AT_ONCE = 8
ROUNDS = 3
LAYERS = 10
COUNTS = (1_000, 10_000)
ALONE = (1_000, 10_000, 50_000)
TRUE = shutil.which("true") or "/bin/true"
DIRECT = (TRUE,)
BY_SHELL = ("/bin/sh", "-c", "true")
JUDGED = "with processes and journal"

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

    def next_events(self, *, within: float | None = None) -> tuple[Event, ...]:  # noqa: ARG002
        return (self.next_event(),)

    def close(self) -> None:
        self._events.clear()


def looped(needs: Needs) -> None:
    run_schedule(schedule(needs), Nothing(), lambda run, _: run.build, lambda *_: None)


Record = Callable[[Sequence[tuple[Report, Ended | None]]], None]


def with_processes(
    needs: Needs, argv: tuple[str, ...] = DIRECT, record: Record = lambda _: None, heard: Callable[[Sequence[Report]], None] = lambda _: None
) -> None:
    """The loop, its threads, one guarded child for each build."""
    command = Command(argv=argv, cwd=str(Path.cwd()), env=tuple(sorted(os.environ.items())))

    def perform(name: str) -> Ended:
        return children.run(command, lambda *_: None, name=name)

    with Children() as children, LocalExecutor(perform) as executor:
        run_schedule(schedule(needs), executor, lambda run, _: run.build, lambda *_: None, record=record, heard=heard, early=True)


def journalled(needs: Needs, argv: tuple[str, ...] = DIRECT) -> None:
    """The same with each build's state and result written down before anything follows from it, as an apply does."""
    with tempfile.TemporaryDirectory() as made, open_journal(Path(made)) as journal:
        recorder = Recorder(journal, journal.begin(pid=os.getpid(), now=time.time()), lambda _: None)
        recorder.keys = {name: name for name in needs}

        def record(reports: Sequence[tuple[Report, Ended | None]]) -> None:
            recorder.record([(report, LEFT if made else None) for report, made in reports])
            for report, made in reports:
                recorder.report(report, LEFT if made else None)

        with_processes(needs, argv, record, recorder.heard)


def spawned(needs: Needs) -> None:
    """The floor of Python: start, wait, and nothing else."""
    running, left = 0, len(needs)
    while left or running:
        while left and running < AT_ONCE:
            os.posix_spawn(TRUE, DIRECT, os.environ)
            running, left = running + 1, left - 1
        os.wait()
        running -= 1


def popen(needs: Needs) -> None:
    """The same with the standard library's Popen, and both outputs read."""
    left = len(needs)
    running: dict[subprocess.Popen[bytes], int] = {}
    with selectors.DefaultSelector() as selector:
        while left or running:
            while left and len(running) < AT_ONCE:
                child = subprocess.Popen(DIRECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
                for stream in filter(None, (child.stdout, child.stderr)):
                    selector.register(stream, selectors.EVENT_READ, child)
                running[child], left = 2, left - 1
            for key, _ in selector.select():
                if not os.read(key.fd, 1 << 16):
                    _closed(selector, key, running)


def _closed(selector: selectors.BaseSelector, key: selectors.SelectorKey, running: dict[subprocess.Popen[bytes], int]) -> None:
    selector.unregister(key.fileobj)
    running[key.data] -= 1
    if not running[key.data]:
        # Waits for its end, and closes both pipes.
        key.data.__exit__(None, None, None)
        del running[key.data]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Seconds, and those of processors in all processes together."""

    seconds: float
    processor: float


def rival(name: str, needs: Needs) -> Taken | None:
    """None where it is not installed."""
    with tempfile.TemporaryDirectory() as made:
        command = RIVALS[name](needs, Path(made))
        if shutil.which(command[0]) is None:
            return None
        return timed(lambda: subprocess.run(command, cwd=made, check=True, stdout=subprocess.DEVNULL))


OURS: Mapping[str, Callable[[Needs], None]] = {
    "the loop, doing nothing": looped,
    "with processes": with_processes,
    JUDGED: journalled,
    "the same by way of sh": lambda needs: journalled(needs, BY_SHELL),
    "floor: posix_spawn and wait": spawned,
    "floor: Popen and selectors": popen,
}


def processor() -> float:
    taken = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in taken)


def timed(work: Callable[[], object]) -> Taken:
    start, spent = time.perf_counter(), processor()
    work()
    return Taken(seconds=time.perf_counter() - start, processor=processor() - spent)


def turn(needs: Needs) -> dict[str, Taken]:
    rows = {name: timed(partial(work, needs)) for name, work in OURS.items()}
    return rows | {name: taken for name in RIVALS if (taken := rival(name, needs)) is not None}


def compared(count: int) -> float:
    """Print all rows for so many builds; how many times what ninja takes we take."""
    needs = graph(count)
    print(f"{count:,} builds, {AT_ONCE} at once, {ROUNDS} turns (load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores)")
    turns = [turn(needs) for _ in range(ROUNDS)]
    for name in RIVALS.keys() - turns[0].keys():
        print(f"  {name:<28} skipped: not installed")
    for name in turns[0]:
        seconds = statistics.median(rows[name].seconds for rows in turns)
        spent = statistics.median(rows[name].processor for rows in turns)
        print(f"  {name:<28} {seconds:7.2f} s {seconds / count * 1e6:6.0f} us a build, processor {spent / count * 1e6:6.0f} us{_ratios(turns, name)}")
    return ratio(turns, JUDGED) if "ninja" in turns[0] else 0.0


def _ratios(turns: Sequence[Mapping[str, Taken]], name: str) -> str:
    if "ninja" not in turns[0]:
        return ""
    found = [rows[name].seconds / rows["ninja"].seconds for rows in turns]
    spent = statistics.median(rows[name].processor / rows["ninja"].processor for rows in turns)
    return f"   {ratio(turns, name):5.2f} x ninja ({min(found):.2f}-{max(found):.2f}), processor {spent:5.2f} x"


def ratio(turns: Sequence[Mapping[str, Taken]], name: str) -> float:
    return statistics.median(rows[name].seconds / rows["ninja"].seconds for rows in turns)


def main(arguments: Sequence[str]) -> int:
    """Print everything; 1 where the budget is missed."""
    print("the state machine alone (seconds of CPU)")
    for count in ALONE:
        needs = graph(count)
        start = time.process_time()
        alone(needs)
        taken = time.process_time() - start
        print(f"  {count:>6,} builds {taken:14.2f} s   {taken / count * 1e6:6.0f} us a build")
    found = {count: compared(count) for count in ([int(argument) for argument in arguments] or COUNTS)}
    judged = {count: times for count, times in found.items() if count >= BUDGETED}
    for count, times in judged.items():
        print(f"budget of {count:,} builds: {BUDGET} x ninja; found {times:.2f} x")
    return int(any(times > BUDGET for times in judged.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
