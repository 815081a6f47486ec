"""A manifest (or none) and this machine -> everything that an apply would need, each looked at within a time, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from matrixbuild.adapters.bounded import within
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.checkup import Check, Checkup, fail
from matrixbuild.workflow.doctoring_builders import check_builders
from matrixbuild.workflow.doctoring_machine import check_fips, check_git, check_network, check_secrets
from matrixbuild.workflow.doctoring_needs import read_needs
from matrixbuild.workflow.doctoring_registries import check_registries
from matrixbuild.workflow.options import PLAIN, Options

_SECONDS = 60.0
"""For one group of checks, each of which has times of its own: what is left are names that nobody resolves and disks that nobody answers for."""

_Look = Callable[[], Iterable[Check]]


def examine(path: Path | None, options: Options = PLAIN, *, environ: Mapping[str, str] = os.environ) -> Checkup:
    """Look at everything, side by side; changes nothing, starts no daemon, fetches and pushes nothing. Never raises for what it looks at."""
    known = read_needs(path, options)
    needs = known.needs
    looks: list[tuple[str, _Look]] = [
        ("git", lambda: check_git(needs, environ)),
        ("builder", lambda: check_builders(needs, environ)),
        ("registry", lambda: check_registries(needs, environ)),
        ("secrets", lambda: check_secrets(needs, environ)),
        ("fips", lambda: check_fips(needs)),
        ("network", lambda: check_network(needs, environ)),
    ]
    found = side_by_side(lambda look: _bounded(*look), looks)
    return Checkup(manifest=str(path or ""), checks=(*known.checks, *(check for checks in found for check in checks)))


def _bounded(name: str, look: _Look) -> tuple[Check, ...]:
    try:
        return within(_SECONDS, lambda: tuple(look()))
    except TimeoutError:
        return (fail(name, f"there is no answer within {_SECONDS:g} s", "look at the network, and at file systems that hang"),)
