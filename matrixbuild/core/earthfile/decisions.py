"""What an evaluation asked of its overrides, each question with its answer: overrides that answer all of them alike come to the same.

An evaluation is a chain of questions, each of which hangs on nothing but the answers to the ones before. What is asked of an override in no
other way than by these questions may differ between two calls that share an evaluation; then they differ in texts alone (of base images'
names, which are kept as templates).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from matrixbuild.core.earthfile.conditions import NeedsShell, ShellSyntax, UnknownVariable, condition
from matrixbuild.core.earthfile.expansion import Lookup
from matrixbuild.core.earthfile.values import Given, Template, Value
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName

_NONE = frozenset[str]()


class UnsaidError(LookupError):
    """A question needs what is not known of these overrides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """The overrides of a call. Values can be made of `plain` ones part by part: others may be read otherwise where they come to stand."""

    given: Mapping[str, str]
    plain: Mapping[str, str]

    @classmethod
    def of(cls, args: Iterable[tuple[str, str]]) -> Overrides:
        given = dict(args)
        return cls(given=given, plain={name: text for name, text in given.items() if Given.takes(text)})

    def rendered(self, template: Template) -> str:
        """The text that a template makes with these. Raises UnsaidError for one that is not there."""
        return "".join([part if isinstance(part, str) else self._said(part.name) for part in template])

    def _said(self, name: str) -> str:
        if name not in self.plain:
            raise UnsaidError(name)
        return self.plain[name]


class Question(Protocol):
    """Something asked of overrides; equal questions get equal answers from equal overrides."""

    def answer(self, of: Overrides) -> object:
        """What these overrides say. Raises UnsaidError."""


@dataclass(frozen=True, slots=True)
class Valued:
    """Which value has the override?"""

    name: str

    def answer(self, of: Overrides) -> object:
        return of.given.get(self.name)


@dataclass(frozen=True, slots=True)
class Equal:
    """Are these the same text?"""

    left: Template
    right: Template

    def answer(self, of: Overrides) -> object:
        return of.rendered(self.left) == of.rendered(self.right)


@dataclass(frozen=True, slots=True)
class Imaged:
    """Is this the name of an image, and of nothing else that a FROM could mean (one of `stages` among it)?"""

    template: Template
    stages: frozenset[str]

    def answer(self, of: Overrides) -> object:
        return names_image(of.rendered(self.template), self.stages)


@dataclass(frozen=True, slots=True)
class Held:
    """Does the condition hold? `variables`: the names it asked for, what they stand for (None: nothing), and the overrides behind that."""

    text: str
    variables: tuple[tuple[str, Template | None, frozenset[str]], ...]

    def answer(self, of: Overrides) -> object:
        return _again(self.text, tuple([(name, None if made is None else of.rendered(made), taint) for name, made, taint in self.variables]))


@lru_cache(maxsize=8192)  # the same names are met in every evaluation
def names_image(text: str, stages: frozenset[str]) -> bool:
    """Whether FROM can take a text for nothing but the name of an image."""
    if "+" in text or text == "scratch" or text.isdecimal() or text.lower() in stages or text.startswith(LAYOUT_PREFIX):
        return False
    try:
        ImageName.parse(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition holds (None: only a build knows), and the overrides that it read."""

    holds: bool | None
    taint: frozenset[str] = _NONE


def judged(text: str, lookup: Lookup) -> Verdict:
    """What is known of a condition before anything is built."""
    known: tuple[tuple[str, Value | None], ...] = ()
    while isinstance(found := _following(text, known), str):
        known = (*known, (found, lookup(found)))
    return found


class _AskedError(LookupError):
    """A condition asks for a variable that is not known; the text is its name."""


@lru_cache(maxsize=8192)  # the same conditions are met in every evaluation, most of them with the same values
def _following(text: str, known: tuple[tuple[str, Value | None], ...]) -> str | Verdict:
    """The name of the variable that a condition asks for next, once it knows these; the verdict on it where it asks for no other. It hangs on
    nothing else: a condition sees the text of a value, what is unknown in it and what is behind it, by which values are equal."""
    values = dict(known)

    def lookup(name: str) -> Value | None:
        if name not in values:
            raise _AskedError(name)
        return values[name]

    try:
        return _verdict(text, lookup)
    except _AskedError as asked:
        return str(asked)


def _verdict(text: str, lookup: Lookup) -> Verdict:
    try:
        answer = condition(text, lookup)
        # dash has neither [[ nor ==: what it would answer otherwise depends on which shell the image has.
        robust = not answer.shells or condition(text, lookup, bare=True).status == 0 if answer.status == 0 else True
    except (NeedsShell, UnknownVariable, ShellSyntax):
        return Verdict(None)
    return Verdict(None if answer.unmatched or not robust else answer.status == 0, answer.taint)


@lru_cache(maxsize=8192)
def _again(text: str, variables: tuple[tuple[str, str | None, frozenset[str]], ...]) -> Verdict:
    """The verdict on a condition that asks for exactly these variables. Raises UnsaidError for one that asks for others, or not for all."""
    known = {name: None if text is None else Value(text=text, taint=taint) for name, text, taint in variables}
    asked: set[str] = set()

    def lookup(name: str) -> Value | None:
        if name not in known:
            raise UnsaidError(name)
        asked.add(name)
        return known[name]

    verdict = judged(text, lookup)
    if asked != known.keys():
        raise UnsaidError(text)
    return verdict


@dataclass(slots=True, eq=False)
class Decisions:
    """Collects the questions of one evaluation in their order. `names` are all overrides that any of them is about."""

    given: Mapping[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    answers: dict[Question, object] = field(default_factory=dict)
    verbatim: set[str] = field(default_factory=set)
    """Overrides in texts that are looked at and that nothing is asked about: such a one counts by its value where it counts at all."""
    composed: dict[Template, None] = field(default_factory=dict)
    """What values of several parts are made of, where a command runs that could take a part of such a value for a variable's name."""
    latest: tuple[Value, ...] | None = None
    """What the latest command saw: most see the same as the one before."""
    heard: set[str] = field(default_factory=set)
    """The variables that overrides are behind where a command runs."""

    def exactly(self, taint: frozenset[str]) -> None:
        """What is gone through hangs on the values of these overrides."""
        self.names |= taint
        for name in taint if len(taint) < 2 else sorted(taint):
            if name in self.given:
                self.answers.setdefault(Valued(name), self.given[name])

    def held(self, text: str, asked: Mapping[str, Value | None], verdict: Verdict) -> None:
        """What is gone through hangs on whether a condition holds that asked for these variables."""
        self.names |= verdict.taint
        self.exactly(_NONE.union(*[value.taint for value in asked.values() if value and value.template is None]))
        if any(value and value.symbolic for value in asked.values()):
            variables = tuple([(name, _made(value), value.taint if value else _NONE) for name, value in asked.items()])
            self.answers.setdefault(Held(text, variables), verdict)

    def same(self, left: Value, right: Value, taint: frozenset[str]) -> bool:
        """Whether two values are one text, and what is gone through hangs on that; `taint` are the overrides behind both."""
        equal = left.text == right.text
        self.names |= taint
        if left.template is None or right.template is None:
            self.exactly(taint)
        elif left.template != right.template and (left.symbolic or right.symbolic):
            self.answers.setdefault(Equal(left.template, right.template), equal)
        return equal

    def image(self, value: Value, stages: frozenset[str] = _NONE) -> Template:
        """What the name of a base image is made of: what is gone through hangs on its being one, and else on the overrides behind it."""
        template = value.template
        if template is None or not value.symbolic or not names_image(value.text, stages):
            self.exactly(value.taint)
            return (value.text,)
        self.names |= value.taint
        self.answers.setdefault(Imaged(template, stages), True)
        return template

    def hear(self, names: Iterable[str], values: tuple[Value, ...]) -> None:
        """A command runs that sees these variables; of `values`, which it sees too, parts could be taken for a variable's name."""
        if values is self.latest:
            return
        self.latest = values
        self.heard.update(names)
        for value in values:
            if value.parts is None:
                self.verbatim |= value.taint
            elif len(value.parts) > 1:
                self.composed.setdefault(value.parts)

    def finish(self) -> None:
        """Where an override decides, what of it is only looked at counts by its value."""
        self.exactly(frozenset(self.verbatim & self.names))


def _made(value: Value | None) -> Template | None:
    """Of a variable; one that is made nobody knows how counts by the overrides behind it."""
    return None if value is None else value.template or (value.text,)
