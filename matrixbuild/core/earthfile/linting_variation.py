"""An Earthfile -> its ARGs that differ from build to build for sure, and how one knows: what its own references give, what only names images."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from matrixbuild.core.earthfile.linting_names import expanded, words, written
from matrixbuild.core.earthfile.linting_recipes import Part, Sheet, Step
from matrixbuild.core.earthfile.reserved import RESERVED

_GIVEN = re.compile(r"""(?<![\w-])--([A-Za-z_]\w*)(?:=|\s+)("[^"]*"|'[^']*'|[^\s)"']+)""")
_REFERENCE = re.compile(r"""(?:^|[\s(="'])\+([a-z][a-zA-Z0-9.-]*)""")
_CALLS = frozenset({"BUILD", "FROM", "COPY", "DOCKER"})
_OF_COMMIT = frozenset(name for name in RESERVED if name.startswith("EARTHLY_GIT_") or name == "EARTHLY_SOURCE_DATE_EPOCH")
_OF_COMMIT_EVER = _OF_COMMIT - {"EARTHLY_GIT_PROJECT_NAME", "EARTHLY_GIT_ORIGIN_URL", "EARTHLY_GIT_ORIGIN_URL_SCRUBBED"}


class Variation:
    """Why values differ, as a clause; no ARG of which that is only likely."""

    def __init__(self, sheet: Sheet) -> None:
        self._given = _given(sheet)
        self._name_only = frozenset(_name_only(sheet))

    def of_global(self, name: str) -> str:
        """Of an ARG that all recipes see; "" where nothing proves it."""
        everywhere: dict[str, Step] = {value: step for (_, given), values in self._given.items() if given == name for value, step in values.items()}
        if found := _differs(name, everywhere):
            return found
        if name in self._name_only:
            return "it is named in nothing but names of images"
        return self.of_builtin(name)

    def of_local(self, part: Part, name: str) -> str:
        """Of an ARG that one recipe declares."""
        return _differs(name, self._given.get((part.name, name), {})) or self.of_builtin(name)

    @staticmethod
    def of_builtin(name: str) -> str:
        return "each commit has another one" if name in _OF_COMMIT_EVER else ""


def _differs(name: str, values: Mapping[str, Step]) -> str:
    """Whether references give several values. One that hands on the variable of the same name tells nothing."""
    counted = [value for value in values if expanded(value) != {name}]
    places = sorted({step.place.line for value, step in values.items() if value in counted})
    if len(counted) > 1 or any("$" in value for value in counted):
        return f"line {places[0]} gives it several values"
    return ""


def _given(sheet: Sheet) -> dict[tuple[str, str], dict[str, Step]]:
    """(Earthly target, ARG) -> the values that references in this Earthfile give it, each with the first step that does."""
    found: defaultdict[tuple[str, str], dict[str, Step]] = defaultdict(dict)
    for part in sheet.everything:
        for step in part.of(*_CALLS):
            for target in _REFERENCE.findall(step.text) or (["$"] if "+$" in step.text else []):
                for name, value in _GIVEN.findall(step.text):
                    found[target, name].setdefault(value.strip("\"'"), step)
    return dict(found)


def _name_only(sheet: Sheet) -> Iterator[str]:
    """The global ARGs that are named for SAVE IMAGE alone: by themselves, through defaults, or through an IF that only sets such ARGs."""
    readers = {name: tuple(_readers(sheet, name)) for name in sheet.global_args}
    left = {name for name, found in readers.items() if found}
    while True:
        wrong = {name for name in left if not all(_only_names(sheet, part, step, left) for part, step in readers[name])}
        if not wrong:
            yield from left
            return
        left -= wrong


def _readers(sheet: Sheet, name: str) -> Iterator[tuple[Part, Step]]:
    for part in sheet.everything:
        for step in part.steps:
            if name in written(step):
                yield part, step


def _only_names(sheet: Sheet, part: Part, step: Step, left: set[str]) -> bool:
    if step.name == "SAVE IMAGE":
        return True
    if part is not sheet.base:
        return False
    if step.name == "ARG":
        return step.declared in left
    return step.name in ("IF", "ELSE IF") and all(inner.name == "ARG" and inner.declared in left for inner in controlled(part, step))


def controlled(part: Part, step: Step) -> Iterator[Step]:
    """The steps in the ways of an IF, and in those of an ELSE IF and what follows it."""
    depth = len(step.blocks)
    for inner in part.after(step):
        if len(inner.blocks) <= depth and inner.name != "ELSE IF":
            return
        if inner.name == "ELSE IF" and len(inner.blocks) == depth:
            continue
        if inner.blocks[:depth] != step.blocks:
            return
        yield inner


def behind(sheet: Sheet, name: str) -> frozenset[str]:
    """A global ARG, and those whose values come of it: through defaults, and through IFs above the targets."""
    found = {name}
    while True:
        new = {step.declared for step in _derived(sheet, found)} - found
        if not new:
            return frozenset(found)
        found |= new


def _derived(sheet: Sheet, names: set[str]) -> Iterator[Step]:
    for step in sheet.base.steps:
        if step.name in ("ARG", "LET") and names & words(step.value or ""):
            yield step
        if step.name in ("IF", "ELSE IF", "FOR") and names & words(step.text):
            yield from (inner for inner in controlled(sheet.base, step) if inner.name in ("ARG", "LET"))
