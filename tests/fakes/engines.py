"""Engines around a real one: each fails, dies or looks around at the builds that it is told."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping

from matrixbuild.adapters.engines.base import Engine, Made, Order
from matrixbuild.core.failure import BuildFailed, FailureKind
from tests.builders_schedule import failure


class Failing:
    """Fails builds whose args have one of these values, always and in this way; `attempts` counts by slug."""

    def __init__(self, engine: Engine, kinds: Mapping[str, FailureKind]) -> None:
        self.engine, self.kinds, self.attempts = engine, kinds, Counter[str]()

    def build(self, order: Order) -> Made:
        self.attempts[order.output.name] += 1
        for _, value in order.args:
            if value in self.kinds:
                raise BuildFailed(failure(self.kinds[value]))
        return self.engine.build(order)


class Dying:
    """Kills the whole process, as by `kill -9`, when so many builds have been done."""

    def __init__(self, engine: Engine, after: int) -> None:
        self.engine, self.left = engine, after

    def build(self, order: Order) -> Made:
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return self.engine.build(order)


class Looking:
    """Looks around before each build."""

    def __init__(self, engine: Engine, look: Callable[[Order], None]) -> None:
        self.engine, self.look = engine, look

    def build(self, order: Order) -> Made:
        self.look(order)
        return self.engine.build(order)
