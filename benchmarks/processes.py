"""Empty commands, four at a time: matrixbuild's children (guarded, in sessions of their own, both outputs read and masked) against `xargs -P 4`,
ninja, threads with Popen, and asyncio, in the same run: time, and processor time with that of the commands. Budget: 1.3 x xargs in time.
All run /usr/bin/true: ninja by way of /bin/sh, which becomes it (so each of its commands is two programs), the others at once.
`processes.py COUNT` runs another number.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from matrixbuild.adapters.attempts import Attempt
from matrixbuild.adapters.children import Children
from matrixbuild.core.process import Command

AT_ONCE = 4
ROUNDS = 5
BUDGET = 1.3
TRUE = shutil.which("true") or "/bin/true"
FLOOR, OURS = "xargs -P 4", "matrixbuild"


def xargs(count: int, _: Path) -> None:
    lines = "x\n" * count
    subprocess.run(["xargs", "-P", str(AT_ONCE), "-I", "{}", TRUE], input=lines, text=True, check=True)


def ninja(count: int, directory: Path) -> None:
    builds = "".join(f"build {number}: t\n" for number in range(count))
    (directory / "build.ninja").write_text(f"rule t\n command = {TRUE}\n{builds}")
    subprocess.run(["ninja", "-C", directory, "-j", str(AT_ONCE), "--quiet"], check=True, stdout=subprocess.DEVNULL)


def popen(count: int, _: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: subprocess.run([TRUE], capture_output=True, start_new_session=True, check=True), range(count)))


def in_asyncio(count: int, _: Path) -> None:
    async def one(limit: asyncio.Semaphore) -> None:
        async with limit:
            child = await asyncio.create_subprocess_exec(TRUE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
            await child.communicate()

    async def all_of_them() -> None:
        limit = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(one(limit) for _ in range(count)))

    asyncio.run(all_of_them())


def ours(count: int, _: Path) -> None:
    command = Command(argv=(TRUE,), cwd="/", secrets=(("TOKEN", "a secret of some length"),))
    with Children() as children, ThreadPoolExecutor(AT_ONCE) as pool:
        assert all(pool.map(lambda _: children.run(command, lambda *_: None).succeeded, range(count)))


def logged(count: int, directory: Path) -> None:
    command = Command(argv=(TRUE,), cwd="/", secrets=(("TOKEN", "a secret of some length"),))

    def one(number: int) -> bool:
        with Attempt(directory / str(number)) as attempt:
            return attempt.run(children, command, name=str(number)).succeeded

    with Children() as children, ThreadPoolExecutor(AT_ONCE) as pool:
        assert all(pool.map(one, range(count)))


RUNNERS: Mapping[str, Callable[[int, Path], None]] = {
    FLOOR: xargs,
    **({"ninja -j 4": ninja} if shutil.which("ninja") else {}),
    "threads and Popen": popen,
    "asyncio, both outputs": in_asyncio,
    OURS: ours,
    f"{OURS}, logged": logged,
}


def seconds(runner: Callable[[int, Path], None], count: int) -> tuple[float, float]:
    """Time, and processor time of all processes."""
    with tempfile.TemporaryDirectory() as directory:
        start, spent = time.perf_counter(), processor()
        runner(count, Path(directory))
        return time.perf_counter() - start, processor() - spent


def processor() -> float:
    taken = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in taken)


def main(count: int = 1000) -> int:
    """Print medians and their ratios to the floor; 1 where the budget is missed."""
    # In turns, so that a noisy moment of the machine meets all of them.
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in RUNNERS}
    for _ in range(ROUNDS):
        for name, runner in RUNNERS.items():
            taken[name].append(seconds(runner, count))
    medians = {name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in taken.items()}
    for name, (median, spent) in medians.items():
        ratios = f"{median / medians[FLOOR][0]:.2f} x, processor {spent / medians[FLOOR][1]:.2f} x"
        print(f"{name:<24} {median / count * 1e6:7.0f} us a command, processor {spent / count * 1e6:7.0f} us   {ratios}")
    ratio = medians[OURS][0] / medians[FLOOR][0]
    print(f"budget {BUDGET} x, {ratio:.2f} x")
    return int(ratio > BUDGET)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
