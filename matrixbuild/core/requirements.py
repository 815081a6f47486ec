"""What a profile requires of the files of a source -> what is missing, or must not be there, for the demands that would be built."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from matrixbuild.core.axes import Axes
from matrixbuild.core.cells import Cell
from matrixbuild.core.declared import Effect
from matrixbuild.core.demand import Arg, Demand
from matrixbuild.core.listing import Kind, Listing
from matrixbuild.core.problems import Place, Problem, Severity
from matrixbuild.core.rules import Deed, Matcher, matcher
from matrixbuild.core.spans import holds

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile, Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A source as a demand sees it; `text` gives what a file holds. Of `hidden` files (secrets) nothing is known but that they are there."""

    listing: Listing
    text: Callable[[str], str | None]
    hidden: frozenset[str] = frozenset()


def unmet(
    profile: Profile,
    demands: Sequence[Demand],
    cells_of: Mapping[tuple[str, Cell], tuple[Cell, ...]],
    axes: Axes,
    tree_of: Callable[[tuple[int, ...]], Tree],
    *,
    line: str,
    overrides: Mapping[str, Deed | None],
    place: Place,
) -> Iterator[Problem]:
    """Each requirement once, with the first target and cell that it stands in the way of. `place` is where the manifest names its source."""
    for each in profile.requirements:
        deed = overrides.get(each.rule, Deed.WARN if each.effect is Effect.WARN else Deed.DENY)
        if deed is None or not holds(each.span, line):
            continue
        severity = Severity.WARNING if deed is Deed.WARN else Severity.ERROR
        when = matcher(each.when, axes, [], inherited=True)
        asked = [demand for demand in demands if not each.targets or demand.target in each.targets]
        found = _first_missing(each, asked, partial(_concerned, when, cells_of), tree_of)
        if found:
            summary, arg = found
            named = f" (rule {each.rule})" if each.rule else ""
            yield Problem(summary=f"{summary}{named}", place=arg.place if arg else place, hint=each.reason, code="required-file", severity=severity)


def _concerned(when: Matcher, cells_of: Mapping[tuple[str, Cell], tuple[Cell, ...]], demand: Demand) -> bool:
    return any(map(when.matches, cells_of[demand.address]))


def _first_missing(
    each: Requirement, asked: Sequence[Demand], concerned: Callable[[Demand], bool], tree_of: Callable[[tuple[int, ...]], Tree]
) -> tuple[str, Arg | None] | None:
    """Each tree is looked at once for each text of the ARG: nothing else of a demand counts but for the words."""
    met = set[tuple[tuple[int, ...], str]]()
    for demand in asked:
        arg = next((arg for arg in demand.args if arg.name == each.arg and arg.value), None) if each.arg else None
        looked_at = (demand.variant, arg.value if arg else "")
        if looked_at in met or not concerned(demand):
            continue
        if told := _missing(each, demand, arg, tree_of(demand.variant)):
            return told, arg
        met.add(looked_at)
    return None


def _missing(each: Requirement, demand: Demand, arg: Arg | None, tree: Tree) -> str:
    """What is wrong; nothing is "". `arg` is what asked for it, of a requirement of an ARG."""
    wanted = f"{demand.target} ({demand.cell})" if demand.cell.values else demand.target
    if each.arg:
        if arg is None or _is_there(arg.value, tree.listing):
            return ""
        return f"the source has no {arg.value}, which {arg.name} names for {wanted}"
    if each.path:
        if not _is_there(each.path, tree.listing):
            return f"the source has no {each.path}, which {wanted} needs"
        lacks = each.containing and each.path not in tree.hidden and each.containing not in (tree.text(each.path) or "")
        return f"{each.path} of the source does not contain {each.containing!r}, which {wanted} needs" if lacks else ""
    bad = next((path for path in _forbidden(each, tree)), None)
    what = f" with {each.containing!r} in it" if each.containing else ", a secret" if each.of_secrets else ""
    return f"the source holds {bad}{what}, which must not be there" if bad else ""


def _is_there(path: str, listing: Listing) -> bool:
    """However it is written (`./a//b/`); the root is always there, and what is outside never is."""
    plain = posixpath.normpath(path)
    return plain == "." or plain in listing.entries


def _forbidden(each: Requirement, tree: Tree) -> Iterator[str]:
    for path, entry in sorted(tree.listing.entries.items()):
        if entry.kind is Kind.FILE and fnmatch.fnmatchcase(path, each.forbidden) and _counts(each, path, tree):
            yield path


def _counts(each: Requirement, path: str, tree: Tree) -> bool:
    return path in tree.hidden if each.of_secrets else each.containing in (tree.text(path) or "")
