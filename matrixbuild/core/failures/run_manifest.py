"""The run manifest that Earthly and EarthBuild write -> what failed in it, where, and what else was going on.

Its form is protojson of a message that both programs share; nothing in it is trusted to be there, or to be of its type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matrixbuild.core.problems import Place
from matrixbuild.core.protojson import NOTHING, Json, from_base64, mapping, mappings, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command of the run: its text, the Earthly target it belongs to as a person names it (`+app`; "" for what is in our wrapper), where it
    stands, `status` without its prefix, and the error it was given."""

    name: str = ""
    earthly: str = ""
    place: Place | None = None
    status: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunManifest:
    """`status` and `type` (of the failure) without their prefixes, "" where there is none; `message` and `output` are the failure's; `failed` is
    the command that it names, `commands` are all. Where the Earthly target that was called stands in our own wrapper, `wrapper` is its directory and
    `checkout` that of the Earthfile it calls. `first_column` is added to columns, so that they begin with 1."""

    status: str = ""
    type: str = ""
    message: str = ""
    output: str = ""
    help: str = ""
    failed: Ran | None = None
    commands: tuple[Ran, ...] = ()
    checkout: str = ""
    wrapper: str = ""
    first_column: int = 0


def run_manifest(content: Json | None, checkout: str = "") -> RunManifest:
    """Files and Earthly targets are told from the checkout, where they are below it."""
    if content is None:
        return RunManifest()
    failure = mapping(content, "failure")
    names = _Names(content, checkout)
    commands = {number: names.ran(command) for number, command in mappings(content, "commands")}
    return RunManifest(
        status=text(content, "status").removeprefix("RUN_STATUS_"),
        type=text(failure, "type").removeprefix("FAILURE_TYPE_"),
        message=text(failure, "errorMessage"),
        output=from_base64(failure, "output").decode(errors="replace"),
        help=text(failure, "helpMessage"),
        failed=commands.get(text(failure, "commandId")),
        commands=tuple(commands.values()),
        checkout=names.checkout,
        wrapper=names.main if names.checkout else "",
        first_column=names.first_column,
    )


class _Names:
    """Earthly targets and files as the author of the Earthfile knows them. The one that was called may be our wrapper: then the directory of the
    first target it depends on is the checkout, and paths below it are told relative to it."""

    def __init__(self, content: Json, checkout: str) -> None:
        self._targets = dict(mappings(content, "targets"))
        self.main = text(self._targets.get(text(content, "mainTargetId"), NOTHING), "localPath")
        self.checkout = checkout or next(self._elsewhere(content), "")
        # Earthly counts columns from 0, EarthBuild from 1, and every target has a command in the first one.
        columns = (mapping(command, "sourceLocation").get("startColumn") for _, command in mappings(content, "commands"))
        self.first_column = int(any(column == 0 for column in columns))

    def _elsewhere(self, content: Json) -> Iterator[str]:
        needed = self._targets.get(text(content, "mainTargetId"), NOTHING).get("dependsOn")
        for number in needed if isinstance(needed, list) else []:
            path = text(self._targets.get(str(number), NOTHING), "localPath")
            # A reference by an absolute path is one that we wrote: an Earthfile that people share has none.
            if path.startswith("/") and path != self.main:
                yield path

    def ran(self, command: Json) -> Ran:
        target = self._targets.get(text(command, "targetId"), NOTHING)
        return Ran(
            name=text(command, "name"),
            earthly=self._earthly(target),
            # Within a git repository the file of our wrapper is told from its root: only its target tells whose it is.
            place=None if self._ours(target) else self._place(mapping(command, "sourceLocation")),
            status=text(command, "status").removeprefix("RUN_STATUS_"),
            error=text(command, "errorMessage"),
        )

    def _earthly(self, target: Json) -> str:
        if self._ours(target):
            return ""
        return relative(text(target, "canonicalName") or text(target, "name"), self.checkout)

    def _ours(self, target: Json) -> bool:
        return bool(self.checkout) and text(target, "localPath") == self.main

    def _place(self, location: Json) -> Place | None:
        file, line = text(location, "file"), location.get("startLine")
        if not file or not isinstance(line, int) or line < 1 or (self.checkout and is_in(file, self.main)):
            return None
        column = location.get("startColumn")
        return Place(file=relative(file, self.checkout), line=line, column=max(1, (column if isinstance(column, int) else 0) + self.first_column))


def is_in(file: str, directory: str) -> bool:
    return (file.rpartition("/")[0] or ".") == directory


def relative(name: str, checkout: str) -> str:
    """A path or the reference of an Earthly target, told from the checkout it is in."""
    if not checkout or not name.startswith(checkout):
        return name
    rest = name[len(checkout) :]
    if rest.startswith("/"):
        return rest[1:] if "+" not in rest else f".{rest}"
    return rest if rest.startswith("+") else name
