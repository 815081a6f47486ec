"""Who uses a builder, and who may change it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.contained.holds import Hold
from matrixbuild.core.problems import UnusableError

USES = """\
import sys
from pathlib import Path
from matrixbuild.adapters.engines.contained.holds import Hold
Hold(Path(sys.argv[1]), "it").use()
print("used", flush=True)
sys.stdin.read()
"""


def test_it_is_nobodys_until_it_is_used(tmp_path: Path) -> None:
    one, other = Hold(tmp_path, "it"), Hold(tmp_path, "it")
    assert one.unused()
    assert not other.unused()
    one.use()
    assert not other.unused()
    other.use()
    assert not one.unused()
    other.close()
    assert one.unused()
    one.close()


def test_builders_are_held_by_their_names(tmp_path: Path) -> None:
    one, other = Hold(tmp_path, "it"), Hold(tmp_path, "another")
    one.use()
    assert other.unused()
    one.close()
    other.close()


def test_a_hold_goes_with_its_process_however_that_ends(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    user = subprocess.Popen([sys.executable, "-c", USES, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
    assert user.stdout
    assert user.stdout.readline() == b"used\n"
    hold = Hold(tmp_path, "it")
    assert not hold.unused()
    user.kill()
    user.communicate()
    assert hold.unused()
    hold.close()


def test_where_nothing_can_be_written_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableError) as caught:
        Hold(tmp_path / "file/builders", "it")
    assert caught.value.problems[0].summary == f"cannot use the cache {tmp_path}/file/builders: Not a directory"
