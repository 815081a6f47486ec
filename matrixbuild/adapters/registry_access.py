"""A repository -> whether its registry lets us push there, and what time it has: an upload is begun and cancelled, and nothing is left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from matrixbuild.adapters.network import Reach
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.adapters.registry_wire import Tuning

HASTY = Tuning(connect=5, read=10, upload=10, attempts=1, total=15)
"""For somebody who waits for the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A registry that would take an image. `ahead` are the seconds by which its clock is before ours (None: it tells no time)."""

    ahead: float | None


def try_push(host: str, repository: str, reach: Reach) -> Access:
    """Begin to push to a repository, and let it be. Raises UnusableError where the registry cannot be reached or does not allow it."""
    began = time.time()
    told = HttpRegistry(host, reach=reach, tuning=HASTY).begin_push(repository)
    return Access(ahead=_ahead(told, began, time.time()))


def _ahead(date: str, began: float, ended: float) -> float | None:
    """Nothing where it may as well be the same time: a Date has whole seconds, and the answer took some."""
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    if began - 1 <= theirs <= ended + 1:
        return 0.0
    return theirs - ended if theirs > ended else theirs + 1 - began
