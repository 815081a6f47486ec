"""One child's pipes and the clock -> its output line by line, masked, and in the end how it ended."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import signal
import time
from collections.abc import Callable
from functools import partial

from matrixbuild.adapters.guarding import LOST
from matrixbuild.core.lines import Lines
from matrixbuild.core.masking import Masking
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.process import Command, Ended, Stream, Why

OnLines = Callable[[Stream, list[bytes]], None]
"""Called in the thread that runs the command, with lines and their newlines; a line that is very long comes in pieces, without one."""

_READ = 64 * 1024
_DRAIN = 1.0
"""Seconds for which output is still read when nothing of the child is left: who holds the pipe then is a daemon that it started."""


class Pipes:
    """Both ends of what a child speaks through: `theirs` are its stdin, where it has something to read, stdout, stderr and the guardian's reports.
    Raises OSError."""

    def __init__(self, *, stdin: bool) -> None:
        self._open: list[int] = []
        try:
            for _ in range(4 if stdin else 3):
                self._open += os.pipe()
        except OSError:
            self.close()
            raise
        self.stdout, their_stdout, self.stderr, their_stderr, self.report, their_report, *more = self._open
        self.theirs = (*more[:1], their_stdout, their_stderr, their_report)
        self.stdin = more[1] if stdin else -1
        if stdin:
            # The others are only read when something is there, or their end.
            os.set_blocking(self.stdin, False)

    def close(self, *descriptors: int) -> None:
        """These, or all."""
        for descriptor in descriptors or tuple(self._open):
            if descriptor in self._open:
                self._open.remove(descriptor)
                os.close(descriptor)


class Output:
    """One stream on its way to whoever takes its lines."""

    def __init__(self, masking: Masking, on_lines: Callable[[list[bytes]], None]) -> None:
        # Masked first: a secret may go over the end of a line.
        self._masked = masking.stream()
        self._lines = Lines()
        self._on_lines = on_lines

    def feed(self, data: bytes) -> None:
        self._give(self._lines.feed(self._masked.feed(data)))

    def finish(self) -> None:
        held = self._masked.finish()
        self._give([*(self._lines.feed(held) if held else ()), *self._lines.finish()])

    def _give(self, lines: list[bytes]) -> None:
        if lines:
            self._on_lines(lines)


class Child:
    """A child that was started. `follow` belongs to the thread that runs it; `why` is set by whoever has it ended, under the lock of all children."""

    def __init__(self, command: Command, pipes: Pipes, masking: Masking, on_lines: OnLines) -> None:
        self.why = Why.EXITED
        self.over = False
        """Its leader has ended."""
        self._command = command
        self._pipes = pipes
        self._masking = masking
        self._on_lines = on_lines
        self._outputs: dict[int, Output] = {}
        # What each end of ours is for: called with it and what `poll` says of it, False when there is no more of it.
        self._open: dict[int, Callable[[int, int], bool]] = {pipes.stdout: self._read, pipes.stderr: self._read, pipes.report: self._report}
        self._timed = command.timeout is not None or command.silence is not None
        self._began = self._heard = time.monotonic()
        self._stdin = memoryview(command.stdin)
        if command.stdin:
            self._open[pipes.stdin] = self._write
        self._told = b""
        self._status: int | None = None
        self._seconds = 0.0
        self._left_at: float | None = None

    def follow(self, end: Callable[[Why], None], pid: Callable[[], int]) -> Ended:
        """To its end; `end` is called when it has had its time, `pid` when the guardian is lost. Raises UnusableError where it did not start."""
        # Of all kinds the one that takes no descriptor of its own, so nothing can keep it from being made.
        poll = select.poll()
        for descriptor in self._open:
            poll.register(descriptor, select.POLLOUT if descriptor == self._pipes.stdin else select.POLLIN)
        while not self._finished():
            for descriptor, event in poll.poll(self._wait()):
                if not self._open[descriptor](descriptor, event):
                    poll.unregister(descriptor)
                    del self._open[descriptor]
            if self._timed:
                self._keep_time(end)
        for output in self._outputs.values():
            output.finish()
        return self._ended(pid)

    def _finished(self) -> bool:
        if self._left_at is None:
            return False
        silent = self._pipes.stdout not in self._open and self._pipes.stderr not in self._open
        return silent or time.monotonic() >= self._left_at + _DRAIN

    def _wait(self) -> int | None:
        """In milliseconds."""
        if self._left_at is None and not self._timed:
            return None
        times = [due for due, _ in self._deadlines()]
        if self._left_at is not None:
            times.append(self._left_at + _DRAIN)
        # Rounded up, or it would be asked again and again in the last one.
        return max(0, math.ceil((min(times) - time.monotonic()) * 1000)) if times else None

    def _deadlines(self) -> list[tuple[float, Why]]:
        if self.over or self.why is not Why.EXITED:
            return []
        command = self._command
        told = [(self._began, command.timeout, Why.TIMEOUT), (self._heard, command.silence, Why.SILENCE)]
        return [(since + limit, why) for since, limit, why in told if limit is not None]

    def _keep_time(self, end: Callable[[Why], None]) -> None:
        for due, why in sorted(self._deadlines()):
            if time.monotonic() >= due:
                end(why)

    def _read(self, descriptor: int, event: int) -> bool:
        if event == select.POLLHUP:
            return False
        data = os.read(descriptor, _READ)
        self._heard = time.monotonic()
        self._output(descriptor).feed(data)
        return bool(data)

    def _output(self, descriptor: int) -> Output:
        if descriptor not in self._outputs:
            stream = Stream.STDOUT if descriptor == self._pipes.stdout else Stream.STDERR
            self._outputs[descriptor] = Output(self._masking, partial(self._on_lines, stream))
        return self._outputs[descriptor]

    def _write(self, _: int, __: int) -> bool:
        with contextlib.suppress(BrokenPipeError):
            self._stdin = self._stdin[os.write(self._pipes.stdin, self._stdin[:_READ]) :]
            if self._stdin:
                return True
        self._pipes.close(self._pipes.stdin)
        return False

    def _report(self, descriptor: int, event: int) -> bool:
        data = b"" if event == select.POLLHUP else os.read(descriptor, _READ)
        *lines, self._told = (self._told + data).split(b"\n")
        for line in lines:
            word, _, number = line.decode().partition(" ")
            self._take(word, int(number))
        # Reports are short: with its end there, that was all of it.
        going_on = bool(data) and not event & select.POLLHUP
        if not going_on:
            self._left_at = time.monotonic()
        return going_on

    def _take(self, word: str, number: int) -> None:
        if word == "failed":
            raise UnusableError(not_started(self._command, number))
        self._status, self.over = number, True
        self._seconds = time.monotonic() - self._began

    def _ended(self, pid: Callable[[], int]) -> Ended:
        if self._status is None:
            if session := pid():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(session, signal.SIGKILL)
            raise UnusableError(LOST)
        code = os.waitstatus_to_exitcode(self._status)
        return Ended(code=code if code >= 0 else None, signal=-code if code < 0 else None, why=self.why, seconds=self._seconds)


def not_started(command: Command, number: int) -> Problem:
    """What a person is told of a command that could not be started."""
    if not os.path.isdir(command.cwd):  # noqa: PTH112 (the directory is a word of the command)
        return Problem(summary=f"cannot start {command.program}: there is no directory {command.cwd}", hint="was it removed meanwhile?", code="start")
    full = number in (errno.EMFILE, errno.ENFILE)
    hint = "let fewer builds run at once, or allow more open files (ulimit -n)" if full else "is it installed, and may it be executed?"
    return Problem(summary=f"cannot start {command.argv[0]}: {os.strerror(number)}", hint=hint, code="start")
