"""Commands that come through a socket -> children that do not outlive whoever sends them: a program of its own, that needs nothing but Python.

`guarding.py` starts it, once, as `python -I -S guardian.py FD MERCY`, with one end of a socket pair. It starts every child itself, so there is no
moment in which a child runs and the guardian does not know it; and the socket closes when its other end dies, however that happens. Then every
child gets SIGTERM, and MERCY seconds later SIGKILL.

A frame is its length and that much JSON (words of bytes as latin-1):
`{"do": "start", "id", "program", "argv", "cwd", "env"}`, with four descriptors: the child's stdin, stdout and stderr, and a pipe for reports
(without "env" it is that of the child before);
`{"do": "end", "id", "grace"}`: SIGTERM now and SIGKILL after so many seconds, or SIGKILL at once if that is 0.
To that pipe it writes a line when the child was started (`pid N`) or was not (`failed ERRNO`), and one when it ended (`ended WAITSTATUS`). The pipe
closes when nothing of the child's session is left. What left that session of its own will, as daemons do, is nobody's child any more.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

LINGER = 2.0
"""Seconds that the rest of a session may go on when its leader has ended by itself."""
DESCRIPTORS = 4

_TICK = 0.05
_GIVE_UP = 5.0
"""Seconds after SIGKILL for which a process may hang in the kernel; then it is told as gone."""
_HEADER = struct.Struct(">I")
_PR_SET_CHILD_SUBREAPER = 36
# Python ignores the last two, which no child should; the others may have been ignored where the program was started.
_DEFAULT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)


def frame(message: dict[str, object]) -> bytes:
    """A message as it goes through the socket."""
    body = json.dumps(message).encode()
    return _HEADER.pack(len(body)) + body


@dataclass(slots=True, kw_only=True)
class _Child:
    """`pid` is its session as well; the times are None as long as nothing is to happen then."""

    pid: int
    report: int
    ended: bool = False
    term_at: float | None = None
    kill_at: float | None = None
    give_up_at: float | None = None


class Guardian:
    """One loop over the socket, the ends of children and the clock."""

    def __init__(self, parent: socket.socket, mercy: float) -> None:
        self._parent = parent
        self._mercy = mercy
        self._children: dict[int, _Child] = {}
        self._received = bytearray()
        self._descriptors: list[int] = []
        self._env: dict[bytes, bytes] = {}
        self._forsaken = False

    def run(self) -> None:
        """Until the parent is gone and every child too. Should this end otherwise, it ends the children first."""
        try:
            self._run()
        finally:
            for child in self._children.values():
                _signal(child.pid, signal.SIGKILL)

    def _run(self) -> None:
        woken = _woken_by_signals()
        with selectors.DefaultSelector() as selector:
            selector.register(self._parent, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while self._children or not self._forsaken:
                ready = {key.fd for key, _ in selector.select(self._wait())}
                if woken in ready:
                    os.read(woken, 4096)
                if self._parent.fileno() in ready and not self._heard():
                    selector.unregister(self._parent)
                    self._forsake()
                self._reap()
                for number, child in list(self._children.items()):
                    self._attend(number, child, time.monotonic())

    def _wait(self) -> float | None:
        return _TICK if any(child.ended or child.kill_at is not None for child in self._children.values()) else None

    def _heard(self) -> bool:
        """Do what the parent wants; False when there is no parent any more."""
        try:
            data, descriptors, flags, _ = socket.recv_fds(self._parent, 1 << 16, 4 * DESCRIPTORS)
        except ConnectionError:
            return False
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # noqa: FBT003
        if flags & socket.MSG_CTRUNC:
            raise RuntimeError("descriptors were lost: too many are open")
        self._descriptors += descriptors
        self._received += data
        for message in self._messages():
            self._do(message)
        return bool(data)

    def _messages(self) -> Iterator[dict[str, Any]]:
        while len(self._received) >= _HEADER.size:
            end = _HEADER.size + _HEADER.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            body = bytes(self._received[_HEADER.size : end])
            del self._received[:end]
            yield json.loads(body)

    def _do(self, message: dict[str, Any]) -> None:
        if message["do"] == "start":
            # Those of a message arrive with its first byte, so they are here, in the order of messages.
            *standard, report = self._descriptors[:DESCRIPTORS]
            del self._descriptors[:DESCRIPTORS]
            self._start(message, standard, report)
        elif message["id"] in self._children:
            self._end(self._children[message["id"]], message["grace"])

    def _start(self, message: dict[str, Any], standard: list[int], report: int) -> None:
        if "env" in message:
            self._env = {name.encode("latin-1"): value.encode("latin-1") for name, value in message["env"]}
        try:
            pid = _spawned(message, self._env, standard)
        except OSError as error:
            _tell(report, f"failed {error.errno}")
            os.close(report)
        else:
            self._children[message["id"]] = _Child(pid=pid, report=report)
            _tell(report, f"pid {pid}")
        finally:
            for descriptor in standard:
                os.close(descriptor)

    def _forsake(self) -> None:
        self._forsaken = True
        for child in self._children.values():
            self._end(child, self._mercy)

    def _end(self, child: _Child, grace: float) -> None:
        kill_at = time.monotonic() + grace
        if child.kill_at is None and grace:
            _signal(child.pid, signal.SIGTERM)
            # One that is stopped would not hear it.
            _signal(child.pid, signal.SIGCONT)
        child.kill_at = kill_at if child.kill_at is None else min(child.kill_at, kill_at)

    def _reap(self) -> None:
        leaders = {child.pid: child for child in self._children.values() if not child.ended}
        for pid, status in _ended():
            # The others were left by a leader that ended before them.
            if pid in leaders:
                leaders[pid].ended = True
                leaders[pid].term_at = time.monotonic() + LINGER
                _tell(leaders[pid].report, f"ended {status}")

    def _attend(self, number: int, child: _Child, now: float) -> None:
        if child.kill_at is not None and now >= child.kill_at:
            # Again and again: between the look at a session and the signal, a group may have been made in it.
            _signal(child.pid, signal.SIGKILL)
            child.give_up_at = child.give_up_at or now + _GIVE_UP
        elif child.kill_at is None and child.term_at is not None and now >= child.term_at:
            self._end(child, self._mercy)
        if child.ended and (not _left(child.pid) or (child.give_up_at is not None and now >= child.give_up_at)):
            os.close(child.report)
            del self._children[number]


def _woken_by_signals() -> int:
    """A descriptor that can be read when a child has ended. Signals that would end this process are only heard: it ends with its parent."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)
    return woken


def _spawned(message: dict[str, Any], env: dict[bytes, bytes], standard: list[int]) -> int:
    """The process id of the child, the leader of a session of its own. Raises OSError."""
    argv = [word.encode("latin-1") for word in message["argv"]]
    onto = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(standard)]
    os.chdir(message["cwd"].encode("latin-1"))
    try:
        return os.posix_spawn(message["program"].encode("latin-1"), argv, env, file_actions=onto, setsid=True, setsigmask=(), setsigdef=_DEFAULT)
    finally:
        os.chdir("/")


def _tell(report: int, line: str) -> None:
    # Where nobody listens any more, the socket says so as well.
    with contextlib.suppress(BrokenPipeError):
        os.write(report, f"{line}\n".encode())


def _ended() -> Iterator[tuple[int, int]]:
    """(process id, wait status) of what has ended since the last look."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, status


def _signal(session: int, number: signal.Signals) -> None:
    for group in {session, *(_asked(os.getpgid, pid) for pid in _processes() if _asked(os.getsid, pid) == session)}:
        if group is not None:
            # Gone in the meantime, or what a program with other rights has become.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)


def _left(session: int) -> bool:
    """Whether anything of a session is left whose leader was reaped. While something is, the number belongs to nobody else."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return any(_asked(os.getsid, pid) == session for pid in _adopted())
    except PermissionError:
        # Other rights; on macOS also one that waits to be reaped.
        return True
    return True


def _adopted() -> Iterable[int]:
    """Where what has lost its parent must be: among the children of this process, if the kernel gives them to it and tells them."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:  # noqa: PTH123 (pathlib would double the time of starting)
            return [int(word) for word in file.read().split()]
    except OSError:
        return _processes()


def _processes() -> Iterable[int]:
    """The ids of all processes; none where this system does not tell them in a way known here, and groups are all that is ended."""
    if sys.platform == "darwin":
        listed = (ctypes.c_int * (ctypes.CDLL(None).proc_listallpids(None, 0) + 256))()
        return listed[: ctypes.CDLL(None).proc_listallpids(listed, ctypes.sizeof(listed))]
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208
    except FileNotFoundError:
        return []


def _asked(ask: Any, pid: int) -> int | None:
    try:
        return int(ask(pid))
    except OSError:
        return None


def main(descriptor: int, mercy: float) -> None:
    os.chdir("/")
    if sys.platform == "linux":
        # What a child leaves behind is this process's to end and to reap, also where nobody else does (process 1 of many containers does not).
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with socket.socket(fileno=descriptor) as parent:
        parent.set_inheritable(False)
        Guardian(parent, mercy).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
