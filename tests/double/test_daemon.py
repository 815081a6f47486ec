"""The pretend daemon: how the double ends when it dies in each way, what is kept, and what several builds share."""

from __future__ import annotations

import base64
import signal
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.core.buildkit_call import Spoken, heard, question
from tests.contract.programs import Running, Subject, folder
from tests.double.connection import parse_address
from tests.double.daemon import Daemon, running_daemon
from tests.double.flavors import FLAVORS
from tests.double.installed import install
from tests.processes import until

RECIPE = "VERSION 0.8\nFROM scratch\nmain:\n  RUN {command}\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with running_daemon(tmp_path / "daemon") as running:
        yield running


@pytest.fixture(params=["earthly", "earthbuild"])
def subject(request: pytest.FixtureRequest, tmp_path: Path, daemon: Daemon) -> Subject:
    double = install(tmp_path / "bin", flavor=request.param)
    home = tmp_path / "home"
    for name in (".earthly", ".earth"):
        (home / name).mkdir(parents=True)
    version = FLAVORS[request.param].version
    return Subject(path=str(double.path), flavor=request.param, version=version, address=daemon.address, registry="", home=home)


@pytest.fixture
def sleeping(subject: Subject, daemon: Daemon, tmp_path: Path) -> Iterator[Running]:
    """A build in the middle of a RUN."""
    running = subject.start("--no-output", "+main", cwd=folder(tmp_path / "checkout", RECIPE.format(command="echo begun; sleep 60")))
    until(lambda: base64.b64encode(b"begun\n").decode() in running.streamed())
    assert daemon.executed() == ["echo begun; sleep 60"]
    yield running
    running.process.kill()
    running.process.communicate()


def test_killed_it_is_an_end_of_file(sleeping: Running, daemon: Daemon) -> None:
    daemon.kill()
    done = sleeping.ended()
    assert (done.rc, done.failure["type"], done.failure["errorMessage"]) == (1, "FAILURE_TYPE_OTHER", "error reading from server: EOF")


def test_stopped_it_looks_like_a_cancellation_without_a_signal(sleeping: Running, daemon: Daemon) -> None:
    daemon.stop()
    done = sleeping.ended()
    assert (done.rc, done.out) == (2, "")
    assert done.manifest is not None
    assert (done.manifest["status"], done.manifest["failure"]) == ("RUN_STATUS_CANCELED", None)
    assert "failed: context canceled" in done.err


def test_frozen_it_makes_the_second_signal_count_for_one_of_the_programs(subject: Subject, sleeping: Running, daemon: Daemon) -> None:
    daemon.freeze()
    sleeping.process.send_signal(signal.SIGINT)
    # Two signals that come at once are one.
    until(lambda: "Received signal" in _said(sleeping))
    sleeping.process.send_signal(signal.SIGINT)
    rc = sleeping.process.wait(30)
    assert rc == (9 if subject.flavor == "earthly" else 2)
    assert (sleeping.folder / "manifest.json").exists() == (rc == 2)


def _said(running: Running) -> str:
    """The first line that it prints."""
    assert running.process.stdout is not None
    return running.process.stdout.readline().decode()


def test_what_it_kept_is_there_when_it_is_started_again(subject: Subject, daemon: Daemon, tmp_path: Path) -> None:
    checkout = folder(tmp_path / "checkout", RECIPE.format(command="echo once"))
    address = daemon.address
    assert subject.call("--no-output", "+main", cwd=checkout).rc == 0
    daemon.kill()
    assert subject.call("--no-output", "+main", cwd=checkout).rc == 6
    daemon.start()
    assert daemon.address == address
    assert subject.call("--no-output", "+main", cwd=checkout).command("RUN echo once")["isCached"]
    daemon.forget()
    assert not subject.call("--no-output", "+main", cwd=checkout).command("RUN echo once")["isCached"]
    assert daemon.executed() == ["echo once", "echo once"]


def test_one_that_comes_back_is_waited_for_as_long_as_the_configuration_says(subject: Subject, daemon: Daemon, tmp_path: Path) -> None:
    checkout = folder(tmp_path / "checkout", RECIPE.format(command="echo once"))
    config = tmp_path / "config.yml"
    config.write_text("global:\n  tls_enabled: false\n  buildkit_restart_timeout_s: 60\n")
    daemon.kill()
    running = subject.start("--config", str(config), "--no-output", "+main", cwd=checkout)
    threading.Timer(1.5, daemon.start).start()
    assert running.ended().rc == 0


def test_what_several_builds_have_in_common_is_executed_once(subject: Subject, daemon: Daemon, tmp_path: Path) -> None:
    recipe = "VERSION 0.8\nFROM scratch\nmain:\n  RUN echo common; sleep 0.5\n  ARG K\n  RUN echo own\n"
    checkout = folder(tmp_path / "checkout", recipe)
    running = [subject.start("--no-output", "+main", f"--K={number}", cwd=checkout) for number in range(4)]
    assert [each.ended().rc for each in running] == [0] * 4
    assert sorted(daemon.executed()) == ["echo common; sleep 0.5", *["echo own"] * 4]


def test_a_daemon_is_known_by_its_answer(subject: Subject, tmp_path: Path, daemon: Daemon) -> None:
    daemon.freeze()
    done = subject.call("--no-output", "+main", cwd=folder(tmp_path / "checkout", RECIPE.format(command="echo x")))
    assert (done.rc, done.failure["type"]) == (6, "FAILURE_TYPE_CONNECTION_FAILURE")


@pytest.mark.parametrize(("flavor", "owner"), [("earthly", "earthly"), ("earthbuild", "earthbuild")])
def test_whoever_speaks_its_protocol_is_told_which_buildkit_it_is(tmp_path: Path, flavor: str, owner: str) -> None:
    with running_daemon(tmp_path / "daemon", flavor=flavor) as daemon, socket.create_connection(parse_address(daemon.address), timeout=10) as asking:
        asking.sendall(question(daemon.address))
        data = b""
        while (found := heard(data, ended=False)) is None:
            data += asking.recv(1 << 12)
    assert found == Spoken(package=f"github.com/{owner}/buildkit", version=FLAVORS[flavor].version)


def test_a_configuration_that_wants_certificates_wants_them(subject: Subject, tmp_path: Path) -> None:
    checkout = folder(tmp_path / "checkout", RECIPE.format(command="echo x"))
    done = replace(subject, tls=True).call("--no-output", "+main", cwd=checkout)
    assert (done.rc, done.failure["type"]) == (6, "FAILURE_TYPE_CONNECTION_FAILURE")
    assert "could not read ca certificate: open " in done.failure["errorMessage"]


def test_without_an_address_there_is_no_daemon(subject: Subject, tmp_path: Path) -> None:
    checkout = folder(tmp_path / "checkout", RECIPE.format(command=f"echo {uuid.uuid4().hex}"))
    command = [subject.path, "--no-output", "+main"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, env={"HOME": str(subject.home)})
    assert (done.returncode, "Error: could not determine buildkit address - is Docker or Podman running?" in done.stderr) == (1, True)
