"""What is known of runs of this manifest on this machine: runs, attempts of builds, and what they left (design.md 8)."""

from __future__ import annotations

from dataclasses import dataclass

from matrixbuild.core import documents
from matrixbuild.core.build import Build
from matrixbuild.core.events import State
from matrixbuild.core.exit_codes import ExitCode
from matrixbuild.core.lock import LockedArtifact, LockedImage
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.usage import UNMEASURED, Usage

_OUTPUT = frozenset({"image", "artifacts", "narrowed"})
_STOPPED = (None, ExitCode.INTERRUPTED, ExitCode.TERMINATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One `apply`, numbered from 1. Times are seconds since 1970. `builds` is how many its plan had to build (None: it got no plan); one without
    `ended` runs still, or was killed."""

    number: int
    pid: int
    started: float
    builds: int | None = None
    ended: float | None = None
    exit: int | None = None

    @property
    def stopped(self) -> bool:
        """It was killed or interrupted (or runs still), so that the next one goes on from it."""
        return self.exit in _STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One try of one build in a run, in its last known `state`: running, resting (it failed, and another follows), or how the build ended. A build
    that ended before anything was tried has the number 0 and no `started`. `kind` and `summary` are of its failure; of a skipped build `summary`
    names the one to look at. `usage` is what it took until it ended."""

    run: int
    build: str
    key: str
    number: int
    state: State
    started: float | None = None
    ended: float | None = None
    kind: str = ""
    summary: str = ""
    usage: Usage = UNMEASURED

    @property
    def seconds(self) -> float | None:
        return self.ended - self.started if self.started is not None and self.ended is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What an attempt that built its build left, and what it took."""

    output: Output
    usage: Usage = UNMEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the build of a key left; whether it is still there, registry and files are asked."""

    key: str
    build: str
    run: int
    finished: float
    output: Output


def output_to_dict(output: Output) -> dict[str, object]:
    """In the terms of the lock."""
    return {
        "image": output.image.to_dict() if output.image else None,
        "artifacts": {name: artifact.to_dict() for name, artifact in output.artifacts},
        **({"narrowed": True} if output.narrowed else {}),
    }


def output_from_dict(value: object) -> Output:
    """Raises DocumentError for what `output_to_dict` does not write."""
    document = documents.mapping(value, _OUTPUT)
    image = document.get("image")
    return Output(
        image=LockedImage.from_dict(image) if image is not None else None,
        artifacts=documents.field(document, "artifacts", lambda artifacts: documents.entries(artifacts, LockedArtifact.from_dict)),
        narrowed=documents.optional(document, "narrowed", documents.flag, default=False),
    )


def answers(build: Build, output: Output) -> bool:
    """Whether a result of the build's key is all that the build is to leave: what it is called, and whether an image is wanted, is in no key."""
    if build.image and output.image is None:
        return False
    names = [name for _, name in build.artifacts]
    return all(any(file == name or file.startswith(f"{name}/") for name in names) for file, _ in output.artifacts) and all(
        any(file == name or file.startswith(f"{name}/") for file, _ in output.artifacts) for name in names
    )
