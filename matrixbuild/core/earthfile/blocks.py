"""The statements of a recipe, one after the other: commands, and the blocks IF, FOR, WAIT, TRY and WITH."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import replace

from matrixbuild.core.earthfile import branches, builds, copies, declarations, froms, metadata, running, saves, syntax
from matrixbuild.core.earthfile.conditions import Answer, NeedsShell, ShellSyntax, UnknownVariable, condition, items
from matrixbuild.core.earthfile.faults import EarthfileError, Fault, needs_earthly
from matrixbuild.core.earthfile.findings import Findings, Opacity
from matrixbuild.core.earthfile.flags import Flags, parse_flags, read_flags
from matrixbuild.core.earthfile.recipe import NeedsShell as ShellNode
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.tree_facts import TreeFacts
from matrixbuild.core.earthfile.values import Value
from matrixbuild.core.earthfile.visits import Block, Visits
from matrixbuild.core.problems import Place

Body = tuple[syntax.Statement, ...]


def run_body(target: Target, body: Body) -> None:
    """Go through statements. Raises EarthfileError."""
    builds.look_ahead(target, body, 0)
    for position, statement in enumerate(body, 1):
        _statement(target, statement)
        if isinstance(statement, Command) and statement.name in ("ARG", "LET", "SET"):
            builds.look_ahead(target, body, position)


def _statement(target: Target, statement: syntax.Statement) -> None:
    target.walk.at = statement.place if not isinstance(statement, syntax.With) else statement.command.place
    if target.walk.steps and not isinstance(statement, syntax.If):
        target.walk.steps.note(target, statement)
    match statement:
        case syntax.Command():
            target.walk.note(statement.name, declarations.noted(target, statement), listed=statement.exec_mode)
            _command(target, statement)
        case syntax.If():
            _if(target, statement)
        case syntax.For():
            _for(target, statement)
        case syntax.Wait():
            _wait(target, statement)
        case syntax.Try():
            _try(target, statement)
        case syntax.With():
            target.walk.note("WITH DOCKER", statement.command.args)
            if target.walk.findings:
                running.with_docker(target, target.walk.findings, statement, run_body)
                return
            target.check(statement.command)
            raise needs_earthly("WITH DOCKER runs containers, which", statement.place)


# Blocks ---------------------------------------------------------------------


def _if(target: Target, statement: syntax.If) -> None:
    if target.walk.findings:
        branches.if_(target, target.walk.findings, statement, run_body)
        return
    target.check_push_order(statement.place, "IF")
    if _holds(target, "IF", statement):
        run_body(target, statement.body)
        return
    for other in statement.else_ifs:
        if _holds(target, "ELSE IF", other):
            run_body(target, other.body)
            return
    run_body(target, statement.otherwise or ())


def _holds(target: Target, keyword: str, arm: syntax.If | syntax.ElseIf) -> bool:
    place = arm.place
    target.walk.note(keyword, arm.expression, listed=arm.exec_mode)
    flags = read_flags("IF", arm.expression, place=place)
    text = " ".join(flags.words)
    if not flags.words:
        raise EarthfileError(Fault.INVALID_ARG, f"{keyword} has no condition", place=place, hint='write IF [ "$NAME" = "value" ]')

    def ask() -> Answer:
        _check_container(flags)
        return condition(text, target.lookup_at(place), TreeFacts(target, place))

    return _asked(target, keyword, text, place, ask).status == 0


def _check_container(flags: Flags) -> None:
    """Raise NeedsShell for a flag that gives the shell what no image holds."""
    for name in ("mount", "privileged", "secret", "ssh"):
        if flags.has(name):
            raise NeedsShell(f"its --{name}")


def _asked(target: Target, keyword: str, text: str, place: Place, ask: Callable[[], Answer]) -> Answer:
    """What a shell in the image would answer; the target's tree then says that one is needed."""
    target.check_from(place, keyword)
    target.check_shell(place, f"{keyword} {text}")
    try:
        answer = ask()
    except NeedsShell as missing:
        raise needs_earthly(f"{keyword} {text} needs {missing}, which", place) from None
    except UnknownVariable as unknown:
        raise target.unknown(str(unknown), place) from None
    except ShellSyntax as wrong:
        raise EarthfileError(
            Fault.SYNTAX, f"{keyword} {text} is no shell expression: {wrong}", place=place, hint='write IF [ "$NAME" = "value" ]'
        ) from None
    target.walk.count(answer.taint, place)
    unmatched = tuple(target.absolute(pattern) for pattern in answer.unmatched)
    target.visit.tree = ShellNode(
        parent=target.visit.tree,
        command=f"{keyword} {text}",
        place=place,
        unmatched=unmatched,
        shells=answer.shells,
        result_file=keyword in ("IF", "ELSE IF"),
    )
    target.walk.forced.append(target.visit.tree)
    return answer


def _for(target: Target, statement: syntax.For) -> None:
    place = statement.place
    target.walk.note("FOR", statement.args)
    target.check_feature("for_in", place=place, what="FOR")
    flags = read_flags("FOR", statement.args, place=place)
    if len(flags.words) < 3:
        raise EarthfileError(Fault.INVALID_ARG, "FOR names no items", place=place, hint="write FOR name IN items")
    name, keyword, *words = flags.words
    if keyword != "IN":
        raise EarthfileError(Fault.SYNTAX, f"FOR {name} is followed by {keyword!r} and not by IN", place=place, hint="write FOR name IN items")
    text = " ".join(words)
    if target.walk.findings:
        loop = branches.Loop(name=name, text=text, flags=flags, body=statement.body, place=place)
        branches.for_(target, target.walk.findings, loop, run_body)
        return

    def ask() -> Answer:
        _check_container(flags)
        return items(text, flags.text("sep"), target.lookup_at(place), TreeFacts(target, place))

    answer = _asked(target, f"FOR {name} IN", text, place, ask)
    for item in answer.items:
        target.variables.frame.args.put(name, Value(text=item, taint=answer.taint))
        run_body(target, statement.body)
        target.variables.frame.args.remove(name)


def _wait(target: Target, statement: syntax.Wait) -> None:
    target.walk.note("WAIT", statement.args)
    for feature in ("wait_block", "referenced_save_only"):
        target.check_feature(feature, place=statement.place, what="WAIT")
    if statement.args:
        raise EarthfileError(Fault.INVALID_ARG, "WAIT takes no words", place=statement.place, hint="write WAIT alone on its line")
    block = Block()
    target.blocks.append(block)
    target.visit.blocks.append(block)
    run_body(target, statement.body)
    target.walk.note("END", ())
    target.blocks.pop()
    target.walk.forced.append(target.visit.tree)
    if target.visit.saving:
        block.wait()


def _try(target: Target, statement: syntax.Try) -> None:
    """TRY runs one RUN, so that only what is wrong with it can be told here."""
    place = statement.place
    target.walk.note("TRY", ())
    target.check_feature("try_", place=place, what="TRY")
    hint = "write one RUN in TRY, and SAVE ARTIFACT ... AS LOCAL in FINALLY"
    first = statement.body[0] if len(statement.body) == 1 else None
    if statement.caught is not None:
        raise EarthfileError(Fault.INVALID_ARG, "CATCH is not executed by any Earthly", place=place, hint=hint)
    if not isinstance(first, syntax.With) and not (isinstance(first, Command) and first.name == "RUN"):
        raise EarthfileError(Fault.INVALID_ARG, "TRY needs one RUN and nothing else", place=place, hint=hint)
    for each in statement.finally_ or ():
        if not isinstance(each, Command) or each.name != "SAVE ARTIFACT":
            raise EarthfileError(Fault.INVALID_ARG, "FINALLY takes nothing but SAVE ARTIFACT ... AS LOCAL", place=each.place, hint=hint)
    _statement(target, first)
    if target.walk.findings:
        target.walk.note("FINALLY", ())
        run_body(target, statement.finally_ or ())
        target.walk.note("END", ())


# Commands -------------------------------------------------------------------


def _command(target: Target, command: Command) -> None:
    if target.walk.findings is None:
        _carry_out(target, command)
        return
    running.seen(target, target.walk.findings, command, _PARTIAL.get(command.name, _as_ever))


def _as_ever(target: Target, _: Findings, command: Command) -> None:
    _carry_out(target, command)


def _carry_out(target: Target, command: Command) -> None:
    if command.name == "BUILD":
        builds.build(target, command, _shadow)
    elif command.name == "DO":
        builds.do(target, command, run_body)
    elif handler := _HANDLERS.get(command.name):
        handler(target, command)
    else:
        raise EarthfileError(Fault.SYNTAX, f"{command.name} is no command", place=command.place, hint="see Earthly's reference of Earthfile commands")


def _shadow(target: Target) -> Target:
    visits = Visits(upfront=target.walk.visits.upfront, decisions=target.walk.decisions)
    now = target.walk
    findings = None if now.findings is None else Findings(uncertain=now.findings.uncertain)
    fresh = {"declared": set[str](), "used": {}, "commands": [], "files": set[str](), "inside": list(now.inside), "bases": dict(now.bases)}
    walk = replace(now, visits=visits, findings=findings, **fresh)  # type: ignore[arg-type]
    return replace(target, walk=walk, visit=replace(target.visit, inputs={}), blocks=[Block()], ahead={})


def _run(target: Target, command: Command) -> None:
    if not command.args:
        raise EarthfileError(Fault.INVALID_ARG, "RUN names no command", place=command.place, hint="write RUN command")
    flags = parse_flags(command, expand=lambda word: target.known_text(word, command.place))
    if not flags.on("push"):
        target.check_push_order(command.place, command.name)
    target.check_from(command.place, command.name)
    raise needs_earthly("RUN executes a command in the image, which", command.place)


def _git_clone(target: Target, command: Command) -> None:
    target.check(command)
    raise needs_earthly("GIT CLONE fetches another repository, which", command.place)


def _locally(target: Target, command: Command) -> None:
    target.check_push_order(command.place, command.name)
    raise needs_earthly("LOCALLY runs commands on this machine, which", command.place)


def _cache(target: Target, command: Command) -> None:
    """CACHE: a directory for RUN alone, unless it is to stay in the image (always before 0.8)."""
    place = command.place
    target.check_feature("use_cache_command", place=place, what="CACHE")
    flags = parse_flags(command)
    if len(flags.words) != 1:
        raise EarthfileError(Fault.INVALID_ARG, "CACHE needs one directory", place=place, hint="write CACHE /directory")
    for word in (flags.words[0], flags.text("id"), flags.text("sharing"), flags.text("chmod")):
        target.text(word, place)
    target.check_from(place, command.name)
    if target.walk.findings:
        target.walk.findings.note(Opacity.TIME, place, "it keeps a directory of earlier builds")
    if flags.text("sharing") not in ("", "locked", "shared", "private"):
        summary = f"CACHE --sharing {flags.text('sharing')!r} is none of locked, shared and private"
        raise EarthfileError(Fault.INVALID_ARG, summary, place=place, hint="leave it out for locked")
    if flags.on("persist"):
        target.check_feature("cache_persist_option", place=place, what="CACHE --persist")
    if flags.on("persist") or not target.features.cache_persist_option:
        raise needs_earthly("CACHE keeps a directory of earlier builds in the image, which", place)


def _host(target: Target, command: Command) -> None:
    """HOST: a name for RUN alone."""
    place = command.place
    target.check_feature("use_host_command", place=place, what="HOST")
    if len(command.args) != 2:
        raise EarthfileError(Fault.INVALID_ARG, "HOST needs a name and an address", place=place, hint="write HOST example.com 192.0.2.1")
    address = [target.known_text(word, place) for word in command.args][1]
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise EarthfileError(Fault.INVALID_ARG, f"HOST: {address!r} is no IP address", place=place, hint="write HOST example.com 192.0.2.1") from None
    target.check_from(place, command.name)


def _project(target: Target, command: Command) -> None:
    """PROJECT names a project of Earthly's discontinued cloud; it has no effect on what is built."""
    target.check_feature("use_project_secrets", place=command.place, what="PROJECT")
    if len(command.args) != 1 or command.args[0].count("/") != 1:
        raise EarthfileError(
            Fault.INVALID_ARG,
            "PROJECT needs a name of the form organization/project",
            place=command.place,
            hint="or remove it: it has no effect on what is built",
        )


def _not_in_earthfiles(_: Target, command: Command) -> None:
    hints = {
        "ADD": "use COPY",
        "SHELL": "write the shell in RUN",
        "STOPSIGNAL": "set it in a base image",
        "ONBUILD": "write the commands in the target that needs them",
    }
    summary = f"{command.name} is a command of Dockerfiles that Earthfiles do not have"
    raise EarthfileError(Fault.UNSUPPORTED_COMMAND, summary, place=command.place, hint=hints[command.name])


def _function_keyword(_: Target, command: Command) -> None:
    hint = "a function's name is written in upper case, NAME: on a line of its own"
    raise EarthfileError(Fault.FEATURE_GATE, f"{command.name} stands in a target", place=command.place, hint=hint)


_PARTIAL: Mapping[str, Callable[[Target, Findings, Command], None]] = {
    "RUN": running.run,
    "GIT CLONE": running.git_clone,
    "LOCALLY": running.locally,
}
"""What a partial evaluation does with commands that only Earthly can carry out."""

_HANDLERS: Mapping[str, Callable[[Target, Command], None]] = {
    "FROM": froms.from_,
    "FROM DOCKERFILE": froms.from_dockerfile,
    "COPY": copies.copy,
    "SAVE ARTIFACT": copies.save_artifact,
    "SAVE IMAGE": saves.save_image,
    "ARG": declarations.arg,
    "LET": declarations.let,
    "SET": declarations.set_,
    "IMPORT": declarations.import_,
    "ENV": metadata.env,
    "LABEL": metadata.label,
    "USER": metadata.user,
    "WORKDIR": metadata.workdir,
    "CMD": metadata.cmd,
    "ENTRYPOINT": metadata.entrypoint,
    "EXPOSE": metadata.expose,
    "VOLUME": metadata.volume,
    "HEALTHCHECK": metadata.healthcheck,
    "RUN": _run,
    "GIT CLONE": _git_clone,
    "LOCALLY": _locally,
    "CACHE": _cache,
    "HOST": _host,
    "PROJECT": _project,
    **dict.fromkeys(("ADD", "SHELL", "STOPSIGNAL", "ONBUILD"), _not_in_earthfiles),
    **dict.fromkeys(("COMMAND", "FUNCTION"), _function_keyword),
}
