"""The recorded pairs notice a rule that is taken out of the analysis: without that they could not be trusted to notice a mistake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.mutants.mutants import MUTANTS, Mutant


def compared(package: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """tests.pairs.compare with the package that lies below `package`; fails if it is not that one which runs."""
    # -P keeps the current directory out of the way: the package is the copy, the tests are ours.
    around = {**os.environ, "PYTHONPATH": os.pathsep.join((str(package), str(ROOT)))}
    start = f"import matrixbuild, sys; assert matrixbuild.__file__.startswith({str(package)!r}), matrixbuild.__file__; from tests.pairs.compare import main"
    command = [sys.executable, "-P", "-c", f"{start}; sys.exit(main(sys.argv[1:]))", *names]
    return subprocess.run(command, cwd=package, env=around, capture_output=True, text=True, check=False)


def copy_of_package(to: Path) -> Path:
    """With the compiled modules, so that only what changes is compiled anew."""
    shutil.copytree(ROOT / "matrixbuild", to / "matrixbuild")
    return to


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_rule_that_is_taken_out_is_missed(mutant: Mutant, tmp_path: Path) -> None:
    module = copy_of_package(tmp_path) / "matrixbuild" / mutant.module
    text = module.read_text()
    assert text.count(mutant.old) == 1, f"{mutant.module} does not hold this once any more: {mutant.old}"
    module.write_text(text.replace(mutant.old, mutant.new))
    done = compared(tmp_path, *mutant.cases)
    assert done.stdout.strip().endswith("says the same build, really another build"), done.stderr
    assert done.returncode == 1


def test_nothing_is_missed_with_all_rules(tmp_path: Path) -> None:
    names = sorted({name for mutant in MUTANTS for name in mutant.cases})
    done = compared(copy_of_package(tmp_path), *names)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
