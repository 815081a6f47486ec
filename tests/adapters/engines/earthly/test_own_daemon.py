from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.earthly.own_daemon import OwnDaemon
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.program import Flavor, Program
from tests.adapters.engines.earthly.scripts import script
from tests.processes import marked

HINT = "is Docker running, and may you use it? `docker info` tells; engine.builders names a builder elsewhere"


@pytest.fixture
def children() -> Iterator[Children]:
    with Children(grace=0.3, mercy=0.3) as made:
        yield made


def daemon(tmp_path: Path, children: Children, body: str, *, arguments: tuple[str, ...] = (), seconds: float = 30, **environ: str) -> OwnDaemon:
    path = script(tmp_path / "bin" / "earthly", body)
    program = Program(path=str(path), flavor=Flavor.EARTHLY, version="0.8.16")
    around = {"PATH": os.environ["PATH"], **environ}
    return OwnDaemon(program=program, children=children, work=tmp_path / "work", environ=around, arguments=arguments, seconds=seconds)


def failure(found: OwnDaemon) -> Failure:
    with pytest.raises(BuildFailed) as caught:
        found.warm_up()
    return caught.value.failure


def test_one_cheap_build_starts_it_and_only_one(tmp_path: Path, children: Children) -> None:
    body = f'printf "%s\\n" "$@" >> {tmp_path}/called; pwd >> {tmp_path}/called; cat Earthfile; env > {tmp_path}/env; sleep 0.1'
    found = daemon(tmp_path, children, body, arguments=("--buildkit-host", "docker-container://b"), EARTHLY_PUSH="true")
    threads = [threading.Thread(target=found.warm_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    work = tmp_path / "work"
    called = ["--buildkit-host", "docker-container://b", "--no-output", f"{work}+warm-up", str(work)]
    assert (tmp_path / "called").read_text().splitlines() == called
    assert f"PWD={work}\n" in (tmp_path / "env").read_text()
    assert "EARTHLY_PUSH" not in (tmp_path / "env").read_text()
    assert (work / "Earthfile").read_text() == "VERSION 0.8\n\nwarm-up:\n    FROM scratch\n"


def test_one_that_does_not_start_is_told_in_the_programs_words_and_tried_again(tmp_path: Path, children: Children) -> None:
    body = f"echo x >> {tmp_path}/called; echo Error: build target: docker not available >&2; echo 'Init' >&2; exit 6"
    found = daemon(tmp_path, children, body)
    told = Failure(
        kind=FailureKind.BUILDER,
        summary="the daemon of this machine does not start: build target: docker not available",
        lines=("Error: build target: docker not available", "Init"),
        hint=HINT,
    )
    assert [failure(found), failure(found)] == [told, told]
    assert (tmp_path / "called").read_text() == "x\nx\n"


def test_what_docker_complains_of_says_more_than_what_the_program_makes_of_it(tmp_path: Path, children: Children) -> None:
    said = "Error: could not start buildkit: exit status 125\ndocker: Error response from daemon: no such host.\n\nSee 'docker run --help'.\n"
    told = failure(daemon(tmp_path, children, f"cat >&2 <<'END'\n{said}END\nexit 1"))
    assert told.summary == "the daemon of this machine does not start: no such host."
    assert told.lines == tuple(line for line in said.splitlines() if line)


def test_one_that_says_nothing_is_told_by_how_it_ends(tmp_path: Path, children: Children) -> None:
    told = failure(daemon(tmp_path, children, "exit 6"))
    assert told.summary == "the daemon of this machine does not start: earthly ends with 6 and says nothing"


def test_one_that_never_ends_is_stopped_and_nothing_of_it_is_left(tmp_path: Path, children: Children) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    told = failure(daemon(tmp_path, children, "sleep 60 & sleep 60", seconds=0.2, MARK=mark))
    assert told.summary == "the daemon of this machine does not start: earthly took longer than 0.2 s and was stopped"
    assert not marked(mark)
