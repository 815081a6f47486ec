"""What a demand reads: a Dockerfile's build everything it is given, an Earthly target as its engine has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.adapters.source import snapshot
from matrixbuild.core.demand import Arg, Demand, DockerDemand
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.profile import ProfileStatement
from matrixbuild.workflow.examining import Examiner, Examiners
from tests.builders import arg, asking, demand

FILES = {
    "docker/Dockerfile": "ARG BASE=alpine:1\nFROM $BASE\nARG OS\nRUN --mount=type=secret,id=token install $OS\n",
    "docker/quiet": "FROM scratch\nCOPY file /\n",
    "docker/file": "1\n",
    "Earthfile": "VERSION 0.8\nARG --global A\nARG --global B\nARG --global C\nx:\n    FROM alpine:1\n    RUN env > /all\n    SAVE IMAGE x\n",
}
STATEMENT = ProfileStatement(
    statement=Statement(file="Earthfile", text="env > /all", reads=frozenset({"A"}), reason="it reads A alone"), unless=frozenset({"B"})
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def examiner(root: Path, *, engine: str = "earthly", statements: tuple[ProfileStatement, ...] = ()) -> Examiner:
    return Examiner(snapshot(root, named="src"), engine, statements)


def docker(dockerfile: str = "Dockerfile", *args: Arg, context: str = "docker", secrets: tuple[str, ...] = ()) -> Demand:
    return replace(asking(demand(args=args), earthly=""), docker=DockerDemand(context=context, dockerfile=dockerfile, secrets=secrets))


class TestDockerfiles:
    @pytest.mark.parametrize("engine", ["earthly", "embedded"])
    def test_everything_that_it_is_given_counts(self, source: Path, engine: str) -> None:
        wanted = docker("Dockerfile", arg("BASE", "b:2"), arg("OS", "x"), arg("OTHER", "y"), secrets=("token",))
        found = examiner(source, engine=engine).read(wanted)
        assert (found.used, found.bases, found.opaque, found.secrets) == (frozenset({"BASE", "OS"}), ("b:2",), ("time",), ("token",))
        assert found.files == ("docker/Dockerfile", "docker/file", "docker/quiet")
        assert {"BASE", "OS"} <= found.declared
        assert "OTHER" not in found.declared
        assert examiner(source, engine=engine).line(wanted) == "docker/1"

    def test_without_commands_it_does_not_hang_on_the_day(self, source: Path) -> None:
        found = examiner(source).read(docker("quiet"))
        assert (found.opaque, found.bases, found.secrets) == ((), (), ())

    def test_context_and_file_are_its_commands(self, source: Path) -> None:
        one, two = examiner(source).read(docker("quiet")), examiner(source).read(docker("docker/quiet", context="."))
        assert (one.commands, two.commands) == (("docker", "docker", "quiet"), ("docker", ".", "docker/quiet"))
        assert two.files == ("Earthfile", "docker", "docker/Dockerfile", "docker/file", "docker/quiet")

    def test_each_dockerfile_and_args_by_themselves(self, source: Path) -> None:
        one = examiner(source)
        assert one.read(docker("Dockerfile")).bases == ("alpine:1",)
        assert one.read(docker("Dockerfile", arg("BASE", "b"))).bases == ("b",)
        assert one.read(docker("quiet")).bases == ()
        assert one.read(docker("Dockerfile")) is one.read(docker("Dockerfile"))

    def test_one_that_is_not_there(self, source: Path) -> None:
        for wanted, told in {docker("nope"): "docker/nope", docker("../..", context="docker/x"): "."}.items():
            with pytest.raises(EarthfileError) as caught:
                examiner(source).read(wanted)
            assert (caught.value.summary, caught.value.hint) == (
                f"the source has no Dockerfile {told}",
                "docker.dockerfile is relative to docker.context",
            )


class TestStatements:
    @pytest.mark.parametrize(
        ("args", "used"),
        [
            ([arg("A", "1"), arg("C", "3")], {"A"}),
            ([arg("A", "1"), arg("B", ""), arg("C", "3")], {"A"}),
            ([arg("A", "1"), arg("B", "2"), arg("C", "3")], {"A", "B", "C"}),
        ],
    )
    def test_one_holds_unless_a_call_is_given_what_it_does_not_hold_for(self, source: Path, args: list[Arg], used: set[str]) -> None:
        one = examiner(source, statements=(STATEMENT,))
        for _ in range(2):
            found = one.read(demand("x", args=args))
            assert found.used & {each.name for each in args} == used

    def test_calls_of_both_kinds_do_not_mix(self, source: Path) -> None:
        one = examiner(source, statements=(STATEMENT,))
        calls = [[arg("A", "1"), arg("C", "3")], [arg("A", "1"), arg("B", "2"), arg("C", "3")]] * 2
        assert ["C" in one.read(demand("x", args=args)).used for args in calls] == [False, True, False, True]

    def test_without_a_statement_all_that_is_in_the_environment_counts(self, source: Path) -> None:
        assert {"A", "C"} <= examiner(source).read(demand("x", args=[arg("A", "1"), arg("C", "3")])).used


def test_a_variant_has_its_own_source(source: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "Dockerfile").write_text("FROM b\n")
    trees = {(): snapshot(source, named="src"), (0,): snapshot(other, named="other")}
    found = Examiners(trees.__getitem__, "earthly")
    assert found.of((0,)).read(docker(context=".")).bases == ("b",)
    assert found.of(()).read(docker()).bases == ("alpine:1",)
    assert found.of((0,)) is found.of((0,))
