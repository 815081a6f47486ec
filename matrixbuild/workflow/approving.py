"""A plan that somebody approved -> the manifest and the options it was made with, and whether an apply may still carry it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.plan_files import read_plan
from matrixbuild.adapters.project import project_root
from matrixbuild.core.basis import Basis
from matrixbuild.core.plan import Plan
from matrixbuild.core.problems import Problem, RefusedError, UsageError
from matrixbuild.core.saved_plan import stale, unforeseen
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import Planned, Prepared, planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What somebody approved: a saved plan, or the digest of one; nothing: whatever comes out."""

    plan: Plan | None = None
    digest: str = ""


ANYTHING = Approval()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be applied: a manifest, how it is read, and what was approved of it."""

    manifest: Path
    options: Options
    overwrite: frozenset[str]
    approval: Approval


def wanted(path: Path, options: Options, overwrite: frozenset[str], *, digest: str = "", rebuilds: bool = False) -> Wanted:
    """What the command line names: a manifest, or a saved plan, which says itself what it selects and sets. `digest` is what the plan's has to be
    ("": any); `rebuilds`: some builds are to be run again.

    Raises InvalidError for a broken plan, RefusedError where its manifest is not in this project or its digest is not the expected one, UsageError
    for options that a saved plan has of its own.
    """
    plan = read_plan(path)
    if rebuilds and (plan or digest):
        summary = "--rebuild draws new generations, which no plan that was approved has"
        hint = "draw them with `matrixbuild lock update --rebuild`, and have the plan approved after that"
        raise UsageError(Problem(summary=summary, hint=hint, code="usage"))
    if plan is None or plan.basis is None:
        return Wanted(manifest=path, options=options, overwrite=overwrite, approval=Approval(digest=digest))
    if options.sets or options.selector or overwrite:
        summary = "a saved plan says itself what it sets, selects and overwrites"
        raise UsageError(Problem(summary=summary, hint="leave --set, -l and --overwrite out, or save another plan with them", code="usage"))
    if digest and plan.digest != digest:
        raise RefusedError(_other_plan(plan.digest, digest, f"look at what {path} says before it is applied"))
    basis = plan.basis
    if basis.stands_in and options.source is None:
        summary = "the saved plan was made with --source, and it does not say where that was"
        raise UsageError(Problem(summary=summary, hint="give --source DIR here, too", code="usage"))
    return Wanted(
        manifest=_manifest(basis, path),
        options=Options(sets=dict(basis.sets), selector=basis.selector, source=options.source, offline=options.offline),
        overwrite=frozenset(basis.overwrite),
        approval=Approval(plan=plan),
    )


def approved(
    approval: Approval,
    *,
    recorded: Callable[[], Prepared],
    asking: Callable[[], Prepared],
    pinned: Callable[[], Prepared],
    overwrite: frozenset[str],
) -> tuple[Prepared, Plan | None]:
    """The manifest with everything pinned, and the plan that was approved (None: any), having checked that this still holds. `recorded` reads the
    manifest to its builds as a plan does, `asking` as one that asks the registry, `pinned` with what no pin answers pinned. Raises RefusedError
    with everything that has moved."""
    if approval == ANYTHING:
        return pinned(), None
    prepared = recorded()
    plain = planned(prepared, overwrite=overwrite, refresh=False).plan
    then = approval.plan or _expected(approval.digest, plain, asking, overwrite)
    _check(stale(then, plain))
    # Read again with everything pinned: that nothing else moved meanwhile is checked again.
    again = pinned()
    _check(stale(then, planned(again, overwrite=overwrite, refresh=False).plan))
    return again, then


def check_foreseen(then: Plan | None, found: Planned) -> None:
    """Raise RefusedError for an image name that would move, now that the registry was asked, though the plan that was approved does not say so."""
    if then is not None:
        _check(unforeseen(then, found.plan))


def _expected(digest: str, plain: Plan, asking: Callable[[], Prepared], overwrite: frozenset[str]) -> Plan:
    """The plan that has the expected digest: as it is made from files alone, or with the registry asked."""
    if plain.digest == digest:
        return plain
    prepared = asking()
    asked = planned(prepared, overwrite=overwrite, refresh=True).plan
    if asked.digest == digest:
        return asked
    raise RefusedError(_other_plan(plain.digest, digest, f"look at what it is now: matrixbuild plan {prepared.project.manifest}"))


def _other_plan(found: str, expected: str, hint: str) -> Problem:
    summary = f"this is not the plan that was approved: its digest is {found}, and {expected} was expected"
    return Problem(summary=summary, hint=hint, code="stale-plan")


def _check(problems: tuple[Problem, ...]) -> None:
    if problems:
        raise RefusedError(*problems)


def _manifest(basis: Basis, path: Path) -> Path:
    """Where the manifest of a saved plan is: in the project of the working directory, else in that of the plan's file."""
    roots = dict.fromkeys((project_root(Path("here")), project_root(path)))
    for root in roots:
        if (root / basis.manifest).is_file():
            return _near(root / basis.manifest)
    summary = f"the saved plan is of {basis.manifest}, and there is no such file in {' or '.join(map(str, roots))}"
    raise RefusedError(Problem(summary=summary, hint="run apply in the project that the plan was made in", code="stale-plan"))


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
