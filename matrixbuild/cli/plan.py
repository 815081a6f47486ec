"""`matrixbuild plan MANIFEST`: what apply would build and publish, and why; changes nothing and needs no network."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from matrixbuild.cli.arguments import add_reading, file_path, reading, room
from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from matrixbuild.core.against import Against
    from matrixbuild.core.plan import Plan
    from matrixbuild.workflow.forecasting import Forecast
    from matrixbuild.workflow.planning import Planned


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "plan",
        help="Show what apply would build and publish, and why.",
        description="Show what apply would build and publish, and why. Reads the manifest, its source and its lock; changes nothing, and needs"
        " no network but with --refresh, or to fetch a source that was never seen.",
    )
    found.add_argument("manifest", type=file_path, help="the manifest to plan")
    add_reading(found)
    found.add_argument("--refresh", action="store_true", help="ask the registry what it holds, instead of believing the lock")
    found.add_argument("--overwrite", metavar="REF", action="append", default=[], help="let this image name move despite immutable tags (repeatable)")
    help_text = "tell what the changes since a git revision bring apart from what was pending before them"
    found.add_argument("--against", metavar="REV", default="", help=help_text)
    help_text = "tell how long an apply would take with other room, from what builds took here before: cpu=16,memory=64Gi"
    found.add_argument("--what-if", metavar="ROOM", default="", help=help_text)
    found.add_argument("-o", "--output", metavar="FILE", type=file_path, help="save the plan: `apply FILE` does exactly that")
    found.add_argument("--all", action="store_true", help="a line for each image name and build, however many there are")
    found.add_argument("--detailed-exitcode", action="store_true", help="exit 2 where there is something to do")
    help_text = "how to print: markdown is a comment for a pull request, of at most 60,000 characters (default: text)"
    found.add_argument("--format", choices=("text", "json", "markdown"), default="text", help=help_text)
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.adapters.collector import patient

    # From the first import to the last line: what is made for a plan lives until it is shown.
    with patient():
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.planning import plan_manifest

    _check(options)
    planned = plan_manifest(options.manifest, refresh=options.refresh, overwrite=frozenset(options.overwrite), options=reading(options))
    show_problems(planned.prepared.warnings)
    split = None
    if options.against:
        from matrixbuild.workflow.comparing import plan_against

        split = plan_against(planned, options.against, reading(options))
    if options.output:
        from matrixbuild.adapters.plan_files import write_plan

        write_plan(options.output, planned.plan)
    found = _forecast(planned, options)
    shown = replace(planned.plan, shared=found.shared) if found else planned.plan
    sys.stdout.write(_shown(shown, split, found, options))
    return ExitCode.CHANGES if options.detailed_exitcode and planned.plan.changes else ExitCode.DONE


def _check(options: argparse.Namespace) -> None:
    """Raises UsageError for options that contradict each other."""
    from matrixbuild.core.problems import Problem, UsageError

    if options.against and options.refresh:
        summary = "--against compares what files say, and --refresh asks the registry"
        raise UsageError(Problem(summary=summary, hint="give one of them", code="usage"))
    if options.what_if and options.format == "markdown":
        summary = "--what-if tells of this machine, and --format markdown is for everybody"
        raise UsageError(Problem(summary=summary, hint="leave one of them out", code="usage"))
    room(options.what_if)


def _forecast(planned: Planned, options: argparse.Namespace) -> Forecast | None:
    """How long it takes, where that was asked or a person looks on: it comes of what happened on this machine, and a plan does not."""
    if not options.what_if and not (options.format == "text" and sys.stdout.isatty()):
        return None
    from matrixbuild.workflow.forecasting import forecast

    return forecast(planned, room(options.what_if))


def _shown(plan: Plan, split: Against | None, forecast: Forecast | None, options: argparse.Namespace) -> str:
    if options.format == "json":
        from matrixbuild.cli.show_plan_json import plan_json

        return plan_json(plan, split, forecast)
    if options.format == "markdown":
        from matrixbuild.cli.show_plan_markdown import plan_markdown

        return plan_markdown(plan, split)
    from matrixbuild.cli.show_plan import plan_text

    return plan_text(plan, split, every=options.all) + _forecast_text(forecast, asked=bool(options.what_if))


def _forecast_text(forecast: Forecast | None, *, asked: bool) -> str:
    if forecast is None:
        return ""
    from matrixbuild.cli.show_forecast import forecast_lines

    return "".join(f"{line}\n" for line in forecast_lines(forecast, asked=asked))
