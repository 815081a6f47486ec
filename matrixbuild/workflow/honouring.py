"""What a manifest asks for -> what of it this program cannot carry out yet: the keys that plan honours and apply does not (design.md 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from matrixbuild.core.build import Build
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.problems import Place, Problem, UnusableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an apply is asked for: a manifest, and the builds of it that are selected. What is not built needs no honouring."""

    manifest: Manifest
    builds: Sequence[Build]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unhonoured:
    """A key (as a person would write it down), the places where an apply is asked for it, and why builds of these engines cannot keep to it."""

    key: str
    uses: Callable[[Asked], Iterable[Place | None]]
    engines: frozenset[str]
    why: str
    hint: str


_EMBEDDED = frozenset({"embedded"})

UNHONOURED: tuple[Unhonoured, ...] = (
    Unhonoured(
        key="schedule.silence",
        uses=lambda asked: [asked.manifest.schedule.place] if asked.manifest.schedule.silence is not None else [],
        engines=_EMBEDDED,
        why="a build of the embedded engine is no process that could be silent or be stopped",
        hint="remove it: no such build runs a command; what can hang is the registry, and its answers are waited for at most so long",
    ),
    Unhonoured(
        key="targets.*.ambient",
        uses=lambda asked: [build.place for build in asked.builds if build.ambient],
        engines=_EMBEDDED,
        why="a build of the embedded engine runs no command that could need what the environment says",
        hint="remove it, or give what changes the image as an arg",
    ),
    Unhonoured(
        key="targets.*.timeout",
        uses=lambda asked: [build.place for build in asked.builds if build.timeout is not None],
        engines=_EMBEDDED,
        why="a build of the embedded engine is no process that could be stopped",
        hint="remove it: no such build runs a command; what can hang is the registry, and its answers are waited for at most so long",
    ),
)
"""Each line goes when apply learns to honour its key."""


def check_honoured(asked: Asked, *, engine: str) -> None:
    """Raise UnusableError, naming every key that is used and that `apply` with this kind of engine cannot honour."""
    problems = [problem for line in UNHONOURED if engine in line.engines for problem in _problems(line, asked)]
    if problems:
        raise UnusableError(*problems)


def _problems(line: Unhonoured, asked: Asked) -> list[Problem]:
    summary = f"this matrixbuild cannot honour {line.key}: {line.why}"
    return [Problem(summary=summary, place=place, hint=line.hint, code="not-honoured") for place in dict.fromkeys(line.uses(asked))]
