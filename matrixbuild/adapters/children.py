"""Commands, asked for by many threads -> children of one guardian, each followed to its end by the thread that asked."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from typing import Self

from matrixbuild.adapters.child import Child, OnLines, Pipes, not_started
from matrixbuild.adapters.guarding import Guarding
from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.core.masking import masking
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.process import Command, Ended, Why

GRACE = 10.0
MERCY = 1.0


class Children:
    """Runs commands; nothing that they start is left when they have ended, nor when this program has, however it ended (see guardian.py).

    `grace` are the seconds between SIGTERM and SIGKILL of a command that has had its time or is cancelled, `mercy` those when this program is
    gone. Any thread may call anything.
    """

    def __init__(self, *, grace: float = GRACE, mercy: float = MERCY) -> None:
        self._grace = grace
        self._guarding = Guarding(mercy)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._running: dict[int, tuple[str, Child]] = {}
        self._cancelled: set[str] = set()
        self._closed = False

    def run(self, command: Command, on_lines: OnLines, *, name: str = "") -> Ended:
        """Run a command to its end, its output masked and in lines to `on_lines`; `name` is for `cancel`.

        Raises UnusableError where it cannot be started or a secret not be masked. What `on_lines` raises ends the command and is raised.
        """
        masked, program = masking(command.secrets), _found(command)
        if command.secrets:
            KNOWN.learn(value for _, value in command.secrets)
        try:
            pipes = Pipes(stdin=bool(command.stdin))
        except OSError as error:
            raise UnusableError(not_started(command, error.errno or 0)) from error
        child = Child(command, pipes, masked, on_lines)
        try:
            number = self._start(name, program, command, child, pipes)
            return self._followed(number, child) if number else Ended(code=None, signal=None, why=Why.CANCELLED, seconds=0.0)
        finally:
            pipes.close()

    def cancel(self, name: str, *, now: bool = False) -> None:
        """End what runs under this name, gracefully or at once, and start nothing under it any more. Does not wait."""
        with self._lock:
            self._cancelled.add(name)
            for number, (called, child) in self._running.items():
                if called == name:
                    self._end(number, child, Why.CANCELLED, 0.0 if now else self._grace)

    def end_silent(self, name: str) -> None:
        """End what runs under this name, gracefully, as one that has said nothing for too long: it may print and yet do nothing. Does not wait."""
        with self._lock:
            for number, (called, child) in self._running.items():
                if called == name:
                    self._end(number, child, Why.SILENCE, self._grace)

    def close(self) -> None:
        """End what runs, start nothing more, and wait until nothing is left."""
        with self._lock:
            self._closed = True
            self._guarding.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, name: str, program: str, command: Command, child: Child, pipes: Pipes) -> int:
        """The number of the child, or 0 where it is cancelled already."""
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the children are closed, so {command.argv[0]!r} cannot start")
            if name in self._cancelled:
                return 0
            number = next(self._numbers)
            self._guarding.start(number, program, command, pipes.theirs)
            self._running[number] = name, child
        pipes.close(*pipes.theirs)
        return number

    def _followed(self, number: int, child: Child) -> Ended:
        def end(why: Why) -> None:
            with self._lock:
                self._end(number, child, why, self._grace)

        try:
            return child.follow(end, lambda: self._guarding.pid(number))
        finally:
            with self._lock:
                del self._running[number]
                if not child.over and not self._closed:
                    # Whoever took its lines could not go on: there is nobody to wait for it.
                    self._guarding.end(number, 0.0)

    def _end(self, number: int, child: Child, why: Why, grace: float) -> None:
        if not child.over and child.why is Why.EXITED:
            child.why = why
        if not self._closed:
            self._guarding.end(number, grace)


def _found(command: Command) -> str:
    """The file of the program, looked for as the command's own environment says, and from where it runs. Raises UnusableError."""
    program = command.argv[0]
    if "/" in program:
        return program
    for directory in dict(command.env).get("PATH", os.defpath).split(os.pathsep):
        found = os.path.join(os.path.abspath(command.cwd), directory, program)  # noqa: PTH100, PTH118 (words of the command, not paths of ours)
        if os.path.isfile(found) and os.access(found, os.X_OK):  # noqa: PTH113
            return found
    raise UnusableError(not_started(command, errno.ENOENT))
