"""`matrixbuild doctor [MANIFEST]`: whether this machine, its builders and its registries are ready for an apply; changes nothing."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild.cli.arguments import add_reading, file_path, reading
from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "doctor",
        help="Check that there is everything to build with, and say what to do where there is not.",
        description="Look at everything that an apply needs: the program, its builders, Docker, registries and their logins, base images, disk,"
        " privileges, clock, git, certificates, secrets. Starts, fetches and pushes nothing; exits 8 where an apply would fail.",
    )
    found.add_argument("manifest", type=file_path, nargs="?", help="the manifest to look at; without one, only what is on this machine")
    add_reading(found)
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_doctor import checkup_json, checkup_text
    from matrixbuild.workflow.doctoring import examine

    found = examine(options.manifest, reading(options))
    sys.stdout.write(checkup_json(found) if options.format == "json" else checkup_text(found))
    return ExitCode.DONE if found.healthy else ExitCode.UNUSABLE
