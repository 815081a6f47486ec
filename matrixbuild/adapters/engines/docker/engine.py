"""An order for a Dockerfile -> an image under its content tag, built with BuildKit by a Docker engine, and pushed by it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from matrixbuild.adapters.attempts import Attempt, private_directory
from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Made, Order
from matrixbuild.adapters.engines.earthly.calling import Limits
from matrixbuild.adapters.engines.earthly.checkouts import Checkout
from matrixbuild.adapters.engines.earthly.judging import told
from matrixbuild.core.docker_call import Dockerfile, build_words, docker_environment, forget_words, push_words
from matrixbuild.core.docker_words import DockerSaid
from matrixbuild.core.earthly_call import Pairs, ambient_args, without_ambient
from matrixbuild.core.failure import BuildFailed
from matrixbuild.core.failures import Pattern
from matrixbuild.core.process import Command, Stream, ended_by_us
from matrixbuild.core.usage import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerNeighbours:
    """Whom the engine asks: `checkout` gives that of a variant and a generation, `secrets` the values for the build with a key; `tell` hears where
    the build with a key is."""

    checkout: Callable[[tuple[int, ...], str], Checkout]
    secrets: Callable[[str], Pairs]
    tell: Callable[[str, Progress], None] = lambda _key, _progress: None


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerMachine:
    """The Docker client's path, the environment (`ambient` args are taken from it) and what of it the client may see, a directory for temporary
    files, and the patterns by which the manifest tells failures."""

    program: str
    environ: Mapping[str, str] = field(repr=False)
    seen: Mapping[str, str] = field(repr=False)
    work: Path
    patterns: tuple[Pattern, ...] = ()


class DockerEngine:
    """Builds Dockerfiles. Any thread may call anything; `children` are closed with it."""

    def __init__(self, machine: DockerMachine, neighbours: DockerNeighbours, children: Children) -> None:
        self._machine = machine
        self._ask = neighbours
        self._children = children

    def build(self, order: Order) -> Made:
        """Build, push, and have the daemon forget the name again: under it nobody shall find an image but in the registry. Raises BuildFailed."""
        if order.docker is None or order.push is None:
            raise AssertionError("an order for this engine has a Dockerfile, and the name of its image")
        until = None if order.timeout is None else time.monotonic() + order.timeout
        with told(), private_directory(self._machine.work) as private:
            checkout = self._ask.checkout(order.variant, order.generation)
            with Attempt(order.log or private / "log") as attempt:
                limits = Limits(until=until, silence=order.silence)
                _Calls(self._machine, self._children, order, attempt, private=private, limits=limits).run(checkout, self._ask)
        return Made(image=None, artifacts=())

    def stop(self, key: str, *, now: bool) -> None:
        self._children.cancel(key, now=now)

    def close(self) -> None:
        self._children.close()


class _Calls:
    """The calls of one attempt, one after the other."""

    def __init__(self, machine: DockerMachine, children: Children, order: Order, attempt: Attempt, *, private: Path, limits: Limits) -> None:
        self._machine = machine
        self._children = children
        self._order = order
        self._attempt = attempt
        self._private = private
        self._limits = limits

    def run(self, checkout: Checkout, ask: DockerNeighbours) -> None:
        order, machine = self._order, self._machine
        assert order.docker is not None  # noqa: S101  (asked by `build`)
        secrets = ask.secrets(order.key)
        ambient = ambient_args(order.ambient, order.args, machine.environ)
        env = docker_environment(machine.seen, ambient=ambient, secrets=secrets)
        hidden = (*secrets, *checkout.secrets, *without_ambient(ambient))
        image = str(order.push)
        wanted = Dockerfile(
            checkout=str(checkout.path),
            demand=order.docker,
            image=image,
            key=order.key,
            args=order.args,
            ambient=tuple(name for name, _ in ambient),
            secrets=tuple(name for name, _ in secrets),
        )

        def told(progress: Progress) -> None:
            ask.tell(order.key, progress)

        self._call(build_words(machine.program, wanted), env, hidden, told)
        try:
            self._call(push_words(machine.program, image), env, hidden, told, pushing=image)
        finally:
            self._forget(forget_words(machine.program, image), env)

    def _call(self, words: tuple[str, ...], env: Mapping[str, str], hidden: Pairs, tell: Callable[[Progress], None], *, pushing: str = "") -> None:
        """Raises BuildFailed with why it failed."""
        said = DockerSaid(self._dockerfile)

        def heard(_: Stream, lines: list[bytes]) -> None:
            said.feed(lines)
            tell(said.progress)

        command = self._command(words, env, hidden)
        ended = self._attempt.run(self._children, command, name=self._order.key, on_lines=heard)
        if not ended.succeeded:
            raise BuildFailed(ended_by_us(command, ended) or said.failure(pushing=pushing, patterns=self._machine.patterns))

    def _command(self, words: tuple[str, ...], env: Mapping[str, str], hidden: Pairs) -> Command:
        return Command(
            argv=words,
            cwd=str(self._private),
            env=tuple(sorted({**env, "PWD": str(self._private)}.items())),
            secrets=hidden,
            timeout=self._limits.left,
            silence=self._limits.silence,
        )

    def _forget(self, words: tuple[str, ...], env: Mapping[str, str]) -> None:
        """What stays of a name that could not be taken back is in nobody's way: it is a content tag."""
        # Who has closed the children meanwhile wants nothing more to be started.
        with contextlib.suppress(RuntimeError):
            self._children.run(self._command(words, env, ()), lambda _stream, _lines: None, name=f"{self._order.key} forget")

    @property
    def _dockerfile(self) -> str:
        docker = self._order.docker
        return f"{docker.context}/{docker.dockerfile}".removeprefix("./") if docker else ""
