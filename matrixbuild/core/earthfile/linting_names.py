"""A step -> the names of variables that stand in it: as words, as `$NAME`, or in a file that it copies."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from matrixbuild.core.earthfile.environment import reads_everything
from matrixbuild.core.earthfile.linting_recipes import DECLARING, SHELL, Part, Sheet, Step
from matrixbuild.core.listing import Kind

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPANDED = re.compile(r"(?<!\\)\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_LITERAL = re.compile(r"'[^']*'")
_MOST_FILES = 200
"""A COPY of more files than these may bring a script that reads anything."""

EVERY = "*"
"""Stands among names for all there are."""


@lru_cache(maxsize=8192)
def words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


@lru_cache(maxsize=8192)
def expanded(text: str) -> frozenset[str]:
    """The names of which a text takes the values; what single quotes hold is not counted."""
    return frozenset(_EXPANDED.findall(_LITERAL.sub("", text)))


def written(step: Step) -> frozenset[str]:
    """The words of a step itself; those of an ARG or LET are in its value."""
    return words(step.value or "") if step.name in DECLARING else words(step.text)


def assigns(text: str, name: str) -> bool:
    """Whether a shell text gives a variable of this name a value itself."""
    form = rf"\b{name}\+?=|\bfor\s+{name}\b|\b(?:read|local|declare|export|getopts|mapfile|unset)\b[^;&|\n]*\b{name}\b|-v\s*{name}\b"
    return bool(re.search(form, text))


def takes_value(step: Step, name: str) -> bool:
    """Whether a step takes the value that a variable of the recipe has."""
    if step.name in DECLARING or step.name in ("SET", "ENV"):
        return name in expanded(step.value or "")
    return name in expanded(step.text) and not (step.name in SHELL and assigns(step.text, name))


class Naming:
    """Which names stand in which steps of one Earthfile, scripts that they copy included; where it cannot be told, all."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._known: dict[Step, frozenset[str]] = {}
        self._files: dict[str, frozenset[str]] = {}

    def names(self, step: Step) -> frozenset[str]:
        if step not in self._known:
            self._known[step] = frozenset()  # a function may DO itself
            self._known[step] = frozenset(self._of(step))
        return self._known[step]

    def reads(self, step: Step, name: str) -> bool:
        return self.reads_any(step, frozenset({name}))

    def reads_any(self, step: Step, names: frozenset[str]) -> bool:
        found = self.names(step)
        return EVERY in found or not names.isdisjoint(found)

    def _of(self, step: Step) -> Iterator[str]:
        yield from written(step)
        if step.name in SHELL and reads_everything(step.text):
            yield EVERY
        if step.name == "COPY":
            yield from self._copied(step)
        if step.name == "DO" and (function := self._function(step)):
            for inner in function.steps:
                yield from self.names(inner)

    def _function(self, step: Step) -> Part | None:
        word = next(iter(step.flags.words), "")
        return self._sheet.part(word[1:]) if word.startswith("+") else None

    def _copied(self, step: Step) -> Iterator[str]:
        for source in step.flags.words[:-1]:
            if "+" in source or source.startswith("("):
                continue
            path = self._with_defaults(source)
            paths = tuple(files_of(self._sheet, path))
            if "$" in path or len(paths) > _MOST_FILES:
                yield EVERY
                return
            for each in paths:
                yield from self._in(each)

    def _with_defaults(self, source: str) -> str:
        """A source with the defaults of global ARGs for their names; what it is given instead its authors do not see either."""
        for name in sorted(expanded(source), key=len, reverse=True):
            arg = self._sheet.global_args.get(name)
            if arg and arg.value:
                default = arg.value.strip("\"'")
                source = source.replace(f"${{{name}}}", default).replace(f"${name}", default)
        return source

    def _in(self, path: str) -> frozenset[str]:
        if path not in self._files:
            text = self._sheet.checkout.text(path) or ""
            self._files[path] = words(text) | ({EVERY} if reads_everything(text) and _is_script(text) else frozenset())
        return self._files[path]


def files_of(sheet: Sheet, source: str) -> Iterator[str]:
    """The files of the checkout that a source of a COPY may name, with everything below a directory."""
    wanted = posixpath.normpath(posixpath.join(sheet.directory, source.strip("\"'")))
    depth = 0 if wanted == "." else wanted.count("/") + 1
    for path, entry in sheet.checkout.listing.entries.items():
        if entry.kind is Kind.FILE and (not depth or _begins(path, wanted, depth)):
            yield path


def _begins(path: str, wanted: str, depth: int) -> bool:
    head = path.split("/")[:depth]
    return "/".join(head) == wanted or (len(head) == depth and all(map(fnmatch.fnmatchcase, head, wanted.split("/"))))


def _is_script(text: str) -> bool:
    return "\0" not in text


def local_declarations(part: Part) -> Mapping[str, tuple[Step, ...]]:
    """The steps of a recipe that make a name mean something in it: ARG, LET, FOR and ENV."""
    found: dict[str, list[Step]] = {}
    for step in part.of("ARG", "LET", "FOR", "ENV"):
        found.setdefault(step.declared or step.args[0], []).append(step)
    return {name: tuple(steps) for name, steps in found.items()}
