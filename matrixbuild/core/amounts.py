"""Nodes with quantities -> amounts of pools and seconds, in the units that scheduling uses."""

from __future__ import annotations

from collections.abc import Callable

from matrixbuild.core import quantities
from matrixbuild.core.declared_reader import entries, text
from matrixbuild.core.document import Entry, Node, dotted
from matrixbuild.core.manifest import Amount
from matrixbuild.core.problems import Problem

_OWN_UNITS: dict[str, Callable[[str], int]] = {"cpu": quantities.cpu, "memory": quantities.memory, "disk": quantities.memory}

_DIGITS = 12


def amounts(node: Node | None, where: str, problems: list[Problem]) -> tuple[Amount, ...]:
    """`where` is the path below `spec` that a message names."""
    return tuple(amount for entry in entries(node) if (amount := _amount(entry, where, problems)))


def _amount(entry: Entry, where: str, problems: list[Problem]) -> Amount | None:
    pool, written = str(entry.key.value), text(entry.value)
    try:
        amount = _OWN_UNITS.get(pool, int)(written.value)
    except ValueError as error:
        problems.append(Problem(summary=f"{dotted(('spec', where, pool))}: {error}", place=written.place, code="amount"))
        return None
    return Amount(pool=pool, amount=amount, written=written.value, place=written.place)


def pools(text: str) -> dict[str, int]:
    """`cpu=16,memory=64Gi` -> amounts by pool, as they are scheduled. Raises ValueError, with one sentence."""
    found: dict[str, int] = {}
    for part in text.split(","):
        pool, equals, amount = part.strip().partition("=")
        if not equals or not pool:
            raise ValueError(f"{part.strip()!r} is no pool with an amount: write cpu=16,memory=64Gi")
        if pool in found:
            raise ValueError(f"{pool} is given twice")
        found[pool] = _OWN_UNITS[pool](amount) if pool in _OWN_UNITS else _counted(amount)
    return found


def _counted(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS or int(text) < 1:
        raise ValueError(f"{text!r} is no number of places: write 1 or more")
    return int(text)


def size(node: Node | None, where: str, problems: list[Problem]) -> int:
    """The size in bytes; 0 where there is none, or none that can be read."""
    if node is None:
        return 0
    try:
        return quantities.memory(text(node).value)
    except ValueError as error:
        problems.append(Problem(summary=f"{dotted(('spec', where))}: {error}", place=node.place, code="amount"))
        return 0


def seconds(node: Node | None, where: str, problems: list[Problem]) -> float | None:
    """The time in seconds; None where there is none, or none that can be read."""
    if node is None:
        return None
    try:
        return quantities.seconds(text(node).value)
    except ValueError as error:
        problems.append(Problem(summary=f"{dotted(('spec', where))}: {error}", place=node.place, code="amount"))
        return None
