"""Failures, with the cells they happened to, become causes: each told once, with the axis values that all of its cells have and no built one has."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from matrixbuild.core.cells import Cell
from matrixbuild.core.failure import Failure
from matrixbuild.core.graph import Address

_VARYING = (
    # Order matters: what holds another form inside comes first.
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b"), "<time>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}:\d+->"), "<from>->"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\bv?\d+(?:\.\d+)+(?=[^\d.:]|[.:](?!\d)|$)"), "<version>"),
    (re.compile(r"\b\d{4,}\b"), "<number>"),
    (re.compile(r"\s+"), " "),
)
"""What differs between two failures of one cause: times, ids, digests, versions, large numbers. Small whole numbers tell causes apart: exit
codes, status codes, lines of an Earthfile; so do addresses with a port."""

_MOST_COMBINED = 3
"""A combination of more axis values than that explains nothing to anybody, and there are too many of them."""

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A build that failed: its target, and the cells it was for."""

    build: str
    target: str
    cells: tuple[Cell, ...]
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What made `builds` (sorted) fail; `failure` is the first one's. `shared` are (axis, value) that tell the failing cells from those built:
    each by itself where there are such, else the smallest combination; nothing where only one cell failed, or nothing tells."""

    failure: Failure
    builds: tuple[str, ...]
    shared: tuple[tuple[str, str], ...] = ()

    @property
    def told(self) -> str:
        """`{os=opensuse-leap-15.6}`, or nothing."""
        return "{" + ",".join(f"{axis}={value}" for axis, value in self.shared) + "}" if self.shared else ""


def cause_key(failure: Failure, values: Iterable[str] = ()) -> str:
    """The same for two failures that one cause explains: kind, host and words, without what varies. `values` vary too: axis values of the cells."""
    words = "\n".join((failure.summary, *failure.lines))
    for value in sorted({value for value in values if len(value) > 1}, key=lambda value: (-len(value), value)):
        words = re.sub(rf"(?<![\w.]){re.escape(value)}(?![\w.])", "<value>", words)
    for pattern, name in _VARYING:
        words = pattern.sub(name, words)
    return f"{failure.kind} {failure.host} {words.strip()}"


def causes(losses: Iterable[Loss], *, built: Iterable[Address], run: Iterable[Address]) -> tuple[Cause, ...]:
    """Each cause once, that of most builds first. `built` are target and cell of what was built, `run` of everything that was to be built.

    Cells are compared within the targets that failed: that a base image was built for an OS says nothing of what is built on it.
    """
    groups: defaultdict[str, list[Loss]] = defaultdict(list)
    for loss in sorted(losses, key=lambda loss: loss.build):
        groups[cause_key(loss.failure, _texts(loss.cells))].append(loss)
    good, everything = list(built), list(run)
    found = [_cause(group, good, everything) for group in groups.values()]
    return tuple(sorted(found, key=lambda cause: (-len(cause.builds), cause.builds)))


def _texts(cells: Iterable[Cell]) -> set[str]:
    values = [value for cell in cells for _, value in cell.values if value.scalar is None or isinstance(value.scalar, str)]
    return {text for value in values for text in (value.text, *(text for _, text in value.fields))}


def _cause(group: Sequence[Loss], good: Sequence[Address], everything: Sequence[Address]) -> Cause:
    targets = {loss.target for loss in group}
    bad = {cell for loss in group for cell in loss.cells}
    others = {cell for target, cell in good if target in targets}
    everyone = bad | others | {cell for target, cell in everything if target in targets}
    shared = _telling([_pairs(cell) for cell in bad], [_pairs(cell) for cell in others], [_pairs(cell) for cell in everyone]) if len(bad) > 1 else ()
    return Cause(failure=group[0].failure, builds=tuple(loss.build for loss in group), shared=shared)


def _telling(bad: Sequence[Pairs], good: Sequence[Pairs], everyone: Sequence[Pairs]) -> tuple[tuple[str, str], ...]:
    # What every cell of the run has tells nothing.
    shared = sorted(frozenset.intersection(*bad) - frozenset.intersection(*everyone))
    if single := tuple(pair for pair in shared if not any(pair in pairs for pairs in good)):
        return single
    combined = (chosen for size in range(2, _MOST_COMBINED + 1) for chosen in combinations(shared, size))
    return next((chosen for chosen in combined if not any(pairs.issuperset(chosen) for pairs in good)), ())


def _pairs(cell: Cell) -> Pairs:
    return frozenset((axis, value.text) for axis, value in cell.values)
