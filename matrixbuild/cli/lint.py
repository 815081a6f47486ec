"""`matrixbuild lint EARTHFILE...`: what the authors of Earthfiles could change to share more work, and what goes wrong without a word."""

from __future__ import annotations

import argparse
from typing import Any

from matrixbuild.cli.arguments import file_path
from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "lint",
        help="Tell what in an Earthfile keeps builds from sharing work, and its silent traps.",
        description="Tell what the authors of an Earthfile could change so that builds share more work, and what in it goes wrong without a word:"
        " warnings, and remarks where nothing need be wrong. Reads the Earthfile and the files around it; needs no manifest, program or network."
        " Exits 0 whatever it finds, and 3 where an Earthfile cannot be read. docs/lint.md has all the rules.",
    )
    found.add_argument("earthfile", type=file_path, nargs="+", metavar="EARTHFILE", help="the Earthfiles; a directory stands for all below it")
    found.add_argument("--ignore", metavar="RULE", action="append", default=[], help="leave out what this rule finds (repeatable)")
    found.add_argument("--detailed-exitcode", action="store_true", help="exit 2 where there are warnings")
    formats = ("text", "json", "github", "sarif")
    help_text = "how to print: github are annotations for a workflow, sarif a log for code scanning (default: text)"
    found.add_argument("--format", choices=formats, default="text", help=help_text)
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_lint import show_lint
    from matrixbuild.workflow.linting import lint_paths

    linted = lint_paths(options.earthfile, ignored=options.ignore)
    show_lint(linted, options.format)
    if any(each.problem for each in linted):
        return ExitCode.INVALID
    warned = any(each.warnings for each in linted)
    return ExitCode.CHANGES if options.detailed_exitcode and warned else ExitCode.DONE
