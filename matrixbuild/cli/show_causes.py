"""Failed builds of an apply -> each cause once, with its decisive lines, the builds it stopped, and the axis values that they share."""

from __future__ import annotations

from collections.abc import Iterator

from matrixbuild.core.causes import Cause, Loss, causes
from matrixbuild.core.events import State
from matrixbuild.core.policy import GivenUp
from matrixbuild.workflow.applying import Applied

_SHOWN = 40
"""So many builds of one cause are listed."""

_NOT_AGAIN = {
    GivenUp.BUDGET: "not tried again: the run has used up its retries",
    GivenUp.WAIT: "not tried again: the registry asks for a longer wait than schedule.retry.wait.max",
    GivenUp.MEMORY: "not tried again: it had all the memory there is",
}
"""What a person would not expect: that attempts are used up, or of no use, is no news."""


def causes_lines(applied: Applied) -> list[str]:
    """`11 failures, 1 cause, {os=opensuse-leap-15.6}: ...`, or how many causes and then each by itself; nothing where nothing failed."""
    found = _causes(applied)
    failures = sum(len(cause.builds) for cause in found)
    if len(found) == 1:
        head = f"{failures} failures, 1 cause" if failures > 1 else "1 build failed"
        return [f"{head}{_shared(found[0])}: {found[0].failure}", *_told(found[0], applied)]
    lines = [f"{failures} failures, {len(found)} causes"] if found else []
    for cause in found:
        builds = f"{len(cause.builds)} build{'s' if len(cause.builds) > 1 else ''} failed"
        lines += ["", f"{builds}{_shared(cause)}: {cause.failure}", *_told(cause, applied)]
    return lines


def _shared(cause: Cause) -> str:
    return f", {cause.told}" if cause.told else ""


def _causes(applied: Applied) -> tuple[Cause, ...]:
    outcomes = applied.outcomes
    ran = [build for build in applied.planned.prepared.builds if build.name in outcomes]
    losses = [
        Loss(build=build.name, target=build.target, cells=tuple(cell for cell, _ in build.cells), failure=failure)
        for build in ran
        if outcomes[build.name].state is State.FAILED and (failure := outcomes[build.name].failure)
    ]
    built = [(build.target, cell) for build in ran if outcomes[build.name].state is State.BUILT for cell, _ in build.cells]
    return causes(losses, built=built, run=[(build.target, cell) for build in ran for cell, _ in build.cells])


def _told(cause: Cause, applied: Applied) -> Iterator[str]:
    yield from (f"  | {line}" for line in cause.failure.lines)
    yield from (f"  {name}" for name in cause.builds[:_SHOWN])
    if len(cause.builds) > _SHOWN:
        yield f"  and {len(cause.builds) - _SHOWN} more"
    given_up = {applied.outcomes[name].given_up for name in cause.builds}
    yield from (f"  {words}" for why, words in _NOT_AGAIN.items() if why in given_up)
    if cause.failure.hint:
        yield f"  hint: {cause.failure.hint}"
