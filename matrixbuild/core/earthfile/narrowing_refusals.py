"""An ARG and the statements of the base recipe that would leave with it -> why it has to stay, if it has to.

Each reason stands for a way in which a build would come out another: by what Earthly's scopes make of the name, or by what a command can read
without naming it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT
from matrixbuild.core.earthfile.narrowing_base import Declaring, assigned, behind
from matrixbuild.core.earthfile.narrowing_scene import Scene, says, written_by
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.earthfile.statements import stated
from matrixbuild.core.earthfile.steps import read_unnamed
from matrixbuild.core.earthfile.wording import (
    REFERRING,
    args_of,
    declared,
    expanded,
    names,
    own_text,
    references,
    said,
    statements,
    words,
)
from matrixbuild.core.problems import Place


class Why(StrEnum):
    """The kinds of reasons, in the order in which they are asked about."""

    NEVER = "never"
    BASE = "base"
    SEVERAL = "several"
    ORDER = "order"
    BUILTIN = "builtin"
    LET = "let"
    ASSIGNED = "assigned"
    OWN = "own"
    PASSED = "passed"
    FROM = "from"
    FUNCTION = "function"
    ENTERED = "entered"
    ELSEWHERE = "elsewhere"
    ENVIRONMENT = "environment"
    FILE = "file"
    IMAGE = "image"
    SPELLED = "spelled"
    SHELL = "shell"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An ARG that differs and stays in the base recipe; `why` is a clause, `place` the line that it is about."""

    name: str
    kind: Why
    why: str
    place: Place | None = None


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """An ARG with the statements that would leave with it; `names` are all that these declare, `reads` all that is behind them."""

    name: str
    taken: tuple[Declaring, ...]
    names: frozenset[str]
    reads: frozenset[str]

    def of(self, *found: frozenset[str]) -> str:
        """One of its names that is among some words; empty where none is."""
        return next((name for name in sorted(self.names) if any(name in each for each in found)), "")


Reason = tuple[str, Place | None]
Check = Callable[[Scene, Leaving], Iterator[Reason]]

_ELSEWHERE = re.compile(r"""(?:^|(?<=[\s=("']))([^\s=("'+\\]+)\+[A-Za-z$]""")
_SAME = re.compile(r"""(["']?)\$(?:(\w+)|\{(\w+)\})\1""")


def refusal(scene: Scene, name: str, taken: Sequence[Declaring], skipped: frozenset[Why] = frozenset()) -> Refused | None:
    """The first reason against an ARG; `skipped` kinds are not asked about (what they are for can be shown so)."""
    everything = frozenset(each for one in taken for each in one.names)
    leaving = Leaving(name=name, taken=tuple(taken), names=everything, reads=behind(scene.base, taken, scene.given.always))
    for kind, check in _CHECKS.items():
        reason = next(check(scene, leaving), None) if kind not in skipped else None
        if reason:
            return Refused(name=name, kind=kind, why=reason[0], place=reason[1])
    return None


# The base recipe --------------------------------------------------------------


def _never(_: Scene, leaving: Leaving) -> Iterator[Reason]:
    for each in leaving.taken:
        for name in each.names:
            if read_unnamed(name):
                yield f"programs read {name} though nothing names it", each.place


def _base(_: Scene, leaving: Leaving) -> Iterator[Reason]:
    for each in leaving.taken:
        if each.impure:
            yield f"the base recipe needs it: {leaving.of(each.mentions) or leaving.name} is read where it {each.impure}", each.place
        if each.local:
            yield "an ARG that targets do not see is made from it", each.place


def _several(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    for name in sorted(leaving.names):
        declaring = [each for each in scene.base if name in each.names]
        if len(declaring) > 1:
            yield f"the base recipe declares {name} more than once", declaring[1].place


def _order(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    env = assigned(scene.earthfile, "ENV")
    for each in leaving.taken:
        above = frozenset(name for other in scene.base[: each.at] for name in other.names)
        for name in sorted(each.reads(scene.given.always) - RESERVED):
            if name in env:
                yield f"{leaving.name} is made from {name}, which an ENV of the base recipe sets", env[name]
            if name not in above and name not in each.names:
                yield f"{' and '.join(each.names)} is made from {name}, which no ARG above it declares", each.place


def _builtin(_: Scene, leaving: Leaving) -> Iterator[Reason]:
    for name in sorted(leaving.reads & RESERVED):
        yield f"{leaving.name} is made from the built-in {name}, which is not the same in all targets", leaving.taken[0].place


def _let(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    lets = assigned(scene.earthfile, "LET", "SET")
    for each in leaving.taken:
        for name in sorted(each.reads(scene.given.always) & lets.keys()):
            yield f"{leaving.name} is made from {name}, to which a LET of the base recipe gives a value that targets do not see", lets[name]


# What gives the name another value ---------------------------------------------


def _assigned(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    for each in scene.everything:
        name = declared(each)
        if name not in leaving.names:
            continue
        if isinstance(each, syntax.For):
            yield f"FOR runs with {name}", each.place
        elif isinstance(each, syntax.Command) and each.name != "ARG" and not (each.name == "ENV" and _is_itself(each)):
            yield f"{each.name} gives {name} a value", each.place


def _is_itself(env: syntax.Command) -> bool:
    """`ENV X=$X`."""
    value = _SAME.fullmatch(env.args[-1])
    return value is not None and value[1] != "'" and (value[2] or value[3]) == env.args[0]


def _own(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    for recipe, places in scene.own_args:
        for name in sorted(leaving.names & places.keys()):
            if not is_idle(recipe, name):
                yield f"+{recipe.name} declares {name} itself and uses it", places[name]


def is_idle(recipe: syntax.Recipe, name: str) -> bool:
    """Whether all that a target has to do with a name are bare ARGs that stand in no block."""
    naming = (each for each in recipe.body if name in names(each))
    return all(isinstance(each, syntax.Command) and each.name == "ARG" and declared(each) == name and len(each.args) == 1 for each in naming)


def _passed(scene: Scene, _: Leaving) -> Iterator[Reason]:
    for each in scene.everything:
        if isinstance(each, syntax.Command) and "--pass-args" in each.args:
            yield "--pass-args hands on every ARG that is declared where it stands", each.place


def _from(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    for each in scene.begun:
        old = words(own_text(each)) if "--build-arg" in own_text(each) else frozenset[str]()
        for name, value in (*args_of(own_text(each)), *((name, "") for name in sorted(old))):
            same = _SAME.fullmatch(value)
            if name in leaving.names | leaving.reads and not (same and (same[2] or same[3]) == name):
                yield f"FROM gives the globals behind it another {name}", each.place


# Who sees it that no declaration reaches -----------------------------------------


def _function(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    for recipe in scene.functions:
        for name in sorted(leaving.names):
            if place := _undeclared(recipe, name, scoped=scene.features.arg_scope_and_set):
                yield f"the function +{recipe.name} uses {name} and does not declare it first", place
    for recipe in scene.targets:
        called = scene.calls(recipe)
        running = [each for each in scene.running if each.name in called]
        if running and (name := leaving.of(scene.heard(recipe), says(recipe.body))):
            yield f"the function +{running[0].name} may run a script that reads {name}, as a text of +{recipe.name} names it", running[0].place


def _undeclared(function: syntax.Recipe, name: str, *, scoped: bool) -> Place | None:
    """Where a function names an ARG that it did not declare; before --arg-scope-and-set a global has a say even in its declaration."""
    for each in function.body:
        if name not in names(each):
            continue
        is_declared = isinstance(each, syntax.Command) and each.name == "ARG" and declared(each) == name and name not in expanded(own_text(each))
        return None if is_declared and scoped else each.place
    return None


def _entered(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    """A target that is entered from a function has the args of that reference alone: what all calls give is not given there."""
    for function in scene.functions:
        for recipe in _using(scene, references(function.body), leaving):
            yield f"+{recipe.name} uses {leaving.of(*map(names, recipe.body))} and is entered from the function +{function.name}", recipe.place


def _using(scene: Scene, entered: frozenset[str], leaving: Leaving) -> Iterator[syntax.Recipe]:
    inside = scene.closure(entered)
    return (recipe for recipe in scene.targets if recipe.name in inside and leaving.of(*map(names, recipe.body)))


def _elsewhere(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    """Another Earthfile gives only the args that it names."""
    for each in scene.everything:
        is_reference = isinstance(each, syntax.Command) and each.name in (*REFERRING, "DO", "IMPORT")
        if is_reference and _ELSEWHERE.search(own_text(each)) and (name := leaving.of(words(own_text(each)))):
            yield f"a reference to another Earthfile needs {name}", each.place
    for other in scene.others:
        for recipe in _using(scene, _coming_back(scene, other), leaving):
            yield f"+{recipe.name} uses {leaving.of(*map(names, recipe.body))} and is entered from {other.file}", recipe.place


def _coming_back(scene: Scene, other: syntax.Earthfile) -> frozenset[str]:
    """The targets of the Earthfile that another one may refer to: any that a text behind a `+` names (a function's own references count too)."""
    bodies = (other.base, *(each.body for each in (*other.targets, *other.functions)))
    found = {word for body in bodies for each in statements(body) if isinstance(each, syntax.Command) for word in _LEADS_TO.findall(own_text(each))}
    mine = {each.name for each in scene.targets}
    called = [each for each in scene.functions if each.name in found]
    return frozenset(found & mine) | frozenset(name for each in called for name in references(each.body))


_LEADS_TO = re.compile(r"[^\s=(\"'+]\+([A-Za-z][\w.-]*)")


# What reads it without naming it -----------------------------------------------


def _environment(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    for each in scene.telling:
        statement = stated(own_text(each), scene.path, scene.found.statements)
        if statement is None:
            yield "a command reads its whole environment, which holds every ARG", each.place
        elif name := leaving.of(statement.reads):
            yield f"a command reads {name} out of its environment, as is stated of it", each.place


def _file(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    for path, mentioned in sorted(scene.found.mentions.items()):
        if WHOLE_ENVIRONMENT in mentioned:
            yield f"a command may run {path}, which reads its whole environment", None
        elif name := leaving.of(mentioned):
            yield f"a command may run {path}, which names {name}", None
    for path, text in sorted(scene.dockerfiles.items()):
        if name := leaving.of(written_by(path, text)):
            yield f"{path} writes a file that names {name}", Place(file=path, line=1)


def _image(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    ours = {declared(each) for each in scene.everything if isinstance(each, syntax.Command) and each.name == "ENV"}
    direct = frozenset[str]().union(*(each.reads(scene.given.always) for each in leaving.taken))
    for name in sorted((leaving.names | direct) & (scene.found.environment - ours)):
        yield f"an image sets {name} itself", leaving.taken[0].place


def _spelled(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    """A value that is run as a command, or taken for a variable's name, reads what it spells."""
    for value in sorted(scene.given.values) if any(name in scene.given_texts for name in leaving.names) else ():
        if name := leaving.of(said(value)):
            yield f"a value that is given spells {name}, and may be run", None
    for place, words_said in scene.valued:
        if name := leaving.of(words_said):
            yield f"a value here spells {name}, and may be run", place


def _shell(scene: Scene, leaving: Leaving) -> Iterator[Reason]:
    """An IF that is not done where it stood is done where a target begins: in the image that the base recipe ends with."""
    for each in leaving.taken:
        later = [other for other in scene.earthfile.base[each.at + 1 :] if _begins(other)]
        if each.is_test and later:
            yield f"the base recipe goes on FROM another image behind the IF that makes {' and '.join(each.names)}", later[0].place


def _begins(statement: syntax.Statement) -> bool:
    return any(isinstance(each, syntax.Command) and each.name in ("FROM", "FROM DOCKERFILE", "LOCALLY") for each in statements(statement))


def _unknown(scene: Scene, _: Leaving) -> Iterator[Reason]:
    if scene.found.anything:
        yield "a command may be anything, and read any ARG", scene.found.anything


_CHECKS: dict[Why, Check] = {
    Why.NEVER: _never,
    Why.BASE: _base,
    Why.SEVERAL: _several,
    Why.ORDER: _order,
    Why.BUILTIN: _builtin,
    Why.LET: _let,
    Why.ASSIGNED: _assigned,
    Why.OWN: _own,
    Why.PASSED: _passed,
    Why.FROM: _from,
    Why.FUNCTION: _function,
    Why.ENTERED: _entered,
    Why.ELSEWHERE: _elsewhere,
    Why.ENVIRONMENT: _environment,
    Why.FILE: _file,
    Why.IMAGE: _image,
    Why.SPELLED: _spelled,
    Why.SHELL: _shell,
    Why.UNKNOWN: _unknown,
}
