"""What an evaluation goes through, step by step: each command of each visit with the values of all variables that it can see and names.

A text together with the values of the names in it says what it expands to, and what a shell finds in its environment for it. So two evaluations
with the same steps build the same. No steps are ARG, LET and SET, which do nothing but give names the values that are noted here, and conditions
whose answer is known: what follows from them is there. Of a variable that one of several ARGs sets, nobody knows which, the condition and what it
sees belong to its value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT
from matrixbuild.core.earthfile.environment import hands_on_everything, read_by_custom, reads_everything
from matrixbuild.core.earthfile.recipe import BaseImage, Scratch, Tree
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.earthfile.scope import spelled
from matrixbuild.core.earthfile.statements import Statement, stated
from matrixbuild.core.earthfile.stepping import Seen
from matrixbuild.core.earthfile.values import EMPTY, UNKNOWN, Value
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.earthfile.wording import declared, own_text, runs, said, statements, words
from matrixbuild.core.problems import Place

_SETTING = ("ARG", "LET", "SET")
_UNNAMED = re.compile(r"(?i:[a-z]*_proxy)|ARCH|DEBUG")
_ABOUT_VALUES = re.compile(
    r"""(?:\[\[?|\]\]?|test|&&|\|\||!|==?|=~|!=|-[nz]|true|false|(?:"[^"`()]*"|'[^']*'|[^\s"'`;&|<>()\\-][^\s"'`;&|<>()\\]*)|\s+)+"""
)
"""Tests of texts, which ask for nothing but the shell itself."""


@lru_cache(maxsize=4096)
def read_unnamed(name: str) -> bool:
    """Whether programs that are run may read a variable of this name though nothing names it."""
    return name in RESERVED or bool(_UNNAMED.fullmatch(name)) or read_by_custom(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`sees` are the names in the text, and those that it may come to by their values or by scripts, with what they stand for; `values` are these as
    the evaluation has them."""

    keyword: str
    text: str
    sees: tuple[tuple[str, str], ...]
    place: Place = field(compare=False)
    values: tuple[Value, ...] = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coming:
    """A visit comes to another one; `kind` is how."""

    kind: str
    visit: Visit
    place: Place


class Steps:
    """Collects the steps of one evaluation. `mentioned` are, for each Earthly target (`sub+name`), the names in files that its commands may run,
    `stated` what a profile says of commands that read their whole environment."""

    def __init__(self, mentioned: Mapping[str, frozenset[str]], stated: tuple[Statement, ...] = ()) -> None:
        self._mentioned = mentioned
        self._stated = stated
        self._said: dict[Visit, set[str]] = {}
        self._doubts: dict[Visit, dict[str, str]] = {}
        self.of: dict[Visit, list[Step | Coming]] = {}

    def come(self, source: Visit, target: Visit, kind: str, place: Place) -> None:
        """One visit came to another; what is said there may be run here from now on, unless it is only built."""
        self.of.setdefault(source, []).append(Coming(kind=kind, visit=target, place=place))
        if kind != "BUILD":
            self._said.setdefault(source, set()).update(self._said.get(target, ()))
        if kind in ("FROM", "DO"):
            # Its globals are seen here now.
            self._doubts.setdefault(source, {}).update(self._doubts.get(target, {}))

    def note(self, target: Seen, statement: syntax.Statement) -> None:
        """A statement is about to be gone through."""
        if isinstance(statement, syntax.Command) and statement.name in _SETTING and not runs(statement):
            return
        keyword, text = _told(statement)
        self._add(target, keyword, text, statement.place, running=runs(statement) or isinstance(statement, syntax.With))
        if keyword == "ENTRYPOINT":
            whole = {WHOLE_ENVIRONMENT} if reads_everything(text) else set()
            self._said.setdefault(target.visit, set()).update(said(text) | whole)

    def doubt(self, target: Seen, condition: tuple[str, ...], follows: tuple[syntax.Statement, ...], place: Place) -> None:
        """Nobody knows whether a condition holds."""
        text = " ".join(condition)
        inside = [each for each in statements(follows) if not isinstance(each, syntax.If | syntax.ElseIf)]
        sets = all(isinstance(each, syntax.Command) and each.name in _SETTING and not runs(each) for each in inside)
        if not sets or not _ABOUT_VALUES.fullmatch(text):
            self._add(target, "IF", text, place, running=True)
            return
        why = f"{text} with {self._sees(target, self._values(target, text, place, running=False))} in {_image(target.visit.tree)}"
        known = self._doubts.setdefault(target.visit, {})
        for name in {declared(each) for each in inside}:
            known[name] = f"{known.get(name, '')}; {why}"

    def _add(self, target: Seen, keyword: str, text: str, place: Place, *, running: bool) -> None:
        values = self._values(target, text, place, running=running)
        step = Step(keyword=keyword, text=text, sees=self._sees(target, values), place=place, values=tuple(values.values()))
        self.of.setdefault(target.visit, []).append(step)
        if running:
            whole = {WHOLE_ENVIRONMENT} if hands_on_everything(text) else set()
            self._said.setdefault(target.visit, set()).update(said(text) | whole)

    def _values(self, target: Seen, text: str, place: Place, *, running: bool) -> dict[str, Value]:
        """By name, sorted."""
        visible = target.variables.visible()
        waiting = set(words(text) & visible)
        if running:
            waiting |= self._unnamed(target, text, place) & visible
            waiting |= {name for name in visible if read_unnamed(name)}
        found: dict[str, Value] = {}
        while waiting:
            name = waiting.pop()
            found[name] = target.variables.active(name) or EMPTY
            # A value may be run as a command, or be a variable's name.
            waiting |= (spelled(" ".join(found[name].text.split(UNKNOWN)[::2])) & visible) - found.keys()
        return dict(sorted(found.items()))

    def _sees(self, target: Seen, values: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
        doubts = self._doubts.get(target.visit, {})
        # What a caller gave is as doubtful as it was where it was read: there it was a step.
        given = target.variables.frame.overriding
        return tuple((name, value.text if name in given else _with_doubts(value.text, doubts)) for name, value in values.items())

    def _unnamed(self, target: Seen, text: str, place: Place) -> frozenset[str]:
        names = self._mentioned.get(str(target.visit), frozenset()) | self._said.get(target.visit, set())
        if WHOLE_ENVIRONMENT in names:
            return target.variables.visible()
        if not reads_everything(text):
            return frozenset(names)
        statement = stated(text, place.file, self._stated)
        return frozenset(names | (statement.reads if statement else target.variables.visible()))


def _told(statement: syntax.Statement) -> tuple[str, str]:
    """Keyword and words of a statement, of a block without what is in it."""
    match statement:
        case syntax.Command():
            return statement.name, repr(statement.args) if statement.exec_mode else own_text(statement)
        case syntax.With():
            return "WITH DOCKER", own_text(statement.command)
    return type(statement).__name__.upper(), own_text(statement)


def _with_doubts(value: str, doubts: dict[str, str]) -> str:
    return value + "".join(doubts.get(name, "") for name in value.split(UNKNOWN)[1::2])


def _image(tree: Tree) -> str:
    """The image that a condition is asked in: shells differ."""
    while not isinstance(tree, Scratch | BaseImage):
        tree = tree.parent
    return f"{tree.ref} {tree.platform}" if isinstance(tree, BaseImage) else "scratch"
