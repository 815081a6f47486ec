"""`matrixbuild schema [NAME]`: the JSON Schema of a file people write, for their editor."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "schema",
        help="Print the JSON Schema of the manifest.",
        description="Print a JSON Schema (2020-12), every property of it described, so that an editor can complete and check what you write.",
    )
    found.add_argument("name", nargs="?", default="manifest", help="which schema (default: manifest)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.workflow.reading import schema

    sys.stdout.write(schema(options.name))
    return ExitCode.DONE
