"""An exception that no part of the program has foreseen -> a bug of ours, told whole but for the secrets that are known."""

from __future__ import annotations

import sys
import threading
import traceback

from matrixbuild import __version__
from matrixbuild.adapters.known_secrets import KNOWN


def show_bug(error: BaseException) -> None:
    shown = KNOWN.hidden("".join(traceback.format_exception(error)))
    sys.stderr.write(f"{shown}error: this is a bug in matrixbuild {__version__}; please report it with the lines above\n")


def show_bug_of_thread(ended: threading.ExceptHookArgs) -> None:
    """For `threading.excepthook`: Python's own would show the secrets, too."""
    if ended.exc_value is not None:
        show_bug(ended.exc_value)
