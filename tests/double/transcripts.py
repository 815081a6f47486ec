"""A folder of the transcripts -> what its call printed, wrote and returned, again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.double.ends import Cancelled
from tests.double.flags import Flags
from tests.double.signals import Signals


def play(folder: Path, flags: Flags, pace: float, signals: Signals) -> int:
    """The exit code; does not come back where the recorded call was ended by a signal; 2 where this one is. With `pace` 1 it takes as long as it took."""
    sys.stdout.write(_text(folder / "stdout"))
    sys.stdout.flush()
    try:
        with signals.cancelling():
            _told(folder, flags.text("logstream-debug-file"), pace)
    except Cancelled:
        return 2
    return _ended(folder, flags.text("logstream-debug-manifest-file"))


def _told(folder: Path, stream: str, pace: float) -> None:
    lines = _text(folder / "stderr").splitlines(keepends=True)
    records = _text(folder / "stream.ndjson").splitlines(keepends=True)
    seconds = json.loads((folder / "class.json").read_text())["seconds"] * pace
    with Path(stream or os.devnull).open("w") as file:
        for line, following in _abreast(lines, records):
            sys.stderr.write(line)
            sys.stderr.flush()
            file.write(following)
            file.flush()
            time.sleep(seconds / max(1, len(lines), len(records)))


def _ended(folder: Path, manifest: str) -> int:
    if manifest and (folder / "run-manifest.json").exists():
        shutil.copyfile(folder / "run-manifest.json", manifest)
    code = int((folder / "exit").read_text())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    return code


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""


def _abreast(some: list[str], others: list[str]) -> Iterator[tuple[str, str]]:
    """Both to their ends, the shorter one spread over the longer."""
    most = max(len(some), len(others))
    ends = [[-(-len(each) * number // most) for number in range(most + 1)] for each in (some, others)]
    for number in range(most):
        first, second = ("".join(each[end[number] : end[number + 1]]) for each, end in zip((some, others), ends, strict=True))
        yield first, second
