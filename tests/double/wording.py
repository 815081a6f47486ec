"""What is wrong with an Earthfile or an image -> the failure as the real programs tell it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from matrixbuild.adapters.engines.embedded.bases import BaseImageError
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from tests.double.ends import RATE_HELP, Ended, Unable
from tests.double.naming import Names
from tests.double.plain_registry import Refused
from tests.double.steps import Step

_REFERENCE = re.compile(r"[^\s(]*\+[A-Za-z][A-Za-z0-9.-]*")
_NOWHERE = object()


def told(error: Exception, inside: Sequence[Step], main: str, names: Names) -> Ended:
    """The end of a call whose evaluation stopped with `error` inside of these commands, the outermost first. Raises Unable, or the error itself
    where it is none of an Earthfile or an image."""
    if isinstance(error, BaseImageError | Refused):
        return _of_image(error, inside, names)
    if isinstance(error, EarthfileError):
        return _of_earthfile(error, inside, main, names)
    raise error


def _of_earthfile(error: EarthfileError, inside: Sequence[Step], main: str, names: Names) -> Ended:
    if error.fault in (Fault.NEEDS_EARTHLY, Fault.UNKNOWN_VALUE):
        raise Unable(str(error))
    if error.fault is Fault.IMAGE_CONFLICT:
        name = re.search(r"SAVE IMAGE (\S+)", error.summary)
        return Ended(kind="OTHER", message=f"SAVE IMAGE {name[1] if name else ''} was already declared (none had --platform values)")
    if unread := _unread(error, inside, main, names):
        return _chained(unread, "", inside, names, entered=False)
    if error.fault is Fault.UNKNOWN_TARGET and inside:
        return _not_found(error, inside, names)
    if not inside:
        missing = f"target {main.rpartition('+')[2]} not found"
        earthfile = "" if names.flavor.is_earthbuild else "Earthfile:0:0 "
        return Ended(kind="OTHER", message=missing) if not earthfile else Ended(kind="SYNTAX", message=f"{earthfile}{missing}\nin\t\t{main}")
    last = inside[-1]
    why, given = _why(error, last)
    message = f"{names.place(last.place)} {why}"
    return _chained(message, f"\nin\t\t{names.target(last.visit)}{given}", inside, names)


def _unread(error: EarthfileError, inside: Sequence[Step], main: str, names: Names) -> str:
    """The text where a whole Earthfile cannot be read: none there, no VERSION, or wrong."""
    target = reference_of(inside[-1]) if inside else main
    if inside and inside[-1].name in ("FROM +base", "IF"):
        return ""
    where = f"resolve build context for target {target}: "
    earthbuild = names.flavor.is_earthbuild
    if error.fault is Fault.UNKNOWN_TARGET and error.summary.startswith("there is no Earthfile"):
        key = f"cache: load key {target.rpartition('+')[0] or '.'}: " if earthbuild else ""
        return f"{where}{key}No Earthfile nor build.earth file found for target {target}"
    if error.place is None or (inside and error.place.file == inside[-1].place.file):
        return ""
    file = names.file(error.place)
    if error.fault is Fault.VERSION:
        return where + _version(error, file, earthbuild=earthbuild)
    if error.fault in (Fault.SYNTAX, Fault.VALIDATION):
        line, column = error.place.line, error.place.column
        said = f"lexer error: {file}\nsyntax error: line {line}:{column - 1}: token recognition error at: {error.place.text!r}"
        return where + (f"cache: load key {file}: syntax error at pos {column}: {error.summary}" if earthbuild else said)
    return ""


def _version(error: EarthfileError, file: str, *, earthbuild: bool) -> str:
    if error.summary == "the Earthfile has no VERSION":
        return f"cache: load key .: no version specified in ./{file}" if earthbuild else f"No version specified in ./{file}"
    if earthbuild:
        return f"cache: load key {file}: validation issues: invalid VERSION in {file}, supported versions are 0.6, 0.7, or 0.8"
    return "1 validation issues.\n- Earthfile version is invalid, supported versions are 0.6, 0.7, or 0.8"


def _not_found(error: EarthfileError, inside: Sequence[Step], names: Names) -> Ended:
    reference = reference_of(inside[-1])
    directory, _, name = reference.rpartition("+")
    where = "" if names.flavor.is_earthbuild else f"{directory or '.'}/Earthfile:0:0 "
    return _chained(f"{where}target {name} not found", f"\nin\t\t{reference}", inside, names, entered=False)


def _why(error: EarthfileError, step: Step) -> tuple[str, str]:
    """What follows the place; and what follows the name of the Earthly target."""
    if error.fault is Fault.REQUIRED_ARG:
        name = next(word for word in step.text.split()[1:] if not word.startswith("--"))
        return f"apply ARG: value not supplied for required ARG: {name}", f" --{name}="
    if error.fault is Fault.PUSH_ORDER:
        return "no non-push commands allowed after a --push", ""
    return f"apply {step.name}: {error.summary}", ""


def _of_image(error: BaseImageError | Refused, inside: Sequence[Step], names: Names) -> Ended:
    step = inside[-1]
    ref = step.text.split()[-1]
    why = error.text if isinstance(error, Refused) else f"{ref}: not found"
    key = f"cache: load key {{{ref} linux/amd64}}: " if names.flavor.is_earthbuild else ""
    message = f"{names.place(step.place)} apply FROM {ref}: resolve image config for {ref}: {key}{why}"
    ended = _chained(message, f"\nin\t\t{names.target(step.visit)}", inside, names)
    if isinstance(error, Refused) and error.status == 429:
        return Ended(kind="RATE_LIMITED", message=f"build target: build main: {ended.message}", help=RATE_HELP)
    return ended


def _chained(message: str, tail: str, inside: Sequence[Step], names: Names, *, entered: bool = True) -> Ended:
    """What the commands add that led there; where the last one's own target was not `entered`, it too. With one `in` after it all, it is an
    error of syntax."""
    inner = [*inside[1:], None if entered else _NOWHERE]
    leads = [
        step for step, after in zip(inside, inner, strict=False) if after is _NOWHERE or (isinstance(after, Step) and after.visit is not step.visit)
    ]
    for step in reversed(leads):
        reference = reference_of(step)
        verb = {"FROM +base": "FROM", "FROM": f"FROM {reference}"}.get(step.name, step.text)
        build = "" if step.name == "BUILD" else f"apply build {reference}: "
        message = f"{names.place(step.place)} apply {verb}: {build}earthfile2llb for {reference}: {message}"
        tail += f"\nin\t\t{names.target(step.visit)}"
    return Ended(kind="SYNTAX" if tail.count("\nin\t\t") == 1 else "OTHER", message=message + tail)


def reference_of(step: Step) -> str:
    """The target that a command refers to, as it names it."""
    found = _REFERENCE.search(step.text)
    return found[0] if found else ""
