"""Commands, with the pipes they speak through -> words to the guardian, which is started with the first of them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from matrixbuild.adapters import guardian
from matrixbuild.adapters.guardian import PID
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.process import Command

_LEAVING = 15.0
"""Seconds for the guardian to end what still runs and itself."""


class Guarding:
    """This program's end of the socket. `mercy` is what children get between SIGTERM and SIGKILL when this program is gone. One thread at a time."""

    def __init__(self, mercy: float) -> None:
        self._mercy = mercy
        self._socket: socket.socket | None = None
        self._pids: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._env: tuple[tuple[str, str], ...] | None = None

    def start(self, number: int, program: str, command: Command, descriptors: Sequence[int]) -> None:
        """`descriptors` are stdin (where the command has one), stdout and stderr of the child and the pipe that tells how it goes (guardian.py).
        Raises UnusableError."""
        # Builds of a run mostly have one environment, and a large one: it is half of what a message costs at both ends.
        same = command.env == self._env
        env = () if same else [os.fsencode(word) for variable in command.env for word in variable]
        count = b"same" if same else b"%d" % len(command.env)
        cwd = command.cwd if command.cwd.startswith("/") else os.path.abspath(command.cwd)  # noqa: PTH100 (links stay as they are named)
        words = (os.fsencode(cwd), count, *env, *map(os.fsencode, (program, *command.argv)))
        self._send(guardian.frame(b"start", b"%d" % number, b"1" if command.stdin else b"0", *words), descriptors)
        self._env = command.env

    def end(self, number: int, grace: float) -> None:
        """Nothing where the child has ended. Raises UnusableError."""
        self._send(guardian.frame(b"end", b"%d" % number, b"%r" % grace), ())

    def pid(self, number: int) -> int:
        """Of a child; 0 where it has none that is known."""
        held = os.pread(self._pids, PID.size, PID.size * number) if self._pids is not None else b""
        return int(PID.unpack(held)[0]) if held else 0

    def close(self) -> None:
        """What still runs gets SIGTERM, and SIGKILL after `mercy`; afterwards there is no guardian."""
        if self._socket is None or self._process is None:
            return
        self._socket.close()
        # Past that, it goes on without us.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVING)
        if self._pids is not None:
            os.close(self._pids)
        self._socket = self._process = self._env = self._pids = None

    def _send(self, data: bytes, descriptors: Sequence[int]) -> None:
        if self._socket is None:
            self._socket = self._started()
        try:
            # Whoever has the first byte has the descriptors; the rest may take several calls.
            sent = socket.send_fds(self._socket, [data], descriptors)
            if sent < len(data):
                self._socket.sendall(data[sent:])
        except ConnectionError as error:
            raise UnusableError(LOST) from error

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        self._pids = _nameless()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 (this very Python, and a file of ours)
                [sys.executable, "-I", "-S", str(Path(guardian.__file__)), str(theirs.fileno()), str(self._pids), str(self._mercy)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), self._pids],
                # Whatever ends this program's group must not end what looks after its children.
                start_new_session=True,
                cwd="/",
            )
        return ours


LOST = Problem(
    summary="the process that looks after the child processes ended before them",
    hint="was it killed, or is the machine out of memory? apply again",
    code="guardian",
)


def _nameless() -> int:
    """A file that nobody else finds."""
    if sys.platform != "linux":
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    return os.memfd_create("pids")
