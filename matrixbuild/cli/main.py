"""Command line -> verb -> exit code: the table of verbs and the one boundary where errors become messages."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

from matrixbuild import __version__
from matrixbuild.cli import apply, cancel, doctor, explain, graph, impact, init, lint, lock, logs, plan, schema, status, validate, version
from matrixbuild.cli import list as list_verb
from matrixbuild.core.exit_codes import ExitCode, Terminated

# In the order of a working day; each module gives add_parser(subparsers) and run(options) -> exit code.
VERBS = (init, validate, list_verb, plan, impact, apply, status, logs, cancel, lock, explain, graph, lint, doctor, schema, version)

DESCRIPTION = "Declare a build matrix, review the plan, build only what changed, and lock every digest."
EPILOG = """Exit codes: 0 done; 1 internal or runtime error; 2 changes (plan --detailed-exitcode); 3 manifest or plan invalid, or nothing
selected; 4 some builds failed; 5 refused: stale plan, lock mismatch, overwrite; 7 another run holds the state; 8 environment unusable;
64 usage; 130 interrupted; 143 terminated."""


class Parser(argparse.ArgumentParser):
    """argparse with our exit code for a wrong command line, with options between positionals (`explain MANIFEST --source DIR SUBJECT`), and with
    `--help | head` told as any other output is."""

    _intermixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, of this parser's own words: a verb's parser gets them from the one that holds the verbs."""
        positionals = self._get_positional_actions()
        verbs = any(action.nargs == argparse.PARSER for action in positionals)
        # Who writes `--` has said where options end, which argparse forgets when it takes options and positionals in two steps.
        if self._intermixed or verbs or not positionals or "--" in (args or ()):
            return super().parse_known_args(args, namespace)
        self._intermixed = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixed = False

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        sys.stdout.flush()
        super().exit(status, message)

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.USAGE, f"{self.format_usage()}error: {message}\n")


def parser(words: Sequence[str] = ()) -> Parser:
    """Of all verbs; where the first of `words` is one, of that alone, for nobody reads what the others take."""
    found = Parser(prog="matrixbuild", description=DESCRIPTION, epilog=EPILOG)
    found.add_argument("--version", action="version", version=f"matrixbuild {__version__}")
    verbs = found.add_subparsers(metavar="VERB", required=True)
    for verb in [verb for verb in VERBS if [verb.__name__.rpartition(".")[2]] == list(words[:1])] or VERBS:
        verb.add_parser(verbs)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; never raises for what a person could have caused."""
    if sys.platform == "win32":
        sys.stderr.write("error: matrixbuild runs on Linux and macOS; on Windows run it inside WSL\n")
        return ExitCode.UNUSABLE
    _open_streams()
    _forget_secrets()
    signal.signal(signal.SIGTERM, _terminate)
    options = argparse.Namespace()
    try:
        options = parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
        code = int(options.run(options))
        # What is still in the buffer may find a full disk or no reader, too: here it can be told.
        sys.stdout.flush()
        return code  # noqa: TRY300 (an `else` would leave the boundary)
    except (KeyboardInterrupt, Terminated, BrokenPipeError) as error:
        return _stopped(error)
    except Exception as error:  # noqa: BLE001 (the one boundary)
        return _told(error, getattr(options, "format", "text"))


def _told(error: Exception, form: str) -> int:
    """An error as a person should see it; what no part of the program has foreseen is a bug of ours, and is told whole."""
    # Imported here, for --version and --help end without: they shall cost what argparse costs.
    from matrixbuild.cli.show_bug import show_bug
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.core.problems import MatrixbuildError

    if isinstance(error, MatrixbuildError):
        show_problems(error.problems, form)
        return error.exit_code
    if isinstance(error, OSError):
        return _unwritable(error)
    show_bug(error)
    return ExitCode.RUNTIME


def _forget_secrets() -> None:
    """Those of a command that this process has run before; where nobody imported what keeps them, there are none."""
    if keeper := sys.modules.get("matrixbuild.adapters.known_secrets"):
        keeper.KNOWN.forget()


def _open_streams() -> None:
    """Who closed stdout or stderr (`>&-`) wants none of it; without this, the next file opened would get its number."""
    sys.stdin, sys.stdout, sys.stderr = (
        stream or open(os.devnull, mode)  # noqa: PTH123, SIM115  (stays open as long as the program)
        for stream, mode in ((sys.stdin, "r"), (sys.stdout, "w"), (sys.stderr, "w"))
    )
    # What a manifest holds may not fit the terminal's encoding (Latin-1): then it is printed as an escape.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unwritable(error: OSError) -> int:
    """What the file system refused, and nobody nearer could say better: `matrixbuild plan ... > /dev/full`, for one."""
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.core.problems import Problem

    what = error.filename if error.filename is not None else "what this command prints"
    show_problems([Problem(summary=f"cannot use {what}: {error.strerror or error}", hint="check its permissions and the space left")])
    _discard_stdout()
    return ExitCode.UNUSABLE


def _discard_stdout() -> None:
    """Python would complain when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stopped(by: BaseException) -> int:
    if isinstance(by, BrokenPipeError):
        _discard_stdout()  # its reader has gone (`| head`)
        return ExitCode.RUNTIME
    sys.stderr.write("interrupted\n" if isinstance(by, KeyboardInterrupt) else "terminated\n")
    return ExitCode.INTERRUPTED if isinstance(by, KeyboardInterrupt) else ExitCode.TERMINATED


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
