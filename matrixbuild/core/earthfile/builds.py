"""BUILD and DO: other targets and functions that a target has done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.call_args import flag_args
from matrixbuild.core.earthfile.expansion import ShellOut, WordError, expand, runs_a_shell
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import EdgeKind
from matrixbuild.core.earthfile.flags import Flags, parse_flags
from matrixbuild.core.earthfile.references import Reference, ReferenceProblem, Where, parse_function, parse_target
from matrixbuild.core.earthfile.scope import Frame, Scope, combined
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Args, Target
from matrixbuild.core.earthfile.values import Value, alike
from matrixbuild.core.earthfile.wildcards import expanded
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place, did_you_mean

RunBody = Callable[[Target, tuple[syntax.Statement, ...]], None]


def build(target: Target, command: Command, shadow: Shadow) -> None:
    """BUILD +target, once for each combination of repeated args and platforms."""
    place = command.place
    target.check_push_order(place, command.name)
    flags = parse_flags(command)
    if not flags.words:
        raise EarthfileError(Fault.INVALID_ARG, "BUILD names no target", place=place, hint="write BUILD +target")
    name = target.known_text(flags.words[0], place, keep_plus_escape=True)
    if "*" in name:
        target.check_feature("wildcard_builds", place=place, what="a wildcard in a BUILD")
    platforms: tuple[Platform | None, ...] = tuple(target.platform(word, place) for word in flags.texts("platform")) or (None,)
    args = target.args(flags.words[1:], place, inherited=flags.texts("build-arg"))
    _check_flags(target, flags, place)
    reference = target.reference(name, place)
    before = target.ahead.pop(id(command), None)
    # A BUILD that was converted ahead is there twice, which makes what its target saves in a WAIT be saved.
    turns = 2 if before is not None and prove_ahead(target, before, flags, shadow, place) else 1
    for each in expanded(target, reference, place):
        for combination in combinations(args):
            for platform in platforms * turns:
                target.go(each, combination, place, platform=platform, build=True, pass_args=flags.on("pass-args"))


def _check_flags(target: Target, flags: Flags, place: Place) -> None:
    if flags.on("pass-args"):
        target.check_feature("pass_args", place=place, what="BUILD --pass-args")
    if flags.on("auto-skip"):
        target.check_feature("build_auto_skip", place=place, what="BUILD --auto-skip")


def combinations(args: list[tuple[str, Value]]) -> Iterator[Args]:
    """Each choice of one value for each name, the last name's values varying fastest."""
    grouped: dict[str, list[Value]] = {}
    for name, value in args:
        grouped.setdefault(name, []).append(value)
    names = tuple(grouped)

    def choose(position: int, chosen: Args) -> Iterator[Args]:
        if position == len(names):
            yield chosen
            return
        for value in grouped[names[position]]:
            yield from choose(position + 1, (*chosen, (names[position], value)))

    return choose(0, ())


def do(target: Target, command: Command, run_body: RunBody) -> None:
    """DO +FUNCTION: its commands, in a frame of their own."""
    place = command.place
    flags = parse_flags(command)
    if not flags.words:
        raise EarthfileError(Fault.INVALID_ARG, "DO names no function", place=place, hint="write DO +FUNCTION")
    args = tuple(target.args(flags.words[1:], place))
    reference = _function(target, flags.words[0], place)
    directory = target.directory_of(reference, place)
    earthfile = target.walk.parsed(directory, place=place)
    if flags.on("pass-args"):
        target.check_feature("pass_args", place=place, what="DO --pass-args")
    recipe = next((each for each in earthfile.earthfile.functions if each.name == reference.name), None)
    if recipe is None:
        hint = (
            did_you_mean(reference.name, (each.name for each in earthfile.earthfile.functions))
            or "a function is written NAME: with FUNCTION as its first command"
        )
        raise EarthfileError(Fault.UNKNOWN_TARGET, f"there is no function {reference}", place=place, hint=hint)
    _check_recipe(recipe, "FUNCTION" if earthfile.features.use_function_keyword else "COMMAND")
    target.walk.deeper(f"{directory}+{recipe.name}", place)
    if target.walk.findings:
        target.walk.findings.functions.setdefault((target.visit, f"{directory}+{recipe.name}"))
    _enter(target, reference, args, place, pass_args=flags.on("pass-args"))
    run_body(target, recipe.body[1:])
    # A command that moves out of a function sees other variables.
    target.walk.note("END", ())
    target.variables.frames.pop()
    target.walk.inside.pop()


def _function(target: Target, word: str, place: Place) -> Reference:
    try:
        return parse_function(target.known_text(word, place))
    except ReferenceProblem as problem:
        raise EarthfileError(Fault.INVALID_ARG, str(problem), place=place, hint="write DO +FUNCTION or DO ./directory+FUNCTION") from None


def _check_recipe(recipe: syntax.Recipe, keyword: str) -> None:
    first = recipe.body[0] if recipe.body else None
    if not isinstance(first, Command) or first.name != keyword:
        summary = f"the function {recipe.name} does not begin with {keyword}"
        hint = "write FUNCTION as its first command" if keyword == "FUNCTION" else "write COMMAND as its first command (FUNCTION from VERSION 0.8 on)"
        raise EarthfileError(Fault.FEATURE_GATE, summary, place=recipe.place, hint=hint)
    if first.args:
        raise EarthfileError(Fault.INVALID_ARG, f"{keyword} takes no words", place=first.place, hint="args are declared with ARG below")


def _enter(target: Target, reference: Reference, args: Args, place: Place, *, pass_args: bool) -> None:
    """A frame for a function: the globals and imports of its Earthfile's base recipe, which is gone through with the DO's args."""
    variables = target.variables
    explicit = Scope(dict(args))
    base_args = args
    if target.features.arg_scope_and_set:
        # Overrides of the whole call reach the globals of the function's Earthfile, whichever it is.
        top = combined(explicit, variables.frames[0].overriding).without_reserved()
        base_args = tuple((name, value) for name in top if (value := top.get(name)) is not None)
    base = Reference(where=reference.where, path=reference.path, name="base")
    made = target.go(base, base_args, place, platform=target.visit.current, build=False, pass_args=pass_args, kind=EdgeKind.DO)
    overriding = explicit
    if pass_args:
        passed = (variables.frame.overriding, variables.frame.args, variables.frame.globals)
        overriding = combined(explicit, *(scope.inactive() for scope in passed)).without_reserved()
    directory = target.directory_of(reference, place)
    variables.frames.append(Frame(directory=directory, overriding=overriding, globals=made.globals.copy(), global_imports=dict(made.imports)))


# Earthly converts the BUILDs of a block ahead of their turn: with the variables of that moment, and a failure counts.

Shadow = Callable[[Target], Target]
"""A target in the same state, of which nothing remains."""


def look_ahead(target: Target, body: tuple[syntax.Statement, ...], start: int) -> None:
    """Note how the coming BUILDs of a block read now; called where a block begins and after each ARG, LET and SET.

    Raises EarthfileError (UNKNOWN_TARGET) for a BUILD of an import that is only made later.
    """
    for at in range(start, len(body)):  # no slice: most looks end at once
        statement = body[at]
        if not isinstance(statement, Command) or statement.name in ("ARG", "LET", "SET", "FROM", "FROM DOCKERFILE", "LOCALLY"):
            return
        if statement.name == "BUILD" and not target.pushed:
            target.ahead.pop(id(statement), None)
            values = _ahead(target, statement)
            if values is not None and not (target.walk.findings and any(value.unknown for value in values)):
                target.ahead[id(statement)] = values
                _check_import(target, values[0].text, statement.place)


def _ahead(target: Target, command: Command) -> tuple[Value, ...] | None:
    """The words of a BUILD as they read now; None where Earthly waits for its turn."""
    try:
        flags = parse_flags(command)
        if not flags.words or flags.on("auto-skip") or any(not word.startswith("--") or runs_a_shell(word) for word in flags.words[1:]):
            return None
        return tuple(expand(word, target.lookup, dialect=target.dialect, keep_plus_escape=True) for word in flags.words)
    except (ShellOut, WordError, EarthfileError):
        return None


def _check_import(target: Target, name: str, place: Place) -> None:
    try:
        reference = parse_target(name)
    except ReferenceProblem:
        return
    frame = target.variables.frame
    if reference.where is Where.ALIAS and reference.path not in frame.imports and reference.path not in frame.global_imports:
        hint = "Earthly reads a BUILD before the commands above it: move the IMPORT above all targets, or write an ARG or LET between the two"
        raise EarthfileError(Fault.UNKNOWN_TARGET, f"{reference.path} of {reference} is no IMPORT of this Earthfile", place=place, hint=hint)


def prove_ahead(target: Target, before: tuple[Value, ...], flags: Flags, shadow: Shadow, place: Place) -> bool:
    """Whether a BUILD reads the same as ahead of its turn. Where it does not, raise EarthfileError if Earthly's conversion ahead fails."""
    now = tuple(target.expand(word, place, keep_plus_escape=True) for word in flags.words)
    for old, new in zip(before, now, strict=True):
        target.walk.decide(frozenset() if alike(old, new) else old.taint | new.taint)
    if [value.text for value in now] == [value.text for value in before]:
        return True
    try:
        _build_as(shadow(target), flags, before, place)
    except EarthfileError as error:
        if error.fault not in (Fault.NEEDS_EARTHLY, Fault.UNKNOWN_VALUE):
            hint = "Earthly converts a BUILD before the commands above it, back to the last ARG, LET, SET or FROM, set variables: use ARG or LET"
            raise EarthfileError(error.fault, error.summary, place=error.place, hint=hint) from None
    return False


def _build_as(target: Target, flags: Flags, values: tuple[Value, ...], place: Place) -> None:
    reference = target.reference(values[0].text, place)
    platforms: tuple[Platform | None, ...] = tuple(target.platform(word, place) for word in flags.texts("platform")) or (None,)
    choices = ((each, combination) for each in expanded(target, reference, place) for combination in combinations(flag_args(list(values[1:]), place)))
    for each, combination in choices:
        for platform in platforms:
            target.go(each, combination, place, platform=platform, build=True, pass_args=flags.on("pass-args"))
