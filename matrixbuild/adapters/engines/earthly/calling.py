"""A wrapper and a builder -> one call of the program, followed to its end; what it said and wrote is kept in the attempt's directory, masked."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from matrixbuild.adapters.attempt_logs import writing
from matrixbuild.adapters.attempts import Attempt, chunks_of
from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.earthly.following import following
from matrixbuild.core.earthly_call import Asked, Pairs, environment, words
from matrixbuild.core.failure import BuildFailed, Failure
from matrixbuild.core.masked_logs import masked_manifest, masked_stream
from matrixbuild.core.masking import masking
from matrixbuild.core.process import Command, Ended, Stream
from matrixbuild.core.usage import Progress, Usage

MANIFEST = "run-manifest.json"
STREAM = "stream.ndjson"
"""What an attempt's directory calls the files that the program writes about its last call (the layout of transcripts)."""


_LAST_LINES = 20


class Vessel(Protocol):
    """Where a call runs: as a process of this machine, or as one of a container."""

    def around(self, command: Command, *, checkout: Path, private: Path) -> AbstractContextManager[Command]:
        """The command to start in place of this one, which reads the checkout and writes the private directory; nothing of it is left after."""
        ...

    def failure(self, ended: Ended, said: Sequence[bytes]) -> Failure | None:
        """Why the program did not run to an end of its own, from how the command ended and its last lines; None where it did."""
        ...


class Plain:
    """The command as it is."""

    @contextmanager
    def around(self, command: Command, *, checkout: Path, private: Path) -> Iterator[Command]:  # noqa: ARG002  (see Vessel)
        yield command

    def failure(self, ended: Ended, said: Sequence[bytes]) -> Failure | None:  # noqa: ARG002
        return None


PLAIN = Plain()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every call of one attempt has: the program, what it may see of our environment, (name, value) of the secrets and the ambient args that
    it is given, what is not to be seen of all that (`hidden`), its private directory, the checkout, and where it runs."""

    program: str
    environ: Mapping[str, str] = field(repr=False)
    secrets: Pairs = field(default=(), repr=False)
    ambient: Pairs = field(default=(), repr=False)
    hidden: Pairs = field(default=(), repr=False)
    private: Path
    checkout: Path
    vessel: Vessel = PLAIN

    @property
    def stream(self) -> str:
        return str(self.private / "stream.json")

    @property
    def manifest(self) -> str:
        return str(self.private / "manifest.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a call has to end (as time.monotonic counts; None: whenever it likes), and the seconds for which it may say nothing."""

    until: float | None
    silence: float | None

    @property
    def left(self) -> float | None:
        return None if self.until is None else max(0.0, self.until - time.monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """How a call ended, and what it took. `writes`: it wrote artifacts to this machine."""

    writes: bool
    command: Command
    ended: Ended
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whom a call tells where it is, that it has begun to speak, and which copies have ended (as `following` does)."""

    tell: Callable[[Progress], None]
    started: Callable[[], None]
    copied: Callable[[frozenset[tuple[str, int]]], None] = lambda _: None


class Caller:
    """Makes the calls of one attempt, one after the other."""

    def __init__(self, around: Surroundings, attempt: Attempt, log: Path, children: Children, *, name: str) -> None:
        self._around = around
        self._attempt = attempt
        self._log = log
        self._children = children
        self._name = name

    def call(self, asked: Asked, builder: tuple[str, ...], limits: Limits, listener: Listener) -> Called:
        """Raises BuildFailed where nothing can be written or the vessel fails, UnusableError where the program cannot be started."""
        self._prepare(asked.wrapper.text)
        around, command = self._around, self._command(asked, builder, limits)
        said: deque[bytes] = deque(maxlen=_LAST_LINES)

        def heard(stream: Stream, lines: list[bytes]) -> None:
            listener.started()
            if stream is Stream.STDERR:
                said.extend(lines)

        try:
            silent = partial(self._children.end_silent, self._name)
            with (
                around.vessel.around(command, checkout=around.checkout, private=around.private) as started,
                following(Path(around.stream), listener.tell, silence=limits.silence, silent=silent, copied=listener.copied) as followed,
            ):
                ended = self._attempt.run(self._children, started, name=self._name, on_lines=heard)
        finally:
            self._keep(command)
        if failure := around.vessel.failure(ended, said):
            raise BuildFailed(failure)
        return Called(writes=asked.wrapper.writes, command=command, ended=ended, usage=followed.usage)

    def _command(self, asked: Asked, builder: tuple[str, ...], limits: Limits) -> Command:
        around, cwd = self._around, str(self._around.private)
        ceilings = (str(around.checkout.parent), str(around.private.parent))
        return Command(
            argv=words(around.program, builder, asked),
            # Not the checkout: its .env, .arg and .secret are read where the program runs (facts 9.4).
            cwd=cwd,
            env=environment(around.environ, cwd=cwd, ceilings=ceilings, given=(*around.ambient, *around.secrets)),
            secrets=around.hidden,
            timeout=limits.left,
            silence=limits.silence,
        )

    def _prepare(self, text: str) -> None:
        with writing(self._around.private):
            for left in (self._around.stream, self._around.manifest):
                Path(left).unlink(missing_ok=True)
            (self._around.private / "Earthfile").write_text(text, encoding="utf-8")
        with writing(self._log):
            # It holds names alone; whoever wants to know what was called finds it here.
            (self._log / "Earthfile").write_text(text, encoding="utf-8")
            for left in (MANIFEST, STREAM):
                (self._log / left).unlink(missing_ok=True)

    def _keep(self, command: Command) -> None:
        masked = masking(command.secrets)
        if (stream := Path(self._around.stream)).exists():
            self._attempt.keep(STREAM, masked_stream(chunks_of(stream), masked), command)
        if (manifest := Path(self._around.manifest)).exists():
            self._attempt.keep(MANIFEST, [masked_manifest(manifest.read_bytes(), masked)], command)
