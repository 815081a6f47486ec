"""Whole processes of `matrixbuild --version` and `--help` against `python -c pass` in the same run (budget: 4 x)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

BUDGET = 4
ROUNDS = 25
FLOOR = "python -c pass"
START = "import sys; from matrixbuild.cli.main import main; sys.exit(main())"  # what the script does that pip installs
COMMANDS: Mapping[str, Sequence[str]] = {
    FLOOR: ("-c", "pass"),
    "python -c 'import argparse'": ("-c", "import argparse"),
    "matrixbuild --version": ("-c", START, "--version"),
    "matrixbuild --help": ("-c", START, "--help"),
    "matrixbuild plan --help": ("-c", START, "plan", "--help"),
}


def seconds(arguments: Sequence[str]) -> float:
    # Compiled modules are kept, as where the program is installed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=Path(__file__).parents[1], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    """Print medians and their ratios to the floor; 1 where --version or --help is above the budget."""
    for arguments in COMMANDS.values():
        seconds(arguments)  # the first run compiles and fills the page cache
    # In turns, so that a noisy moment of the machine meets all of them.
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            taken[name].append(seconds(arguments))
    medians = {name: statistics.median(found) for name, found in taken.items()}
    for name, median in medians.items():
        print(f"{name:<28} {median * 1000:6.1f} ms   {median / medians[FLOOR]:.2f} x")
    worst = max(medians["matrixbuild --version"], medians["matrixbuild --help"]) / medians[FLOOR]
    print(f"budget {BUDGET} x, worst {worst:.2f} x")
    return int(worst > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
