"""What each build goes through, and what tells it from others there -> each making of an Earthly target, and the builds that it serves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from matrixbuild.core.shared_work import Going, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """One making of an Earthly target that runs commands, and the builds (sorted) that it serves; as its author wrote it, it would be made `spared`
    times more for them. `name` is a text that no other making of the same builds has."""

    name: str
    target: str
    builds: tuple[str, ...]
    spared: int = 0


def together(builds: Iterable[Going]) -> tuple[Together, ...]:
    """All makings, sorted by name; those of one build alone are among them."""
    served: defaultdict[tuple[str, object], dict[str, None]] = defaultdict(dict)
    unshared: defaultdict[tuple[str, object], set[object]] = defaultdict(set)
    for build in builds:
        for stage in build.stages:
            if stage.commands:
                key = stage.target, _common(build, stage, stage.narrow)
                served[key][build.name] = None
                unshared[key].add(_common(build, stage, stage.wide))
    found = [
        Together(name=f"{key[0]} {key[1]}", target=key[0], builds=tuple(sorted(names)), spared=len(unshared[key]) - 1)
        for key, names in served.items()
    ]
    return tuple(sorted(found, key=lambda each: each.name))


def _common(build: Going, stage: Stage, names: frozenset[str]) -> object:
    """What builds have in common that go through a stage together where it depends on these args."""
    return build.apart, stage.turn, tuple([(name, build.args.get(name)) for name in _ordered(names)])


@cache
def _ordered(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
