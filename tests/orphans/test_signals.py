"""SIGINT, SIGTERM and SIGKILL at random moments of an apply whose builds come and go: nothing is left of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.orphans.world import LIVELY, release, start
from tests.processes import marked, until

SEEDS = 200 if os.environ.get("MATRIXBUILD_SOAK") else 10
GRACE = 0.5
SLACK = 10.0
"""Seconds beyond what is promised (a second past the grace): the machine may be busy. `seconds.txt` beside the project says what it really took."""

Process = subprocess.Popen[bytes]


def sent(*numbers: signal.Signals) -> Callable[[Process], None]:
    def send(process: Process) -> None:
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.05)

    return send


ENDS: dict[str, tuple[Callable[[Process], None], float, int]] = {
    "interrupt": (sent(signal.SIGINT), GRACE, 130),
    "terminate": (sent(signal.SIGTERM), GRACE, 143),
    "kill": (sent(signal.SIGKILL), GRACE, -signal.SIGKILL),
    # At once: nobody waits for the hour that the builds would have.
    "interrupt twice": (sent(signal.SIGINT, signal.SIGINT), 3600.0, 130),
}


@pytest.mark.parametrize(("seed", "end"), [(seed, list(ENDS)[seed % len(ENDS)]) for seed in range(SEEDS)])
def test_nothing_is_left(tmp_path: Path, seed: int, end: str) -> None:
    send, grace, code = ENDS[end]
    mark = f"child-{uuid.uuid4().hex}"
    process = start(release(tmp_path), script=LIVELY, mark=mark, grace=grace)
    until(lambda: bool(marked(mark)))
    time.sleep(random.Random(seed).random())
    began = time.monotonic()
    send(process)
    out, err = process.communicate(timeout=GRACE + 1 + SLACK)
    assert process.returncode == code, (out, err)
    assert b"Traceback" not in err
    if end != "kill":
        assert not marked(mark)
    until(lambda: not marked(mark), seconds=GRACE + 1 + SLACK)
    (tmp_path / "seconds.txt").write_text(f"{end} {time.monotonic() - began:.2f}\n")


def test_builds_that_hang_are_ended_by_the_time_out_of_their_grace(tmp_path: Path) -> None:
    mark = f"child-{uuid.uuid4().hex}"
    process = start(release(tmp_path), script="trap '' TERM INT HUP; while :; do sleep 0.1; done", mark=mark, grace=GRACE)
    until(lambda: len(marked(mark)) >= 4)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=GRACE + 1 + SLACK)
    assert process.returncode == 130
    assert not marked(mark)
