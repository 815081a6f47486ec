"""What only the double can: do as it is told, remember how it was called, play transcripts, and say what it cannot."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.programs import Subject, folder
from tests.double.daemon import Daemon, running_daemon
from tests.double.flavors import FLAVORS
from tests.double.installed import Double, install
from tests.double.told import Told
from tests.processes import until


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with running_daemon(tmp_path / "daemon") as running:
        yield running


@pytest.fixture
def double(tmp_path: Path) -> Double:
    return install(tmp_path / "bin")


@pytest.fixture
def subject(double: Double, daemon: Daemon, tmp_path: Path) -> Subject:
    home = tmp_path / "home"
    (home / ".earthly").mkdir(parents=True)
    version = FLAVORS["earthly"].version
    return Subject(path=str(double.path), flavor="earthly", version=version, address=daemon.address, registry="", home=home)


def checkout(tmp_path: Path, *commands: str) -> Path:
    return folder(tmp_path / "checkout", "VERSION 0.8\nFROM scratch\nmain:\n" + "".join(f"  {command}\n" for command in commands))


def test_it_remembers_how_it_was_called(double: Double, subject: Subject, tmp_path: Path) -> None:
    where = checkout(tmp_path, "COPY nope /")
    subject.call("+main", "--K=a b", cwd=where, env={"EXTRA": "1"})
    called = double.calls()[-1]
    assert (called.argv[-2:], called.cwd, called.environ["EXTRA"]) == (("+main", "--K=a b"), str(where), "1")


def test_it_does_of_a_run_what_a_test_says(double: Double, subject: Subject, tmp_path: Path) -> None:
    double.tell(runs=(Told(match="apt-get", seconds=0.1, exit=100, output="E: no\nE: more", memory=123_000_000),))
    done = subject.call("--no-output", "+main", cwd=checkout(tmp_path, "RUN apt-get update"))
    assert (done.rc, base64.b64decode(done.failure["output"])) == (1, b"E: no\nE: more\n")
    assert done.failure["errorMessage"].endswith("did not complete successfully. Exit code 100")
    logs = [record["deltaLog"] for record in done.stream if "deltaLog" in record]
    usage = [json.loads(base64.b64decode(log["data"])) for log in logs if log.get("stream") == 99]
    assert [each["memory"]["usage"]["max"] for each in usage] == [123_000_000]


ACTS = {
    "echo one; echo two >&2 && echo 'a  b' \"$K\"": (0, ["one", "two", "a  b v"]),
    "echo hidden > /file": (0, []),
    "true && false": (1, []),
    "exit 7; echo never": (7, []),
    "apt-get install -y curl | tee /log": (0, []),
}


@pytest.mark.parametrize("text", ACTS)
def test_it_does_of_other_runs_what_little_it_can_read(subject: Subject, tmp_path: Path, text: str) -> None:
    code, lines = ACTS[text]
    done = subject.call("--no-output", "+main", "--K=v", cwd=checkout(tmp_path, "ARG K", f"RUN {text}"))
    assert done.rc == (1 if code else 0)
    logs = [record["deltaLog"] for record in done.stream if record.get("deltaLog", {}).get("targetId")]
    assert [base64.b64decode(log["data"]).decode().rstrip("\n") for log in logs] == lines
    if code:
        assert done.failure["errorMessage"].endswith(f"Exit code {code}")


def test_it_can_be_told_to_run_nothing(double: Double, subject: Subject, tmp_path: Path) -> None:
    double.tell(run="refuse")
    done = subject.call("--no-output", "+main", cwd=checkout(tmp_path, "RUN echo x"))
    assert (done.rc, done.manifest) == (70, None)
    assert "RUN executes a command in the image, which only Earthly can do" in done.err


def test_what_it_cannot_do_is_no_failure_of_a_build(subject: Subject, tmp_path: Path) -> None:
    done = subject.call("--no-output", "+main", cwd=checkout(tmp_path, "LOCALLY", "RUN echo x"))
    assert (done.rc, done.manifest) == (70, None)
    assert done.err.splitlines()[-1].startswith("double: ")


def test_a_push_takes_as_long_as_it_is_told_to(double: Double, subject: Subject, tmp_path: Path) -> None:
    double.tell(push_seconds=60)
    where = checkout(tmp_path, "RUN echo x", "SAVE IMAGE --push 127.0.0.1:1/a:1")
    running = subject.start("--push", "--no-output", "+main", cwd=where)
    until(lambda: "exporting outputs" in running.streamed())
    running.process.send_signal(signal.SIGTERM)
    assert running.ended().rc == 2


# Transcripts ------------------------------------------------------------------


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    """A recorded call that failed."""
    made = tmp_path / "transcript"
    made.mkdir()
    files = {"exit": "1", "stdout": "out\n", "stderr": "one\ntwo\nthree\n", "class.json": '{"seconds": 0.2}', "stream.ndjson": '{"a": 1}\n{"b": 2}\n'}
    for name, text in (files | {"run-manifest.json": '{"status": "RUN_STATUS_FAILURE", "failure": {"type": "FAILURE_TYPE_OTHER"}}'}).items():
        (made / name).write_text(text)
    return made


@pytest.mark.parametrize("pace", [0.0, 1.0])
def test_it_plays_a_transcript(double: Double, subject: Subject, tmp_path: Path, transcript: Path, pace: float) -> None:
    double.tell(transcript=transcript, pace=pace)
    done = subject.call("+main", cwd=tmp_path)
    assert (done.rc, done.out, done.err, done.failure) == (1, "out\n", "one\ntwo\nthree\n", {"type": "FAILURE_TYPE_OTHER"})
    assert done.stream == ({"a": 1}, {"b": 2})


def test_a_transcript_of_a_call_that_was_killed_ends_so(subject: Subject, tmp_path: Path, transcript: Path) -> None:
    (transcript / "exit").write_text("-9")
    (transcript / "run-manifest.json").unlink()
    done = subject.call("+main", cwd=tmp_path, env={"DOUBLE_TRANSCRIPT": str(transcript)})
    assert (done.rc, done.manifest, done.err) == (-9, None, "one\ntwo\nthree\n")


def test_a_transcript_that_takes_its_time_can_be_ended(double: Double, subject: Subject, tmp_path: Path, transcript: Path) -> None:
    (transcript / "class.json").write_text('{"seconds": 600}')
    double.tell(transcript=transcript, pace=1)
    running = subject.start("+main", cwd=tmp_path)
    until(lambda: '"a"' in running.streamed())
    running.process.terminate()
    assert running.ended().rc == 2


# The first call ---------------------------------------------------------------


def test_the_first_call_of_a_user_sets_things_up(subject: Subject, tmp_path: Path) -> None:
    (subject.home / ".earthly").rmdir()
    where = checkout(tmp_path, "RUN echo x")
    assert "bootstrap | Bootstrapping successful." in subject.call("--no-output", "+main", cwd=where).err
    assert "Bootstrapping" not in subject.call("--no-output", "+main", cwd=where).err


def test_old_variables_of_earthbuild_are_warned_of(daemon: Daemon, subject: Subject, tmp_path: Path) -> None:
    double = install(tmp_path / "other", flavor="earthbuild")
    done = Subject(path=str(double.path), flavor="earthbuild", version="", address=daemon.address, registry="", home=subject.home).call(
        "+main", cwd=checkout(tmp_path, "RUN echo x"), env={"EARTHLY_NO_OUTPUT": "true"}
    )
    assert done.rc == 0
    assert done.err.startswith("WARNING: EARTHLY_NO_OUTPUT is deprecated. Use EARTH_NO_OUTPUT.\n")
