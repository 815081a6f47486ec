"""An Earthly target and the statements that left the base recipe -> which of them it needs, and before which of its own each has to be done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.narrowing_base import Declaring
from matrixbuild.core.earthfile.narrowing_refusals import is_idle
from matrixbuild.core.earthfile.narrowing_scene import Scene
from matrixbuild.core.earthfile.wording import declared, names, own_text, runs, statements

_FROM = ("FROM", "FROM DOCKERFILE", "LOCALLY")
_PUSH = re.compile(r"--push\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """A statement of the base recipe that a target does before its own statement number `at` (0-based)."""

    at: int
    declaring: Declaring


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """What becomes of one target; `dropped` are its own bare ARGs that have no other use."""

    recipe: syntax.Recipe
    insertions: tuple[Insertion, ...]
    dropped: tuple[syntax.Command, ...]


def rewritten(scene: Scene, recipe: syntax.Recipe, leaving: Sequence[Declaring]) -> Rewritten:
    """`leaving` is in the order of the base recipe, and so are the insertions at one place."""
    everything = frozenset(name for each in leaving for name in each.names)
    idle = frozenset(name for name in everything if is_idle(recipe, name))
    dropped = tuple(each for each in recipe.body if isinstance(each, syntax.Command) and each.name == "ARG" and declared(each) in idle)
    places = _Places(scene, recipe, idle)
    insertions = places.of(leaving)
    kept = dropped if insertions or len(dropped) < len(recipe.body) else ()
    return Rewritten(recipe=recipe, insertions=insertions, dropped=kept)


class _Places:
    def __init__(self, scene: Scene, recipe: syntax.Recipe, idle: frozenset[str]) -> None:
        self._given = scene.given.always
        self._body = recipe.body
        self._idle = idle
        self._heard = scene.heard(recipe)
        self._running = next((at for at, each in enumerate(recipe.body) if _runs_within(each)), None)
        self._pushing = next((at for at, each in enumerate(recipe.body) if _pushes(each)), len(recipe.body))

    def of(self, leaving: Sequence[Declaring]) -> tuple[Insertion, ...]:
        """The last ones first, as they say what is needed of those above them."""
        found: list[Insertion] = []
        for each in reversed(leaving):
            wanted = [at for name in each.names if (at := self._first(name)) is not None]
            wanted += [one.at for one in found if one.declaring.reads(self._given) & {*each.names}]
            if wanted:
                found.append(Insertion(at=self._allowed(each, min(*wanted, self._pushing)), declaring=each))
        return tuple(sorted(found, key=lambda each: (each.at, each.declaring.at)))

    def _first(self, name: str) -> int | None:
        """The first statement that names an ARG, or (where a script may that the target has from others) that runs something."""
        naming = next((at for at, each in enumerate(self._body) if name in names(each)), None) if name not in self._idle else None
        running = self._running if name in self._heard else None
        return min((at for at in (naming, running) if at is not None), default=None)

    def _allowed(self, declaring: Declaring, at: int) -> int:
        """There, or at the top: what it reads must be what the base recipe reads, and a test needs a shell that says the same."""
        above = self._body[:at]
        redeclared = {declared(each) for each in statements(above)} - self._idle
        if redeclared & declaring.reads(self._given) or (declaring.is_test and not self._answers(declaring, at)):
            return 0
        return at

    def _answers(self, declaring: Declaring, at: int) -> bool:
        """Whether the image that the target has by then is the base recipe's, or one that ran a shell in any case."""
        above = self._body[:at]
        last = max((number for number, each in enumerate(above) if _begins(each)), default=None)
        if last is None:
            return True
        return declaring.is_portable and any(_has_shell(each) for each in (*above[last + 1 :], self._body[at]))


def _begins(statement: syntax.Statement) -> bool:
    return any(isinstance(each, syntax.Command) and each.name in _FROM for each in statements(statement))


def _has_shell(statement: syntax.Statement) -> bool:
    """Whether a shell runs for a statement in any case, before anything in it."""
    listed = isinstance(statement, syntax.Command | syntax.If) and statement.exec_mode
    return runs(statement) and not listed and not (isinstance(statement, syntax.Command) and statement.name != "RUN")


def _runs_within(statement: syntax.Statement) -> bool:
    return any(runs(each) for each in statements(statement))


def _pushes(statement: syntax.Statement) -> bool:
    """Before VERSION 0.7 nothing but saves may follow a SAVE IMAGE --push."""
    return any(isinstance(each, syntax.Command) and each.name == "SAVE IMAGE" and _PUSH.search(own_text(each)) for each in statements(statement))
