"""The directory of a recorded attempt, and the manifest whose patterns count -> what it failed with, and whether it would be tried again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.manifest_files import read_manifest_document
from matrixbuild.adapters.recorded import said_in
from matrixbuild.core.failure import Failure
from matrixbuild.core.failures import classified
from matrixbuild.core.policy import failure_policy
from matrixbuild.core.problems import InvalidError, Problem
from matrixbuild.core.surroundings import Retry
from matrixbuild.core.surroundings_reader import schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """`failure` is None for an attempt that did not fail; `again`: it may be tried again. `name` is the manifest's ("": none was given)."""

    directory: Path
    failure: Failure | None
    again: bool
    name: str = ""


def classify_attempt(directory: Path, manifest: Path | None = None) -> Classified:
    """Raises InvalidError for a directory that is none of an attempt, and for a manifest that cannot be read or has wrong patterns."""
    retry, name = _retry(manifest) if manifest else (Retry(), "")
    failure = classified(replace(said_in(directory), patterns=retry.patterns))
    treatment = failure_policy(attempts=max(2, retry.attempts), on=retry.on).treatment_of(failure) if failure else None
    return Classified(directory=directory, failure=failure, again=bool(treatment and treatment.attempts > 1), name=name)


def _retry(manifest: Path) -> tuple[Retry, str]:
    root = read_manifest_document(manifest).root
    problems: list[Problem] = []
    found = schedule(root["spec"].get("schedule"), problems)
    if problems:
        raise InvalidError(*problems)
    return found.retry, str(root["metadata"]["name"].value)
