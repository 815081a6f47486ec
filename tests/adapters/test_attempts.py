from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.attempt_logs import logged
from matrixbuild.adapters.attempts import Attempt, chunks_of, private_directory
from matrixbuild.adapters.children import Children
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.process import Command

SECRETS = (("TOKEN", "canary-51c0"),)


@pytest.fixture
def children() -> Iterator[Children]:
    with Children() as made:
        yield made


def shell(script: str) -> Command:
    return Command(argv=("/bin/sh", "-c", script), cwd="/", env=(("PATH", "/usr/bin:/bin"), *SECRETS), secrets=SECRETS)


def test_an_attempt_is_a_directory_in_the_layout_of_transcripts(children: Children, tmp_path: Path) -> None:
    command = shell('echo "out $TOKEN"; echo "err $TOKEN" >&2; kill -9 $$')
    with Attempt(tmp_path / "runs" / "1") as attempt:
        ended = attempt.run(children, command, name="a")
        assert not (tmp_path / "runs" / "1" / "exit").exists()
    assert ended.status == -9
    files = {path.name: path.read_text() for path in (tmp_path / "runs" / "1").iterdir()}
    assert files == {"command": f"{json.dumps(command.argv)}\n", "stdout": "out ***\n", "stderr": "err ***\n", "exit": "-9\n"}
    assert (tmp_path / "runs" / "1").stat().st_mode & 0o777 == 0o700


def test_what_is_said_is_there_while_it_runs(children: Children, tmp_path: Path) -> None:
    script = f"echo one; while ! grep -q one {tmp_path}/log/stdout; do sleep 0.01; done; echo two"
    with Attempt(tmp_path / "log") as attempt:
        assert attempt.run(children, shell(script), name="a").succeeded
    assert (tmp_path / "log" / "stdout").read_text() == "one\ntwo\n"


def test_several_commands_follow_each_other(children: Children, tmp_path: Path) -> None:
    first, second = shell("echo one; exit 3"), shell("echo two")
    with Attempt(tmp_path) as attempt:
        attempt.run(children, first, name="a")
        attempt.run(children, second, name="a")
    assert (tmp_path / "command").read_text() == f"{json.dumps(first.argv)}\n{json.dumps(second.argv)}\n"
    assert (tmp_path / "stdout").read_text() == "one\ntwo\n"
    assert (tmp_path / "exit").read_text() == "0\n"


def test_what_a_program_wrote_itself_is_kept_masked(children: Children, tmp_path: Path) -> None:
    with private_directory(tmp_path / "work") as private, Attempt(tmp_path / "log") as attempt:
        assert private.stat().st_mode & 0o777 == 0o700
        command = shell(f'printf "%s" "$TOKEN$TOKEN;$TOKEN" > {private}/manifest.json')
        attempt.run(children, command, name="a")
        assert attempt.keep("run-manifest.json", chunks_of(private / "manifest.json"), command) == tmp_path / "log" / "run-manifest.json"
    assert (tmp_path / "log" / "run-manifest.json").read_text() == "***;***"
    assert list((tmp_path / "work").iterdir()) == []


def test_where_nothing_can_be_written_the_build_has_failed(children: Children, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildFailed) as caught, Attempt(tmp_path / "file" / "log"):
        raise AssertionError("it was opened")
    assert caught.value.failure == Failure(
        kind=FailureKind.DISK,
        summary=f"cannot write the log {tmp_path}/file/log: Not a directory",
        hint="check its directory, its permissions and the space left",
    )


def fail_after(children: Children, directory: Path, script: str, failure: Failure) -> None:
    with logged(directory, ["earthly", "+x"]):
        with Attempt(directory) as attempt:
            attempt.run(children, shell(script), name="a")
        raise BuildFailed(failure)


def test_how_the_program_failed_is_kept_beside_why(children: Children, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed):
        fail_after(children, tmp_path, "exit 7", Failure(kind=FailureKind.STEP, summary="sh ended with 7"))
    assert (tmp_path / "exit").read_text() == "7\n"
    assert json.loads((tmp_path / "class.json").read_text()) == {"class": "step", "decisive": [], "summary": "sh ended with 7"}


def test_a_build_that_fails_after_its_program_did_well_has_failed(children: Children, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed):
        fail_after(children, tmp_path, "exit 0", Failure(kind=FailureKind.PUSH, summary="the image is not there"))
    assert (tmp_path / "exit").read_text() == "1\n"
