"""One instruction of a Dockerfile that changes no file, and a configuration, in; the changed configuration out."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import replace

from matrixbuild.core.earthfile.dockerfile_text import Instruction, json_words, listed, pairs
from matrixbuild.core.earthfile.faults import Fault
from matrixbuild.core.earthfile.flag_values import Form, read_value
from matrixbuild.core.earthfile.ports import exposed
from matrixbuild.core.images import Healthcheck, HistoryStep, ImageConfig

Expand = Callable[[str], str]
_DEFAULT_SHELL = ("/bin/sh", "-c")


def with_step(config: ImageConfig, text: str, *, layer: bool = False) -> ImageConfig:
    return replace(config, history=(*config.history, HistoryStep(created_by=text, layer=layer)))


def changed(config: ImageConfig, instruction: Instruction, expand: Expand, *, cmd_set: bool) -> ImageConfig:
    """`expand` gives a word its value; `cmd_set`: this stage has a CMD already, which an ENTRYPOINT then leaves alone."""
    made = _CHANGES[instruction.name](config, instruction, expand)
    if instruction.name == "ENTRYPOINT" and not cmd_set:
        made = replace(made, cmd=None)
    return with_step(made, f"{instruction.name} {instruction.value}")


def with_env(config: ImageConfig, name: str, value: str) -> ImageConfig:
    """A variable that was there keeps its place."""
    if name in dict(config.env):
        return replace(config, env=tuple((key, value if key == name else old) for key, old in config.env))
    return replace(config, env=(*config.env, (name, value)))


def workdir(config: ImageConfig, path: str) -> str:
    """Where WORKDIR leads from here: absolute and clean."""
    found = posixpath.normpath(posixpath.join(config.workdir or "/", path))
    return found.replace("//", "/", 1) if found.startswith("//") else found


def _env(config: ImageConfig, instruction: Instruction, expand: Expand) -> ImageConfig:
    # All values of one ENV see the environment before it.
    for name, value in [(expand(name), expand(value)) for name, value in pairs(instruction)]:
        config = with_env(config, name, value)
    return config


def _label(config: ImageConfig, instruction: Instruction, expand: Expand) -> ImageConfig:
    labels = dict(config.labels) | {expand(name): expand(value) for name, value in pairs(instruction)}
    return replace(config, labels=tuple(labels.items()))


def _user(config: ImageConfig, instruction: Instruction, expand: Expand) -> ImageConfig:
    return replace(config, user=expand(instruction.word(instruction.rest)))


def _expose(config: ImageConfig, instruction: Instruction, expand: Expand) -> ImageConfig:
    try:
        found = exposed(tuple(part for word in listed(instruction) for part in expand(word).split()))
    except ValueError as error:
        raise instruction.error(f"{error}", fault=Fault.INVALID_ARG, hint="write EXPOSE 80, 80-82 or 53/udp") from error
    return replace(config, exposed_ports=config.exposed_ports | found)


def _volume(config: ImageConfig, instruction: Instruction, expand: Expand) -> ImageConfig:
    volumes = [expand(word) for word in listed(instruction)]
    if "" in volumes:
        raise instruction.error("a VOLUME is not the empty text", fault=Fault.INVALID_ARG)
    return replace(config, volumes=config.volumes | frozenset(volumes))


def _command(config: ImageConfig, text: str) -> tuple[str, ...]:
    words = json_words(text)
    return (*(config.shell or _DEFAULT_SHELL), text) if words is None else words


def _cmd(config: ImageConfig, instruction: Instruction, _expand: Expand) -> ImageConfig:
    return replace(config, cmd=_command(config, instruction.value))


def _entrypoint(config: ImageConfig, instruction: Instruction, _expand: Expand) -> ImageConfig:
    return replace(config, entrypoint=_command(config, instruction.value))


def _shell(config: ImageConfig, instruction: Instruction, _expand: Expand) -> ImageConfig:
    words = json_words(instruction.value)
    if not words:
        raise instruction.error("SHELL needs a JSON list", hint='write SHELL ["/bin/bash", "-c"]')
    return replace(config, shell=words)


def _stop_signal(config: ImageConfig, instruction: Instruction, expand: Expand) -> ImageConfig:
    return replace(config, stop_signal=expand(instruction.word(instruction.rest)))


def _on_build(config: ImageConfig, instruction: Instruction, _expand: Expand) -> ImageConfig:
    return replace(config, on_build=(*config.on_build, instruction.value))


def _maintainer(config: ImageConfig, _instruction: Instruction, _expand: Expand) -> ImageConfig:
    return config  # an image's author, which Earthly does not keep either; the history names it


_DURATIONS = {"interval": "interval", "timeout": "timeout", "start-period": "start_period", "start-interval": "start_interval"}


def _health(config: ImageConfig, instruction: Instruction, _expand: Expand) -> ImageConfig:
    kind, _blank, rest = instruction.rest.partition(" ")
    if kind.upper() == "NONE":
        return replace(config, healthcheck=Healthcheck(test=("NONE",)))
    if kind.upper() != "CMD" or not rest.strip():
        raise instruction.error("HEALTHCHECK needs CMD and a command, or NONE")
    words = json_words(rest.strip())
    test = ("CMD-SHELL", rest.strip()) if words is None else ("CMD", *words)
    try:
        numbers = {name: int(read_value(Form.DURATION, value)) for flag, name in _DURATIONS.items() if (value := instruction.flag(flag))}
        retries = int(read_value(Form.COUNT, instruction.flag("retries") or "0"))
    except ValueError as error:
        raise instruction.error(f"{error}", fault=Fault.INVALID_ARG) from error
    return replace(config, healthcheck=Healthcheck(test=test, retries=retries, **numbers))


_CHANGES: dict[str, Callable[[ImageConfig, Instruction, Expand], ImageConfig]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _health,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _on_build,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
}
