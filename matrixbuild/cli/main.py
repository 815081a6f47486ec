"""Command line -> verb -> exit code: the table of verbs and the one boundary where errors become messages."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from matrixbuild import __version__
from matrixbuild.cli import apply, plan, schema, validate, version
from matrixbuild.cli import list as list_verb
from matrixbuild.cli.show_problems import show_problems
from matrixbuild.core.problems import ExitCode, MatrixbuildError

# In the order of a working day; each module gives add_parser(subparsers) and run(options) -> exit code.
VERBS = (validate, list_verb, plan, apply, schema, version)

DESCRIPTION = "Declare a build matrix, review the plan, build only what changed, and lock every digest."
EPILOG = """Exit codes: 0 done; 1 internal or runtime error; 2 changes (plan --detailed-exitcode); 3 manifest or plan invalid, or nothing
selected; 4 some builds failed; 5 refused: stale plan, lock mismatch, overwrite; 7 another run holds the state; 8 environment unusable;
64 usage; 130 interrupted; 143 terminated."""


class Terminated(BaseException):
    """SIGTERM: unwinds like KeyboardInterrupt, so that everything held is let go."""


class Parser(argparse.ArgumentParser):
    """argparse with our exit code for a wrong command line."""

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.USAGE, f"{self.format_usage()}error: {message}\n")


def parser() -> Parser:
    found = Parser(prog="matrixbuild", description=DESCRIPTION, epilog=EPILOG)
    found.add_argument("--version", action="version", version=f"matrixbuild {__version__}")
    verbs = found.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        verb.add_parser(verbs)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; never raises for what a person could have caused."""
    if sys.platform == "win32":
        sys.stderr.write("error: matrixbuild runs on Linux and macOS; on Windows run it inside WSL\n")
        return ExitCode.UNUSABLE
    options = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return int(options.run(options))
    except MatrixbuildError as error:
        show_problems(error.problems, getattr(options, "format", "text"))
        return error.exit_code
    except (KeyboardInterrupt, Terminated, BrokenPipeError) as error:
        return _stopped(error)
    except Exception:  # noqa: BLE001 (the one boundary: what gets here is a bug of ours, and is told whole)
        sys.stderr.write(f"{traceback.format_exc()}error: this is a bug in matrixbuild {__version__}; please report it with the lines above\n")
        return ExitCode.RUNTIME


def _stopped(by: BaseException) -> int:
    if isinstance(by, BrokenPipeError):
        # The reader of our output has gone (`| head`): Python would complain when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.RUNTIME
    sys.stderr.write("interrupted\n" if isinstance(by, KeyboardInterrupt) else "terminated\n")
    return ExitCode.INTERRUPTED if isinstance(by, KeyboardInterrupt) else ExitCode.TERMINATED


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
