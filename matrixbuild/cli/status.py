"""`matrixbuild status [RUN]`: what runs now, the last runs, and how each build of one of them went."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "status",
        help="Show the runs on this machine: what runs now, what was built, what failed.",
        description="Show, for each manifest that was applied in this project on this machine, what runs now, the last runs, and how each build of"
        " the last one went.",
    )
    found.add_argument("number", metavar="RUN", nargs="?", type=int, help="the run whose builds are shown (default: the last one)")
    found.add_argument("--name", metavar="NAME", default="", help="only the manifest with this metadata.name")
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from pathlib import Path

    from matrixbuild.cli.show_status import status_json, status_text
    from matrixbuild.workflow.inspecting import named_states, view

    views = [view(directory, options.number) for directory in named_states(Path.cwd(), options.name)]
    if options.format == "json":
        sys.stdout.write(status_json(views))
    elif views:
        sys.stdout.write(status_text(views))
    else:
        sys.stderr.write("nothing was applied here yet\n")
    return ExitCode.DONE
