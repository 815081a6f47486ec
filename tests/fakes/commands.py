"""An engine of the tests' own: it runs a command for each build, and after it what another engine makes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from matrixbuild.adapters.attempts import Attempt
from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Engine, Made, Order
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.process import Command, Ended, ended_by_us

NOTHING = Made(image=None, artifacts=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is run for each build, and around what: `argv` gets the build's slug as its last word; `silence` and `timeout` as in Command."""

    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = (("PATH", os.defpath),)
    secrets: tuple[tuple[str, str], ...] = ()
    timeout: float | None = None
    silence: float | None = None


def flaky(*kinds: FailureKind) -> Callable[[Order, int], FailureKind | None]:
    """The first attempts of every build fail in these ways, one after the other."""
    return lambda _, attempt: kinds[attempt - 1] if attempt <= len(kinds) else None


@dataclass(slots=True, kw_only=True)
class Commands:
    """`within` makes what a build leaves, where it is given; `fails` says of an order and its attempt (1, 2, ...) how it fails, whatever its
    command did; `attempts` counts by slug."""

    words: Words
    within: Engine | None = None
    fails: Callable[[Order, int], FailureKind | None] = lambda _order, _attempt: None
    children: Children = field(default_factory=Children)
    attempts: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def build(self, order: Order) -> Made:
        with self._lock:
            self.attempts[order.output.name] += 1
            attempt = self.attempts[order.output.name]
        command = self._command(order)
        said: list[bytes] = []
        if order.log is None:
            ended = self.children.run(command, lambda _, lines: said.extend(lines), name=order.key)
        else:
            with Attempt(order.log) as kept:
                ended = kept.run(self.children, command, name=order.key)
            said = [*(order.log / "stdout").read_bytes().splitlines(), *(order.log / "stderr").read_bytes().splitlines()]
        self._judge(command, ended, self.fails(order, attempt), tuple(line.decode(errors="replace").rstrip() for line in said[-5:]))
        return self.within.build(order) if self.within else NOTHING

    def stop(self, key: str, *, now: bool) -> None:
        self.children.cancel(key, now=now)

    def close(self) -> None:
        self.children.close()

    def _command(self, order: Order) -> Command:
        words = self.words
        argv = (*words.argv, order.output.name)
        env, secrets = (*words.env, *words.secrets), words.secrets
        return Command(argv=argv, cwd=os.curdir, env=env, secrets=secrets, timeout=words.timeout, silence=words.silence)

    def _judge(self, command: Command, ended: Ended, kind: FailureKind | None, lines: tuple[str, ...]) -> None:
        failure = ended_by_us(command, ended)
        if failure is None and kind:
            failure = Failure(kind=kind, summary=f"{command.program} is flaky: {kind}")
        if failure is None and not ended.succeeded:
            failure = Failure(kind=FailureKind.STEP, summary=f"{command.program} ended with {ended.status}", lines=lines)
        if failure:
            raise BuildFailed(failure)


def shell(script: str, *, secrets: Sequence[tuple[str, str]] = (), timeout: float | None = None, silence: float | None = None) -> Words:
    """A script for every build; `$1` in it is the build's slug."""
    return Words(argv=("sh", "-c", script, "sh"), secrets=tuple(secrets), timeout=timeout, silence=silence)
