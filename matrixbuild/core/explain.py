"""The analysis of an Earthly target, and the texts it was made of -> each ARG it uses with what proves that, in terms a person can follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT, Analysis, Use
from matrixbuild.core.earthfile.environment import read_by_custom, reads_everything
from matrixbuild.core.explain_lines import Files, Line, Original, Step, Ways, lines_of, spot, statement_text, words_in
from matrixbuild.core.problems import Place

FindMention = Callable[[str, str], Place]
"""A file of the checkout and a word in it (or WHOLE_ENVIRONMENT) -> the first line that names it."""


class Proof(StrEnum):
    """How a line proves that an ARG counts: the ARG stands in it; a variable does that the ARG influences; it may run a file that names the
    ARG; it reads its whole environment; programs read a variable of that name unasked; its value has a part in it in no way told; or the line is
    the manifest's own, whose `uses` adds it."""

    NAMED = "named"
    THROUGH = "through"
    FILE = "file"
    ENVIRONMENT = "environment"
    CUSTOM = "custom"
    VALUE = "value"
    USES = "uses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Another line on the path in which an ARG stands; `sets` is the variable that it sets, `idle` whether no line names that one."""

    place: Place
    sets: str = ""
    idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedArg:
    """An ARG that can change the result: the line that proves it, and how.

    `through` are the variables that carry its influence there, `file` the line of a file of the checkout, and `word` what is named in that,
    where not the ARG itself (WHOLE_ENVIRONMENT: it hands on all it has).
    """

    name: str
    place: Place
    proof: Proof
    through: tuple[Step, ...] = ()
    file: Place | None = None
    word: str = ""
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An analysis with its used ARGs explained, sorted by name."""

    analysis: Analysis
    used: tuple[UsedArg, ...]


def explained(analysis: Analysis, originals: Mapping[str, Original], mention: FindMention) -> Explained:
    """Explain an analysis. `originals` are the Earthfiles on its path by directory of the checkout; one that is missing is not explained by."""
    lines = tuple(_lines(analysis, originals))
    files = {original.earthfile.file: original.text.split("\n") for original in originals.values()}
    named = frozenset(word for line in lines for word in line.words)
    explaining = _Explaining(lines=lines, ways=Ways(lines), files=files, named=named, mention=mention)
    added = {correction.name for correction in analysis.corrections if correction.adds}
    used = (UsedArg(name=use.name, place=use.place, proof=Proof.USES) if use.name in added else explaining.used(use) for use in analysis.used)
    return Explained(analysis=analysis, used=tuple(used))


def directories(analysis: Analysis) -> tuple[str, ...]:
    """The directories of the checkout whose Earthfiles are on the path, sorted."""
    return tuple(sorted({recipe.rpartition("+")[0] for recipe in _recipes(analysis)}))


def _recipes(analysis: Analysis) -> Iterator[str]:
    yield from analysis.targets
    yield from (function for _, function in analysis.functions)


def _lines(analysis: Analysis, originals: Mapping[str, Original]) -> Iterator[Line]:
    for directory, original in originals.items():
        names = {recipe.rpartition("+")[2] for recipe in _recipes(analysis) if recipe.rpartition("+")[0] == directory}
        yield from lines_of(original.earthfile, names)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Explaining:
    lines: tuple[Line, ...]
    ways: Ways
    files: Files
    named: frozenset[str]
    mention: FindMention

    def used(self, use: Use) -> UsedArg:
        proof, through = self._proof(use)
        where = spot(self.files, use.place, through[-1].name if through else use.name)
        file = self.mention(use.file, use.word) if use.file else None
        return UsedArg(
            name=use.name,
            place=where if proof in (Proof.NAMED, Proof.THROUGH) else use.place,
            proof=proof,
            through=through,
            file=file,
            word=use.word if use.word != use.name else "",
            mentions=tuple(self._mentions(use)),
        )

    def _proof(self, use: Use) -> tuple[Proof, tuple[Step, ...]]:
        text = statement_text(self.files, use.place)
        if use.file:
            whole = use.word == WHOLE_ENVIRONMENT
            return Proof.FILE, () if whole else self.ways.way(use.name, {use.word}, use.place)
        words = words_in(text)
        if use.name in words:
            return Proof.NAMED, ()
        if reads_everything(text):
            return Proof.ENVIRONMENT, ()
        if through := self.ways.way(use.name, words, use.place):
            return Proof.THROUGH, through
        return (Proof.CUSTOM if read_by_custom(use.name) else Proof.VALUE), ()

    def _mentions(self, use: Use) -> Iterator[Mention]:
        seen = {(use.place.file, use.place.line)}
        for line in self.lines:
            at = (line.place.file, line.place.line)
            if use.name in line.words and at not in seen:
                seen.add(at)
                yield Mention(place=spot(self.files, line.place, use.name), sets=line.sets, idle=bool(line.sets) and line.sets not in self.named)
