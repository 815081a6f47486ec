"""What builds begin with, and the builders that there are -> the builder that does it, so that the steps of many are done in one place, once.

The same groups go to the same builders in every run, and in those of a part of the builds: a builder that was chosen has the steps. So the choice
hangs on names (rendezvous hashing), and on how much there is only where one builder would have more than its share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def routes(groups: Mapping[str, int], builders: int) -> dict[str, int]:
    """By group, the number (from 0) of its builder; `groups` are so many builds each. No builder gets another group that has its share already."""
    share = sum(groups.values()) / builders if builders else 0.0
    load = [0] * builders
    found: dict[str, int] = {}
    for group in sorted(groups, key=lambda each: (-groups[each], each)):
        free = [number for number in range(builders) if load[number] < share] or range(builders)
        found[group] = max(free, key=lambda number: _weight(group, number))
        load[found[group]] += groups[group]
    return found


def _weight(group: str, builder: int) -> bytes:
    return hashlib.sha256(f"{builder} {group}".encode("utf-8", "surrogatepass")).digest()
