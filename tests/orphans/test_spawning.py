"""A parent that dies between any two of its steps leaves no child: one runs only when the guardian knows it."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest

from matrixbuild.adapters import guardian
from tests.checkout import ROOT
from tests.processes import marked, until

SEEDS = 200 if os.environ.get("MATRIXBUILD_SOAK") else 20


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


@pytest.fixture
def guarded() -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    """A guardian, and the other end of its socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-I", "-S", guardian.__file__, str(theirs.fileno()), "0.2"]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        yield ours, process
    process.wait(20)
    assert process.returncode == 0


def wanted(mark: str, script: str) -> bytes:
    env = [("PATH", os.environ["PATH"]), ("MARK", mark)]
    return guardian.frame({"do": "start", "id": 1, "program": "/bin/sh", "argv": ["sh", "-c", script], "cwd": "/", "env": env})


def sent(ours: socket.socket, data: bytes) -> int:
    """Send with four descriptors; gives the end of the reports."""
    report, theirs = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    socket.send_fds(ours, [data], [nothing, nothing, nothing, theirs])
    os.close(nothing)
    os.close(theirs)
    return report


def reports(report: int) -> list[str]:
    with os.fdopen(report, "rb") as file:
        return file.read().decode().splitlines()


def test_a_word_that_was_cut_off_starts_nothing(guarded: tuple[socket.socket, subprocess.Popen[bytes]], mark: str) -> None:
    ours, process = guarded
    report = sent(ours, wanted(mark, "sleep 60")[:-1])
    ours.close()
    process.wait(20)
    assert reports(report) == []
    assert not marked(mark)


def test_a_child_whose_parent_died_before_it_was_started_is_ended(guarded: tuple[socket.socket, subprocess.Popen[bytes]], mark: str) -> None:
    ours, process = guarded
    process.send_signal(signal.SIGSTOP)
    report = sent(ours, wanted(mark, "trap '' TERM; while :; do sleep 1; done"))
    ours.close()
    process.send_signal(signal.SIGCONT)
    process.wait(20)
    started, ended = reports(report)
    assert started.startswith("pid ")
    # It may not have come to its trap.
    assert ended in {f"ended {number.value}" for number in (signal.SIGKILL, signal.SIGTERM)}
    assert not marked(mark)


def test_an_end_of_what_is_unknown_is_nothing(guarded: tuple[socket.socket, subprocess.Popen[bytes]], mark: str) -> None:
    ours, _ = guarded
    ours.sendall(guardian.frame({"do": "end", "id": 7, "grace": 0}))
    assert reports(sent(ours, wanted(mark, "exit 3")))[1:] == ["ended 768"]


def test_a_word_may_come_in_pieces(guarded: tuple[socket.socket, subprocess.Popen[bytes]], mark: str) -> None:
    ours, _ = guarded
    data = wanted(mark, "exit 3")
    report = sent(ours, data[:2])
    for byte in data[2:]:
        ours.sendall(bytes([byte]))
    assert reports(report)[1:] == ["ended 768"]
