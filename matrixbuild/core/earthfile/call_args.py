"""Words behind a reference (`+t --X=1 --Y 2`) -> the names and values that they give."""

from __future__ import annotations

from collections.abc import Callable

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.values import Value
from matrixbuild.core.problems import Place


def flag_args(values: list[Value], place: Place) -> list[tuple[str, Value]]:
    """Expanded `--X=1` and `--X`, `1` as names and values. Raises EarthfileError (INVALID_ARG)."""
    found: list[tuple[str, Value]] = []
    waiting = ""
    for value in values:
        if waiting:
            found.append((waiting, value))
            waiting = ""
            continue
        name, text = key_value(value.text.removeprefix("--") if value.text.startswith("--") else value.text.removeprefix("-"))
        if not value.text.startswith("-"):
            raise EarthfileError(Fault.INVALID_ARG, f"{value.text!r} is not an arg", place=place, hint="args are written --NAME=value")
        if text is None:
            waiting = name
        else:
            found.append((name, value.behind(len(value.text) - len(text))))
    if waiting:
        raise EarthfileError(Fault.INVALID_ARG, f"--{waiting} has no value", place=place, hint=f"write --{waiting}=value")
    return found


def build_arg(value: Value, current: Callable[[str], Value | None], place: Place) -> tuple[str, Value]:
    """The expanded `NAME=value` of a --build-arg; a name alone has the value it has here. Raises EarthfileError (INVALID_ARG) where that is none."""
    name, equals, text = value.text.partition("=")
    if equals:
        return name, value.behind(len(value.text) - len(text))
    here = current(name)
    if here is None:
        raise EarthfileError(
            Fault.INVALID_ARG, f"--build-arg {name} has no value, and {name} has none here", place=place, hint=f"write --{name}=value"
        )
    return name, here


def shell_command(value: Value) -> str | None:
    """What is within the `$(...)` that an expanded arg's value begins with; None where it begins otherwise."""
    text = value.text if value.text.startswith("$(") else value.text.partition("=")[2]
    return text.removeprefix("$(").removesuffix(")") if text.startswith("$(") else None


def key_value(text: str) -> tuple[str, str | None]:
    """`name=value`; a backslash in the name keeps the character behind it. None where there is no `=`."""
    name, at = "", 0
    while at < len(text):
        if text[at] == "=":
            return name, text[at + 1 :]
        if text[at] == "\\":
            at += 1
        name += text[at : at + 1]
        at += 1
    return name, None
