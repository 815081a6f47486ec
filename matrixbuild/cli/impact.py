"""`matrixbuild impact MANIFEST [PATH...]`: which builds and cells changed files affect; or a range of git's history."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from matrixbuild.cli.arguments import file_path
from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matrixbuild.workflow.impacting import Found

_STDIN = "-"


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "impact",
        help="Show which builds and cells changed files affect.",
        description="Show which Earthly targets, builds and cells changed files of the source affect. Of files that are named alone it is not known"
        " what was in them, so that everything is told that they may affect; between two commits of the source's repository the builds are compared"
        " themselves. Reads the manifest, its source and its lock as they are now; builds nothing, and needs no network.",
    )
    found.add_argument("manifest", type=file_path, help="the manifest whose builds are looked at")
    found.add_argument(
        "paths", nargs="*", metavar="PATH", help="a changed file or directory, from here or from the source's root; - reads them from stdin"
    )
    found.add_argument("--since", metavar="REV", help="compare the source at this commit with what is in its directory now")
    found.add_argument("--range", metavar="A..B", help="compare the source at two commits; A...B begins where their histories part")
    found.add_argument("--source", metavar="DIR", type=file_path, help="look at this directory instead of spec.source")
    found.add_argument("--all", action="store_true", help="every file, build and cell, one by one")
    found.add_argument("--detailed-exitcode", action="store_true", help="exit 2 where something is affected")
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import json

    from matrixbuild.cli.show_impact import impact_text
    from matrixbuild.cli.show_problems import show_problems

    found = _found(options)
    show_problems(found.warnings)
    told = json.dumps(found.impact.to_dict(), indent=2, ensure_ascii=False) + "\n" if options.format == "json" else ""
    sys.stdout.write(told or impact_text(found.impact, every=options.all))
    return ExitCode.CHANGES if options.detailed_exitcode and found.impact.builds else ExitCode.DONE


def _found(options: argparse.Namespace) -> Found:
    """Raises UsageError unless exactly one of paths, --since and --range is given."""
    from matrixbuild.core.problems import Problem, UsageError
    from matrixbuild.workflow.histories import Range
    from matrixbuild.workflow.impacting import impact_of_paths, impact_of_range

    ways = [bool(options.paths), options.since is not None, options.range is not None]
    if sum(ways) != 1:
        summary = "impact takes either changed files or a range" if any(ways) else "impact needs to know what changed"
        raise UsageError(Problem(summary=summary, hint="name the files, or give --since REV or --range A..B", code="usage"))
    if options.paths:
        return impact_of_paths(options.manifest, tuple(_words(options.paths)), source=options.source)
    found = Range(old=options.since) if options.since is not None else Range.of(options.range)
    return impact_of_range(options.manifest, found, source=options.source)


def _words(paths: Sequence[str]) -> Iterator[str]:
    """Paths as given; `-` stands for those on stdin, one a line or (as `git diff -z` prints them) with NUL after each."""
    import os

    for path in paths:
        if path != _STDIN:
            yield path
            continue
        text = os.fsdecode(sys.stdin.buffer.read())
        yield from filter(None, text.split("\0") if "\0" in text else (line.removesuffix("\r") for line in text.split("\n")))
