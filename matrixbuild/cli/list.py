"""`matrixbuild list MANIFEST`: the cells of a matrix, and with --all those that were dropped and why."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild.cli.arguments import add_reading, file_path, reading
from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "list",
        help="List the cells of the matrix.",
        description="List the cells of the matrix and the targets built for each. Reads the manifest, and its source where the"
        " manifest has a profile.",
    )
    found.add_argument("manifest", type=file_path, help="the manifest to list")
    add_reading(found)
    found.add_argument("--all", action="store_true", help="each step: the axes, what every rule drops and why, what is included")
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_cells import cells_json, cells_text
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.reading import open_manifest, read_and_expand

    asked = reading(options)
    expansion = read_and_expand(options.manifest, asked)
    if not expansion.complete:
        # Its cells are known with its source alone, which is not here yet.
        expansion = open_manifest(options.manifest, asked).expansion
    show_problems(expansion.warnings)
    shown = cells_json if options.format == "json" else cells_text
    sys.stdout.write(shown(expansion, every=options.all, selector=asked.selector))
    return ExitCode.DONE
