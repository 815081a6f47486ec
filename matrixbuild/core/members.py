"""Demands and what they read become members of builds: each demand with the args that count for it and the key of its build."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core import graph
from matrixbuild.core.build_key import NEED_TOKEN, Keys
from matrixbuild.core.demand import Demand, cell_digest, need_token
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One demand of a build. `args` are those in use, `name_only` those that reach image names, both sorted; `axes` are behind the used ones.
    `secrets` are versions by name.
    """

    demand: Demand
    reading: Reading
    key: str
    args: Pairs
    name_only: Pairs
    needs: tuple[str, ...]
    axes: frozenset[str]
    secrets: Pairs = ()


def members(
    demands: Sequence[Demand], readings: Mapping[graph.Address, Reading], generations: Mapping[graph.Address, str] | None = None
) -> dict[graph.Address, Member]:
    """Each demand by its address; `generations` are the tokens of those that have one. Raises InvalidError for cycles and unmet needs."""
    # From the leaves up, in steps and without recursion: a key holds the keys of its needs, and chains may be thousands long.
    making = _Making(generations or {})
    for demand in _leaves_first(demands):
        address = demand.address
        making.done[address] = making.member(demand, address, readings[address])
    return making.done


def _leaves_first(demands: Sequence[Demand]) -> Iterable[Demand]:
    if not any(demand.needs for demand in demands):
        return demands
    by_address = {demand.address: demand for demand in demands}
    return (by_address[address] for step in graph.generations(demands) for address in step)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """Which of a demand's args count, by their position, in the order of their names."""

    reading: Reading
    used: tuple[int, ...]
    named: tuple[int, ...]


class _Making:
    """Demands by the thousand have the same args and readings: which of them count is worked out once, and equal ones are one value."""

    def __init__(self, generations: Mapping[graph.Address, str]) -> None:
        self._generations = generations
        self.done: dict[graph.Address, Member] = {}
        self._keys = Keys()
        self._chosen: dict[tuple[int, tuple[str, ...]], _Chosen] = {}
        self._pairs: dict[Pairs, Pairs] = {}

    def member(self, demand: Demand, address: graph.Address, reading: Reading) -> Member:
        chosen = self._choice(reading, tuple([arg.name for arg in demand.args]))
        values = self._values(demand)
        args = self._one([(demand.args[position].name, values[position]) for position in chosen.used])
        needs = tuple(sorted({self.done[need].key for need in demand.needs})) if demand.needs else ()
        artifacts = tuple(sorted([artifact.path for artifact in demand.artifacts]))
        secrets = tuple([pair for pair in demand.secret_versions if pair[0] in reading.secrets])
        generation = self._generations.get(address, "") if self._generations else ""
        return Member(
            demand=demand,
            reading=reading,
            key=self._keys.key(reading, args, needs=needs, artifacts=artifacts, generation=generation, secrets=secrets),
            args=args,
            name_only=self._one([(demand.args[position].name, values[position]) for position in chosen.named]),
            needs=needs,
            axes=frozenset().union(*[demand.args[position].axes for position in chosen.used]),
            secrets=secrets,
        )

    def _values(self, demand: Demand) -> list[str]:
        """The values of its args, with the keys of the needed builds in place of the needed cells."""
        values = [arg.value for arg in demand.args]
        if not demand.needs:
            return values
        tokens = {need_token(target, cell_digest(cell)): need_token(target, self.done[target, cell].key) for target, cell in demand.needs}
        return [NEED_TOKEN.sub(lambda token: tokens[token[0]], value) for value in values]

    def _choice(self, reading: Reading, names: tuple[str, ...]) -> _Chosen:
        # By the identity of the reading, which is kept so that no other gets it.
        found = self._chosen.get((id(reading), names))
        if found is None:
            positions = sorted((name, position) for position, name in enumerate(names))
            used, named = frozenset(reading.used), frozenset(reading.named)
            found = _Chosen(
                reading=reading,
                used=tuple(position for name, position in positions if name in used),
                named=tuple(position for name, position in positions if name in named),
            )
            self._chosen[id(reading), names] = found
        return found

    def _one(self, pairs: list[tuple[str, str]]) -> Pairs:
        made = tuple(pairs)
        return self._pairs.setdefault(made, made)
