"""The processes of this machine that carry a mark: what a test started, whoever its parent is by now."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")


def marked(mark: str) -> dict[int, str]:
    """Process id -> arguments of every living process that has `mark` among its arguments or in its environment."""
    if not PROC.is_dir():
        listed = subprocess.run(["ps", "-axEww", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True).stdout
        lines = [line.split(None, 2) for line in listed.splitlines() if mark in line]
        return {int(pid): command for pid, state, command in lines if not state.startswith("Z") and "ps -axE" not in command}
    return {int(entry.name): found for entry in PROC.iterdir() if entry.name.isdecimal() and (found := _marked(entry, mark)) is not None}


def _marked(entry: Path, mark: str) -> str | None:
    try:
        arguments, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        state = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return None
    if state in "ZX" or mark.encode() not in arguments + environment:
        return None
    return arguments.replace(b"\0", b" ").decode(errors="replace")


def until(true: Callable[[], bool], *, seconds: float = 30.0) -> float:
    """Seconds until something is true; fails when it does not become so."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() < began + seconds, "it did not come to that"
        time.sleep(0.01)
    return time.monotonic() - began
