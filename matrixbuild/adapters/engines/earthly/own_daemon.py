"""The program's own daemon on this machine -> started and up to date, by one cheap build before the first real one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matrixbuild.adapters.children import Children
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.process import Command, Ended, ended_by_us
from matrixbuild.core.program import Program, scrubbed

_EARTHFILE = "VERSION 0.8\n\nwarm-up:\n    FROM scratch\n"
_SECONDS = 600.0
"""Of the warm-up: the daemon's image may have to come over a slow line."""
_MOST_LINES = 200


@dataclass(slots=True, kw_only=True, eq=False)
class OwnDaemon:
    """A daemon that the program starts in Docker or Podman; `arguments` say which, `work` is a directory for the build that warms it up.

    The program restarts a daemon whose image or settings differ from its own, under whatever builds there; so once it has been looked after,
    every other call forbids that (`--no-buildkit-update`).
    """

    program: Program
    children: Children
    work: Path
    environ: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    seconds: float = _SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _warm: bool = False

    def warm_up(self) -> None:
        """Start it, or see that it runs, once; everybody else waits for that. Raises BuildFailed (builder), and then does it again when asked."""
        with self._lock:
            if self._warm:
                return
            self._called()
            self._warm = True

    def _called(self) -> None:
        self.work.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.work / "Earthfile").write_text(_EARTHFILE, encoding="utf-8")
        directory = str(self.work.resolve())
        argv = (self.program.path, *self.arguments, "--no-output", f"{directory}+warm-up")
        env = scrubbed(self.environ) | {"PWD": directory}
        said: deque[bytes] = deque(maxlen=_MOST_LINES)
        command = Command(argv=argv, cwd=directory, env=tuple(env.items()), timeout=self.seconds)
        ended = self.children.run(command, lambda _, lines: said.extend(lines))
        if not ended.succeeded:
            lines = [line.decode("utf-8", "replace").strip() for line in said]
            raise BuildFailed(_failure(ended, command, [line for line in lines if line]))


def _failure(ended: Ended, command: Command, lines: Sequence[str]) -> Failure:
    if own := ended_by_us(command, ended):
        if own.kind is FailureKind.CANCELLED:
            return own
        reason = own.summary
    else:
        reason = _decisive(lines) or f"{command.program} ends with {ended.status} and says nothing"
    hint = "is Docker running, and may you use it? `docker info` tells; engine.builders names a builder elsewhere"
    summary = f"the daemon of this machine does not start: {reason}"
    return Failure(kind=FailureKind.BUILDER, summary=summary, lines=tuple(lines[-5:]), hint=hint)


def _decisive(lines: Sequence[str]) -> str:
    """What Docker complains of, else the program's own last `Error:`, else its last line."""
    for mark in ("Error response from daemon: ", "Error: "):
        if found := [line.partition(mark)[2] for line in lines if mark in line]:
            return found[-1]
    return lines[-1] if lines else ""
