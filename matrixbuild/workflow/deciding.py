"""A manifest and what a person approved -> the plan that an apply carries out: everything pinned, the registry asked, and every refusal told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from matrixbuild.core.problems import Problem
from matrixbuild.workflow.approving import ANYTHING, Approval, approved, check_foreseen
from matrixbuild.workflow.honouring import Asked, check_honoured
from matrixbuild.workflow.kept_files import check_kept_files
from matrixbuild.workflow.observing import check_observed
from matrixbuild.workflow.options import PLAIN, Options
from matrixbuild.workflow.owned_files import check_owned_files
from matrixbuild.workflow.planning import Planned, Prepared, planned, prepare, prepare_asking


def decided(
    path: Path,
    warn: Callable[[Sequence[Problem]], None],
    *,
    overwrite: frozenset[str] = frozenset(),
    options: Options = PLAIN,
    locked: bool = False,
    rebuild: str = "",
    approval: Approval = ANYTHING,
) -> Planned:
    """What an apply with these words would do; nothing is built, pushed or written for it, but what is kept of a source that was fetched.

    With `locked` no pin may be missing in the lock; `rebuild` selects cells whose builds are run again; anything but what `approval` says is
    refused; `warn` hears what the manifest's rules and the sharing of work remark. Raises MatrixbuildError for what keeps a run from starting.
    """
    prepared, then = approved(
        approval,
        recorded=lambda: prepare(path, resolve=False, options=options, recall=False),
        asking=lambda: prepare_asking(path, options),
        pinned=lambda: prepare(path, resolve=True, options=options, locked=locked, rebuild=rebuild, building=True),
        overwrite=overwrite,
    )
    warn(prepared.warnings)
    check_honoured(Asked(manifest=prepared.manifest, builds=prepared.selected), engine=prepared.engine)
    found = planned(prepared, overwrite=overwrite, refresh=True)
    check_foreseen(then, found)
    running = [build for build in prepared.builds if build.name in found.plan.to_build]
    check_kept_files(running, prepared.project.output)
    check_owned_files(running, prepared.project)
    check_observed(running, prepared.registries, layout=prepared.manifest.layout)
    prepared = _proven(prepared, found)
    warn(prepared.narrowed.remarks)
    return replace(found, prepared=prepared)


def _proven(prepared: Prepared, found: Planned) -> Prepared:
    """With what the builds that run are built from: the author's text, if one of them could come out otherwise."""
    if prepared.sharing is None or not found.plan.to_build:
        return prepared
    return replace(prepared, narrowed=prepared.sharing.proven(found.plan.to_build))
