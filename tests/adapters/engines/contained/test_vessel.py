"""Commands in containers of a real Docker engine: what they see, how they end, and that nothing of them is left."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.contained.host import Host
from matrixbuild.adapters.engines.contained.images import PROGRAM, Image
from matrixbuild.adapters.engines.contained.vessel import Vessel, remove_left
from matrixbuild.core.client_container import STATE_LABEL, Client, Mount
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.process import Command, Ended, Stream, Why
from tests.processes import until


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    vessel: Vessel
    children: Children
    root: Path
    heard: list[bytes]

    def run(self, *argv: str, name: str = "", timeout: float | None = 60.0, checkout: Path | None = None) -> Ended:
        command = Command(argv=("sh", *argv), cwd=str(self.root), env=(("TOKEN", "hunter2-hunter2"), ("EMPTY", "")), timeout=timeout)

        def listen(_: Stream, lines: list[bytes]) -> None:
            self.heard.extend(lines)

        with self.vessel.around(command, checkout=checkout, private=self.root) as started:
            return self.children.run(started, listen, name=name)

    @property
    def told(self) -> str:
        return b"".join(self.heard).decode()

    def left(self) -> list[str]:
        return [found["Id"] for found in self.vessel.host.api.containers(all=True, filters={"label": [f"{STATE_LABEL}={self.root}"]})]


def client(host: Host, image: Image, root: Path) -> Client:
    (root / "config").mkdir(exist_ok=True)
    return Client(
        docker=host.program, config=str(root / "config"), host=host.address, image=image.id, program="/bin/sh", user=host.user, state=str(root)
    )


@pytest.fixture
def bench(host: Host, image: Image, tmp_path: Path) -> Iterator[Bench]:
    # A name that a list of mounts has to quote.
    root = tmp_path / 'a,b "c"'
    root.mkdir()
    with Children(grace=2.0, mercy=0.2) as children:
        made = Bench(vessel=Vessel(host=host, client=client(host, image, root)), children=children, root=root, heard=[])
        yield made
    assert made.left() == []


def test_it_sees_what_it_is_given_and_writes_as_its_user(bench: Bench) -> None:
    checkout = bench.root.parent / "checkout"
    checkout.mkdir()
    (checkout / "file").write_text("of the checkout\n")
    # The shell's own complaint goes nowhere: Docker's client may deliver it before what was printed ahead of it.
    script = f'cat "$1/file"; echo "$TOKEN"; pwd; touch mine; {{ echo x > "$1/file"; }} 2>/dev/null || echo "read-only"; echo {os.getpid()}'
    assert bench.run("-c", script, "sh", str(checkout), checkout=checkout).succeeded
    first, token, cwd, *rest = bench.told.splitlines()
    assert (first, token, cwd) == ("of the checkout", "hunter2-hunter2", str(bench.root))
    assert "read-only" in rest
    assert ((bench.root / "mine").stat().st_uid, (checkout / "file").read_text()) == (os.getuid(), "of the checkout\n")


def test_it_has_no_rights_of_its_own(bench: Bench) -> None:
    assert bench.run("-c", "cat /proc/self/status").succeeded
    status = dict(line.split(":\t", 1) for line in bench.told.splitlines() if ":\t" in line)
    assert {status[name].strip("0") for name in ("CapPrm", "CapEff", "CapBnd")} == {""}
    assert status["NoNewPrivs"] == "1"


def test_its_end_is_the_programs(bench: Bench) -> None:
    assert (bench.run("-c", "exit 6").code, bench.run("-c", "exit 0").code) == (6, 0)


def test_it_is_told_to_end(bench: Bench) -> None:
    script = 'trap "echo told; exit 2" TERM; echo begun; while true; do sleep 0.1; done'
    ended = stopped(bench, script, lambda: bench.children.cancel("it"))
    assert (ended.why, bench.heard) == (Why.CANCELLED, [b"begun\n", b"told\n"])


def test_what_does_not_end_is_ended(bench: Bench) -> None:
    ended = stopped(bench, 'trap "" TERM; echo begun; while true; do sleep 0.1; done', lambda: bench.children.cancel("it", now=True))
    assert ended.why is Why.CANCELLED


def test_what_takes_too_long_is_ended(bench: Bench) -> None:
    assert bench.run("-c", "while true; do sleep 0.1; done", timeout=1.0).why is Why.TIMEOUT


def stopped(bench: Bench, script: str, stop: Callable[[], None]) -> Ended:
    ended: list[Ended] = []
    thread = threading.Thread(target=lambda: ended.append(bench.run("-c", script, name="it")))
    thread.start()
    until(lambda: bool(bench.heard))
    stop()
    thread.join()
    return ended[0]


def test_docker_that_does_not_run_it_is_told(host: Host, image: Image, tmp_path: Path) -> None:
    broken = client(host, image, tmp_path)
    vessel = Vessel(host=host, client=Client(**{**{name: getattr(broken, name) for name in broken.__slots__}, "mounts": (Mount(source="/no/such"),)}))
    said: list[bytes] = []
    with Children() as children, vessel.around(Command(argv=("sh",), cwd="/")) as started:
        ended = children.run(started, lambda _, lines: said.extend(lines))
    failure = vessel.failure(ended, said)
    assert failure
    assert (failure.kind, ended.code) == (FailureKind.BUILDER, 125)
    expected = 'Docker did not run Earthly: invalid mount config for type "bind": bind source path does not exist: /no/such'
    assert failure.summary == expected


def test_what_a_dead_run_left_is_removed_and_nothing_else(host: Host, image: Image, tmp_path: Path) -> None:
    """A container whose client and whose client's client are dead goes on, and its name is nobody's any more."""
    ids = []
    for state in ("a", "a", "b"):
        found = host.api.create_container(image.id, command=["sleep", "60"], entrypoint=[], labels={STATE_LABEL: str(tmp_path / state)})
        host.api.start(found["Id"])
        ids.append(found["Id"])
    try:
        remove_left(host, tmp_path / "a")
        left = {found["Id"] for found in host.api.containers(all=True)}
        assert left & set(ids) == {ids[2]}
    finally:
        remove_left(host, tmp_path / "b")


def test_the_program_of_the_double_is_where_images_have_it(bench: Bench) -> None:
    assert bench.run("-c", f"{PROGRAM} --version").succeeded
    assert bench.told == "earthly version v0.8.16 0123456 linux/amd64\n"
