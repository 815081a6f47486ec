"""A manifest -> its cells and, where its source is there, their builds and final image names: the story of `list`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.collector import patient
from matrixbuild.core.built_for import BuiltFor, built_for
from matrixbuild.core.cells import Cell
from matrixbuild.core.expand import Expansion
from matrixbuild.core.problems import MatrixbuildError
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import prepare
from matrixbuild.workflow.reading import open_manifest, read_and_expand, source_is_here


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The cells of a manifest. `built` says what is built for each; it is None where that is not known: the source is not there, or (`error`) a plan
    of the manifest is refused."""

    expansion: Expansion
    built: Mapping[Cell, tuple[BuiltFor, ...]] | None = None
    error: MatrixbuildError | None = None


@patient()
def list_manifest(path: Path, options: Options) -> Listed:
    """Fetches a source only where without it not even the cells are known (a profile's versions). Raises MatrixbuildError for what is wrong with
    the manifest itself: then there are no cells."""
    if not source_is_here(path, options):
        expansion = read_and_expand(path, options)
        if expansion.complete:
            return Listed(expansion=expansion)
    try:
        prepared = prepare(path, resolve=False, options=replace(options, selector=""))
    except MatrixbuildError as error:
        return Listed(expansion=open_manifest(path, options).expansion, error=error)
    return Listed(expansion=prepared.expansion, built=built_for(prepared.expansion, prepared.builds))
