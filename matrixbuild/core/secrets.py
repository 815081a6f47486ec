"""Secrets that a manifest declares and those that its builds ask for -> those that nobody gives, and those that nobody asks for."""

from __future__ import annotations

from collections.abc import Mapping

from matrixbuild.core.demand import Demand
from matrixbuild.core.expand import Expansion
from matrixbuild.core.graph import Address
from matrixbuild.core.problems import Problem, did_you_mean
from matrixbuild.core.reading import Reading
from matrixbuild.core.rules import matcher


def check_secrets(expansion: Expansion, readings: Mapping[Address, Reading], problems: list[Problem]) -> None:
    """Each secret that a build asks for is declared for its cells, and each declared one is asked for."""
    declared = [(secret, matcher(secret.when, expansion.matrix, [])) for secret in expansion.manifest.secrets]
    read: set[str] = set()
    unread = {id(secret): secret for secret, _ in declared}
    lacking: dict[str, Demand] = {}
    for demand in expansion.demands:
        wanted = readings[demand.address].secrets
        read.update(wanted)
        for name in wanted:
            cells = expansion.cells_of[demand.target, demand.cell]
            having = [(secret, when) for secret, when in declared if secret.name == name]
            for secret, when in having:
                if id(secret) in unread and any(when.matches(cell) for cell in cells):
                    del unread[id(secret)]
            if not all(any(when.matches(cell) for _, when in having) for cell in cells):
                lacking.setdefault(name, demand)
    for name, demand in lacking.items():
        names = {secret.name for secret, _ in declared}
        hint = did_you_mean(name, names - {name}) or "declare it: secrets: [{name: ..., env: ...}]"
        if name in names:
            hint = "its `when` leaves the cell out: widen it, or declare another for these cells"
        where = f" ({demand.cell})" if demand.cell.values else ""
        summary = f"{demand.target}{where} asks for the secret {name!r}, which spec.secrets does not give it"
        problems.append(Problem(summary=summary, place=demand.place, hint=hint, code="secret-missing"))
    for secret in unread.values():
        if not expansion.manifest.inherits(secret.place):
            some = secret.name in read
            hint = "its `when` matches other cells alone: mend or remove it" if some else did_you_mean(secret.name, read) or "remove it"
            summary = f"no build of its cells asks for the secret {secret.name!r}" if some else f"no build asks for the secret {secret.name!r}"
            problems.append(Problem(summary=summary, place=secret.place, hint=hint, code="secret-unread"))
