"""ARGs one behind the other in a base recipe, and all that they read, in; what they declare out: the same for all evaluations that agree on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.declarations import Declaration, declaration
from matrixbuild.core.earthfile.expansion import variables_of
from matrixbuild.core.earthfile.features import Features
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.values import Value, alike
from matrixbuild.core.earthfile.visits import Input
from matrixbuild.core.earthfile.walk import Parsed

LONGEST = 8
"""Of more ARGs at a time, one would be another in nearly every evaluation."""

_MOST_KEPT = 128

Body = tuple[syntax.Statement, ...]
RunBody = Callable[[Target, Body], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """All that going through a stretch does."""

    commands: tuple[str, ...]
    defaults: tuple[tuple[str, str], ...]
    values: Mapping[str, Value]
    inputs: Mapping[str, Input]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a base recipe. Where it is nothing but global ARGs with defaults that are read without a lexer, `names` are theirs in their order,
    and `read` the variables in the defaults that none of them has declared by then; else both are empty."""

    body: Body
    names: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    done: dict[object, _Done] = field(default_factory=dict)
    """By all that it reads."""


def go_through(target: Target, run_body: RunBody) -> None:
    """Go through the base recipe of a target's own Earthfile. Raises EarthfileError."""
    parsed = target.walk.parsed(target.visit.directory, place=target.walk.at)
    for stretch in stretches(parsed):
        read = _read(target, stretch) if stretch.names else None
        if read is None:
            run_body(target, stretch.body)
        elif done := stretch.done.get(read):
            _do(target, stretch, done)
        else:
            _keep(target, stretch, read, run_body)


def _read(target: Target, stretch: Stretch) -> object:
    """All that a stretch reads; None where what it does is more than what it declares: where something of it is an error or worth a note."""
    walk, variables, names = target.walk, target.variables, stretch.names
    if walk.findings is None or walk.steps or walk.silent or target.pushed or not variables.fresh(names):
        return None
    values = [variables.active(name) for name in stretch.read]
    overriding, ambient = variables.frame.overriding, walk.visits.ambient
    given = [(name, _all_of(value), alike(value, ambient.get(name))) for name in names if (value := overriding.get(name)) is not None]
    known = [_all_of(value) for value in values if value is not None]
    return (overriding.ambient, tuple(given), tuple(known)) if len(known) == len(values) else None


def _all_of(value: Value) -> object:
    """What makes two values the same in every way; values that are equal may be made of other parts."""
    return value.text, value.taint, value.unknown, value.parts


def _do(target: Target, stretch: Stretch, done: _Done) -> None:
    walk = target.walk
    walk.at = stretch.body[-1].place
    walk.commands += done.commands
    if walk.findings:
        walk.findings.defaults += done.defaults
    walk.declared.update(stretch.names)
    target.variables.frame.globals.put_all(done.values)
    target.visit.reads_all(done.inputs)


def _keep(target: Target, stretch: Stretch, read: object, run_body: RunBody) -> None:
    commands, defaults = target.walk.commands, target.walk.findings.defaults if target.walk.findings else []
    at, after = len(commands), len(defaults)
    run_body(target, stretch.body)
    found = target.variables.frame.globals.everything()
    if len(stretch.done) >= _MOST_KEPT:
        stretch.done.clear()
    stretch.done[read] = _Done(
        commands=tuple(commands[at:]),
        defaults=tuple(defaults[after:]),
        values={name: found[name] for name in stretch.names},
        inputs={name: target.visit.inputs[name] for name in stretch.names},
    )


# Where an Earthfile is cut -------------------------------------------------------


@lru_cache(maxsize=512)
def stretches(parsed: Parsed) -> tuple[Stretch, ...]:
    """A base recipe, one part behind the other."""
    return tuple(_cut(parsed.earthfile.base, parsed.features))


def _cut(base: Body, features: Features) -> Iterator[Stretch]:
    """No cut is before anything but an ARG, or behind one, so that each look for BUILDs ahead ends where it would."""
    plain: list[syntax.Statement] = []
    args: dict[str, Declaration] = {}
    for statement in base:
        declared = _declared(statement, features)
        if args and (declared is None or declared.name in args or len(args) == LONGEST):
            yield _stretch(plain, args)
            plain, args = [], {}
        elif declared and not args and plain:
            yield Stretch(body=tuple(plain))
            plain = []
        plain.append(statement)
        if declared:
            args[declared.name] = declared
    yield _stretch(plain, args)


def _declared(statement: syntax.Statement, features: Features) -> Declaration | None:
    """A global ARG that is one in any case, with a default that is read without a lexer."""
    if not isinstance(statement, Command) or statement.name != "ARG" or not (features.arg_scope_and_set and features.shell_out_anywhere):
        return None
    found = declaration(statement.args)
    if found is None or found.required or found.name in RESERVED or found.everywhere != features.explicit_global:
        return None
    return found if variables_of(found.default or "") is not None else None


def _stretch(body: list[syntax.Statement], args: Mapping[str, Declaration]) -> Stretch:
    read: dict[str, None] = {}
    before: set[str] = set()
    for name, declared in args.items():
        read |= dict.fromkeys(each for each in variables_of(declared.default or "") or () if each not in before)
        before.add(name)
    return Stretch(body=tuple(body), names=tuple(args), read=tuple(read))
