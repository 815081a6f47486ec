"""The secrets that builds are given -> their values, all of them before anything starts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from matrixbuild.adapters.secret_values import COMMAND_SECONDS, Missing, SecretValue, secret_value
from matrixbuild.core.build import Build
from matrixbuild.core.expand import Expansion
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.masking import masking
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.secrets import given
from matrixbuild.core.surroundings import DeclaredSecret

_NAMED = 10
"""So many builds are named; the others are counted."""


class Secrets:
    """The values for each build, by its key; they are in no `repr`."""

    def __init__(self, values: Mapping[str, tuple[SecretValue, ...]]) -> None:
        self._values = values

    def of(self, key: str) -> Pairs:
        """(name, value) of each secret that the build with this key is given."""
        return tuple((found.name, found.value) for found in self._values.get(key, ()))


def secrets_of(
    expansion: Expansion, builds: Iterable[Build], base: Path, environ: Mapping[str, str] = os.environ, *, seconds: float = COMMAND_SECONDS
) -> Secrets:
    """Find the secrets of these builds, each once. `base` is the manifest's directory, `seconds` how long a command may take.

    Raises UnusableError with all that cannot be had, each with the builds that need it, and for those that are too short to be masked;
    InvalidError as `core.secrets.given`.
    """
    wanted = given(expansion, builds := tuple(builds))
    declared = {id(secret): secret for secrets in wanted.values() for secret in secrets}
    found = {at: secret_value(secret, base=base, environ=environ, seconds=seconds) for at, secret in declared.items()}
    problems = [_missing(declared[at], value, _needing(builds, wanted, declared[at])) for at, value in found.items() if isinstance(value, Missing)]
    if problems:
        raise UnusableError(*problems)
    values = {at: value for at, value in found.items() if isinstance(value, SecretValue)}
    masking(tuple((value.name, value.value) for value in values.values()))
    return Secrets({key: tuple(values[id(secret)] for secret in secrets) for key, secrets in wanted.items()})


def _needing(builds: Iterable[Build], wanted: Mapping[str, tuple[DeclaredSecret, ...]], secret: DeclaredSecret) -> list[str]:
    return [build.name for build in builds if any(each is secret for each in wanted.get(build.key, ()))]


def _missing(secret: DeclaredSecret, found: Missing, needing: list[str]) -> Problem:
    more = len(needing) - _NAMED
    named = ", ".join(needing[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    verb = "needs" if len(needing) == 1 else "need"
    summary = f"the secret {secret.name!r}, which {named} {verb}, cannot be had: {found.why}"
    return Problem(summary=summary, place=secret.place, hint=found.hint, code="secret")
