from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.earthly.builders import Builder, Builders, open_builders
from matrixbuild.core.builder_address import Address
from matrixbuild.core.declared import Text
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import Place, Problem, UnusableError
from matrixbuild.core.program import Flavor, Program
from matrixbuild.core.surroundings import EngineUse
from tests.adapters.engines.earthly.listeners import buildkit, listening, nobody
from tests.adapters.engines.earthly.scripts import script

PLACE = Place(file="release.yaml", line=9)
EARTHLY = Program(path="/bin/earthly", flavor=Flavor.EARTHLY, version="0.8.16")
EARTHBUILD = Program(path="/bin/earth", flavor=Flavor.EARTHBUILD, version="0.8.18")
NOTHING: Mapping[str, str] = {}
REFUSED = "start its buildkitd, or correct the address"


@pytest.fixture
def children() -> Iterator[Children]:
    with Children(grace=0.3, mercy=0.3) as made:
        yield made


class Machine:
    """Where builders are opened: a home and a PATH of its own."""

    def __init__(self, root: Path, children: Children) -> None:
        self.root = root
        self.children = children
        self.bin = root / "bin"
        self.bin.mkdir()
        (root / "home").mkdir()

    def open(self, *addresses: str, program: Program = EARTHLY, environ: Mapping[str, str] = NOTHING) -> Builders:
        around = {"HOME": str(self.root / "home"), "PATH": str(self.bin), **environ}
        use = EngineUse(builders=tuple(Text(value=address, place=PLACE) for address in addresses), place=PLACE)
        return open_builders(use, program, work=self.root / "work", children=self.children, environ=around)

    def config(self, text: str) -> None:
        file = self.root / "home/.earthly/config.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def refused(self, *addresses: str, environ: Mapping[str, str] = NOTHING) -> Problem:
        with pytest.raises(UnusableError) as caught:
            self.open(*addresses, environ=environ)
        assert len(caught.value.problems) == 1
        return caught.value.problems[0]


@pytest.fixture
def machine(tmp_path: Path, children: Children) -> Machine:
    return Machine(tmp_path, children)


def addresses(found: Builders) -> list[str]:
    return [builder.address for builder in found.all]


def at(address: Address) -> Builder:
    return Builder(configs=None, place=address)


def failure(builders: Builders) -> Failure:
    with pytest.raises(BuildFailed) as caught, builders.taken("+image"):
        raise AssertionError("there is none")
    return caught.value.failure


def test_the_manifest_wins_over_the_environment_and_that_over_the_users_configuration(machine: Machine) -> None:
    machine.config("global: {buildkit_host: tcp://c:1}\n")
    environ = {"EARTHLY_BUILDKIT_HOST": "tcp://e:1", "EARTH_BUILDKIT_HOST": "tcp://f:1"}
    assert addresses(machine.open("tcp://a:1", "tcp://b:2", environ=environ)) == ["tcp://a:1", "tcp://b:2"]
    assert addresses(machine.open(environ=environ)) == ["tcp://e:1"]
    assert addresses(machine.open(program=EARTHBUILD, environ=environ)) == ["tcp://f:1"]
    assert addresses(machine.open()) == ["tcp://c:1"]


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:8372", "docker-container://mine", ""])
def test_a_daemon_that_the_program_starts_it_finds_in_its_configuration_by_itself(machine: Machine, host: str) -> None:
    machine.config(f"global: {{buildkit_host: '{host}'}}\n")
    script(machine.bin / "docker", "exit 1")
    (own,) = machine.open().all
    assert (own.address, own.local, own.title) == ("", True, "the daemon of this machine")
    assert own.arguments() == own.arguments(patient=True) == ("--no-buildkit-update",)


def test_one_in_a_container_is_named_to_the_program_and_never_restarted(machine: Machine) -> None:
    (found,) = machine.open("docker-container://mine").all
    assert found.local
    assert found.arguments() == ("--buildkit-host", "docker-container://mine", "--buildkit-container-name", "mine", "--no-buildkit-update")


def test_one_on_the_network_gets_a_configuration_of_ours(machine: Machine) -> None:
    (found,) = machine.open("tcp://Builder:8372").all
    work = machine.root / "work"
    assert found.arguments() == ("--config", str(work / "fast.yml"), "--buildkit-host", "tcp://builder:8372")
    assert found.arguments(patient=True) == ("--config", str(work / "patient.yml"), "--buildkit-host", "tcp://builder:8372")
    assert (found.local, found.title) == (False, "the builder tcp://builder:8372")


@pytest.mark.parametrize(("podman", "config", "asked"), [(False, "", False), (True, "", True), (False, "global: {container_frontend: docker-shell}", True)])
def test_docker_is_only_asked_for_where_its_logins_may_be_podmans(machine: Machine, podman: bool, config: str, asked: bool) -> None:
    machine.config(config)
    if podman:
        script(machine.bin / "podman", "exit 1")
    machine.open("tcp://builder:8372")
    assert ("container_frontend: none" not in (machine.root / "work/fast.yml").read_text()) is asked


def test_the_programs_directory_is_made_so_that_it_does_not_set_itself_up(machine: Machine) -> None:
    machine.open("tcp://builder:8372")
    machine.open("tcp://builder:8372", program=EARTHBUILD)
    assert sorted(path.name for path in (machine.root / "home").iterdir()) == [".earth", ".earthly"]
    assert not list((machine.root / "home/.earthly").iterdir())


def test_a_home_that_cannot_be_written_is_told(machine: Machine) -> None:
    home = machine.root / "file"
    home.write_text("")
    summary = f"Earthly keeps its lock in {home}/.earthly, and that cannot be made: not a directory"
    assert machine.refused("tcp://b:1", environ={"HOME": str(home)}) == Problem(summary=summary, hint="set HOME to a directory that may be written", code="home")


def test_addresses_that_are_none_are_told_where_they_stand(machine: Machine) -> None:
    summary = "engine.builders: 'tcp://b' is no address of a builder: after tcp:// come a host, a colon and a port"
    example = 'for example "tcp://builder.example.com:8372"'
    assert machine.refused("tcp://a:1", "tcp://b") == Problem(summary=summary, place=PLACE, hint=example, code="builder-address")
    summary = "EARTHLY_BUILDKIT_HOST: 'tcp://localhost:8372' cannot be a builder: Earthly takes localhost for a daemon that it starts itself, in Docker"
    hint = 'write the name of this machine, "tcp://127.0.0.2:8372" or "tcp://0.0.0.0:8372"'
    assert machine.refused(environ={"EARTHLY_BUILDKIT_HOST": "tcp://localhost:8372"}) == Problem(summary=summary, hint=hint, code="builder-address")
    summary = "engine.builders names tcp://a:1 twice"
    assert machine.refused("tcp://a:1", "TCP://A:1") == Problem(summary=summary, place=PLACE, hint="each builder counts once", code="builder-address")
    machine.config("global: {buildkit_host: 'ssh://b'}\n")
    file = machine.root / "home/.earthly/config.yml"
    summary = f"buildkit_host in {file}: 'ssh://b' is no address of a builder: Earthly knows tcp:// and docker-container://, not ssh://"
    assert machine.refused() == Problem(summary=summary, hint=example, code="builder-address")


def test_a_machine_that_can_have_no_daemon_is_told(machine: Machine) -> None:
    summary = "Earthly 0.8.16 has nothing to build with: neither Docker nor Podman is on PATH, and no builder is named"
    hint = 'name one that runs, engine: {builders: ["tcp://HOST:8372"]}, or install Docker'
    assert machine.refused() == Problem(summary=summary, hint=hint, code="no-builder")


def test_builds_of_one_target_stay_together_as_long_as_that_is_fair() -> None:
    with listening(buildkit()) as one, listening(buildkit()) as other, ExitStack() as running:
        builders = Builders([at(one), at(other)], at_once=9)
        taken = [running.enter_context(builders.taken(target)).address for target in ("+a", "+a", "+b", "+b", "+a")]
        assert taken == [one.text, one.text, other.text, other.text, one.text]


def test_a_build_that_has_its_builder_goes_there_however_much_that_has_and_the_rest_goes_elsewhere() -> None:
    with listening(buildkit()) as one, listening(buildkit()) as other, ExitStack() as running:
        builders = Builders([at(one), at(other)], at_once=9)
        taken = [running.enter_context(builders.taken("+a", number=1)).address for _ in range(4)]
        assert taken == [other.text] * 4
        assert [running.enter_context(builders.taken("+b")).address for _ in range(3)] == [one.text] * 3


def test_where_its_builder_does_not_answer_a_build_goes_to_another_one() -> None:
    with listening(buildkit()) as there:
        builders = Builders([at(nobody()), at(there)], at_once=9)
        with builders.taken("+a", number=0) as first, builders.taken("+a", number=0) as second:
            assert [first.address, second.address] == [there.text] * 2


def test_the_load_of_builds_that_have_ended_is_gone() -> None:
    with listening(buildkit()) as one, listening(buildkit()) as other:
        builders = Builders([at(one), at(other)], at_once=9)
        for _ in range(5):
            with builders.taken("+a") as first, builders.taken("+b") as second:
                assert [first.address, second.address] == [one.text, other.text]


def test_one_that_does_not_answer_is_passed_over() -> None:
    with listening(buildkit()) as there:
        builders = Builders([at(nobody()), at(there)], at_once=9)
        with builders.taken("+a") as first, builders.taken("+a") as second, builders.taken("+b") as third:
            assert {first.address, second.address, third.address} == {there.text}


def test_where_none_answers_all_of_them_are_told() -> None:
    one, other = nobody(), nobody()
    refused = [f"the builder {address.text} refuses the connection" for address in (one, other)]
    expected = Failure(kind=FailureKind.BUILDER, summary=refused[0], hint=REFUSED, host="127.0.0.2")
    assert failure(Builders([at(one)], at_once=9)) == expected
    expected = Failure(kind=FailureKind.BUILDER, summary="none of the 2 builders answers", lines=tuple(refused), hint=REFUSED)
    assert failure(Builders([at(one), at(other)], at_once=9)) == expected


def test_waiting_is_no_use_where_something_else_listens() -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as web, listening(buildkit("github.com/moby/buildkit", "v0.12.5")) as stock:
        told = [failure(Builders([at(address)], at_once=9)) for address in (web, stock)]
        both = failure(Builders([at(web), at(stock)], at_once=9))
        mixed = failure(Builders([at(web), at(nobody())], at_once=9))
    assert [one.summary for one in told] == [
        f"the builder {web.text} is a web server, no BuildKit",
        f"the builder {stock.text} is github.com/moby/buildkit v0.12.5, and Earthly builds with the BuildKit of its own project only",
    ]
    assert told[1].hint == "start the buildkitd of Earthly or EarthBuild there"
    assert [one.again for one in (*told, both, mixed)] == [False, False, False, None]


def test_one_that_is_restarted_is_waited_for() -> None:
    address = nobody()
    builder = at(address)
    assert not builder.wait(0.1)
    assert not builder.wait(60, stopped=lambda: True)
    came = threading.Event()

    def come() -> None:
        with listening(buildkit(), port=address.port):
            came.wait(30)

    thread = threading.Timer(0.3, come)
    thread.start()
    try:
        assert builder.wait(30)
    finally:
        came.set()
        thread.join(10)


def test_the_daemon_of_this_machine_is_warmed_up_by_the_first_build(machine: Machine) -> None:
    script(machine.bin / "docker", "exit 1")
    path = script(machine.root / "earthly", f"echo called >> {machine.root}/called")
    builders = machine.open(program=Program(path=str(path), flavor=Flavor.EARTHLY, version="0.8.16"))
    assert not (machine.root / "called").exists()
    with builders.taken("+a") as one, builders.taken("+b") as other:
        assert one is other
    assert (machine.root / "called").read_text() == "called\n"


class Reviving:
    """Keeps a builder that listens again once it is revived."""

    def __init__(self, address: Address, stack: contextlib.ExitStack) -> None:
        self.asked = 0
        self._address = address
        self._stack = stack

    def revive(self) -> None:
        self.asked += 1
        if self.asked == 1:
            self._stack.enter_context(listening(buildkit(), port=self._address.port))


def test_a_builder_that_somebody_keeps_is_started_again_before_anybody_waits_for_it() -> None:
    address = nobody()
    with contextlib.ExitStack() as stack:
        keeper = Reviving(address, stack)
        builders = Builders([Builder(configs=None, place=address, keeper=keeper)], at_once=1)
        for _ in range(2):
            with builders.taken("+image") as found:
                assert found.address == address.text
        assert keeper.asked == 1
