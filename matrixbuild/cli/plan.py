"""`matrixbuild plan MANIFEST`: what apply would build and publish, and why; changes nothing and needs no network."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild.cli.arguments import file_path
from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "plan",
        help="Show what apply would build and publish, and why.",
        description="Show what apply would build and publish, and why. Reads the manifest, its source and its lock; changes nothing, and needs"
        " no network but with --refresh.",
    )
    found.add_argument("manifest", type=file_path, help="the manifest to plan")
    found.add_argument("--refresh", action="store_true", help="ask the registry what it holds, instead of believing the lock")
    found.add_argument("--overwrite", metavar="REF", action="append", default=[], help="let this image name move despite immutable tags (repeatable)")
    found.add_argument("--detailed-exitcode", action="store_true", help="exit 2 where there is something to do")
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import json

    from matrixbuild.cli.show_plan import plan_text
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.planning import plan_manifest

    planned = plan_manifest(options.manifest, refresh=options.refresh, overwrite=frozenset(options.overwrite))
    show_problems(planned.prepared.expansion.warnings)
    found = planned.plan.to_dict()
    sys.stdout.write(f"{json.dumps(found, indent=2, ensure_ascii=False)}\n" if options.format == "json" else plan_text(planned.plan))
    return ExitCode.CHANGES if options.detailed_exitcode and planned.plan.changes else ExitCode.DONE
