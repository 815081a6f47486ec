"""`matrixbuild list MANIFEST`: the cells of a matrix with their builds and image names, and with --all those that were dropped and why."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild.cli.arguments import add_reading, file_path, reading
from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "list",
        help="List the cells of the matrix, their builds and image names.",
        description="List the cells of the matrix, and under each its builds and the final names of their images. For that the manifest's source is"
        " looked at, as by plan; where it is not there, the cells are listed with their targets alone. A source is fetched only where a profile needs"
        " it to know the cells.",
    )
    found.add_argument("manifest", type=file_path, help="the manifest to list")
    add_reading(found)
    found.add_argument("--all", action="store_true", help="each step: the axes, what every rule drops and why, what is included")
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_cells import cells_json, cells_text
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.listing import list_manifest

    asked = reading(options)
    listed = list_manifest(options.manifest, asked)
    show_problems(listed.expansion.warnings)
    shown = cells_json if options.format == "json" else cells_text
    sys.stdout.write(shown(listed.expansion, listed.built, every=options.all, selector=asked.selector))
    if listed.error:
        # Beside the cells, which are known: whoever reads JSON finds it on stdout, and this on stderr.
        show_problems(listed.error.problems)
        return listed.error.exit_code
    if listed.built is None:
        sys.stderr.write("note: builds and image names are left out, for the source is not here; `matrixbuild plan` says where it should be\n")
    return ExitCode.DONE
