"""`matrixbuild logs [BUILD]`: what the attempts of a build have said."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "logs",
        help="Show what a build has said.",
        description="Show the log of the last attempt of a build, from the last run that tried it.",
    )
    found.add_argument("build", metavar="BUILD", nargs="?", default="", help="the build, as `status` names it")
    found.add_argument("-f", "--follow", action="store_true", help="go on until the build has ended")
    found.add_argument("--failed", action="store_true", help="of every build that failed in the last run, or every failed attempt of BUILD")
    found.add_argument("--grep", metavar="RE", default="", help="only lines that match this regular expression")
    found.add_argument("--name", metavar="NAME", default="", help="only the manifest with this metadata.name")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from pathlib import Path

    from matrixbuild.adapters.log_reading import lines_of
    from matrixbuild.core.problems import Problem, UsageError
    from matrixbuild.workflow.inspecting import named_states
    from matrixbuild.workflow.logs import chosen, failed, following

    if not options.build and (options.follow or not options.failed):
        hint = "`matrixbuild status` names them; --failed alone shows all that failed"
        raise UsageError(Problem(summary="logs needs a BUILD", hint=hint, code="usage"))
    pattern = _pattern(options.grep)
    states = named_states(Path.cwd(), options.name)
    if options.follow:
        for line in following(chosen(states, options.build)):
            _show([line], pattern)
        return ExitCode.DONE
    found = failed(states, options.build) if options.failed else [chosen(states, options.build)]
    for log in found:
        if len(found) > 1:
            sys.stdout.write(f"==> {log.build}, run {log.run}, attempt {log.number} <==\n")
        _show(lines_of(log.directory), pattern)
    return ExitCode.DONE


def _pattern(text: str) -> re.Pattern[str]:
    import re

    from matrixbuild.core.problems import Problem, UsageError

    try:
        return re.compile(text)
    except re.error as error:
        summary = f"--grep {text!r} is no regular expression: {error}"
        raise UsageError(Problem(summary=summary, hint="put a \\ before . ( [ and the like", code="usage")) from error


def _show(lines: Iterable[str], pattern: re.Pattern[str]) -> None:
    for line in lines:
        if pattern.search(line):
            sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
