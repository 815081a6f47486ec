"""The directory of an attempt: what is read of it, and every recorded one of both real programs gets the class and the retry that people gave it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.recorded import MOST, said_in
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.failures import Said, classified
from matrixbuild.core.policy import worth_retrying
from matrixbuild.core.problems import InvalidError
from tests import transcripts


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return transcripts.unpacked(tmp_path_factory.mktemp("transcripts"))


def answer(said: Said) -> tuple[str, bool]:
    failure = classified(said)
    return (failure.kind.value, worth_retrying(failure)) if failure else ("success", False)


@pytest.mark.parametrize("name", transcripts.names())
def test_every_transcript_has_an_accepted_class_and_retry(recorded: Path, name: str) -> None:
    judged = transcripts.judged(recorded / name)
    assert answer(said_in(recorded / name)) in [(each["class"], each["retry"]) for each in judged["accept"]]


NOISE = st.lists(
    st.sampled_from(
        [
            "error: failed to do request: dial tcp 10.0.0.1:443: connect: connection refused",
            "retrying in 1s",
            "+other | WARN Earthfile:9:2: failed: context canceled",
            "+other | no space left on device",
            "+other | ERROR: something innocent",
            "output | unexpected status: 503 Service Unavailable",
            "Error: 401 Unauthorized",
            "+other | Killed",
        ]
    ),
    max_size=6,
)


@given(st.data())
def test_lines_of_innocent_siblings_change_nothing(recorded: Path, data: st.DataObject) -> None:
    said = said_in(recorded / data.draw(st.sampled_from(transcripts.names())))
    failure = (said.manifest or {}).get("failure")
    lines = data.draw(NOISE)
    place = data.draw(st.integers(0, len(said.stderr)))
    noisy = replace(said, stderr=said.stderr[:place] + "\n" + "\n".join(lines) + "\n" + said.stderr[place:])
    if failure or said.exit == 0 or said.ended_by_us:
        assert classified(noisy) == classified(said)


@given(st.data())
def test_failures_of_innocent_siblings_change_nothing(recorded: Path, data: st.DataObject) -> None:
    """All but one thing: git that is ended says nothing itself, and the sibling is the cause."""
    said = said_in(recorded / data.draw(st.sampled_from(transcripts.names())))
    commands = (said.manifest or {}).get("commands")
    failure = (said.manifest or {}).get("failure")
    if said.manifest is None or not isinstance(commands, dict) or (isinstance(failure, dict) and failure.get("type") == "FAILURE_TYPE_GIT"):
        return
    errors = {f"s{number}": {"name": "RUN x", "errorMessage": line} for number, line in enumerate(data.draw(NOISE))}
    noisy = replace(said, manifest={**said.manifest, "commands": {**errors, **commands}})
    assert answer(noisy) == answer(said)


class TestDirectory:
    def test_what_is_read(self, recorded: Path) -> None:
        said = said_in(recorded / "earthly/oom-run-slow")
        assert (said.exit, said.signal, said.ended_by_us, said.privileged) == (1, None, None, False)
        assert (said.peak, said.limit) == (23_674_880, 59_998_208)
        killed = said_in(recorded / "earthly/sigkill-during-run")
        assert (killed.exit, killed.signal, killed.ended_by_us, killed.manifest) == (None, 9, "interrupt", None)

    def test_only_the_beginning_and_the_end_of_much(self, tmp_path: Path) -> None:
        (tmp_path / "exit").write_text("1\n")
        (tmp_path / "stderr").write_bytes(b"a" * MOST + b"b" * 1000 + b"c" * MOST)
        assert said_in(tmp_path).stderr == "a" * MOST + "c" * MOST
        (tmp_path / "stderr").write_bytes(b"a" * MOST + b"c" * 10)
        assert said_in(tmp_path).stderr == "a" * MOST + "c" * 10

    @pytest.mark.parametrize("content", ["", "{", '{"failure": ', "[]", "7", "\0"])
    def test_half_a_run_manifest_is_none(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "exit").write_text("6\n")
        (tmp_path / "run-manifest.json").write_text(content)
        failure = classified(said_in(tmp_path))
        assert failure
        assert failure.kind is FailureKind.BUILDER

    def test_rights_that_the_last_call_had(self, tmp_path: Path) -> None:
        (tmp_path / "exit").write_text("9\n")
        (tmp_path / "command").write_text(f"{json.dumps(['earthly', '+a'])}\n{json.dumps(['earthly', '-P', '+a'])}\n")
        assert said_in(tmp_path).privileged

    def test_another_directory(self, tmp_path: Path) -> None:
        assert told(tmp_path) == f"{tmp_path} is not the directory of an attempt: there is no file exit"
        (tmp_path / "stderr").touch()
        assert told(tmp_path) == f"{tmp_path} is the directory of an attempt that has not ended: there is no file exit"
        (tmp_path / "exit").touch()
        assert told(tmp_path) == f"{tmp_path}/exit holds no exit status"
        assert told(tmp_path / "nowhere") == f"{tmp_path}/nowhere is no directory"


def told(directory: Path) -> str:
    with pytest.raises(InvalidError) as caught:
        said_in(directory)
    [problem] = caught.value.problems
    assert (
        problem.hint
        == "an attempt's directory holds the files exit and stderr, and mostly run-manifest.json (.matrixbuild/NAME/runs/RUN/BUILD/ATTEMPT)"
    )
    return problem.summary
