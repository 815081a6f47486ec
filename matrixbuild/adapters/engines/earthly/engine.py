"""An order -> an image under its content tag and artifacts on disk, made by Earthly or EarthBuild in processes of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from matrixbuild.adapters.attempts import Attempt, private_directory
from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Made, Order
from matrixbuild.adapters.engines.earthly.artifacts import put_artifacts
from matrixbuild.adapters.engines.earthly.builders import Builder, Builders
from matrixbuild.adapters.engines.earthly.calling import PLAIN, Called, Caller, Limits, Listener, Surroundings, Vessel
from matrixbuild.adapters.engines.earthly.checkouts import Checkout
from matrixbuild.adapters.engines.earthly.judging import judged, told
from matrixbuild.adapters.engines.earthly.sending import Sending
from matrixbuild.adapters.engines.embedded.exports import remove
from matrixbuild.core.earthly_call import Asked, Pairs, ambient_args, without_ambient
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.failure_patterns import Pattern
from matrixbuild.core.names import ImageName
from matrixbuild.core.usage import Progress, Usage, together
from matrixbuild.core.wrapper import OUTPUT, Wrapper, artifacts_wrapper, image_wrapper, reference

NO_DAEMON = 6
"""How the program ends where no daemon answered it: nothing was done."""
PATIENCE = 120.0
"""Seconds for which a builder that does not answer is waited for: one that is restarted shall not take every attempt of a build."""
_GLANCE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Whom the engine asks. `checkout` gives that of a variant and a generation, `secrets` the values for the build with a key, `insecure` whether an
    image goes to a registry without trusted TLS; `tell` hears where the build with a key is."""

    builders: Builders
    checkout: Callable[[tuple[int, ...], str], Checkout]
    secrets: Callable[[str], Pairs]
    insecure: Callable[[ImageName], bool]
    tell: Callable[[str, Progress], None] = lambda _key, _progress: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the engine finds on this machine: the program, the environment (`ambient` args are taken from it) and what of it the program may see, a
    directory for temporary files, the patterns by which the manifest tells failures, and where the program runs."""

    program: str
    environ: Mapping[str, str] = field(repr=False)
    seen: Mapping[str, str] = field(repr=False)
    work: Path
    patterns: tuple[Pattern, ...] = ()
    vessel: Vessel = PLAIN


class EarthlyEngine:
    """Builds Earthly targets with a program. Any thread may call anything; `children` are closed with it."""

    def __init__(self, machine: Machine, neighbours: Neighbours, children: Children) -> None:
        self._machine = machine
        self._ask = neighbours
        self._children = children
        self._lock = threading.Lock()
        self._stopped: set[str] = set()
        self._closed = False

    def build(self, order: Order) -> Made:
        """Push the image (its label carries the key), then write the artifacts below `order.output`: in a second call, for one that writes files
        without a Docker pushes nothing (facts 9.4). Raises BuildFailed."""
        until = None if order.timeout is None else time.monotonic() + order.timeout
        with told(), private_directory(self._machine.work) as private:
            try:
                usage = self._built(order, private, Limits(until=until, silence=order.silence))
                return Made(image=None, artifacts=put_artifacts(private / OUTPUT, order), usage=usage)
            finally:
                # What was written with modes that keep even its owner out would stay.
                remove(private / OUTPUT)

    def stop(self, key: str, *, now: bool) -> None:
        with self._lock:
            self._stopped.add(key)
        self._children.cancel(key, now=now)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._children.close()

    def _built(self, order: Order, private: Path, limits: Limits) -> Usage:
        checkout = self._ask.checkout(order.variant, order.generation)
        around = self._around(order, private, checkout)
        log = order.log or private / "log"
        calls: list[Called] = []
        sending = Sending(order, checkout, partial(self._ask.tell, order.key))
        # One builder for all of it: another would do every step again, and give other bytes to the artifacts than to the image.
        with self._builder(order) as builder, Attempt(log) as attempt:
            caller = Caller(around, attempt, log, self._children, name=order.key)
            for asked in self._asked(order, checkout, around):
                calls.append(self._called(sending, caller, asked, limits, builder))
                if not calls[-1].ended.succeeded:
                    break
        usage = together(call.usage for call in calls)
        for called in calls:
            if failure := judged(order, checkout, called, log, self._machine.patterns):
                raise BuildFailed(replace(failure, usage=usage))
        return usage

    def _around(self, order: Order, private: Path, checkout: Checkout) -> Surroundings:
        ambient = ambient_args(order.ambient, order.args, self._machine.environ)
        secrets = self._ask.secrets(order.key)
        return Surroundings(
            program=self._machine.program,
            environ=self._machine.seen,
            secrets=secrets,
            ambient=ambient,
            hidden=(*secrets, *checkout.secrets, *without_ambient(ambient)),
            private=private,
            checkout=checkout.path,
            vessel=self._machine.vessel,
        )

    def _asked(self, order: Order, checkout: Checkout, around: Surroundings) -> Iterator[Asked]:
        ambient = tuple(name for name, _ in around.ambient)
        for wrapper in self._wrappers(order, reference(str(checkout.path), order.earthly), (*(name for name, _ in order.args), *ambient)):
            yield Asked(
                wrapper=wrapper,
                args=order.args,
                ambient=ambient,
                secrets=tuple(name for name, _ in around.secrets),
                privileged=order.privileged,
                uncached=bool(checkout.foreign),
                stream=around.stream,
                manifest=around.manifest,
            )

    def _wrappers(self, order: Order, target: str, names: Sequence[str]) -> Iterator[Wrapper]:
        if order.push:
            yield image_wrapper(target, names, image=str(order.push), key=order.key, insecure=self._ask.insecure(order.push))
        if order.artifacts:
            yield artifacts_wrapper(target, names, [path for path, _ in order.artifacts])

    def _called(self, sending: Sending, caller: Caller, asked: Asked, limits: Limits, builder: Builder) -> Called:
        called = self._started(sending, caller, asked, limits, builder.arguments(patient=False))
        if called.ended.code == NO_DAEMON and not self._ends(sending.key):
            # Too many starts at once look so, too: the second time it waits as long as it likes to (facts 9.1).
            called = self._started(sending, caller, asked, limits, builder.arguments(patient=True))
        return called

    def _started(self, sending: Sending, caller: Caller, asked: Asked, limits: Limits, builder: tuple[str, ...]) -> Called:
        with self._ask.builders.starting() as start:
            return caller.call(asked, builder, limits, Listener(tell=sending.tell, started=start.connected, copied=sending.copied))

    @contextmanager
    def _builder(self, order: Order) -> Iterator[Builder]:
        """A builder that answers; one that is restarted is waited for."""
        with ExitStack() as stack:
            yield self._answering(order, stack)

    def _answering(self, order: Order, stack: ExitStack) -> Builder:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return stack.enter_context(self._ask.builders.taken(order.prefix or order.earthly, number=order.builder))
            except BuildFailed as error:
                if error.failure.kind is not FailureKind.BUILDER or error.failure.again is False or time.monotonic() >= until:
                    raise
            if self._ends(order.key):
                summary = f"{order.earthly} was stopped while its builder did not answer"
                raise BuildFailed(Failure(kind=FailureKind.CANCELLED, summary=summary))
            self._ask.builders.all[0].wait(_GLANCE)

    def _ends(self, key: str) -> bool:
        with self._lock:
            return self._closed or key in self._stopped
