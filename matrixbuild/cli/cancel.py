"""`matrixbuild cancel [MANIFEST]`: ask the run that holds a manifest's state to stop, and wait for it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild.cli.arguments import file_path
from matrixbuild.core.exit_codes import ExitCode

_WAIT = 30.0


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "cancel",
        help="Ask the apply that runs now to stop.",
        description="Ask the apply that runs now, wherever it was started, to stop as Ctrl-C would: what is built is kept, and the next apply goes"
        " on from there. Ends with 0 once nothing runs any more, with 7 where the run still holds the state after the wait.",
    )
    found.add_argument("manifest", nargs="?", type=file_path, help="whose run (default: the one that runs in this project)")
    found.add_argument("--wait", metavar="SECONDS", type=float, default=_WAIT, help=f"how long to wait for its end (default: {_WAIT:g})")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from pathlib import Path

    from matrixbuild.adapters.cancelling import ask_to_stop, stopped
    from matrixbuild.core.problems import BusyError, Problem
    from matrixbuild.workflow.inspecting import state_directories, state_of

    running = False
    for directory in (state_of(options.manifest),) if options.manifest else state_directories(Path.cwd()):
        holder = ask_to_stop(directory)
        if holder is None:
            continue
        running = True
        sys.stderr.write(f"{directory.name}: process {holder.pid}, which runs since {holder.since}, was asked to stop\n")
        if not stopped(directory, holder, seconds=options.wait):
            hint = "builds that cannot be cut short run to their end; cancel again to stop at once"
            summary = f"{directory.name}: process {holder.pid} still runs after {options.wait:g} s"
            raise BusyError(Problem(summary=summary, hint=hint, code="cancel"))
        sys.stderr.write(f"{directory.name}: process {holder.pid} has stopped\n")
    if not running:
        sys.stderr.write("nothing runs here\n")
    return ExitCode.DONE
