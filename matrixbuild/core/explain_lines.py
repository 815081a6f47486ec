"""An Earthfile and some of its recipes -> the lines in which names stand, and what each of them sets: how an ARG comes to where it counts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from matrixbuild.core.earthfile.syntax import Command, Earthfile, For, If, Statement, Try, Wait, With
from matrixbuild.core.problems import Place

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_PASSED = re.compile(r"--([A-Za-z_][A-Za-z0-9_]*)=(\"[^\"]*\"|'[^']*'|[^\s)]*)")
_SETTING = frozenset({"ARG", "LET", "SET", "ENV"})
_CALLING = frozenset({"FROM", "FROM DOCKERFILE", "BUILD", "COPY", "DO"})


Files = Mapping[str, Sequence[str]]
"""The lines of each file, by its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """An Earthfile as parsed and as written."""

    earthfile: Earthfile
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A statement: the `words` in it, the variables that its value or it `reads`, and (empty where there is none) the variable that it `sets`.

    What an IF reads, the lines in its branches read too: they decide on what is set there. `recipe` is the one it stands in, empty for the base
    recipe, whose variables all see; `passes`: it is an arg of a call, which another recipe sees.
    """

    place: Place
    words: frozenset[str]
    reads: frozenset[str]
    sets: str = ""
    recipe: str = ""
    passes: bool = False

    def before(self, other: Place, recipe: str) -> bool:
        """Whether what this line sets can be seen at a place in a recipe."""
        here = self.place.file == other.file
        if self.passes:
            return not here or self.recipe != recipe
        return here and (self.place.line < other.line if self.recipe == recipe else not self.recipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A variable that takes over the influence of another, and the line that sets it."""

    name: str
    place: Place


def lines_of(earthfile: Earthfile, recipes: Collection[str]) -> Iterator[Line]:
    """The lines of the base recipe and of the named recipes, targets and functions alike."""
    yield from _lines(earthfile.base, frozenset())
    for recipe in (*earthfile.targets, *earthfile.functions):
        if recipe.name in recipes:
            yield from (replace(line, recipe=recipe.name) for line in _lines(recipe.body, frozenset()))


def _lines(body: Iterable[Statement], above: frozenset[str]) -> Iterator[Line]:
    for statement in body:
        match statement:
            case Command():
                yield from _command(statement, above)
            case If():
                yield from _if(statement, above)
            case For():
                yield _set(statement.args, statement.place, above)
                yield from _lines(statement.body, above)
            case Wait():
                yield from _lines(statement.body, above)
            case With():
                yield from _command(statement.command, above)
                yield from _lines(statement.body, above)
            case Try():
                yield from _lines((*statement.body, *(statement.caught or ()), *(statement.finally_ or ())), above)


def _if(statement: If, above: frozenset[str]) -> Iterator[Line]:
    arms = [(statement.expression, statement.body, statement.place), *((each.expression, each.body, each.place) for each in statement.else_ifs)]
    for expression, body, place in arms:
        above |= _references(expression)
        yield Line(place=place, words=_words(expression), reads=above)
        yield from _lines(body, above)
    yield from _lines(statement.otherwise or (), above)


def _command(command: Command, above: frozenset[str]) -> Iterator[Line]:
    if command.name in _SETTING:
        yield _set(command.args, command.place, above)
        return
    yield Line(place=command.place, words=_words(command.args), reads=above | _references(command.args))
    for name, value in _PASSED.findall(" ".join(command.args)) if command.name in _CALLING else ():
        yield Line(place=command.place, words=frozenset(), reads=above | _references([value]), sets=name, passes=True)


def _set(args: tuple[str, ...], place: Place, above: frozenset[str]) -> Line:
    name = next((word for word in args if not word.startswith("--")), "")
    value = args[args.index(name) + 1 :] if name else ()
    return Line(place=place, words=_words(value), reads=above | _references(value), sets=name)


def words_in(text: str) -> frozenset[str]:
    """The names that stand in a text as words."""
    return frozenset(_WORD.findall(text))


def _words(args: Iterable[str]) -> frozenset[str]:
    return words_in(" ".join(args))


def _references(args: Iterable[str]) -> frozenset[str]:
    return frozenset(_REFERENCE.findall(" ".join(args)))


class Ways:
    """How the influence of one variable comes to others, along the lines that set them."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._reading: defaultdict[str, list[Line]] = defaultdict(list)
        self._recipes: dict[tuple[str, int], str] = {}
        for line in lines:
            self._recipes.setdefault((line.place.file, line.place.line), line.recipe)
            for name in line.reads - {line.sets} if line.sets else ():
                self._reading[name].append(line)

    def way(self, start: str, goals: Collection[str], place: Place) -> tuple[Step, ...]:
        """The fewest steps from a variable to one of those that a statement at a place names; empty where there is no way."""
        recipe = self._recipes.get((place.file, place.line), "")
        waiting: list[tuple[Line, tuple[Line, ...]]] = [(line, (line,)) for line in self._reading[start]]
        seen = {id(line) for line, _ in waiting}
        for line, way in waiting:
            if line.sets in goals and line.before(place, recipe):
                return tuple(Step(name=each.sets, place=each.place) for each in way)
            for following in self._reading[line.sets]:
                if id(following) not in seen and line.before(following.place, following.recipe):
                    seen.add(id(following))
                    waiting.append((following, (*way, following)))
        return ()


def statement_text(files: Files, place: Place) -> str:
    """The whole statement that begins at a place, over all its lines; of a file whose text is not among those given, the one line."""
    return "\n".join(line for _, line in _statement(files, place))


def spot(files: Files, place: Place, name: str) -> Place:
    """The line of a statement in which a name stands, and where; the statement's own place where that is none."""
    for number, line in _statement(files, place):
        if found := re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", line):
            return Place(file=place.file, line=number, column=found.start() + 1, text=line, width=len(name))
    return replace(place, column=1)


def _statement(files: Files, place: Place) -> Iterator[tuple[int, str]]:
    """A statement's lines with their numbers, without the comments among them."""
    if place.file not in files:
        yield place.line, place.text
        return
    lines = files[place.file]
    for number in range(place.line, len(lines) + 1):
        line = lines[number - 1]
        if number > place.line and (not line.strip() or line.lstrip().startswith("#")):
            continue
        yield number, line
        if not line.rstrip().endswith("\\"):
            return
