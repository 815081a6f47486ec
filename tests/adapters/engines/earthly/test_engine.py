"""The Earthly engine around a script in place of the program: what it calls, keeps, puts in place and tells."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Made, Order
from matrixbuild.adapters.engines.earthly.checkouts import Checkout
from matrixbuild.adapters.engines.earthly.engine import EarthlyEngine
from matrixbuild.core.earthfile.generation import Renewed
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.names import ImageName, sha256
from matrixbuild.core.problems import Place
from tests.fakes.earthly import Answering, Progressing, earthly_engine
from tests.processes import until

IMAGE = ImageName(registry="registry.test", repository="edge", tag="mb-1")
KEY = sha256(b"key")
CANARY = "canary 51c0ffee"


@pytest.fixture
def opened() -> Iterator[list[EarthlyEngine]]:
    made: list[EarthlyEngine] = []
    yield made
    for engine in made:
        engine.close()


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(
        earthly="./sub+image",
        args=(("OS", "jammy jellyfish"),),
        key=KEY,
        push=IMAGE,
        artifacts=(),
        output=tmp_path / "out",
        log=tmp_path / "log",
    )


def files(order: Order, *artifacts: tuple[str, str]) -> Order:
    return replace(order, push=None, artifacts=artifacts)


def calls(order: Order) -> list[list[str]]:
    assert order.log
    return [json.loads(line) for line in (order.log / "command").read_text().splitlines()]


def failed(engine: EarthlyEngine, order: Order) -> Failure:
    with pytest.raises(BuildFailed) as caught:
        engine.build(order)
    return caught.value.failure


def test_an_image_is_one_call_and_artifacts_are_another(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    script = """[ $target = +image ] || { mkdir -p out/0 out/1; echo one > out/0/x.iso; echo two > out/1/y; }"""
    opened.append(earthly_engine(tmp_path, script))
    both = replace(order, artifacts=(("/build/*.iso", "isos/x"), ("/y", "z")))
    made = opened[0].build(both)
    assert made == Made(image=None, artifacts=(("isos/x", sha256(b"one\n"), 4), ("z", sha256(b"two\n"), 4)))
    assert (order.output / "isos/x").read_text() == "one\n"
    one, two = calls(both)
    assert one[:6] == [str(tmp_path / "bin/earthly"), "--config", "fast", "--strict", "--push", "--no-output"]
    target = f"--MB_TARGET={tmp_path}/source/sub+image"
    assert one[-5:] == ["+image", target, f"--MB_KEY={KEY}", f"--MB_TAG={IMAGE}", "--OS=jammy jellyfish"]
    assert two[-5:] == ["+artifacts", target, "--MB_PATH_0=build/*.iso", "--MB_PATH_1=y", "--OS=jammy jellyfish"]
    assert "--push" not in two
    assert not list((tmp_path / "work").iterdir())


def test_nothing_is_put_in_place_before_everything_is_there(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    opened.append(earthly_engine(tmp_path, "mkdir -p out/0 out/1; echo one > out/0/x"))
    failure = failed(opened[0], files(order, ("/x", "x"), ("/y*", "y")))
    hint = "artifacts are what the target's SAVE ARTIFACT commands name; a pattern means one of them"
    assert failure == Failure(kind=FailureKind.SYNTAX, summary="the artifact /y* matches nothing", hint=hint)
    assert not order.output.exists()


@pytest.mark.parametrize(
    ("script", "summary"),
    [
        ("mkdir -p out/0; touch out/0/b out/0/a", "the artifact /* matches 2 paths: /a, /b"),
        ("mkdir -p out/0/d; mkfifo out/0/d/pipe", "it is or holds a device or a pipe: pipe"),
        ("true", "the artifact /* matches nothing"),
    ],
)
def test_what_can_be_no_artifact_is_told(tmp_path: Path, order: Order, opened: list[EarthlyEngine], script: str, summary: str) -> None:
    opened.append(earthly_engine(tmp_path, script))
    failure = failed(opened[0], files(order, ("/*", "it")))
    assert (failure.kind, failure.summary) == (FailureKind.SYNTAX, summary)


def test_an_artifact_replaces_what_was_there_as_a_whole(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    script = "mkdir -p out/0/d/e out/1; echo new > out/0/d/e/f; ln -s e out/0/d/l; chmod 600 out/0/d/e/f; chmod 555 out/0/d/e; echo new > out/1/g"
    opened.append(earthly_engine(tmp_path, script))
    for there in (order.output / "d/old", order.output / "g/old"):
        there.parent.mkdir(parents=True)
        there.write_text("old")
    made = opened[0].build(files(order, ("/d", "d"), ("/g", "g")))
    assert [name for name, _, _ in made.artifacts] == ["d/e/f", "g"]
    assert sorted(path.name for path in order.output.rglob("*")) == ["d", "e", "f", "g", "l"]
    assert (order.output / "d/e").stat().st_mode & 0o777 == 0o555
    assert (order.output / "d/e/f").stat().st_mode & 0o777 == 0o600
    opened[0].build(files(order, ("/d", "d"), ("/g", "g")))
    assert not list((tmp_path / "work").iterdir())


def test_the_whole_of_the_artifacts_is_a_directory(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    opened.append(earthly_engine(tmp_path, "mkdir -p out/0/d; echo 1 > out/0/a; echo 2 > out/0/d/b"))
    assert [name for name, _, _ in opened[0].build(files(order, ("/", "all"))).artifacts] == ["all/a", "all/d/b"]


def test_what_is_needed_is_asked_for_and_nothing_more(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    foreign = Checkout(path=tmp_path / "source", foreign=(Place(file="Earthfile", line=1),))
    environ = {"SITE": "north", "OS": "ambient"}
    opened.append(earthly_engine(tmp_path, "true", secrets={"TOKEN": CANARY}, environ=environ, checkout=lambda _variant, _generation: foreign))
    image = replace(IMAGE, registry="insecure.test")
    opened[0].build(replace(order, push=image, privileged=True, secrets=("TOKEN",), ambient=("SITE", "UNSET", "OS")))
    (words,) = calls(order)
    more = ["--allow-privileged", "--no-cache", "--secret", "TOKEN", "--build-arg", "SITE", "--logstream-debug-file"]
    assert words[6:13] == more
    assert words[-1] == "--OS=jammy jellyfish"
    assert order.log
    wrapper = (order.log / "Earthfile").read_text()
    assert "FROM $MB_TARGET --OS=$OS --SITE=$SITE\n" in wrapper
    assert "SAVE IMAGE --insecure --push $MB_TAG\n" in wrapper


def test_a_call_runs_in_a_private_directory_and_sees_only_what_it_may(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    script = "pwd; stat -c %a .; env | grep -v -e ^_= -e ^SHLVL= | sort; cat Earthfile"
    opened.append(earthly_engine(tmp_path, script, secrets={"TOKEN": CANARY}, environ={"SITE": "north-by-northwest", "HIDDEN": "x"}))
    opened[0].build(replace(order, ambient=("SITE",)))
    assert order.log
    cwd, mode, *said = (order.log / "stdout").read_text().splitlines()
    assert Path(cwd).parent == tmp_path / "work"
    assert mode == "700"
    assert f"PWD={cwd}" in said
    assert f"GIT_CEILING_DIRECTORIES={tmp_path}:{tmp_path / 'work'}" in said
    assert "TOKEN=***" in said
    assert "***" in said
    assert not [line for line in said if "north-by" in line]


def test_a_secret_is_in_no_file_that_is_kept(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    encoded = base64.b64encode(f"it is {CANARY}\n".encode()).decode()
    failure = {"type": "FAILURE_TYPE_NONZERO_EXIT", "errorMessage": f"failed: {CANARY}", "output": encoded}
    stream = json.dumps({"deltaLog": {"commandId": "a/1", "data": encoded}})
    script = f"""echo '{json.dumps({"failure": failure})}' > $manifest; echo '{stream}' > $stream; echo "$TOKEN" >&2; exit 1"""
    opened.append(earthly_engine(tmp_path, script, secrets={"TOKEN": CANARY}))
    told = failed(opened[0], order)
    assert order.log
    names = sorted(path.name for path in order.log.iterdir())
    assert names == ["Earthfile", "command", "exit", "run-manifest.json", "stderr", "stdout", "stream.ndjson"]
    kept = json.loads((order.log / "run-manifest.json").read_text())["failure"]
    assert base64.b64decode(kept["output"]) == b"it is ***\n"
    everything = b"".join(path.read_bytes() for path in order.log.iterdir()) + repr(told).encode()
    assert b"51c0ffee" not in everything
    assert base64.b64encode(b"51c0ffee")[:8] not in everything


def test_a_builder_that_nobody_answers_at_is_tried_once_more_with_patience(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    opened.append(earthly_engine(tmp_path, "[ $2 = patient ] || exit 6"))
    opened[0].build(order)
    assert [words[2] for words in calls(order)] == ["fast", "patient"]


def test_a_builder_that_is_restarted_is_waited_for(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    builder = Answering(configs=None, deaf=[None] * 3)
    opened.append(earthly_engine(tmp_path, "true", builders=[builder]))
    opened[0].build(order)
    assert len(builder.asked) >= 4
    assert len(calls(order)) == 1


def test_image_and_artifacts_are_made_by_one_builder(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    script = "[ $target = +image ] || { mkdir -p out/0; echo > out/0/a; }"
    builders = [Answering(configs=None, words=("--buildkit-host", name)) for name in ("one", "two")]
    opened.append(earthly_engine(tmp_path, script, builders=builders))
    for _ in range(3):
        opened[0].build(replace(order, artifacts=(("/a", "a"),)))
        first, second = calls(order)
        assert first[1:3] == second[1:3]


def test_a_builder_that_can_never_do_is_not_waited_for(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    builder = Answering(configs=None, deaf=[None] * 1_000_000, again=False)
    opened.append(earthly_engine(tmp_path, "true", builders=[builder]))
    assert failed(opened[0], order).again is False
    assert len(builder.asked) == 1


def test_a_build_that_waits_for_its_builder_can_be_stopped(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    builder = Answering(configs=None, deaf=[None] * 1_000_000)
    opened.append(earthly_engine(tmp_path, "true", builders=[builder]))
    opened[0].stop(order.key, now=False)
    failure = failed(opened[0], order)
    assert (failure.kind, failure.summary) == (FailureKind.CANCELLED, "./sub+image was stopped while its builder did not answer")


def test_a_timeout_is_for_both_calls_together(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    opened.append(earthly_engine(tmp_path, "[ $target = +image ] || exec sleep 60"))
    began = time.monotonic()
    failure = failed(opened[0], replace(order, artifacts=(("/a", "a"),), timeout=1.0))
    assert failure.kind is FailureKind.TIMEOUT
    assert time.monotonic() - began < 30
    assert not order.output.exists()


def test_silence_is_told(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    opened.append(earthly_engine(tmp_path, "echo begun; exec sleep 60"))
    failure = failed(opened[0], replace(order, silence=0.2))
    assert (failure.kind, failure.summary) == (FailureKind.TIMEOUT, "./sub+image: earthly said nothing for 0.2 s and was stopped")


def test_where_a_build_is_and_what_it_took_is_told(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    heard = Progressing()
    usage = base64.b64encode(json.dumps({"memory": {"usage": {"usage": 5_000_000}}, "cpu": {"usage": {"total": 2_000_000_000}}}).encode()).decode()
    records = [
        {"deltaManifest": {"fields": {"targets": {"t": {"name": "+image"}}, "commands": {"t/1": {"name": "RUN make", "targetId": "t"}}}}},
        {"deltaLog": {"commandId": "t/1", "stream": 99, "data": usage}},
        {"deltaLog": {"commandId": "t/1", "stream": 1, "data": base64.b64encode(b"half way\n").decode()}},
    ]
    script = "\n".join(f"echo '{json.dumps(record)}' >> $stream" for record in records)
    opened.append(earthly_engine(tmp_path, script, tell=heard))
    made = opened[0].build(order)
    assert {build for build, _ in heard.told} == {KEY}
    assert getattr(heard.told[-1][1], "line", "") == "half way"
    assert made.usage.memory == 5_000_000


def test_a_failure_stands_where_its_author_wrote_it(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    """A generation added the second line of the checkout's file."""
    source = tmp_path / "source"
    location = {"file": f"{source}/sub/Earthfile", "startLine": 7, "startColumn": 4}
    manifest = {
        "status": "RUN_STATUS_FAILURE",
        "mainTargetId": "w",
        "targets": {
            "w": {"name": "+image", "localPath": ".", "dependsOn": ["t"]},
            "t": {"name": f"{source}/sub+image", "localPath": f"{source}/sub"},
        },
        "commands": {
            "w/0": {"name": "FROM", "targetId": "w", "sourceLocation": {"file": "Earthfile", "startLine": 5, "startColumn": 0}},
            "t/1": {"name": "RUN make", "targetId": "t", "status": "RUN_STATUS_FAILURE", "sourceLocation": location},
        },
        "failure": {"type": "FAILURE_TYPE_NONZERO_EXIT", "targetId": "t", "commandId": "t/1", "errorMessage": "Exit code 3", "output": ""},
    }
    renewed = {"sub/Earthfile": Renewed(text="", added=(2,))}
    script = f"echo '{json.dumps(manifest)}' > $manifest; exit 1"
    opened.append(earthly_engine(tmp_path, script, checkout=lambda _variant, _generation: Checkout(path=source, rewritten=renewed)))
    failure = failed(opened[0], order)
    assert (failure.kind, failure.place) == (FailureKind.STEP, Place(file="sub/Earthfile", line=6, column=5))
    assert order.log
    assert (order.log / "exit").read_text() == "1\n"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("A B", "x", (FailureKind.SYNTAX, "'A B' cannot be the name of an ARG")),
        ("A", CANARY, (FailureKind.AUTH, "the secret 'TOKEN' stands in the arguments of earthly, where every process of this machine may read it")),
        ("A", "a\0b", (FailureKind.SYNTAX, "an argument or a variable of earthly holds a NUL character, which no program can be given")),
    ],
)
def test_what_cannot_be_called_is_a_failure(tmp_path: Path, order: Order, name: str, value: str, told: tuple[FailureKind, str]) -> None:
    engine = earthly_engine(tmp_path, "true", secrets={"TOKEN": CANARY})
    failure = failed(engine, replace(order, args=((name, value),)))
    engine.close()
    assert (failure.kind, failure.summary) == told
    assert not list((tmp_path / "work").iterdir())


def test_a_program_that_has_gone_is_told(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    opened.append(earthly_engine(tmp_path, "true"))
    (tmp_path / "bin/earthly").unlink()
    assert failed(opened[0], order).summary == f"cannot start {tmp_path}/bin/earthly: No such file or directory"


def test_a_build_that_is_stopped_makes_no_other_call(tmp_path: Path, order: Order, opened: list[EarthlyEngine]) -> None:
    opened.append(earthly_engine(tmp_path, f"touch {tmp_path}/up; exec sleep 60"))

    def stop() -> None:
        until((tmp_path / "up").exists)
        opened[0].stop(order.key, now=True)

    thread = threading.Thread(target=stop)
    thread.start()
    failure = failed(opened[0], replace(order, artifacts=(("/a", "a"),)))
    thread.join()
    assert failure.kind is FailureKind.CANCELLED
    assert len(calls(order)) == 1
    assert failed(opened[0], order).summary == "./sub+image: earthly was stopped after 0 s"
