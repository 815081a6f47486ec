"""Builds get names that tell them apart, and names become slugs that are safe in paths."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core.cells import AxisValue, Cell

SLUG_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameless:
    """What a name is made of: the build key, the target, the axes that the used args depend on, and the cells."""

    key: str
    target: str
    axes: frozenset[str]
    cells: tuple[Cell, ...]


def names(builds: Iterable[Nameless]) -> dict[str, str]:
    """Build key -> `target[axis=value,...]`, each name once (design.md 6).

    A name has the axes its args depend on, where all cells of the build agree. Builds that would share a name also get the axes by which
    they differ; where that does not tell them apart (two keys for the same cells), the beginning of the key.
    """
    named = {build.key: _name(build, build.axes) for build in builds}
    for group in _doubles(named, builds):
        axes = _distinguishing([{axis: value.text for axis, value in _agreed(build.cells)} for build in group])
        named |= {build.key: _name(build, build.axes | axes) for build in group}
    for group in _doubles(named, builds):
        named |= {build.key: f"{named[build.key]}@{_hex(build.key, group)}" for build in group}
    return named


def slug(name: str) -> str:
    """A name as one path component: letters, digits, `.`, `_` and `-`, at most 80 of them, and 8 hex of the name.

    The hex keeps apart what differs only in the letters that were replaced or cut off, or, on some file systems, in upper and lower case.
    It is the name's and not the key's: the directory of a build stays where it is when the build changes.
    """
    safe = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.")[:SLUG_LENGTH].rstrip("-.")
    return f"{safe}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _name(build: Nameless, axes: frozenset[str]) -> str:
    told = ",".join([f"{axis}={value.text}" for axis, value in _agreed(build.cells) if axis in axes])
    return f"{build.target}[{told}]" if told else build.target


def _agreed(cells: tuple[Cell, ...]) -> Sequence[tuple[str, AxisValue]]:
    """The values that all cells have, sorted by their axes."""
    found: Sequence[tuple[str, AxisValue]] = cells[0].values
    for other in cells[1:]:
        texts = {axis: value.text for axis, value in other.values}
        found = [pair for pair in found if texts.get(pair[0]) == pair[1].text]
    return found


def _distinguishing(values: list[dict[str, str]]) -> frozenset[str]:
    axes = {axis for build in values for axis in build}
    return frozenset(axis for axis in axes if len({build.get(axis) for build in values}) > 1)


def _doubles(named: Mapping[str, str], builds: Iterable[Nameless]) -> list[list[Nameless]]:
    groups: defaultdict[str, list[Nameless]] = defaultdict(list)
    for build in builds:
        groups[named[build.key]].append(build)
    return [group for group in groups.values() if len(group) > 1]


def _hex(key: str, group: list[Nameless]) -> str:
    digits = [build.key.partition(":")[2] for build in group]
    length = next(length for length in (8, 16, 64) if len({each[:length] for each in digits}) == len(group))
    return key.partition(":")[2][:length]
