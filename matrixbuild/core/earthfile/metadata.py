"""ENV, LABEL, USER, WORKDIR and the other commands that change an image's configuration."""

from __future__ import annotations

import json
import posixpath
from dataclasses import replace

from matrixbuild.core.earthfile.environment import say_program
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.flags import Flags, parse_flags
from matrixbuild.core.earthfile.ports import exposed
from matrixbuild.core.earthfile.recipe import MadeDirectory
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.images import Healthcheck


def env(target: Target, command: Command) -> None:
    """ENV NAME=value; the name is not expanded."""
    target.check(command)
    name = command.args[0]
    value = target.expand(command.args[2] if len(command.args) == 3 else "", command.place)
    # Who reads the variable later decides by the overrides behind its value.
    text = target.walk.use(value, command.place, decides=False)
    target.variables.envs.put(name, value)
    config = target.visit.config
    names = [each for each, _ in config.env]
    pairs = tuple((each, text if each == name else old) for each, old in config.env)
    target.visit.config = replace(config, env=pairs if name in names else (*pairs, (name, text)))
    target.step(f"ENV {name}={text}")


def label(target: Target, command: Command) -> None:
    """LABEL name=value ..."""
    target.check_push_order(command.place, command.name)
    given: dict[str, str] = {}
    for name, _, value in zip(command.args[::3], command.args[1::3], command.args[2::3], strict=True):
        key = target.text(name, command.place)
        if key.startswith("dev.earthly."):
            raise EarthfileError(
                Fault.INVALID_ARG, f"the label {key} is Earthly's own", place=command.place, hint="labels that begin with dev.earthly. are reserved"
            )
        given[key] = target.text(value, command.place)
    if not given:
        raise EarthfileError(Fault.INVALID_ARG, "LABEL names no label", place=command.place, hint="write LABEL name=value")
    target.check_from(command.place, command.name)
    labels = dict(target.visit.config.labels) | given
    target.visit.config = replace(target.visit.config, labels=tuple(labels.items()))
    target.step("LABEL " + " ".join(f"{key}={value}" for key, value in given.items()))


def _one_word(target: Target, command: Command) -> str:
    target.check_push_order(command.place, command.name)
    if len(command.args) != 1:
        hint = f'put it in quotes where it holds a blank: {command.name} "a b"'
        raise EarthfileError(Fault.INVALID_ARG, f"{command.name} takes one word, not {len(command.args)}", place=command.place, hint=hint)
    # A working directory decides on which file a later path means.
    text = target.walk.use(target.expand(command.args[0], command.place), command.place, decides=command.name == "WORKDIR")
    target.check_from(command.place, command.name)
    return text


def user(target: Target, command: Command) -> None:
    """USER name[:group]."""
    text = _one_word(target, command)
    target.visit.config = replace(target.visit.config, user=text)
    target.step(f"USER {text}")


def workdir(target: Target, command: Command) -> None:
    """WORKDIR path: relative to the one before; made unless it is the root.

    Earthly keeps two: the directory that copies are relative to, and the one of the configuration. A FROM of a target that went on after
    its SAVE IMAGE takes them from different moments.
    """
    text = _one_word(target, command)
    visit = target.visit
    visit.workdir = text if text.startswith("/") else _joined("/", visit.workdir, text)
    written = text if text.startswith("/") else _joined("/", visit.config.workdir, text)
    visit.config = replace(visit.config, workdir=written)
    made = _joined("/", written)
    if written != "/":
        visit.tree = MadeDirectory(parent=visit.tree, path=made, user=visit.config.user, place=command.place)
    target.step(f"WORKDIR {text}", layer=written != "/")


def _joined(*parts: str) -> str:
    return "/" + posixpath.normpath("/".join(part for part in parts if part)).lstrip("/")


def _command_line(target: Target, command: Command) -> tuple[str, ...]:
    """A JSON list as it is; else a shell that runs the words, each expanded by itself."""
    target.check_push_order(command.place, command.name)
    words = command.args if command.exec_mode else ("/bin/sh", "-c", " ".join(target.text(word, command.place) for word in command.args))
    target.check_from(command.place, command.name)
    target.step(f"{command.name} {json.dumps(list(words))}")
    return words


def cmd(target: Target, command: Command) -> None:
    """CMD."""
    words = _command_line(target, command)
    target.visit.config = replace(target.visit.config, cmd=words)
    target.cmd_set = True


def entrypoint(target: Target, command: Command) -> None:
    """ENTRYPOINT: it drops a CMD that came from the base."""
    words = _command_line(target, command)
    if target.walk.findings:
        # RUN --entrypoint runs it, here or in what starts from here.
        say_program(target.walk.findings, target.visit, " ".join(command.args), command.place)
    config = replace(target.visit.config, entrypoint=words)
    target.visit.config = config if target.cmd_set else replace(config, cmd=None)


def _words(target: Target, command: Command) -> tuple[str, ...]:
    target.check_push_order(command.place, command.name)
    if not command.args:
        raise EarthfileError(
            Fault.INVALID_ARG, f"{command.name} names nothing", place=command.place, hint=f"write {command.name} followed by one word or more"
        )
    return tuple(target.known_text(word, command.place) for word in command.args)


def expose(target: Target, command: Command) -> None:
    """EXPOSE port ..."""
    words = _words(target, command)
    try:
        ports = exposed(words)
    except ValueError as error:
        raise EarthfileError(
            Fault.INVALID_ARG, f"EXPOSE: {error}", place=command.place, hint="a port is a number up to 65535, with /udp where it is not TCP"
        ) from None
    target.check_from(command.place, command.name)
    config = target.visit.config
    target.visit.config = replace(config, exposed_ports=config.exposed_ports | ports)
    target.step(f"EXPOSE {' '.join(words)}")


def volume(target: Target, command: Command) -> None:
    """VOLUME path ..., or a JSON list of them."""
    words = _words(target, command)
    target.check_from(command.place, command.name)
    config = target.visit.config
    target.visit.config = replace(config, volumes=config.volumes | frozenset(words))
    target.step(f"VOLUME {' '.join(words)}")


def healthcheck(target: Target, command: Command) -> None:
    """HEALTHCHECK CMD ... or NONE: the words always become one shell text."""
    target.check_push_order(command.place, command.name)
    flags = parse_flags(command)
    words = _checked_words(flags, command)
    test = ("CMD-SHELL", " ".join(target.text(word, command.place) for word in words)) if words else ("NONE",)
    target.check_from(command.place, command.name)
    target.visit.config = replace(target.visit.config, healthcheck=_check(test, flags))
    target.step(f"HEALTHCHECK {' '.join(flags.words)}")


def _checked_words(flags: Flags, command: Command) -> tuple[str, ...]:
    """The words behind CMD; none for NONE."""
    match flags.words:
        case ("NONE",):
            return ()
        case ("CMD", _, *_):
            return flags.words[1:]
        case (first, *_) if first.startswith("["):
            raise EarthfileError(
                Fault.UNSUPPORTED_COMMAND, "HEALTHCHECK [...] is no command of an Earthfile", place=command.place, hint="write HEALTHCHECK CMD ..."
            )
    raise EarthfileError(
        Fault.INVALID_ARG,
        f"HEALTHCHECK cannot read {' '.join(flags.words)!r}",
        place=command.place,
        hint="write HEALTHCHECK CMD ... or HEALTHCHECK NONE",
    )


def _check(test: tuple[str, ...], flags: Flags) -> Healthcheck:
    if test == ("NONE",):
        return Healthcheck(test=test)
    return Healthcheck(
        test=test,
        interval=flags.number("interval"),
        timeout=flags.number("timeout"),
        start_period=flags.number("start-period"),
        start_interval=flags.number("start-interval"),
        retries=flags.number("retries"),
    )
