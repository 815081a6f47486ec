"""`python -m tests.orphans.spawner MARK`: starts children as fast as it can, for ever, and says so with the first."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from matrixbuild.adapters.children import Children
from matrixbuild.core.process import Command, Stream


def spawn(children: Children, mark: str) -> None:
    script = "sleep 60 & (trap '' TERM; exec sleep 60) & echo up; wait"
    command = Command(argv=("sh", "-c", script), cwd="/", env=(("PATH", os.environ["PATH"]), ("MARK", mark)), timeout=0.03)

    def take(_: Stream, lines: list[bytes]) -> None:
        os.write(1, b"".join(lines))

    while True:
        children.run(command, take)


if __name__ == "__main__":
    with Children(grace=0.02, mercy=0.2) as made, ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(spawn, made, sys.argv[1])
