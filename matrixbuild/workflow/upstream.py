"""A git source and two of its commits -> what upstream changed in between, and what of the manifest that reaches."""

from __future__ import annotations

from collections.abc import Iterator

from matrixbuild.adapters.git_log import log_between, paths_between
from matrixbuild.core.impact import certain, reached_files
from matrixbuild.core.pin_moves import Commit, Upstream
from matrixbuild.core.problems import MatrixbuildError
from matrixbuild.workflow.git_sources import tree_at
from matrixbuild.workflow.planning import Prepared
from matrixbuild.workflow.sides import Sides

MOST_COMMITS = 100


def upstream_between(old: str, prepared: Prepared) -> Upstream:
    """From the commit `old` ("" where none was pinned) to the one that was prepared. What cannot be looked at any more is said in its notes."""
    pin, mirror = dict(prepared.pins.source), prepared.trees.mirror
    plain = Upstream(git=pin["git"], ref=pin["ref"], old=old, new=pin["commit"])
    if not old or mirror is None:
        return plain
    try:
        before = tree_at(mirror, old, pin["ref"])
        log = log_between(mirror.git, old, plain.new, most=MOST_COMMITS)
        paths = paths_between(mirror.git, old, plain.new)
        sides = Sides(expansion=prepared.expansion, pins=prepared.pins.images, trees=prepared.trees, engine=prepared.engine)
        now = sides.side(prepared.trees.of(()))
        then, missing = sides.as_far_as_possible(before)
    except MatrixbuildError as error:
        notes = tuple(f"what changed since {old[:12]} is not told: {problem.summary}" for problem in error.problems)
        return Upstream(git=plain.git, ref=plain.ref, old=old, new=plain.new, notes=notes)
    return Upstream(
        git=plain.git,
        ref=plain.ref,
        old=old,
        new=plain.new,
        commits=tuple(Commit(id=id_, subject=subject) for id_, subject in log.commits),
        count=log.count,
        rewritten=log.rewritten,
        files=reached_files(certain(then, now, paths), paths),
        overlaid=tuple(_overlaid(prepared, paths)),
        notes=tuple(f"{old[:12]}: {each}" for each in missing),
    )


def _overlaid(prepared: Prepared, paths: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Where the manifest keeps files of its own, what upstream did to them is lost: a person has to look."""
    for index, file in enumerate(prepared.manifest.source.files):
        laid = prepared.trees.laid(index)
        origin = file.origin.value if file.origin else f"the secret {file.secret.value}" if file.secret else ""
        yield from ((path, origin) for path in paths if path in laid)
