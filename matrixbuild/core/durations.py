"""How long builds took before -> how long each is going to take: median and 90th percentile, from its own past or that of builds like it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

DEFAULT_SECONDS = 300.0
"""What a build takes of which nothing at all is known."""

_SPREAD = 1.5
"""How many times its median a build takes at its 90th percentile, where too few attempts are known to see it."""

_ENOUGH = 5
"""So many attempts show a percentile of their own."""


class Basis(StrEnum):
    """What an estimate rests on, the best first."""

    BUILD = "build"
    """Attempts of the build itself."""
    SIMILAR = "similar"
    """Builds of its target that differ in one axis."""
    VALUE = "value"
    """Builds of its target that have the axis value which tells most."""
    TARGET = "target"
    """All builds of its target."""
    DECLARED = "declared"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Seconds: in the middle (`median`), and what nine of ten attempts stay below (`late`, at least the median)."""

    median: float
    late: float
    basis: Basis = Basis.DECLARED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What is known of one build or group of builds: the median, and how many times that the 90th percentile is."""

    median: float
    spread: float


class Durations:
    """`history` are the seconds of earlier attempts that built, by build name (`target[axis=value,...]`), the newest last, as the journal gives
    them. Attempts that failed say nothing: most end early, and a stalled one never."""

    def __init__(self, history: Mapping[str, Sequence[float]]) -> None:
        self._own = {name: _past(times) for name, times in history.items() if times}
        self._similar: dict[object, _Past] = {}
        self._value: dict[object, _Past] = {}
        self._target: dict[object, _Past] = {}
        self._gather()

    def _gather(self) -> None:
        similar: defaultdict[object, list[_Past]] = defaultdict(list)
        value: defaultdict[object, list[_Past]] = defaultdict(list)
        target: defaultdict[object, list[_Past]] = defaultdict(list)
        for name, past in self._own.items():
            what, values = parsed(name)
            target[what].append(past)
            for pair in values:
                value[what, pair].append(past)
                similar[_without(what, values, pair)].append(past)
        self._similar, self._value, self._target = _together(similar), _together(value), _together(target)

    def of(self, name: str, *, declared: float | None = None) -> Duration:
        """`declared` are seconds that somebody said it takes; its past knows better."""
        if found := self._known(name):
            past, basis = found
            return Duration(median=past.median, late=past.median * past.spread, basis=basis)
        seconds = DEFAULT_SECONDS if declared is None else declared
        return Duration(median=seconds, late=seconds * _SPREAD, basis=Basis.DEFAULT if declared is None else Basis.DECLARED)

    def _known(self, name: str) -> tuple[_Past, Basis] | None:
        if own := self._own.get(name):
            return own, Basis.BUILD
        what, values = parsed(name)
        if close := [past for pair in values if (past := self._similar.get(_without(what, values, pair)))]:
            return _pooled(close), Basis.SIMILAR
        everything = self._target.get(what)
        if everything is None:
            return None
        if told := [past for pair in values if (past := self._value.get((what, pair)))]:
            return max(told, key=lambda past: _distance(past, everything)), Basis.VALUE
        return everything, Basis.TARGET

    def all(self, names: Iterable[str]) -> dict[str, Duration]:
        return {name: self.of(name) for name in names}


def parsed(name: str) -> tuple[str, tuple[str, ...]]:
    """A build's target and its `axis=value` pairs, out of its name (core.naming)."""
    target, _, rest = name.partition("[")
    return target, tuple(rest.partition("]")[0].split(",")) if rest else ()


def _without(what: str, values: tuple[str, ...], pair: str) -> tuple[object, ...]:
    axis = pair.partition("=")[0]
    return (what, axis, *(other for other in values if other != pair))


def _past(times: Sequence[float]) -> _Past:
    middle = median(times)
    if len(times) < _ENOUGH or middle <= 0:
        return _Past(median=max(middle, 0.0), spread=_SPREAD)
    return _Past(median=middle, spread=max(1.0, _late(times) / middle))


def _late(times: Sequence[float]) -> float:
    """The 90th percentile, the larger neighbour where it lies between two."""
    return sorted(times)[math.ceil(0.9 * len(times)) - 1]


def _together(groups: Mapping[object, Sequence[_Past]]) -> dict[object, _Past]:
    return {key: _pooled(group) for key, group in groups.items()}


def _pooled(group: Sequence[_Past]) -> _Past:
    """Builds differ among each other, and each from time to time: both are in the spread."""
    middle = median(past.median for past in group)
    within = median(past.spread for past in group)
    among = _late([past.median for past in group]) / middle if middle > 0 else 1.0
    return _Past(median=middle, spread=max(1.0, within, among))


def _distance(past: _Past, from_: _Past) -> float:
    smallest = 1e-9
    return abs(math.log(max(past.median, smallest) / max(from_.median, smallest)))
