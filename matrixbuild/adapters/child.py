"""One child's pipes and the clock -> its output line by line, masked, and in the end how it ended."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
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
    """Both ends of what a child speaks through: `theirs` are its stdin, stdout, stderr and the guardian's reports. Raises OSError."""

    def __init__(self, *, stdin: bool) -> None:
        self._open: list[int] = []
        try:
            self.stdout, their_stdout = self._pipe()
            self.stderr, their_stderr = self._pipe()
            self.report, their_report = self._pipe()
            their_stdin, self.stdin = self._pipe() if stdin else self._nothing()
        except OSError:
            self.close()
            raise
        self.theirs = (their_stdin, their_stdout, their_stderr, their_report)
        for ours in (self.stdout, self.stderr, self.report, *([self.stdin] if stdin else [])):
            os.set_blocking(ours, False)

    def _pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        self._open += ends
        return ends

    def _nothing(self) -> tuple[int, int]:
        """Nothing to read, and no end of ours."""
        self._open.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        return self._open[-1], -1

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
        self._give([*self._lines.feed(self._masked.finish()), *self._lines.finish()])

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
        self._outputs = {
            pipes.stdout: Output(masking, partial(on_lines, Stream.STDOUT)),
            pipes.stderr: Output(masking, partial(on_lines, Stream.STDERR)),
        }
        self._began = self._heard = time.monotonic()
        self._stdin = memoryview(command.stdin)
        self._told = b""
        self._pid = 0
        self._status: int | None = None
        self._seconds = 0.0
        self._left_at: float | None = None

    def follow(self, end: Callable[[Why], None]) -> Ended:
        """To its end; `end` is called when it has had its time. Raises UnusableError where it could not be started."""
        # Of all kinds the one that takes no descriptor of its own, so nothing can keep it from being made.
        with selectors.PollSelector() as selector:
            for descriptor, output in self._outputs.items():
                selector.register(descriptor, selectors.EVENT_READ, partial(self._read, descriptor, output))
            selector.register(self._pipes.report, selectors.EVENT_READ, self._report)
            if self._stdin:
                selector.register(self._pipes.stdin, selectors.EVENT_WRITE, self._write)
            while not self._finished(selector):
                for key, _ in selector.select(self._wait()):
                    if not key.data():
                        selector.unregister(key.fd)
                self._keep_time(end)
        for output in self._outputs.values():
            output.finish()
        return self._ended()

    def _finished(self, selector: selectors.BaseSelector) -> bool:
        open_ones = selector.get_map().keys()
        if self._left_at is None:
            return False
        return not open_ones & self._outputs.keys() or time.monotonic() >= self._left_at + _DRAIN

    def _wait(self) -> float | None:
        times = [due - time.monotonic() for due, _ in self._deadlines()]
        if self._left_at is not None:
            times.append(self._left_at + _DRAIN - time.monotonic())
        return max(0.0, min(times)) if times else None

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

    def _read(self, descriptor: int, output: Output) -> bool:
        data = os.read(descriptor, _READ)
        self._heard = time.monotonic()
        output.feed(data)
        return bool(data)

    def _write(self) -> bool:
        with contextlib.suppress(BrokenPipeError):
            self._stdin = self._stdin[os.write(self._pipes.stdin, self._stdin[:_READ]) :]
            if self._stdin:
                return True
        self._pipes.close(self._pipes.stdin)
        return False

    def _report(self) -> bool:
        data = os.read(self._pipes.report, _READ)
        *lines, self._told = (self._told + data).split(b"\n")
        for line in lines:
            word, _, number = line.decode().partition(" ")
            self._take(word, int(number))
        if not data:
            self._left_at = time.monotonic()
        return bool(data)

    def _take(self, word: str, number: int) -> None:
        if word == "failed":
            raise UnusableError(not_started(self._command, number))
        if word == "pid":
            self._pid = number
        else:
            self._status, self.over = number, True
            self._seconds = time.monotonic() - self._began

    def _ended(self) -> Ended:
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
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
