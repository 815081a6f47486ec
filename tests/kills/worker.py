"""`python -m tests.kills.worker MANIFEST EXECUTIONS POINT SECONDS`: one apply whose engine counts, and that kills itself at a point.

POINT is `never`, or a moment and a number: `started:2` (a second build starts), `pushed:2` (the engine is done with a second one, and nobody knows
it yet), `journalled:2` (its result is in the journal), `tagged:7` (a seventh name is given), `locked:1` (the lock is in its place).
SECONDS is what each build takes, or `0.05-5`: something between, drawn anew by each process, short ones as likely as long ones.
"""

from __future__ import annotations

import math
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from matrixbuild.adapters.engines.base import Engine, Made, Order
from matrixbuild.core.events import Report, State
from matrixbuild.core.happenings import Happening, LockWritten, TagPut
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.problems import MatrixbuildError
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.planning import Prepared


class Point:
    def __init__(self, text: str) -> None:
        self._moment, _, number = text.partition(":")
        self._number = int(number or 0)
        self._seen = Counter[str]()

    def reached(self, moment: str) -> None:
        self._seen[moment] += 1
        if moment == self._moment and self._seen[moment] == self._number:
            os.kill(os.getpid(), signal.SIGKILL)


class Counting:
    """Writes down what it executes, in one write each, so that no kill tears a line."""

    def __init__(self, engine: Engine, names: dict[str, str], executions: Path, point: Point, seconds: str) -> None:
        self._engine, self._names, self._point, self._seconds = engine, names, point, seconds
        self._file = os.open(executions, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def build(self, order: Order) -> Made:
        self._note("start", order)
        self._point.reached("started")
        time.sleep(drawn(self._seconds))
        made = self._engine.build(order)
        self._note("end", order)
        self._point.reached("pushed")
        return made

    def _note(self, word: str, order: Order) -> None:
        os.write(self._file, f"{word} {self._names[order.key]}\n".encode())


def drawn(seconds: str) -> float:
    low, _, high = seconds.partition("-")
    return math.exp(random.uniform(math.log(float(low)), math.log(float(high)))) if high else float(low)


def run(manifest: Path, executions: Path, point: Point, seconds: str) -> int:
    def engine(prepared: Prepared) -> Engine:
        return Counting(engine_of(prepared), {build.key: build.name for build in prepared.builds}, executions, point, seconds)

    def on_report(report: Report, _: Output | None) -> None:
        if report.state is State.BUILT:
            point.reached("journalled")

    def on_happening(happening: Happening) -> None:
        if isinstance(happening, TagPut):
            point.reached("tagged")
        elif isinstance(happening, LockWritten):
            point.reached("locked")

    listener = Listener(on_plan=lambda plan: None, on_report=on_report, on_happening=on_happening)
    try:
        return apply_manifest(manifest, listener, engine=engine).exit_code
    except MatrixbuildError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2]), Point(sys.argv[3]), sys.argv[4]))
