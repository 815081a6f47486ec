"""The port to any engine: what a build asks of it and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from matrixbuild.core.build import Build
from matrixbuild.core.demand import DockerDemand
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import Problem
from matrixbuild.core.registry import Descriptor
from matrixbuild.core.usage import UNMEASURED, Progress, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One build, ready to run: `args` are the used ones, needs already replaced by `repository@digest`; `push` is the content tag's name
    (None: no image wanted); `key` goes into the image's label; `artifacts` are (path in the target, file below `output`); `variant` says which
    files are laid over the source (core.demand.Demand); `log` is the directory that keeps what this attempt says (None: nobody wants it).

    What only an engine with processes of its own asks for: `docker` is set, and `earthly` "", where a Dockerfile is built; `generation` is the token
    under which steps are to run again ("": none); `secrets` and `ambient` are names: values are known where the build runs; `privileged`: some of
    its steps need more rights; `timeout` and `silence` in seconds, as in core.process.Command; `prefix` is the same text for orders that begin with
    the same steps ("": nobody knows), and `builder` the number of the builder that does these (None: any); `sent` are files of the source that others
    wait for: Earthfile and line of a COPY, and a pattern of what it takes. These three go into nothing.
    """

    earthly: str
    args: tuple[tuple[str, str], ...]
    key: str
    push: ImageName | None
    artifacts: tuple[tuple[str, str], ...]
    output: Path
    variant: tuple[int, ...] = ()
    log: Path | None = None
    docker: DockerDemand | None = None
    generation: str = ""
    secrets: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()
    privileged: bool = False
    timeout: float | None = None
    silence: float | None = None
    prefix: str = ""
    builder: int | None = None
    sent: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a build left: the pushed manifest (None without an image, or where only the registry knows it), and (name, sha256 digest, size) of each
    artifact; and what it took."""

    image: Descriptor | None
    artifacts: tuple[tuple[str, str, int], ...]
    usage: Usage = UNMEASURED


class Engine(Protocol):
    """Performs one build; raises core.failure.BuildFailed with the failure as a value."""

    def build(self, order: Order) -> Made: ...


@runtime_checkable
class StoppableEngine(Engine, Protocol):
    """An engine whose builds are processes of their own (adapters/children.py): they can be ended, and none outlives it."""

    def stop(self, key: str, *, now: bool) -> None:
        """End the build with this key, gracefully or at once, and start it no more; does not wait. It fails as `cancelled`."""
        ...

    def close(self) -> None:
        """End what runs, and wait for it."""
        ...


Tell = Callable[[str, Progress], None]
"""Hears where a build (named by its key, or as its listener knows it) is, in any thread, and as often as one likes."""


def nobody(_build: str, _progress: Progress) -> None:
    """Hears nothing."""


Remark = Callable[[Problem], None]
"""Hears a warning."""


def unheard(_remark: Problem) -> None:
    """Hears nothing."""


@runtime_checkable
class PreparingEngine(Engine, Protocol):
    """An engine that is made ready before its first build, so that what is missing is told before anything starts."""

    def ready(self, builds: Iterable[Build], tell: Tell, remark: Remark) -> None:
        """Get what these builds need; `tell` hears where they are, by their keys, `remark` what a person ought to know.

        Raises UnusableError for what this machine does not have.
        """
        ...
