"""ARG, LET, SET and IMPORT: what names mean from here on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from matrixbuild.core.earthfile.expansion import plain, runs_a_shell
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import Opacity
from matrixbuild.core.earthfile.flags import Flags, parse_flags, read_flags
from matrixbuild.core.earthfile.references import ReferenceProblem, Where, import_alias, parse_target
from matrixbuild.core.earthfile.reserved import RESERVED, UNKNOWN_BEFORE
from matrixbuild.core.earthfile.scope import ScopeProblem
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.values import EMPTY, Value, alike
from matrixbuild.core.earthfile.visits import Behind
from matrixbuild.core.problems import Place


def arg(target: Target, command: Command) -> None:
    """ARG [--required] [--global] NAME[=default]; a default is expanded even where an override makes it useless."""
    place, variables = command.place, target.variables
    overriding = variables.frame.overriding
    target.check_push_order(place, command.name)
    declared = _declaration(command)
    name, default, required = declared.name, declared.default, declared.required
    everywhere = _is_global(target, declared, place)
    if required and default is not None:
        raise EarthfileError(Fault.REQUIRED_ARG, f"ARG --required {name} cannot have a default", place=place, hint="remove the default or --required")
    given, override = variables.given(name), overriding.get(name)
    value = _default(target, declared, place, given=given)
    ambient = override is not None and alike(override, target.walk.visits.ambient.get(name))
    if ambient or overriding.ambient or _takes_overrides(target, name):
        target.walk.declared.add(name)
    if target.walk.findings and name in UNKNOWN_BEFORE:
        target.walk.findings.note(Opacity.VALUES, place, _why_unknown(name))
    try:
        effective, effective_default = variables.declare_arg(name, value, everywhere=everywhere)
    except ScopeProblem as problem:
        raise _located(problem, place) from None
    if required:
        target.walk.decide(effective.taint)
    if required and not effective.text:
        raise EarthfileError(Fault.REQUIRED_ARG, f"ARG {name} is required and has no value", place=place, hint=f"give it one: --{name}=...")
    if value.text and name in RESERVED:
        raise EarthfileError(Fault.BUILTIN_ARG, f"{name} is a built-in ARG and cannot have a default", place=place, hint=f"write ARG {name}")
    taint = effective.taint if value.taint <= effective.taint else effective.taint | value.taint
    _note_input(target, name, effective, effective_default, Behind.of(taint, given and effective_default is not effective, ambient))


def _default(target: Target, declared: Declaration, place: Place, *, given: bool) -> Value:
    """`given`: the name has a value already."""
    anywhere, default = target.features.shell_out_anywhere, declared.default
    if declared.plain is not None and anywhere:
        return declared.plain
    value = target.expand(default, place, keep_plus_escape=True) if default is not None else EMPTY
    if value.text.startswith("$(") and not anywhere and not given:
        return target.shell_value(default or "", value.text[2:].removesuffix(")"), place)
    return value


def _why_unknown(name: str) -> str:
    if "_GIT_" in name:
        return f"{name} tells of a git repository, and is empty where it is built: the checkout of a build has no .git"
    return f"{name} is known only while it is built"


def noted(target: Target, command: Command) -> tuple[str, ...]:
    """The words of a command as they stand in the list of commands: of an ARG without the default where that counts for nothing, as the ARG is
    given, or counts only if the ARG is used, as the whole call could give it."""
    if command.name != "ARG" or target.walk.silent:
        return command.args
    declared = _declaration(command)
    if declared.replaceable:
        overriding, findings = target.variables.frame.overriding, target.walk.findings
        if declared.name in overriding:
            return command.args[:-2]
        if findings and overriding.ambient:
            findings.defaults.append((declared.name, declared.default or ""))
            return command.args[:-2]
    return command.args


def _takes_overrides(target: Target, name: str) -> bool:
    """Whether what is given for the whole call may arrive here though the overrides are not those of the whole call: a function, and a target of
    another Earthfile, take what their caller writes and nothing else; to the globals of a function's Earthfile it arrives."""
    return target.is_base or (not target.walk.findings and name not in target.walk.visits.ambient)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """An ARG as written; `replaceable`: another value can stand in for its default, which then counts for nothing. `plain`: the default's value in
    the Earthly dialect, where that is the same everywhere."""

    name: str
    default: str | None
    required: bool
    everywhere: bool
    replaceable: bool
    plain: Value | None


def _declaration(command: Command) -> Declaration:
    """Raises EarthfileError (INVALID_ARG, SYNTAX)."""
    return declaration(command.args) or _read(parse_flags(command), command.place)


@lru_cache(maxsize=8192)
def declaration(args: tuple[str, ...]) -> Declaration | None:
    """Of the same words, which are met in every evaluation; None where something is wrong with them, which is told with a place."""
    place = Place(file="", line=1)
    try:
        return _read(read_flags("ARG", args, place=place), place)
    except EarthfileError:
        return None


def _read(flags: Flags, place: Place) -> Declaration:
    name, default = _name_and_default(flags, place)
    replaceable = default is not None and name not in RESERVED and not runs_a_shell(default)
    return Declaration(
        name=name,
        default=default,
        required=flags.on("required"),
        everywhere=flags.on("global"),
        replaceable=replaceable,
        plain=EMPTY if default is None else plain(default),
    )


def _name_and_default(flags: Flags, place: Place) -> tuple[str, str | None]:
    match flags.words:
        case (name,):
            return name, None
        case (name, "=", default):
            return name, default
    raise EarthfileError(Fault.SYNTAX, f"ARG cannot read {' '.join(flags.words)!r}", place=place, hint="write ARG NAME=default")


def _is_global(target: Target, declared: Declaration, place: Place) -> bool:
    explicit = target.features.explicit_global
    if not declared.everywhere:
        return target.is_base and not explicit
    if not explicit:
        hint = "before VERSION 0.7 each ARG above the targets is global"
        raise EarthfileError(Fault.INVALID_ARG, f"ARG --global is not known to VERSION {target.features.number}", place=place, hint=hint)
    if not target.is_base:
        raise EarthfileError(Fault.INVALID_ARG, "ARG --global stands in a target", place=place, hint="move it above all targets, or remove --global")
    return True


def _note_input(target: Target, name: str, value: Value, default: Value, behind: Behind) -> None:
    if len(target.variables.frames) == 1:
        target.visit.reads(name, value, default, behind)


def _located(problem: ScopeProblem, place: Place) -> EarthfileError:
    return EarthfileError(problem.fault, problem.summary, place=place, hint=problem.hint)


def let(target: Target, command: Command) -> None:
    """LET NAME=value."""
    place = command.place
    target.check_push_order(place, command.name)
    name, value = _assignment(target, command)
    target.check_feature("arg_scope_and_set", place=place, what="LET")
    if name in RESERVED:
        raise EarthfileError(Fault.BUILTIN_ARG, f"LET cannot give the built-in {name} a value", place=place, hint="give the variable another name")
    try:
        target.variables.declare_let(name, value)
    except ScopeProblem as problem:
        raise _located(problem, place) from None
    _note_input(target, name, value, value, Behind(taint=value.taint))


def set_(target: Target, command: Command) -> None:
    """SET NAME=value, of a LET."""
    target.check_feature("arg_scope_and_set", place=command.place, what="SET")
    name, value = _assignment(target, command)
    try:
        target.variables.update(name, value)
    except ScopeProblem as problem:
        raise _located(problem, command.place) from None


def _assignment(target: Target, command: Command) -> tuple[str, Value]:
    match parse_flags(command).words:
        case (name, "=", word):
            return name, target.expand(word, command.place, keep_plus_escape=True)
    raise EarthfileError(Fault.SYNTAX, f"{command.name} needs a name and a value", place=command.place, hint=f"write {command.name} NAME=value")


def import_(target: Target, command: Command) -> None:
    """IMPORT ./directory [AS alias]; in the base recipe for the whole Earthfile."""
    place = command.place
    words = parse_flags(command).words
    if len(words) not in (1, 3) or (len(words) == 3 and words[1] != "AS"):
        raise EarthfileError(Fault.INVALID_ARG, f"IMPORT cannot read {' '.join(words)!r}", place=place, hint="write IMPORT ./directory AS alias")
    path = target.known_text(words[0], place)
    alias = _alias(path, target.known_text(words[2], place) if len(words) == 3 else "", place)
    frame = target.variables.frame
    imports = frame.global_imports if target.visit.name == "base" else frame.imports
    if alias in imports:
        raise EarthfileError(
            Fault.REDECLARED, f"there is an IMPORT called {alias} already", place=place, hint="give one of them another name with AS"
        )
    imports[alias] = path


def _alias(path: str, alias: str, place: Place) -> str:
    try:
        reference = parse_target(f"{path}+none")
        where = "" if reference.where in (Where.HERE, Where.ALIAS) else reference.path
        return import_alias(where.partition(":")[0] if reference.where is Where.REMOTE else where, alias)
    except ReferenceProblem as problem:
        raise EarthfileError(Fault.INVALID_ARG, str(problem), place=place, hint="write IMPORT ./directory AS alias") from None
