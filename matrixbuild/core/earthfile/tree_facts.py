"""What a shell text asks about files -> questions to the tree of the target it stands in."""

from __future__ import annotations

from matrixbuild.core.earthfile.recipe import Asked
from matrixbuild.core.earthfile.shell_words import Facts
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.problems import Place


class TreeFacts(Facts):
    """Asks the image as it is at an IF or FOR; where images are not looked at, a shell is needed."""

    def __init__(self, target: Target, place: Place) -> None:
        self._target = target
        self._place = place

    def test(self, operator: str, path: str) -> bool:
        answer = self._target.ask(Asked.TEST, (operator, path), self._place)
        return super().test(operator, path) if answer is None else bool(answer)

    def glob(self, pattern: str) -> tuple[str, ...]:
        answer = self._target.ask(Asked.GLOB, (pattern,), self._place)
        return super().glob(pattern) if answer is None else answer

    def program(self, name: str, path: str) -> bool:
        answer = self._target.ask(Asked.PROGRAM, (name, path), self._place)
        return super().program(name, path) if answer is None else bool(answer)

    def working_directory(self) -> str:
        answer = self._target.ask(Asked.DIRECTORY, (), self._place)
        return answer[0] if answer else super().working_directory()
