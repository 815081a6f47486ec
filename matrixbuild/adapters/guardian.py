"""Commands that come through a socket -> children that do not outlive whoever sends them: a program of its own, that needs nothing but Python.

`guarding.py` starts it, once, as `python -I -S guardian.py FD PIDS MERCY`, with one end of a socket pair. It starts every child itself, so there is
no moment in which a child runs and the guardian does not know it; and the socket closes when its other end dies, however that happens. Then every
child gets SIGTERM, and MERCY seconds later SIGKILL.

A frame is its length and that many bytes, words that are parted by NUL, which is in no word that a program can be given:
`start ID STDIN CWD COUNT WORD... PROGRAM ARG...`, with descriptors: the child's stdin (if STDIN is 1; with 0 it has nothing to read), stdout and
stderr, and a pipe for reports. The words are COUNT names of variables, each with its value behind it; COUNT is `same` for those of the child before;
`end ID GRACE`: SIGTERM now and SIGKILL after so many seconds, or SIGKILL at once if that is 0.
To that pipe it writes a line when the child was not started (`failed ERRNO`) or has ended (`ended WAITSTATUS`). The pipe closes when nothing of the
child's session is left. What left that session of its own will, as daemons do, is nobody's child any more. Process ids are only of use when this
program is gone: they stand in the file PIDS, four bytes each, at four times the id of the child.

It also keeps the child's outputs open until nothing is left, and closes all at once: whoever follows an empty command wakes once, not four times.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LINGER = 2.0
"""Seconds that the rest of a session may go on when its leader has ended by itself."""
DESCRIPTORS = 4
"""At most, of one child."""

_TICK = 50
"""Milliseconds between looks at what should end, or at a session whose leader has ended."""
_GIVE_UP = 5.0
"""Seconds after SIGKILL for which a process may hang in the kernel; then it is told as gone."""
_HEADER = struct.Struct(">I")
PID = struct.Struct("@i")
_SPACE = socket.CMSG_SPACE(4 * DESCRIPTORS * struct.calcsize("@i"))
# As numbers: to combine these with `&`, an enum takes as long as the kernel for the message.
_CLOSED_BY_EXEC = int(getattr(socket, "MSG_CMSG_CLOEXEC", 0))
_TRUNCATED = int(socket.MSG_CTRUNC)
_PR_SET_CHILD_SUBREAPER = 36
# Python ignores the last two, which no child should; the others may have been ignored where the program was started.
_DEFAULT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)


def frame(*words: bytes) -> bytes:
    """A message as it goes through the socket."""
    body = b"\0".join(words)
    return _HEADER.pack(len(body)) + body


@dataclass(slots=True, kw_only=True)
class _Child:
    """`pid` is its session as well, `held` its outputs; the times are None as long as nothing is to happen then."""

    number: int
    pid: int
    report: int
    held: list[int]
    ended: bool = False
    term_at: float | None = None
    kill_at: float | None = None
    give_up_at: float | None = None


class Guardian:
    """One loop over the socket, the ends of children and the clock. `pids` is the file for process ids."""

    def __init__(self, parent: socket.socket, pids: int, mercy: float) -> None:
        self._parent = parent
        self._pids = pids
        self._mercy = mercy
        self._children: dict[int, _Child] = {}
        self._leaders: dict[int, _Child] = {}
        """Those whose leader runs, by its process id."""
        self._going: dict[int, _Child] = {}
        """Those that are to end, or of which something is left: whoever is not among them needs no look."""
        self._received = bytearray()
        self._descriptors: list[int] = []
        self._env: dict[bytes, bytes] = {}
        self._listing = _list_of_children()
        self._forsaken = False

    def run(self) -> None:
        """Until the parent is gone and every child too. Should this end otherwise, it ends the children first."""
        try:
            self._run()
        finally:
            for child in self._children.values():
                _signal(child.pid, signal.SIGKILL)

    def _run(self) -> None:
        woken, heard = _woken_by_signals(), self._parent.fileno()
        # Not of `selectors`: between two empty commands that is a tenth of what is done here.
        poll = select.poll()
        poll.register(heard, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while self._children or not self._forsaken:
            ready = [descriptor for descriptor, _ in poll.poll(_TICK if self._going else None)]
            if heard in ready and not self._heard():
                poll.unregister(heard)
                self._forsake()
            if woken in ready:
                os.read(woken, 4096)
            if woken in ready or not ready:
                self._reap()
            for child in list(self._going.values()):
                self._attend(child, time.monotonic())

    def _heard(self) -> bool:
        """Do what the parent wants; False when there is no parent any more."""
        try:
            data, ancillary, flags, _ = self._parent.recvmsg(1 << 16, _SPACE, _CLOSED_BY_EXEC)
        except ConnectionError:
            return False
        for _, _, descriptors in ancillary:
            self._descriptors += (descriptor for (descriptor,) in PID.iter_unpack(descriptors[: len(descriptors) & -PID.size]))
        if not _CLOSED_BY_EXEC:
            for descriptor in self._descriptors:
                os.set_inheritable(descriptor, False)  # noqa: FBT003
        if flags & _TRUNCATED:
            raise RuntimeError("descriptors were lost: too many are open")
        self._received += data
        while message := self._message():
            self._do(message)
        return bool(data)

    def _message(self) -> list[bytes]:
        """The next that is here whole; none is empty."""
        if len(self._received) < _HEADER.size:
            return []
        end = _HEADER.size + _HEADER.unpack_from(self._received)[0]
        if len(self._received) < end:
            return []
        body = bytes(self._received[_HEADER.size : end])
        del self._received[:end]
        return body.split(b"\0")

    def _do(self, message: list[bytes]) -> None:
        what, number, *rest = message
        if what == b"start":
            stdin, cwd, variables, *words = rest
            # Those of a message arrive with its first byte, so they are here, in the order of messages.
            count = DESCRIPTORS - 1 + int(stdin)
            *standard, report = self._descriptors[:count]
            del self._descriptors[:count]
            if variables != b"same":
                found, words = words[: 2 * int(variables)], words[2 * int(variables) :]
                self._env = dict(zip(found[::2], found[1::2], strict=True))
            self._start(int(number), cwd, words, standard, report)
        elif int(number) in self._children:
            self._end(self._children[int(number)], float(rest[0]))

    def _start(self, number: int, cwd: bytes, words: list[bytes], standard: list[int], report: int) -> None:
        try:
            pid = _spawned(cwd, words, self._env, standard)
        except OSError as error:
            _tell(report, f"failed {error.errno}")
            _close(*standard, report)
            return
        os.pwrite(self._pids, PID.pack(pid), PID.size * number)
        _close(*standard[:-2])
        self._children[number] = self._leaders[pid] = _Child(number=number, pid=pid, report=report, held=standard[-2:])

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
        self._going[child.number] = child

    def _reap(self) -> None:
        # All of them before the first look: who has ended and was not reaped is still there.
        ended = [(self._leaders.pop(pid, None), status) for pid, status in _ended()]
        for child, status in ended:
            # The others were left by a leader that ended before them.
            if child:
                self._leader_ended(child, status)

    def _leader_ended(self, child: _Child, status: int) -> None:
        left = self._left(child.pid)
        _tell(child.report, f"ended {status}")
        if not left:
            self._forget(child)
            return
        child.ended = True
        child.term_at = time.monotonic() + LINGER
        self._going[child.number] = child

    def _attend(self, child: _Child, now: float) -> None:
        if child.kill_at is not None and now >= child.kill_at:
            # Again and again: between the look at a session and the signal, a group may have been made in it.
            _signal(child.pid, signal.SIGKILL)
            child.give_up_at = child.give_up_at or now + _GIVE_UP
        elif child.kill_at is None and child.term_at is not None and now >= child.term_at:
            self._end(child, self._mercy)
        if child.ended and (not self._left(child.pid) or (child.give_up_at is not None and now >= child.give_up_at)):
            self._forget(child)

    def _forget(self, child: _Child) -> None:
        # At once, for each of these wakes the thread that follows it.
        _close(*child.held, child.report)
        del self._children[child.number]
        self._going.pop(child.number, None)

    def _left(self, session: int) -> bool:
        """Whether anything of a session is left whose leader was reaped. While something is, the number belongs to nobody else."""
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            # Who leads a session is of no other.
            return any(_asked(os.getsid, pid) == session for pid in self._listed() if pid not in self._leaders)
        except PermissionError:
            # Other rights; on macOS also one that waits to be reaped.
            return True
        return True

    def _listed(self) -> Iterable[int]:
        """Where what has lost its parent must be: among the children of this process, if the kernel gives them to it and tells them."""
        if self._listing is None:
            return _processes()
        # From its beginning each time, as the kernel has it then.
        listed = b""
        while piece := os.pread(self._listing, 1 << 16, len(listed)):
            listed += piece
        return [int(word) for word in listed.split()]


def _list_of_children() -> int | None:
    """The file in which the kernel tells them."""
    try:
        return os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
    except OSError:
        return None


def _woken_by_signals() -> int:
    """A descriptor that can be read when a child has ended. Signals that would end this process are only heard: it ends with its parent."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)
    return woken


def _spawned(cwd: bytes, words: list[bytes], env: dict[bytes, bytes], standard: list[int]) -> int:
    """The process id of the child, the leader of a session of its own. Raises OSError."""
    program, *argv = words
    # Without one of its own, stdin is that of this process: nothing.
    onto = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(standard, DESCRIPTORS - 1 - len(standard))]
    os.chdir(cwd)
    try:
        return os.posix_spawn(program, argv, env, file_actions=onto, setsid=True, setsigmask=(), setsigdef=_DEFAULT)
    finally:
        os.chdir("/")


def _tell(report: int, line: str) -> None:
    # Where nobody listens any more, the socket says so as well.
    with contextlib.suppress(BrokenPipeError):
        os.write(report, f"{line}\n".encode())


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _ended() -> list[tuple[int, int]]:
    """(process id, wait status) of what has ended since the last look."""
    found = []
    with contextlib.suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def _signal(session: int, number: signal.Signals) -> None:
    for group in {session, *(_asked(os.getpgid, pid) for pid in _processes() if _asked(os.getsid, pid) == session)}:
        if group is not None:
            # Gone in the meantime, or what a program with other rights has become.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)


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


def main(descriptor: int, pids: int, mercy: float) -> None:
    os.chdir("/")
    if sys.platform == "linux":
        # What a child leaves behind is this process's to end and to reap, also where nobody else does (process 1 of many containers does not).
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with socket.socket(fileno=descriptor) as parent:
        parent.set_inheritable(False)
        os.set_inheritable(pids, False)  # noqa: FBT003
        Guardian(parent, pids, mercy).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
