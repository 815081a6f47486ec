"""A step of a recipe -> the image from outside that its recipe began with, and every step since, through all the Earthly targets in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matrixbuild.core.earthfile.linting_recipes import Part, Sheet, Step
from matrixbuild.core.earthfile.references import Reference, ReferenceProblem, Where, parse_target, resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`image` as it is written (`scratch`, `alpine:$TAG`), and the steps that were done to it, first to last."""

    image: str
    steps: tuple[Step, ...]


class Origins:
    """`other` gives the Earthfile in a directory of the checkout, None where there is none that can be read."""

    def __init__(self, other: Callable[[str], Sheet | None]) -> None:
        self._other = other
        self._open: set[tuple[str, str]] = set()

    def before(self, sheet: Sheet, part: Part, step: Step) -> Origin | None:
        """What a step meets; None where that depends on the way that is taken, on values, or on another repository."""
        return self._at(sheet, part, part.before(step), step)

    def end(self, sheet: Sheet, part: Part) -> Origin | None:
        """What a recipe leaves behind."""
        return self._at(sheet, part, part.steps, None)

    def _at(self, sheet: Sheet, part: Part, steps: tuple[Step, ...], until: Step | None) -> Origin | None:
        begins = [step for step in steps if step.name in ("FROM", "FROM DOCKERFILE", "LOCALLY")]
        if not begins:
            ground = self._ground(sheet, part)
            return ground and Origin(image=ground.image, steps=(*ground.steps, *steps))
        last = begins[-1]
        certain = last.always_before(until) if until else not last.blocks
        if last.name != "FROM" or not certain:
            return None
        ground = self._from(sheet, last)
        return ground and Origin(image=ground.image, steps=(*ground.steps, *steps[steps.index(last) + 1 :]))

    def _ground(self, sheet: Sheet, part: Part) -> Origin | None:
        """What a recipe without FROM begins with: a function, with whatever its caller has."""
        return None if part is sheet.base or part.is_function else self.end(sheet, sheet.base)

    def _from(self, sheet: Sheet, step: Step) -> Origin | None:
        word = next(iter(step.flags.words), "")
        if "+" not in word:
            return Origin(image=word, steps=()) if word and not word.startswith("$") else None
        found = self.target(sheet, word)
        if not found:
            return None
        key = (found[0].directory, found[1].name)
        if key in self._open:
            return None
        self._open.add(key)
        try:
            return self.end(*found)
        finally:
            self._open.discard(key)

    def target(self, sheet: Sheet, word: str) -> tuple[Sheet, Part] | None:
        """The Earthly target that a reference means, where it is one of this checkout."""
        try:
            reference = parse_target(word)
            there = self._sheet(sheet, reference)
        except ReferenceProblem:
            return None
        part = there and (there.base if reference.name == "base" else there.part(reference.name))
        return (there, part) if there and part else None

    def _sheet(self, sheet: Sheet, reference: Reference) -> Sheet | None:
        if reference.where is Where.HERE:
            return sheet
        path = reference.path
        if reference.where is Where.ALIAS:
            path = next((path for alias, path in _imports(sheet) if alias == reference.path), "")
        if not path.startswith((".", "/")):
            return None
        return self._other(resolved(sheet.directory, path))


def _imports(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """The aliases that the commands above the targets give, and the directories they mean."""
    for step in sheet.base.of("IMPORT"):
        match step.flags.words:
            case (path,):
                yield path.rstrip("/").rpartition("/")[2], path
            case (path, "AS", alias):
                yield alias, path
