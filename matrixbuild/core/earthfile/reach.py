"""A parsed Earthfile -> which files its FROM DOCKERFILEs may read, and what it takes from other repositories: all of it, whichever way it is run.

More may be named than a build uses: this is for what is done to a checkout that many builds share.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.flags import parse_flags
from matrixbuild.core.problems import Place

_REFERRING = frozenset({"FROM", "FROM DOCKERFILE", "BUILD", "COPY", "DO", "DOCKER", "IMPORT"})
_HEAD = re.compile(r"""(?:^|(?<=[\s=("']))([^\s=("'+\\]+)\+[A-Za-z]""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The files whose path ends with `path`, on a border of names ("" is every file); where it is `whole`, the one file that has this path."""

    path: str
    whole: bool = False

    def matches(self, path: str) -> bool:
        if self.whole or not self.path:
            return not self.path or path == self.path
        return f"/{path}".endswith(f"/{self.path}")


def dockerfiles(earthfile: syntax.Earthfile, directory: str) -> frozenset[Named]:
    """What the FROM DOCKERFILEs of the Earthfile in `directory` may read; any file of the checkout may have become an artifact."""
    return frozenset(_dockerfile(command, directory) for command in _commands(earthfile) if command.name == "FROM DOCKERFILE")


def foreign(earthfile: syntax.Earthfile) -> tuple[Place, ...]:
    """The commands that refer to an Earthfile of another repository, or may: what a reference begins with may be known only while it is built."""
    return tuple(command.place for command in _commands(earthfile) if command.name in _REFERRING and any(map(_is_foreign, _heads(command))))


def _commands(earthfile: syntax.Earthfile) -> Iterator[syntax.Command]:
    for body in (earthfile.base, *(recipe.body for recipe in (*earthfile.targets, *earthfile.functions))):
        yield from syntax.commands(body)


def _dockerfile(command: syntax.Command, directory: str) -> Named:
    try:
        flags = parse_flags(command)
    except EarthfileError:
        return Named(path="")
    context, path = " ".join(flags.words[:1]), flags.text("f")
    return _named(directory, path or f"{context}/Dockerfile", artifact="+" in (path or context))


def _named(directory: str, written: str, *, artifact: bool) -> Named:
    """What comes out of variables may be any names; `..` behind them takes away what they were."""
    if artifact or any(mark in written for mark in "\"'\\`"):
        return Named(path="")
    if "$" not in written:
        return Named(path=posixpath.normpath(posixpath.join(directory, written)), whole=True)
    names = written.split("/")
    last = max(at for at, name in enumerate(names) if "$" in name or name == "..")
    return Named(path="/".join(name for name in names[last + 1 :] if name not in ("", ".")))


def _heads(command: syntax.Command) -> Iterator[str]:
    """What stands before the `+` of references, and what IMPORT names."""
    for word in command.args:
        yield from _HEAD.findall(word)
    if command.name == "IMPORT":
        yield next((word for word in command.args if not word.startswith("--")), "").strip("\"'")


def _is_foreign(head: str) -> bool:
    return not head.startswith((".", "/", "~")) and any(mark in head for mark in "/:$")
