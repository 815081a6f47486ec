"""What many builds wait for, counted."""

from __future__ import annotations

from matrixbuild.core.scheduled import Waiting
from matrixbuild.core.waits import Waits, waits


def test_nothing_waits() -> None:
    assert waits([]) == Waits()


def test_what_most_wait_for_comes_first() -> None:
    found = waits(
        [
            Waiting(builds=("root",)),
            Waiting(builds=("base", "root")),
            Waiting(pools=("cpu",)),
            Waiting(pools=("cpu",)),
            Waiting(pools=("cpu", "memory")),
            Waiting(pools=("disk",), hosts=("registry.lab",)),
            Waiting(proof=True),
            Waiting(),
        ]
    )
    assert found == Waits(
        needs=(("root", 2), ("base", 1)),
        pools=(("cpu", 2), ("cpu, memory", 1), ("disk", 1)),
        hosts=(("registry.lab", 1),),
        proof=1,
        turn=1,
    )
