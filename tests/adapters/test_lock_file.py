"""The lock on a disk: its bytes, its refusals with place and hint, and that it is whole at every moment."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from matrixbuild.adapters.lock_file import lock_bytes, lock_path, parse_lock, read_lock, write_lock
from matrixbuild.core.lock import Lock
from matrixbuild.core.problems import Place, Problem, RefusedError, UnusableError
from tests.builders import build, cell, lock_of, pins

RESTORE = "take it back from version control (git checkout), or remove it to have everything built again"


def lock(value: str = "1") -> Lock:
    return lock_of([build("provider", cell(os="ü"), value=value, image="localhost:5000/p:1", files={"overlay/motd": "x"})])


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def refused(text: str | bytes) -> Problem:
    with pytest.raises(RefusedError) as raised:
        parse_lock(text.encode() if isinstance(text, str) else text, file="edge.lock.json")
    (problem,) = raised.value.problems
    return problem


def test_the_lock_is_beside_its_manifest() -> None:
    assert lock_path(Path("manifests/release.yaml")) == Path("manifests/release.lock.json")
    assert lock_path(Path("v1.2.yml")) == Path("v1.2.lock.json")


def test_bytes_are_sorted_json_with_two_spaces_and_a_newline() -> None:
    assert lock_bytes(Lock(name="ü", pins=pins())).decode() == (
        '{\n  "builds": {},\n  "lockVersion": 1,\n  "name": "ü",\n  "pins": {\n    "engine": "embedded/1",\n'
        '    "source": {\n      "path": "edge"\n    }\n  }\n}\n'
    )
    assert lock_bytes(lock()) == (json.dumps(lock().to_dict(), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "edge.lock.json"
    assert read_lock(path) is None
    assert write_lock(path, lock())
    assert read_lock(path) == lock()
    assert names(tmp_path) == ["edge.lock.json"]


def test_a_name_that_is_not_utf_8_comes_back(tmp_path: Path) -> None:
    odd = lock_of([build(files={"overlay/\udcff": "x"})])
    write_lock(tmp_path / "edge.lock.json", odd)
    assert (tmp_path / "edge.lock.json").read_text().count("overlay/\\udcff") == 1
    assert read_lock(tmp_path / "edge.lock.json") == odd


def test_equal_bytes_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "edge.lock.json"
    write_lock(path, lock())
    before = path.stat()
    assert not write_lock(path, lock())
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert write_lock(path, lock("2"))
    assert read_lock(path) == lock("2")


def test_the_mode_of_the_file_is_kept_and_a_new_one_follows_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "edge.lock.json"
    mask = os.umask(0o027)
    try:
        write_lock(path, lock())
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    write_lock(path, lock("2"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_lock_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "edge.lock.json").symlink_to("real.json")
    write_lock(tmp_path / "edge.lock.json", lock())
    assert (tmp_path / "edge.lock.json").is_symlink()
    assert read_lock(tmp_path / "real.json") == lock()


def test_a_write_that_fails_names_the_path_and_leaves_the_old_lock_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "edge.lock.json"
    write_lock(path, lock())
    # A real full disk: the largest file this child may write is 100 bytes.
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from matrixbuild.adapters.lock_file import write_lock; from tests.adapters.test_lock_file import lock\n"
        "from matrixbuild.core.problems import UnusableError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: write_lock(Path(sys.argv[1]), lock('2'))\n"
        "except UnusableError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout == f"cannot write the lock {path}: File too large\n"
    assert read_lock(path) == lock()
    assert names(tmp_path) == ["edge.lock.json"]


def test_what_a_killed_run_left_is_swept_with_the_next_write(tmp_path: Path) -> None:
    (tmp_path / ".edge.lock.json.abc123.tmp").write_text("half")
    (tmp_path / ".other.lock.json.abc123.tmp").write_text("not ours")
    write_lock(tmp_path / "edge.lock.json", lock())
    assert names(tmp_path) == [".other.lock.json.abc123.tmp", "edge.lock.json"]


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none" / "edge.lock.json"
    with pytest.raises(UnusableError) as raised:
        write_lock(path, lock())
    assert raised.value.problems == (
        Problem(
            summary=f"cannot write the lock {path}: No such file or directory",
            hint="check its directory, its permissions and the space left",
            code="lock-file",
        ),
    )


def test_a_lock_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match=r"cannot read the lock .*: Is a directory"):
        read_lock(tmp_path)


def test_broken_json_is_refused_with_its_place() -> None:
    place = Place(file="edge.lock.json", line=2, column=14, text='  "builds": {x')
    assert refused('{\n  "builds": {x\n}') == Problem(
        summary="the lock is not JSON: Expecting property name enclosed in double quotes", place=place, hint=RESTORE, code="broken-lock"
    )


def test_merge_conflict_markers_are_refused_with_their_place() -> None:
    text = lock_bytes(lock()).decode().replace('  "lockVersion"', '<<<<<<< HEAD\n=======\n>>>>>>> other\n  "lockVersion"')
    line = text.split("\n").index("<<<<<<< HEAD") + 1
    assert refused(text) == Problem(
        summary="the lock holds the markers of a merge conflict",
        place=Place(file="edge.lock.json", line=line, text="<<<<<<< HEAD"),
        hint="take one side whole (git checkout --ours or --theirs), then apply again: what the other side built is found in the registry",
        code="lock-conflict",
    )


def test_a_wrong_value_is_refused_with_its_place_in_the_file() -> None:
    text = lock_bytes(lock()).decode().replace('"size": 7', '"size": true')
    line = next(number for number, row in enumerate(text.split("\n"), start=1) if '"size": true' in row)
    assert refused(text) == Problem(
        summary="the lock is not a lock of matrixbuild: Unexpected type bool (expected int) in 'builds.provider.image.size'",
        place=Place(file="edge.lock.json", line=line, column=9, text='        "size": true'),
        hint=RESTORE,
        code="broken-lock",
    )


def test_a_newer_lock_is_refused() -> None:
    assert refused('{\n  "lockVersion": 2\n}') == Problem(
        summary="the lock's lockVersion 2 is of a newer matrixbuild than this one, which knows 1",
        place=Place(file="edge.lock.json", line=2, column=3, text='  "lockVersion": 2'),
        hint="update matrixbuild",
        code="newer-lock",
    )


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("[]", "the lock is not a lock of matrixbuild: Unexpected type list (expected dict)"),
        ("", "the lock is not JSON: Expecting value"),
        (b'{\n"\xff"', "the lock is not UTF-8 text"),
        ("[" * 100_000, "the lock is nested too deeply for a lock"),
        ('{"lockfileVersion": 3}', "the lock is not a lock of matrixbuild: Missing required field in 'lockVersion'"),
        ('{"name": "a", "name": "b"}', "the lock is not a lock of matrixbuild: Field given twice in 'name'"),
        ('{"lockVersion": ' + "1" * 5000 + "}", "the lock is not JSON: Exceeds the limit (4300 digits) for integer string conversion"),
        ('{"lockVersion": NaN}', "the lock is not a lock of matrixbuild: Unexpected type float (expected int) in 'lockVersion'"),
    ],
)
def test_a_file_that_is_no_lock_is_refused(text: str | bytes, summary: str) -> None:
    assert refused(text).summary.partition(": value has")[0] == summary
