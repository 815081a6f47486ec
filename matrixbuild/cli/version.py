"""`matrixbuild version`: the program's version, and the versions of the formats it writes."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild import __version__
from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    description = "Print the program's version and the versions of the formats it reads and writes."
    found = verbs.add_parser("version", help="Print the program's version.", description=description)
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import json

    known = {"matrixbuild": __version__, "apiVersion": "matrixbuild/v1", "lockVersion": 1}
    text = json.dumps(known, indent=2) if options.format == "json" else "\n".join(f"{name} {value}" for name, value in known.items())
    sys.stdout.write(f"{text}\n")
    return ExitCode.DONE
