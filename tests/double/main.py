"""The double's `main`: a command line -> what the real program would print, write, push and return."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from tests.double.flags import Flags, UsageError, read_flags
from tests.double.flavors import FLAVORS, Flavor
from tests.double.help_text import help_text
from tests.double.installed import note_call
from tests.double.signals import Signals
from tests.double.told import Instructions, read
from tests.double.transcripts import play


def main(argv: list[str], *, state: str, flavor: str) -> int:
    """`argv[0]` is the program as it was called."""
    note_call(Path(state), argv)
    told, kind = read(Path(state)), FLAVORS[flavor]
    try:
        flags = read_flags(argv[1:], os.environ, kind)
    except UsageError as error:
        print(f"Incorrect Usage: {error}\n", file=sys.stderr if kind.is_earthbuild else sys.stdout)
        print(help_text(kind), end="")
        return 1
    if flags.on("version"):
        print(f"{Path(argv[0]).name} version {kind.version_words}")
        return 0
    if flags.on("help"):
        print(help_text(kind), end="")
        return 0
    for variable in flags.deprecated:
        print(f"WARNING: {variable} is deprecated. Use EARTH_{variable.removeprefix('EARTHLY_')}.", file=sys.stderr)
    signals = Signals(forces_exit=kind.forces_exit)
    try:
        return _called(argv, flags, kind, told, signals)
    except Exception:  # noqa: BLE001
        # A fault of the double itself; nobody may take it for a build that failed.
        traceback.print_exc()
        return 70


def _called(argv: list[str], flags: Flags, flavor: Flavor, told: Instructions, signals: Signals) -> int:
    if folder := os.environ.get("DOUBLE_TRANSCRIPT") or told.transcript:
        return play(Path(folder), flags, told.pace, signals)
    # What evaluates Earthfiles is imported only where one is: --version must answer as fast as the real ones do.
    from tests.double.session import Session

    return Session(argv, flags, flavor=flavor, told=told, signals=signals).run()
