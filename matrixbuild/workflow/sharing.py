"""What one call of an Earthly target was found to come to, found again by every call that could come to nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Generic, TypeVar

Args = tuple[tuple[str, str], ...]
T = TypeVar("T")


class Shared(Generic[T]):
    """Findings by target, by which args are given, and by the values of those that decide.

    An arg that is not given has its default, which may come from other args: so calls that are given others never share (they may differ in
    what is read though they agree on every value).
    """

    def __init__(self) -> None:
        self._found: defaultdict[tuple[str, str, tuple[str, ...]], dict[tuple[int, ...], dict[tuple[str, ...], T]]] = defaultdict(dict)

    def matching(self, directory: str, target: str, args: Args) -> Iterator[T]:
        """What calls that agree with this one came to."""
        names, values = tuple([name for name, _ in args]), [value for _, value in args]
        for deciding, found in self._found[directory, target, names].items():
            known = found.get(tuple([values[position] for position in deciding]))
            if known is not None:
                yield known

    def keep(self, directory: str, target: str, args: Args, deciding: Collection[str], found: T) -> None:
        """`deciding` are names of args; those that are not given decide nothing."""
        positions = tuple(position for position, (name, _) in enumerate(args) if name in deciding)
        names = tuple(name for name, _ in args)
        self._found[directory, target, names].setdefault(positions, {})[tuple(args[position][1] for position in positions)] = found
