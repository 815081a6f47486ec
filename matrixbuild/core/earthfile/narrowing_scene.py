"""An Earthfile, what calls give it and what was found about them -> the recipes that these calls come to, and how they come to one another."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.analysis import Inspected, reachable
from matrixbuild.core.earthfile.dockerfile_text import instructions
from matrixbuild.core.earthfile.environment import command_reads_everything
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.features import Features
from matrixbuild.core.earthfile.findings import Opacity
from matrixbuild.core.earthfile.narrowing_base import Declaring, base_recipe
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.core.earthfile.wording import ANY, REFERRING, args_of, declared, own_text, references, run_later, runs, said, statements, words
from matrixbuild.core.problems import Place

_FUNCTION = re.compile(r"(?:^|\s)\+([A-Z][A-Z0-9._]*)(?=\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The args of all calls that enter an Earthfile: `differing` are not the same in all of them, `always` given in each, `values` all there are."""

    differing: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()

    @classmethod
    def of(cls, calls: Iterable[Mapping[str, str]]) -> Self:
        """Nothing differs between none and between one."""
        found = tuple(calls)
        values = {name: {call.get(name) for call in found} for name in frozenset[str]().union(*found)}
        return cls(
            differing=frozenset(name for name, given in values.items() if len(given) > 1),
            always=frozenset(name for name, given in values.items() if None not in given),
            values=frozenset(value for given in values.values() for value in given if value is not None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What analyses of the calls found: `reached` recipes (`sub+name`), names of variables that files which commands may run mention (by file), the
    files that commands of an Earthly target may run, names that images set, a command that may be anything, what a profile states of commands that
    read their whole environment, and the Dockerfiles that are built from."""

    reached: frozenset[str] = frozenset()
    mentions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    seen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    environment: frozenset[str] = frozenset()
    anything: Place | None = None
    statements: frozenset[Statement] = frozenset()
    dockerfiles: frozenset[str] = frozenset()

    @classmethod
    def of(cls, inspected: Iterable[tuple[Inspected, Mapping[str, frozenset[str]]]]) -> Self:
        """Of each call, what `inspect` gave and what the files of `Inspected.paths` mention (as `analysis` takes it)."""
        found = tuple(inspected)
        mentions: dict[str, frozenset[str]] = {}
        for _, mentioned in found:
            for path, names in mentioned.items():
                mentions[path] = mentions.get(path, frozenset()) | names
        return cls(
            reached=frozenset(name for each, _ in found for name in _reached(each)),
            mentions=mentions,
            seen=_seen(each for each, _ in found),
            environment=frozenset(name for each, _ in found for visit in _visits(each) for name in visit.envs),
            anything=next((each.examined.findings.everything for each, _ in found if each.examined.findings.everything), None),
            statements=_believed(each for each, _ in found),
            dockerfiles=frozenset(path for each, _ in found for path, target in each.examined.evaluation.texts if target),
        )

    def mentioned(self, texts: Mapping[str, str]) -> dict[str, frozenset[str]]:
        """For each Earthly target, the names that its commands may come to by files; `texts` holds the Dockerfiles."""
        written = {path: written_by(path, texts[path]) for path in self.dockerfiles if path in texts}
        by_path = {path: self.mentions.get(path, frozenset()) | written.get(path, frozenset()) for path in {*self.mentions, *written}}
        return {target: frozenset[str]().union(*(by_path.get(path, ()) for path in paths)) for target, paths in self.seen.items()}


def _reached(inspected: Inspected) -> Iterator[str]:
    examined = inspected.examined
    yield from examined.evaluation.targets
    yield from (function for _, function in examined.findings.functions)


def _seen(inspected: Iterable[Inspected]) -> dict[str, frozenset[str]]:
    """The files, and the Dockerfiles, that are behind what a target is."""
    paths: defaultdict[str, set[str]] = defaultdict(set)
    for each in inspected:
        dockerfiles = each.examined.evaluation.texts
        for visit in dict.fromkeys(ran.visit for ran in each.examined.findings.ran):
            behind = {str(other) for other in reachable(each.examined, visit)}
            paths[str(visit)] |= each.seen_by(visit) | {path for path, target in dockerfiles if target in behind}
    return {target: frozenset(found) for target, found in paths.items()}


def _visits(inspected: Inspected) -> Iterator[Visit]:
    yield inspected.examined.visit
    for source, target, _ in inspected.examined.findings.edges:
        yield from (source, target)


def _believed(inspected: Iterable[Inspected]) -> frozenset[Statement]:
    """A statement that does not hold for one of the calls holds for none."""
    found = tuple(inspected)
    stated = {each for one in found for each in one.examined.findings.stated}
    doubted = {each.place for one in found for each in one.examined.findings.opaque if each.kind is Opacity.VALUES}
    return frozenset(each.statement for each in stated if each.place not in doubted)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The recipes of one Earthfile that count, and what they come to."""

    path: str
    earthfile: syntax.Earthfile
    features: Features
    others: tuple[syntax.Earthfile, ...]
    dockerfiles: Mapping[str, str]
    given: Given
    found: Found

    @classmethod
    def of(cls, path: str, texts: Mapping[str, str], given: Given, found: Found) -> Self:
        """Raises EarthfileError for a text of an Earthfile that does not parse."""
        mine = parsed(texts[path], path)
        others = tuple(parsed(text, other).earthfile for other, text in sorted(texts.items()) if other != path and other not in found.dockerfiles)
        dockerfiles = {other: text for other, text in texts.items() if other in found.dockerfiles}
        return cls(path=path, earthfile=mine.earthfile, features=mine.features, others=others, dockerfiles=dockerfiles, given=given, found=found)

    @cached_property
    def base(self) -> tuple[Declaring, ...]:
        return base_recipe(self.earthfile, self.features)

    @cached_property
    def targets(self) -> tuple[syntax.Recipe, ...]:
        return self._counting(self.earthfile.targets)

    @cached_property
    def functions(self) -> tuple[syntax.Recipe, ...]:
        return self._counting(self.earthfile.functions)

    @cached_property
    def recipes(self) -> tuple[syntax.Recipe, ...]:
        return (*self.targets, *self.functions)

    @cached_property
    def bodies(self) -> tuple[tuple[syntax.Statement, ...], ...]:
        """The base recipe and all recipes."""
        return (self.earthfile.base, *(each.body for each in self.recipes))

    @cached_property
    def everything(self) -> tuple[syntax.Statement | syntax.ElseIf, ...]:
        """All statements of these, also those in blocks."""
        return tuple(each for body in self.bodies for each in statements(body))

    @cached_property
    def begun(self) -> tuple[syntax.Command, ...]:
        """Each FROM of the recipes."""
        found = (each for recipe in self.recipes for each in statements(recipe.body))
        return tuple(each for each in found if isinstance(each, syntax.Command) and each.name == "FROM")

    @cached_property
    def running(self) -> tuple[syntax.Recipe, ...]:
        """The functions in which a shell runs."""
        return tuple(each for each in self.functions if any(runs(node) for node in statements(each.body)))

    @cached_property
    def telling(self) -> tuple[syntax.Statement | syntax.ElseIf, ...]:
        """The statements that hand on their whole environment."""
        return tuple(each for each in self.everything if run_later(each) and command_reads_everything(own_text(each)))

    @cached_property
    def own_args(self) -> tuple[tuple[syntax.Recipe, Mapping[str, Place]], ...]:
        """Of each Earthly target, where its own ARGs declare a name first."""
        return tuple((recipe, _own_args(recipe)) for recipe in self.targets)

    @cached_property
    def given_texts(self) -> str:
        """All values that are given, as one text: there are thousands, and next to none holds the name of an ARG."""
        return "\n".join(sorted(self.given.values))

    @cached_property
    def valued(self) -> tuple[tuple[Place, frozenset[str]], ...]:
        """The words that values in the recipes hand on, where there are any, and where they stand."""
        commands = (each for recipe in self.recipes for each in statements(recipe.body) if isinstance(each, syntax.Command))
        found = ((each.place, frozenset[str]().union(*map(said, _values(each)))) for each in commands)
        return tuple((place, words_said) for place, words_said in found if words_said)

    def _counting(self, recipes: tuple[syntax.Recipe, ...]) -> tuple[syntax.Recipe, ...]:
        directory = posixpath.dirname(self.path)
        return tuple(each for each in recipes if f"{directory}+{each.name}" in self.found.reached)

    # How they come to one another -------------------------------------------

    def closure(self, names: frozenset[str], *, built: bool = True) -> frozenset[str]:
        """Earthly targets with all that they come to within the Earthfile; without what they only BUILD where not `built`."""
        by_name = {each.name: each for each in self.targets}
        known, waiting = set[str](), {*names}
        while waiting:
            name = waiting.pop()
            if name == ANY:
                waiting |= by_name.keys() - known
            elif name in by_name and name not in known:
                known.add(name)
                recipe = by_name[name]
                bodies = (recipe.body, *(each.body for each in self.functions if each.name in self.calls(recipe)))
                waiting |= {each for body in bodies for each in references(body if built else tuple(_unbuilt(body)))} - known
        return frozenset(known)

    def calls(self, recipe: syntax.Recipe) -> frozenset[str]:
        """The functions of this Earthfile that a recipe has done, at any depth; all where a variable names one."""
        if recipe.name not in self._called:
            self._called[recipe.name] = self._calls(recipe)
        return self._called[recipe.name]

    @cached_property
    def _called(self) -> dict[str, frozenset[str]]:
        return {}

    def _calls(self, recipe: syntax.Recipe) -> frozenset[str]:
        known, waiting = set[str](), self._done_by(recipe.body)
        while waiting:
            name = waiting.pop()
            known.add(name)
            waiting |= next((self._done_by(each.body) for each in self.functions if each.name == name), set()) - known
        return frozenset(known)

    def _done_by(self, body: tuple[syntax.Statement, ...]) -> set[str]:
        found: set[str] = set()
        for each in statements(body):
            if isinstance(each, syntax.Command) and each.name == "DO":
                text = own_text(each)
                found |= set(_FUNCTION.findall(text)) if "$" not in text.split("+")[-1].split(" ")[0] else {each.name for each in self.functions}
        return found

    def heard(self, recipe: syntax.Recipe) -> frozenset[str]:
        """The words that may stand in scripts which a target has from others or from functions: those that texts on the way to it say."""
        if recipe.name not in self._heard:
            self._heard[recipe.name] = self._hears(recipe)
        return self._heard[recipe.name]

    @cached_property
    def _heard(self) -> dict[str, frozenset[str]]:
        return {}

    def _hears(self, recipe: syntax.Recipe) -> frozenset[str]:
        names = self.closure(frozenset({recipe.name}), built=False)
        bodies = [self.earthfile.base, *(each.body for each in self.targets if each.name in names and each is not recipe)]
        called = {name for each in self.targets if each.name in names for name in self.calls(each)}
        bodies += [each.body for each in self.functions if each.name in called]
        return frozenset[str]().union(*(says(body) for body in bodies))


def _values(command: syntax.Command) -> Iterator[str]:
    if command.name in ("ARG", "LET", "SET", "ENV"):
        yield from [word for word in command.args if not word.startswith("--")][2:]
    elif command.name in (*REFERRING, "DO"):
        yield from (value for _, value in args_of(own_text(command)))


def _own_args(recipe: syntax.Recipe) -> Mapping[str, Place]:
    args = [each for each in statements(recipe.body) if isinstance(each, syntax.Command) and each.name == "ARG"]
    return {declared(each): each.place for each in reversed(args)}


def _unbuilt(body: tuple[syntax.Statement, ...]) -> Iterator[syntax.Command]:
    return (each for each in statements(body) if isinstance(each, syntax.Command) and each.name != "BUILD")


def says(body: tuple[syntax.Statement, ...]) -> frozenset[str]:
    """The words that commands which run hand on as they are."""
    return frozenset[str]().union(*(said(own_text(each)) for each in statements(body) if run_later(each)))


def written_by(path: str, text: str) -> frozenset[str]:
    """The words that a Dockerfile may write into files; a build arg is not its environment, but a script that it makes may be run later."""
    try:
        found = instructions(text, file=path)
    except EarthfileError:
        return words(text)
    texts = (part for each in found if each.name in ("RUN", "COPY", "ADD") for part in (each.value, *(one.text for one in each.documents)))
    return frozenset[str]().union(*(said(text) for text in texts))
