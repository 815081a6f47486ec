"""What an evaluation tells of its way, for whoever keeps it (`steps`)."""

from __future__ import annotations

from typing import Protocol

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.scope import Variables
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.problems import Place


class Seen(Protocol):
    """As much of a target as a step is made of."""

    @property
    def visit(self) -> Visit: ...
    @property
    def variables(self) -> Variables: ...


class Stepping(Protocol):
    """Is told each step before it is done."""

    def note(self, target: Seen, statement: syntax.Statement) -> None:
        """A statement is about to be gone through; of an IF, what of it is."""

    def doubt(self, target: Seen, condition: tuple[str, ...], follows: tuple[syntax.Statement, ...], place: Place) -> None:
        """Nobody knows whether a condition holds: some of what `follows` is done."""

    def come(self, source: Visit, target: Visit, kind: str, place: Place) -> None:
        """One visit came to another."""
