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
class Counted:
    """What counts of a demand; one value for all demands of which the same counts. `args` are those in use, sorted, and `axes` are behind them;
    `needs` are keys, `secrets` versions by name.
    """

    key: str
    args: Pairs
    axes: frozenset[str]
    needs: tuple[str, ...] = ()
    secrets: Pairs = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chosen:
    """Which of a demand's args count, by their position, in the order of their names."""

    reading: Reading
    used: tuple[int, ...]
    named: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One demand of a build. `tokens` are what stands in its args for its needs, and what stands for the builds that meet them."""

    demand: Demand
    counted: Counted
    chosen: _Chosen
    tokens: Mapping[str, str]

    @property
    def reading(self) -> Reading:
        return self.chosen.reading

    @property
    def name_only(self) -> Pairs:
        """The args that reach image names and nothing else, sorted."""
        return _pairs(self.demand, self.chosen.named, self.tokens)


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


class _Making:
    """Demands by the thousand have the same args and readings: which of them count is worked out once, and equal ones are one value."""

    def __init__(self, generations: Mapping[graph.Address, str]) -> None:
        self._generations = generations
        self.done: dict[graph.Address, Member] = {}
        self._keys = Keys()
        self._chosen: dict[tuple[int, tuple[str, ...]], _Chosen] = {}
        self._counted: dict[tuple[object, ...], Counted] = {}
        self._args: dict[Pairs, Pairs] = {}
        self._axes: dict[frozenset[str], frozenset[str]] = {}

    def member(self, demand: Demand, address: graph.Address, reading: Reading) -> Member:
        chosen = self._choice(reading, tuple([arg.name for arg in demand.args]))
        tokens = self._tokens(demand) if demand.needs else {}
        return Member(demand=demand, counted=self._count(demand, address, chosen, tokens), chosen=chosen, tokens=tokens)

    def _count(self, demand: Demand, address: graph.Address, chosen: _Chosen, tokens: Mapping[str, str]) -> Counted:
        needs = tuple(sorted({self.done[need].counted.key for need in demand.needs})) if demand.needs else ()
        artifacts = tuple(sorted([artifact.path for artifact in demand.artifacts])) if demand.artifacts else ()
        secrets = tuple([pair for pair in demand.secret_versions if pair[0] in chosen.reading.secrets]) if demand.secret_versions else ()
        generation = self._generations.get(address, "") if self._generations else ""
        # By the identity of the reading and of the args, which the demands keep, so that no others get it. An arg names the needed cells in its
        # value, so that those of one arg have the same keys.
        args = demand.args
        place = (id(chosen.reading), tuple([id(args[position]) for position in chosen.used]), needs, artifacts, generation, secrets)
        found = self._counted.get(place)
        if found is None:
            pairs = _pairs(demand, chosen.used, tokens)
            axes = frozenset().union(*[args[position].axes for position in chosen.used])
            found = self._counted[place] = Counted(
                key=self._keys.key(chosen.reading, pairs, needs=needs, artifacts=artifacts, generation=generation, secrets=secrets),
                args=self._args.setdefault(pairs, pairs),
                axes=self._axes.setdefault(axes, axes),
                needs=needs,
                secrets=secrets,
            )
        return found

    def _tokens(self, demand: Demand) -> dict[str, str]:
        return {need_token(target, cell_digest(cell)): need_token(target, self.done[target, cell].counted.key) for target, cell in demand.needs}

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


def _pairs(demand: Demand, positions: Sequence[int], tokens: Mapping[str, str]) -> Pairs:
    """Some of its args, with the keys of the needed builds in place of the needed cells."""
    args = demand.args
    pairs = [args[position].pair for position in positions]
    return tuple([(name, NEED_TOKEN.sub(lambda token: tokens[token[0]], value)) for name, value in pairs] if tokens else pairs)
