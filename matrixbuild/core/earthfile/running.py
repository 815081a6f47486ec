"""The commands that only Earthly can carry out (RUN, WITH DOCKER, LOCALLY, GIT CLONE ...) in, what an analysis has to know of them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.branches import runs
from matrixbuild.core.earthfile.environment import shell_flags
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import EdgeKind, Findings, Guard, Need, Opacity
from matrixbuild.core.earthfile.flags import GATES, Flags, parse_flags
from matrixbuild.core.earthfile.params import parse_params
from matrixbuild.core.earthfile.scope import Scope
from matrixbuild.core.earthfile.shell_words import NeedsShell, Operator, Reader, ShellSyntax, Token, UnknownVariable, Word, fields, tokens
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import EMPTY_IMAGE, Target
from matrixbuild.core.earthfile.values import Value
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place

_HARMLESS = frozenset({"EXPOSE", "VOLUME", "HEALTHCHECK", "HOST", "LABEL", "CMD", "ENTRYPOINT", "USER", "WORKDIR", "CACHE", "ENV", "GIT CLONE"})
"""Commands that read no file and no target, so that nothing but a value in them can be unknown."""

_OF_GUARDS = ("echo", "printf", "exit", "false")

RunBody = Callable[[Target, tuple[syntax.Statement, ...]], None]


def run(target: Target, findings: Findings, command: Command) -> None:
    """RUN in any of its forms. Raises EarthfileError for what Earthly refuses before it runs anything."""
    place = command.place
    if not command.args:
        raise EarthfileError(Fault.INVALID_ARG, "RUN names no command", place=place, hint="write RUN command")
    flags = parse_flags(command, expand=lambda word: target.known_text(word, place))
    for name in ("network", "aws", "oidc", "raw-output") if flags.given else ():
        if flags.has(name):
            target.check_feature(GATES["RUN", name], place=place, what=f"RUN --{name}")
    if not flags.on("push"):
        target.check_push_order(place, command.name)
    target.check_from(place, command.name)
    shell_flags(findings, flags, place)
    for name in ("aws", "oidc") if flags.given else ():
        if flags.has(name):
            findings.secrets.setdefault(Need(name=name, place=place))
    text = " ".join(flags.words)
    runs(target, findings, text, " ".join(command.args), place)
    if not findings.uncertain and not command.exec_mode and (message := guard(text, target)) is not None:
        findings.guards.setdefault(Guard(message=message, place=place))


# Guards ---------------------------------------------------------------------


def guard(text: str, target: Target) -> str | None:
    """The message of a RUN that can do nothing but print it and fail; None for any other."""
    lines = _guarding(text)
    if not lines:
        return None
    reader = Reader(target.lookup)
    try:
        expanded = [[field.text for word in words for field in fields(word, reader)] for words in lines]
    except (NeedsShell, ShellSyntax, UnknownVariable):
        return None
    finally:
        target.walk.decisions.verbatim |= reader.taint
    if not expanded or not _fails(expanded[-1]) or not all(line and line[0] in _OF_GUARDS for line in expanded):
        return None
    said = [" ".join(word for word in line[1:] if word not in ("-e", "-n")) for line in expanded if line[0] in ("echo", "printf")]
    target.walk.count(frozenset(reader.taint), target.walk.at)
    return " ".join(said).strip() or None


@lru_cache(maxsize=4096)
def _guarding(text: str) -> tuple[tuple[Word, ...], ...]:
    """The commands of a text that may be a guard; none where one of them is another than those of guards, whatever its values are, or where they are
    no plain commands."""
    try:
        lines = tuple(tuple(line) for line in _simple_commands(list(tokens(text))))
    except (NeedsShell, ShellSyntax):
        return ()
    return lines if all(line[0].literal is None or line[0].literal in _OF_GUARDS for line in lines) else ()


def _fails(line: list[str]) -> bool:
    return line == ["false"] or (len(line) == 2 and line[0] == "exit" and line[1].isdecimal() and line[1] != "0")


def _simple_commands(found: list[Token]) -> Iterator[list[Word]]:
    """The commands between `&&` and `;`, redirections taken off. Raises NeedsShell for any other operator."""
    words: list[Word] = []
    at = 0
    while at < len(found):
        token = found[at]
        at += 1
        if isinstance(token, Word):
            words.append(token)
        elif token.text == ">":
            if words and words[-1].text in ("1", "2"):
                words.pop()
            at += 1 if at < len(found) and found[at] in (Operator("&"), Operator(">")) else 0
            at += 1
        elif token.text in ("&&", ";", "\n"):
            if words:
                yield words
            words = []
        else:
            raise NeedsShell(token.text)
    if words:
        yield words


# Others ---------------------------------------------------------------------


def locally(target: Target, findings: Findings, command: Command) -> None:
    """LOCALLY: from here on commands run on the machine that builds, and may read anything there."""
    target.check_push_order(command.place, command.name)
    findings.note(Opacity.INPUTS, command.place, "LOCALLY runs commands on the machine that builds, where they may read any file")
    target.visit.has_from, target.visit.config = True, EMPTY_IMAGE
    target.variables.envs, target.variables.envs_unknown = Scope(), True
    target.variables.builtins.put("EARTHLY_LOCALLY", Value(text="true"), active=False)


def git_clone(target: Target, findings: Findings, command: Command) -> None:
    """GIT CLONE: another repository's files, as they are when it is built."""
    target.check(command)
    flags = parse_flags(command)
    for word in (*flags.words, flags.text("branch")):
        target.text(word, command.place)
    findings.note(Opacity.TIME, command.place, "it clones a repository as that is when it is built")


def with_docker(target: Target, findings: Findings, statement: syntax.With, run_body: RunBody) -> None:
    """WITH DOCKER: the images it loads are built, the ones it pulls are base images, its RUN is privileged."""
    command, place = statement.command, statement.place
    target.check(command)
    flags = parse_flags(command)
    if flags.text("cache-id"):
        target.check_feature(GATES["DOCKER", "cache-id"], place=place, what="WITH DOCKER --cache-id")
    findings.privileged.setdefault(Need(name="WITH DOCKER", place=place))
    platform = target.platform(flags.text("platform"), place)
    for word in flags.texts("pull"):
        value = target.expand(word, place)
        target.walk.use(value, place)
        if value.unknown:
            findings.note(Opacity.VALUES, place, f"which image --pull {word} names is known only while it is built")
        else:
            target.walk.base_image(value.text, target.materialized(platform or target.default), place)
    for load in flags.texts("load"):
        seen(target, findings, command, lambda *_, load=load: _load(target, load, flags, platform, place))
    for word in (*flags.texts("compose"), *flags.texts("service")):
        target.text(word, place)
    if flags.texts("compose"):
        findings.note(Opacity.TIME, place, "the images of its compose files are those of the moment")
    run_body(target, statement.body)
    target.walk.note("END", ())


def _load(target: Target, load: str, flags: Flags, platform: Platform | None, place: Place) -> None:
    name, words = _loaded(load, place)
    target.text(name, place)
    reference = target.reference(target.known_text(words[0], place, keep_plus_escape=True), place)
    args = tuple(target.args(words[1:], place, inherited=flags.texts("build-arg")))
    target.go(reference, args, place, platform=platform, build=False, pass_args=flags.on("pass-args"), kind=EdgeKind.LOAD)


def _loaded(load: str, place: Place) -> tuple[str, tuple[str, ...]]:
    """`name=(+t --X=1)`, `name=+t --X=1` or either without a name, as the name and the words of the reference."""
    text = load.strip("\"'") if load[:1] in ("'", '"') else load
    first, blank, rest = text.partition(" ")
    name, equals, reference = first.partition("=")
    if not equals or first.startswith("("):
        name, reference = "", first
    reference = f"{reference}{blank}{rest}"
    return name, parse_params(reference, place) or tuple(reference.split())


def seen(target: Target, findings: Findings, command: Command, carry_out: Callable[[Target, Findings, Command], None]) -> None:
    """Carry out a command of a partial evaluation, or take it for anything it may be. Raises EarthfileError for what Earthly refuses too."""
    depth, frames, visits = len(target.walk.inside), len(target.variables.frames), len(target.walk.visits.all)
    try:
        carry_out(target, findings, command)
    except EarthfileError as error:
        if error.fault not in (Fault.NEEDS_EARTHLY, Fault.UNKNOWN_VALUE):
            raise
        del target.walk.inside[depth:]
        target.walk.visits.forget_undone(visits)
        del target.variables.frames[frames:]
        unseen(target, findings, command, error)


def unseen(target: Target, findings: Findings, command: Command, error: EarthfileError) -> None:
    """A command whose meaning only a build knows. Where it may read files or reach targets, it may be any: all of them count."""
    place, text = command.place, " ".join(command.args)
    if command.name in _HARMLESS:
        runs(target, findings, text, text, place)
        findings.note(Opacity.VALUES, place, error.summary)
        return
    runs(target, findings, text, f"{text} ; env", place)
    target.walk.use_all(findings, place)
    findings.note(Opacity.INPUTS, place, error.summary)
    if command.name not in ("FROM", "FROM DOCKERFILE", "DO"):
        return
    target.visit.has_from = True
    target.variables.envs, target.variables.envs_unknown = Scope(), True
