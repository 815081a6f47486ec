"""What a profile requires of the files of a source -> what is missing, or must not be there, for the demands that would be built."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matrixbuild.core.axes import Axes
from matrixbuild.core.cells import Cell
from matrixbuild.core.declared import Effect
from matrixbuild.core.demand import Arg, Demand
from matrixbuild.core.listing import Kind, Listing
from matrixbuild.core.problems import Place, Problem, Severity
from matrixbuild.core.rules import Deed, matcher
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
        concerned = (
            demand
            for demand in demands
            if (not each.targets or demand.target in each.targets) and any(when.matches(cell) for cell in cells_of[demand.target, demand.cell])
        )
        found = next((told for demand in concerned if (told := _missing(each, demand, tree_of(demand.variant)))), None)
        if found:
            summary, arg = found
            named = f" (rule {each.rule})" if each.rule else ""
            yield Problem(summary=f"{summary}{named}", place=arg.place if arg else place, hint=each.reason, code="required-file", severity=severity)


def _missing(each: Requirement, demand: Demand, tree: Tree) -> tuple[str, Arg | None] | None:
    """What is wrong, and the ARG that asked for it."""
    wanted = f"{demand.target} ({demand.cell})" if demand.cell.values else demand.target
    if each.arg:
        arg = next((arg for arg in demand.args if arg.name == each.arg and arg.value), None)
        if arg is None or _is_there(arg.value, tree.listing):
            return None
        return f"the source has no {arg.value}, which {arg.name} names for {wanted}", arg
    if each.path:
        if not _is_there(each.path, tree.listing):
            return f"the source has no {each.path}, which {wanted} needs", None
        lacks = each.containing and each.path not in tree.hidden and each.containing not in (tree.text(each.path) or "")
        return (f"{each.path} of the source does not contain {each.containing!r}, which {wanted} needs", None) if lacks else None
    bad = next((path for path in _forbidden(each, tree)), None)
    what = f" with {each.containing!r} in it" if each.containing else ", a secret" if each.of_secrets else ""
    return (f"the source holds {bad}{what}, which must not be there", None) if bad else None


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
