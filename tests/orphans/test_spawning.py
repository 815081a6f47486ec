"""A parent that dies between any two of its steps leaves no child: one runs only when the guardian knows it."""

from __future__ import annotations

import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from matrixbuild.adapters import guardian
from tests.checkout import ROOT
from tests.processes import marked, until

SEEDS = 200 if os.environ.get("MATRIXBUILD_SOAK") else 10


@pytest.fixture
def mark() -> str:
    return f"mark-{uuid.uuid4().hex}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_parent_that_is_killed_while_it_starts_children_leaves_none(seed: int, mark: str) -> None:
    command = [sys.executable, "-m", "tests.orphans.spawner", mark]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout
    assert parent.stdout.readline() == b"up\n"
    time.sleep(random.Random(seed).random() * 0.2)
    parent.kill()
    parent.wait()
    until(lambda: not marked(mark))
    parent.stdout.close()


Guarded = tuple[socket.socket, subprocess.Popen[bytes], BinaryIO]


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    """A guardian, the other end of its socket, and its file of process ids."""
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as pids:
        command = [sys.executable, "-I", "-S", guardian.__file__, str(theirs.fileno()), str(pids.fileno()), "0.2"]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno(), pids.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        yield ours, process, pids
    process.wait(20)
    assert process.returncode == 0


def wanted(mark: str, script: str) -> bytes:
    env = ("PATH", os.environ["PATH"], "MARK", mark)
    return guardian.frame(*(word.encode() for word in ("start", "1", "0", "/", "2", *env, "/bin/sh", "sh", "-c", script)))


def sent(ours: socket.socket, data: bytes) -> int:
    """Send with three descriptors; gives the end of the reports."""
    report, theirs = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    socket.send_fds(ours, [data], [nothing, nothing, theirs])
    os.close(nothing)
    os.close(theirs)
    return report


def reports(report: int) -> list[str]:
    with os.fdopen(report, "rb") as file:
        return file.read().decode().splitlines()


def test_a_word_that_was_cut_off_starts_nothing(guarded: Guarded, mark: str) -> None:
    ours, process, _ = guarded
    report = sent(ours, wanted(mark, "sleep 60")[:-1])
    ours.close()
    process.wait(20)
    assert reports(report) == []
    assert not marked(mark)


def test_a_child_whose_parent_died_before_it_was_started_is_ended(guarded: Guarded, mark: str) -> None:
    ours, process, pids = guarded
    process.send_signal(signal.SIGSTOP)
    report = sent(ours, wanted(mark, "trap '' TERM; while :; do sleep 1; done"))
    ours.close()
    process.send_signal(signal.SIGCONT)
    process.wait(20)
    (ended,) = reports(report)
    before, pid = struct.unpack("@2i", pids.read())
    assert before == 0 < pid
    # It may not have come to its trap.
    assert ended in {f"ended {number.value}" for number in (signal.SIGKILL, signal.SIGTERM)}
    assert not marked(mark)


def test_an_end_of_what_is_unknown_is_nothing(guarded: Guarded, mark: str) -> None:
    ours, _, _ = guarded
    ours.sendall(guardian.frame(b"end", b"7", b"0"))
    assert reports(sent(ours, wanted(mark, "exit 3"))) == ["ended 768"]


def test_a_word_may_come_in_pieces(guarded: Guarded, mark: str) -> None:
    ours, _, _ = guarded
    data = wanted(mark, "exit 3")
    report = sent(ours, data[:2])
    for byte in data[2:]:
        ours.sendall(bytes([byte]))
    assert reports(report) == ["ended 768"]
