"""What matrixbuild believes of the program and its builder, held against real ones (tests/live/program.py says how they are named)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from matrixbuild.adapters.bounded import within
from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.earthly.builders import Builder, Builders, open_builders
from matrixbuild.adapters.engines.earthly.programs import PROGRAM_VARIABLE, find_program
from matrixbuild.adapters.engines.earthly.starts import PER_CORE, Start
from matrixbuild.adapters.machine import cores
from matrixbuild.core.declared import Text
from matrixbuild.core.problems import Place
from matrixbuild.core.process import Command
from matrixbuild.core.program import Program, scrubbed
from matrixbuild.core.surroundings import EngineUse
from tests.adapters.engines.earthly.listeners import nobody
from tests.adapters.engines.earthly.scripts import script
from tests.live.program import required

PLACE = Place(file="m.yaml", line=1)


@pytest.fixture
def children() -> Iterator[Children]:
    with Children(grace=3) as made:
        yield made


def environment(root: Path, path: str) -> dict[str, str]:
    """A home that the program has never seen, and a Docker that tells when it is asked."""
    (root / "home").mkdir()
    script(root / "bin/docker", f'echo "$@" >> {root}/docker; exit 1')
    return {"HOME": str(root / "home"), "PATH": f"{root / 'bin'}:{os.environ['PATH']}", PROGRAM_VARIABLE: path}


class World:
    """The real program and builders for it."""

    def __init__(self, root: Path, children: Children, *addresses: str) -> None:
        self.root = root
        self.children = children
        self.real = required(buildkit=True)
        if self.real.tls:
            pytest.skip("its buildkitd wants certificates, and these tests have a home without any")
        self.environ = environment(root, self.real.path)
        found = find_program(EngineUse(), self.environ)
        assert found
        self.program: Program = found
        use = EngineUse(builders=tuple(Text(value=address, place=PLACE) for address in addresses or (self.real.buildkit,)))
        self.builders: Builders = open_builders(use, found, work=root / "work", children=children, environ=self.environ)
        (root / "Earthfile").write_text("VERSION 0.8\n\nnothing:\n    FROM scratch\n")

    @property
    def builder(self) -> Builder:
        return self.builders.all[0]

    def build(self, *, patient: bool, start: Start | None = None) -> tuple[int | None, str]:
        said: list[bytes] = []

        def listen(_: object, lines: list[bytes]) -> None:
            said.extend(lines)
            if start:
                start.hear(lines)

        argv = (self.program.path, *self.builder.arguments(patient=patient), "--no-output", f"{self.root}+nothing")
        env = scrubbed(self.environ) | {"PWD": str(self.root)}
        ended = self.children.run(Command(argv=argv, cwd=str(self.root), env=tuple(env.items()), timeout=120), listen)
        return ended.code, b"".join(said).decode(errors="replace")


def test_the_program_is_known_by_what_it_prints_and_starts_nothing(tmp_path: Path) -> None:
    real = required()
    environ = environment(tmp_path, real.path)
    found = find_program(EngineUse(version=">=0.8.15 <0.9"), environ)
    assert found
    assert (found.flavor.value, f"v{found.version}", found.path) == (real.kind, real.version, real.path)
    assert not list((tmp_path / "home").iterdir())
    assert not (tmp_path / "docker").exists()


@pytest.mark.parametrize("patient", [False, True])
def test_a_build_gets_through_with_our_configuration_and_asks_no_docker(tmp_path: Path, children: Children, patient: bool) -> None:
    world = World(tmp_path, children)
    code, said = world.build(patient=patient)
    assert code == 0, said
    assert "Bootstrapping" not in said
    assert not (tmp_path / "docker").exists()


def test_a_builder_that_answers_is_told_from_its_bytes(tmp_path: Path, children: Children) -> None:
    world = World(tmp_path, children)
    spoken = world.builder.spoken()
    assert world.program.flavor.value in spoken.package
    assert spoken.version.startswith("v0.8.")
    with world.builders.taken("+nothing") as taken:
        assert taken is world.builder


def test_a_start_is_over_once_it_has_its_builder(tmp_path: Path, children: Children) -> None:
    world = World(tmp_path, children)
    with world.builders.starting() as start, ExitStack() as others:
        code, said = world.build(patient=False, start=start)
        assert code == 0, said
        # As many as may start at once come in beside it: it is counted no more.
        for _ in range(PER_CORE * cores()):
            within(30, lambda: others.enter_context(world.builders.starting()))


def test_nobody_there_is_exit_6_and_found_before(tmp_path: Path, children: Children) -> None:
    world = World(tmp_path, children, nobody().text)
    code, said = world.build(patient=False)
    assert code == 6, said
    assert not world.builder.wait(0.1)
