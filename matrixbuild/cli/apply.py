"""`matrixbuild apply MANIFEST` or a saved plan: build what changed, publish it, and write the lock."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from matrixbuild.cli.arguments import Once, add_reading, file_path, plan_digest, reading
from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from matrixbuild.workflow.approving import Wanted


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "apply",
        help="Build what changed, publish it, and write the lock.",
        description="Build what changed, push it under content tags, give the final tags (once everything has succeeded, unless publish.mode says "
        "otherwise), and write the lock. A plan that was saved with `plan -o` is carried out as it is, and refused once anything it rests on has"
        " moved.",
    )
    found.add_argument("manifest", type=file_path, help="the manifest to apply, or a saved plan")
    add_reading(found)
    found.add_argument("--expect", metavar="PLAN-DIGEST", default="", help="refuse (exit 5) to do anything but the plan of this digest")
    found.add_argument("--overwrite", metavar="REF", action="append", default=[], help="let this image name move despite immutable tags (repeatable)")
    found.add_argument("--locked", action="store_true", help="refuse (exit 5) to add a pin that the lock lacks")
    help_text = "run the builds of these cells again: they get a new generation"
    found.add_argument("--rebuild", metavar="SELECTOR", action=Once, default="", help=help_text)
    help_text = "print what would be done, with everything checked and the registry asked, and do none of it"
    found.add_argument("--dry-run", action="store_true", help=help_text)
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print what was done (default: text)")
    found.add_argument("--events", metavar="FILE", default="", help="write what happens to this file, a JSON value a line (-: stdout)")
    found.add_argument("--junit", metavar="FILE", type=file_path, help="write how it went to this file as JUnit XML, a case for each target and cell")
    found.set_defaults(run=run)


def _check(options: argparse.Namespace) -> None:
    """Raises UsageError for options that contradict each other."""
    from matrixbuild.core.problems import Problem, UsageError

    if options.events == "-" and options.format == "json":
        raise UsageError(Problem(summary="--events - and --format json both want stdout", hint="give --events a file", code="usage"))
    if options.dry_run and (options.events or options.junit):
        summary = f"{'--events' if options.events else '--junit'} tells what happens, and with --dry-run nothing does"
        raise UsageError(Problem(summary=summary, hint="leave one of them out", code="usage"))
    if options.locked and options.rebuild:
        hint = "draw the generation with `matrixbuild lock update --rebuild`, commit the lock, then apply --locked"
        raise UsageError(Problem(summary="--rebuild draws a new pin, and --locked forbids that", hint=hint, code="usage"))


def _rehearse(asked: Wanted, options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_plan import plan_text
    from matrixbuild.cli.show_plan_json import plan_json
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.deciding import decided

    plan = decided(
        asked.manifest,
        show_problems,
        overwrite=asked.overwrite,
        options=asked.options,
        locked=options.locked,
        rebuild=options.rebuild,
        approval=asked.approval,
    ).plan
    sys.stdout.write(plan_json(plan) if options.format == "json" else plan_text(plan))
    return ExitCode.DONE


def run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_apply import applied_json, applied_text, failed_text
    from matrixbuild.cli.show_bug import show_bug_of_thread
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.cli.watching import watched
    from matrixbuild.workflow.applying import apply_manifest
    from matrixbuild.workflow.approving import wanted

    _check(options)
    asked = wanted(
        options.manifest, reading(options), frozenset(options.overwrite), digest=plan_digest(options.expect), rebuilds=bool(options.rebuild)
    )
    if options.dry_run:
        return _rehearse(asked, options)
    threading.excepthook = show_bug_of_thread
    began = time.monotonic()
    with watched(events=options.events, junit=options.junit, manifest=asked.manifest) as watch:
        applied = apply_manifest(
            asked.manifest,
            watch.listener,
            overwrite=asked.overwrite,
            options=asked.options,
            locked=options.locked,
            rebuild=options.rebuild,
            approval=asked.approval,
        )
        watch.applied(applied)
    if options.format == "json":
        sys.stdout.write(applied_json(applied))
    if not applied.complete:
        if applied.refusals:
            show_problems([problem for error in applied.refusals for problem in error.problems])
        sys.stderr.write(failed_text(applied))
        return applied.exit_code
    if options.format == "text":
        # stdout is data: where the events go there, the summary is talk.
        out = sys.stderr if options.events == "-" else sys.stdout
        out.write(applied_text(applied, seconds=time.monotonic() - began))
    return ExitCode.DONE
