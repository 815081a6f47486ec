"""`python -m tests.hostile.worker DIRECTORY FIRST COUNT`: validates spoilt manifests in this one process, under limits that the kernel keeps.

One line of JSON for each: seed, exit code, seconds of CPU, whether anything was told, and what looks like a bug.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
import time
from pathlib import Path

from matrixbuild.cli.main import main
from tests.hostile.malformed import FILES, malformed

MEMORY = 1 << 30
SECONDS = 240


def run(directory: Path, first: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    os.chdir(directory)
    for name, text in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    for seed in range(first, first + count):
        # First, so that what a case that kills the process leaves behind is its number.
        sys.stdout.write(f'{{"seed": {seed}, ')
        sys.stdout.flush()
        sys.stdout.write(json.dumps(_case(seed)).removeprefix("{") + "\n")


def _case(seed: int) -> dict[str, object]:
    Path("m.yaml").write_bytes(malformed(seed))
    out, err, started = io.StringIO(), io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["validate", "m.yaml"])
    seconds = time.process_time() - started
    told = err.getvalue()
    bug = next((line for line in told.splitlines() if "Traceback" in line or "bug in matrixbuild" in line), "")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"code": code, "seconds": seconds, "told": "error:" in told, "bug": told if bug else "", "peak": peak}


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
