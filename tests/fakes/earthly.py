"""The Earthly engine around a shell script in place of the program, with a builder that always answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Tell, nobody
from matrixbuild.adapters.engines.earthly.builders import Builder, Builders
from matrixbuild.adapters.engines.earthly.checkouts import Checkout
from matrixbuild.adapters.engines.earthly.engine import EarthlyEngine, Machine, Neighbours
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind

PRELUDE = """\
#!/bin/sh
for word; do
    case $before in
    --logstream-debug-file) stream=$word ;;
    --logstream-debug-manifest-file) manifest=$word ;;
    esac
    case $word in
    +*) target=$word ;;
    --MB_TAG=*) image=${word#--MB_TAG=} ;;
    esac
    before=$word
done
"""
"""What a script may ask: $target (+image or +artifacts), $image, $stream and $manifest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answering(Builder):
    """A builder that is there, but for the probes that `deaf` still counts (`again`: it may be later); `asked` counts them all. `words` are what the
    program is given, else how patient it is to be."""

    deaf: list[None] = field(default_factory=list)
    asked: list[None] = field(default_factory=list)
    again: bool | None = None
    words: tuple[str, ...] = ()

    def probe(self, timeout: float = 3.0) -> None:
        self.asked.append(None)
        if self.deaf:
            self.deaf.pop()
            raise BuildFailed(Failure(kind=FailureKind.BUILDER, summary=f"it did not answer within {timeout:g} s", again=self.again))

    def arguments(self, *, patient: bool = False) -> tuple[str, ...]:
        return self.words or ("--config", "patient" if patient else "fast")


def earthly_engine(
    root: Path,
    body: str,
    *,
    secrets: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    builders: Sequence[Answering] = (),
    grace: float = 0.2,
    tell: Tell = nobody,
    program: str = "earthly",
    checkout: Callable[[tuple[int, ...], str], Checkout] | None = None,
) -> EarthlyEngine:
    """An engine whose program is the script `body` (after PRELUDE); `environ` is all that it finds of ours, besides PATH."""
    path = root / "bin" / program
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PRELUDE + body)
    path.chmod(0o755)
    source = Checkout(path=root / "source")
    ours = {"PATH": os.environ["PATH"], **(environ or {})}
    neighbours = Neighbours(
        builders=Builders(builders or [Answering(configs=None)], at_once=100),
        checkout=checkout or (lambda _variant, _generation: source),
        secrets=lambda _key: tuple((secrets or {}).items()),
        insecure=lambda image: image.registry.startswith("insecure."),
        tell=tell,
    )
    machine = Machine(program=str(path), environ=ours, seen=ours, work=root / "work")
    return EarthlyEngine(machine, neighbours, Children(grace=grace, mercy=0.2))


class Progressing:
    """Keeps what is told of builds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.told: list[tuple[str, object]] = []

    def __call__(self, build: str, progress: object) -> None:
        with self._lock:
            self.told.append((build, progress))
