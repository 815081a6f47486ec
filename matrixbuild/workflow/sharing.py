"""What one call of an Earthly target was found to come to, found again by every call that could come to nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Generic, TypeVar

from matrixbuild.core.earthfile.decisions import Overrides, Question, UnsaidError

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
        for deciding, found in self._found[directory, target, _names(args)].items():
            known = found.get(tuple([args[position][1] for position in deciding]))
            if known is not None:
                yield known

    def keep(self, directory: str, target: str, args: Args, deciding: Collection[str], found: T) -> None:
        """`deciding` are names of args; those that are not given decide nothing."""
        positions = tuple(position for position, (name, _) in enumerate(args) if name in deciding)
        self._found[directory, target, _names(args)].setdefault(positions, {})[tuple(args[position][1] for position in positions)] = found


class _Node(Generic[T]):
    """What is found after some answers, and what is asked next: by question, by its answer, where that leads."""

    def __init__(self) -> None:
        self.found: list[T] = []
        self.following: dict[Question, dict[object, _Node[T]]] = {}


class Answered(Generic[T]):
    """Findings by target, by which args are given, and by the answers to what was asked of them: as one evaluation asks one thing after the
    other, and nothing but the answers decides on what it asks next, evaluations of a target are paths down one tree."""

    def __init__(self) -> None:
        self._trees: defaultdict[tuple[str, str, tuple[str, ...]], _Node[T]] = defaultdict(_Node)

    def matching(self, directory: str, target: str, args: Args, overrides: Overrides) -> Iterator[T]:
        """What calls came to that gave the same answers; `overrides` are the args once more."""
        waiting = [self._trees[directory, target, _names(args)]]
        while waiting:
            node = waiting.pop()
            yield from node.found
            for question, answers in node.following.items():
                try:
                    following = answers.get(question.answer(overrides))
                except UnsaidError:
                    continue
                if following is not None:
                    waiting.append(following)

    def keep(self, directory: str, target: str, args: Args, answers: Mapping[Question, object], found: T) -> None:
        """`answers`: what was asked of this call, in order."""
        node = self._trees[directory, target, _names(args)]
        for question, answer in answers.items():
            node = node.following.setdefault(question, {}).setdefault(answer, _Node())
        node.found.append(found)


def _names(args: Args) -> tuple[str, ...]:
    return tuple([name for name, _ in args])
