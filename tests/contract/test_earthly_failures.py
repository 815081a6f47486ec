"""How a build that fails, or is ended, is told by a program with Earthly's command line: the same of the doubles and of the real ones."""

from __future__ import annotations

import base64
import signal
import uuid
from pathlib import Path

import pytest

from tests import services
from tests.contract.programs import Subject, folder
from tests.fakes.faulty_registry import faulty_registry, status
from tests.processes import until

IMAGE = "VERSION {version}\nmain:\n  FROM scratch\n  COPY f.txt /f\n  SAVE IMAGE --push {name}\n"


def build(subject: Subject, tmp_path: Path, recipe: str, version: str = "0.8") -> Path:
    """A directory whose +main starts from a base image with a shell."""
    lines = "".join(f"  {line}\n" for line in recipe.splitlines())
    return folder(tmp_path / "checkout", f"VERSION {version}\nFROM {subject.registry}/base:2\nmain:\n{lines}", f_txt="x")


# Steps ------------------------------------------------------------------------


def test_a_step_that_fails_is_told_with_its_place_its_code_and_its_output(subject: Subject, tmp_path: Path) -> None:
    checkout = build(subject, tmp_path, f"RUN echo {uuid.uuid4().hex}\nRUN echo before; exit 42")
    done = subject.call("--no-output", "+main", cwd=checkout)
    column = 3 if subject.flavor == "earthbuild" else 2
    message = f"ERROR Earthfile:5:{column}\n      The command\n          RUN echo before; exit 42\n      did not complete successfully. Exit code 42"
    assert (done.rc, done.failure["type"], done.failure["errorMessage"]) == (1, "FAILURE_TYPE_NONZERO_EXIT", message)
    assert base64.b64decode(done.failure["output"]) == b"before\n"
    command = done.command("RUN echo before; exit 42")
    assert (command["status"], command["category"], command["errorMessage"]) == ("RUN_STATUS_FAILURE", "+main", message)
    assert "+main *failed* | Repeating the failure error..." in done.err
    assert f"{'=' * 34} ❌ FAILURE {'=' * 35}" in done.err


def test_a_guard_says_in_its_output_why(subject: Subject, tmp_path: Path) -> None:
    checkout = build(subject, tmp_path, 'ARG A=arm64\nIF [ "$A" = "arm64" ]\n  RUN echo "ERROR: $A is not supported"; exit 1\nEND')
    done = subject.call("--no-output", "+main", cwd=checkout)
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_NONZERO_EXIT")
    assert base64.b64decode(done.failure["output"]) == b"ERROR: arm64 is not supported\n"


def test_a_step_of_another_earthfile_is_told_with_that_ones_path(subject: Subject, tmp_path: Path) -> None:
    checkout = build(subject, tmp_path, "RUN exit 3")
    wrapper = folder(tmp_path / "wrapper", f"VERSION 0.8\nouter:\n  FROM {checkout}+main\n")
    done = subject.call("--no-output", "+outer", cwd=wrapper)
    assert done.failure["errorMessage"].startswith(f"ERROR {checkout}/Earthfile:4:")
    assert done.manifest is not None
    assert done.manifest["targets"][done.failure["targetId"]]["canonicalName"] == f"{checkout}+main"


# Earthfiles -------------------------------------------------------------------

FAULTS = {
    "a file that is not there": ("FROM scratch\nCOPY nope.txt /", "FILE_NOT_FOUND", 'failed: "/nope.txt": not found'),
    "a required arg": ("FROM scratch\nARG --required NAME", "SYNTAX", "apply ARG: value not supplied for required ARG: NAME"),
    "an open quote": ('FROM scratch\nRUN echo "open', "OTHER", "resolve build context for target +main: "),
    "two images of one name": (
        "FROM scratch\nSAVE IMAGE --push r.invalid/a:1\nSAVE IMAGE --push r.invalid/a:1",
        "OTHER",
        "SAVE IMAGE r.invalid/a:1 was already declared",
    ),
    "an Earthfile that is not there": ("FROM /nonexistent+x", "SYNTAX", "No Earthfile nor build.earth file found for target /nonexistent+x"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_wrong_with_an_earthfile_is_told(subject: Subject, tmp_path: Path, case: str) -> None:
    recipe, kind, words = FAULTS[case]
    lines = "".join(f"  {line}\n" for line in recipe.splitlines())
    checkout = folder(tmp_path / "checkout", f"VERSION 0.8\nmain:\n{lines}")
    done = subject.call("--push", "--no-output", "+main", cwd=checkout)
    assert (done.rc, done.failure["type"]) == (1, f"FAILURE_TYPE_{kind}")
    assert words in done.failure["errorMessage"]


@pytest.mark.parametrize("text", ["FROM scratch\nmain:\n  COPY f /\n", "VERSION 0.9\nFROM scratch\nmain:\n  COPY f /\n"], ids=["missing", "unknown"])
def test_a_wrong_version_is_told(subject: Subject, tmp_path: Path, text: str) -> None:
    done = subject.call("--no-output", "+main", cwd=folder(tmp_path / "checkout", text))
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_OTHER")
    assert done.failure["errorMessage"].startswith("resolve build context for target +main: ")
    assert "version" in done.failure["errorMessage"].lower()


def test_a_target_that_is_not_there_is_told(subject: Subject, tmp_path: Path) -> None:
    done = subject.call("--no-output", "+nope", cwd=folder(tmp_path / "checkout", "VERSION 0.8\nmain:\n  FROM scratch\n"))
    earthfile, tail = ("", "") if subject.flavor == "earthbuild" else ("Earthfile:0:0 ", "\nin\t\t+nope")
    assert (done.rc, done.failure["errorMessage"]) == (1, f"{earthfile}target nope not found{tail}")


def test_a_base_image_that_is_not_there_is_told_as_an_error_of_syntax(subject: Subject, tmp_path: Path) -> None:
    ref = subject.name()
    done = subject.call("--no-output", "+main", cwd=folder(tmp_path / "checkout", f"VERSION 0.8\nmain:\n  FROM {ref}\n  COPY f /\n"))
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_SYNTAX")
    assert f"apply FROM {ref}: resolve image config for {ref}: " in done.failure["errorMessage"]
    assert f"{ref}: not found" in done.failure["errorMessage"]


# Secrets ----------------------------------------------------------------------


def test_a_secret_reaches_its_step_and_is_seen_nowhere(subject: Subject, tmp_path: Path) -> None:
    secret, name = f"s-{uuid.uuid4().hex}", subject.name()
    checkout = build(subject, tmp_path, f'RUN --secret TOKEN test "$TOKEN" = "{secret[:2]}${{TOKEN#s-}}"\nSAVE IMAGE --push {name}')
    running = subject.start("--push", "--no-output", "--secret", "TOKEN", "+main", cwd=checkout, env={"TOKEN": secret})
    done = running.ended()
    assert done.rc == 0, done.err
    assert secret not in done.out + done.err + running.streamed() + str(done.manifest) + str(subject.settings(name))


def test_a_secret_that_was_not_given_is_told_before_its_step_runs(subject: Subject, tmp_path: Path) -> None:
    done = subject.call("--no-output", "+main", cwd=build(subject, tmp_path, "RUN --secret TOKEN echo no"))
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_OTHER")
    # The real ones begin with `async force execution for +main: ` at one time, and without it at another.
    assert done.failure["errorMessage"].endswith('unlazy force execution: unable to lookup secret "TOKEN": not found')


# Rights -----------------------------------------------------------------------


def test_a_privileged_step_needs_the_flag(subject: Subject, tmp_path: Path) -> None:
    done = subject.call("--no-output", "+main", cwd=build(subject, tmp_path, "RUN --privileged echo x"))
    assert (done.rc, done.failure["type"]) == (9, "FAILURE_TYPE_NEEDS_PRIVILEGED")


# Registries -------------------------------------------------------------------


def image(tmp_path: Path, name: str, version: str = "0.8") -> Path:
    return folder(tmp_path / "checkout", IMAGE.format(version=version, name=name), f_txt="x")


@pytest.mark.parametrize(("version", "lead"), [("0.6", ""), ("0.8", "failed to SAVE IMAGE: ")])
def test_a_registry_where_nobody_listens_is_told(subject: Subject, tmp_path: Path, version: str, lead: str) -> None:
    host = f"127.0.0.1:{services.free_port()}"
    done = subject.call("--push", "--no-output", "+main", cwd=image(tmp_path, f"{host}/a:1", version))
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_OTHER")
    assert done.failure["errorMessage"].startswith(f'{lead}failed to do request: Head "http://{host}/v2/a/blobs/sha256:')
    assert done.failure["errorMessage"].endswith(f": dial tcp {host}: connect: connection refused")


def test_a_registry_that_wants_an_account_is_told_and_gets_the_one_of_the_docker_configuration(
    subject: Subject, tmp_path: Path, basic_registry: services.RunningRegistry
) -> None:
    name = f"{basic_registry.host}/contract/{uuid.uuid4().hex[:12]}:1"
    checkout = image(tmp_path, name)
    done = subject.call("--push", "--no-output", "+main", cwd=checkout)
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_OTHER")
    assert f"failed to push {name}: " in done.failure["errorMessage"]
    assert ": 401 Unauthorized" in done.failure["errorMessage"]
    account = base64.b64encode(f"{services.USER}:{services.PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(f'{{"auths": {{"{basic_registry.host}": {{"auth": "{account}"}}}}}}')
    assert subject.call("--push", "--no-output", "+main", cwd=checkout, env={"DOCKER_CONFIG": str(tmp_path)}).rc == 0


def test_a_registry_that_has_had_enough_is_told_by_a_class_of_its_own(subject: Subject, tmp_path: Path) -> None:
    with faulty_registry(*[status(429)] * 50) as registry:
        done = subject.call("--push", "--no-output", "+main", cwd=image(tmp_path, f"{registry.host}/a:1"))
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_RATE_LIMITED")
    assert "429 Too Many Requests" in done.failure["errorMessage"]


def test_a_push_is_tried_again_while_the_registry_has_a_fault(subject: Subject, tmp_path: Path) -> None:
    with faulty_registry(*[status(500)] * 100) as registry:
        done = subject.call("--push", "--no-output", "+main", cwd=image(tmp_path, f"{registry.host}/a:1"))
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_OTHER")
    assert ": 500 Internal Server Error" in done.failure["errorMessage"]
    assert all(f"output | retrying in {seconds}s" in done.err for seconds in (1, 2, 4))


def test_a_pull_is_not_tried_again(subject: Subject, tmp_path: Path) -> None:
    with faulty_registry(status(500)) as registry:
        checkout = folder(tmp_path / "checkout", f"VERSION 0.8\nmain:\n  FROM {registry.host}/a:1\n  COPY f /\n")
        done = subject.call("--no-output", "+main", cwd=checkout)
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_SYNTAX")
    assert (
        f"unexpected status from HEAD request to http://{registry.host}/v2/a/manifests/1: 500 Internal Server Error" in done.failure["errorMessage"]
    )


# Daemons ----------------------------------------------------------------------


def test_a_daemon_that_does_not_answer_is_exit_6(subject: Subject, tmp_path: Path) -> None:
    address = f"tcp://127.0.0.2:{services.free_port()}"
    done = subject.call("--no-output", "+main", cwd=build(subject, tmp_path, "COPY f.txt /"), address=address)
    assert (done.rc, done.failure["type"]) == (6, "FAILURE_TYPE_CONNECTION_FAILURE")
    assert done.failure["errorMessage"].startswith(
        "build new buildkitd client: connect provided buildkit: timeout 0s: could not connect to buildkit: "
    )
    assert done.failure["errorMessage"].endswith(": buildkitd did not respond (in time)")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.2:8372", "http is not a valid scheme. Only tcp or docker-container is allowed at this time: URL did not pass validation"),
        ("tcp://127.0.0.2", "tcp://127.0.0.2 does not contain a port number: URL did not pass validation"),
        ("tcp://127.0.0.1:1", "build new buildkitd client:  not available"),
    ],
)
def test_an_address_that_can_be_none_is_told(subject: Subject, tmp_path: Path, address: str, message: str) -> None:
    done = subject.call("--no-output", "+main", cwd=build(subject, tmp_path, "COPY f.txt /"), address=address, env={"PATH": "/nonexistent"})
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_OTHER")
    assert done.failure["errorMessage"].endswith(message)


# Signals ----------------------------------------------------------------------


@pytest.mark.parametrize(("number", "word"), [(signal.SIGINT, "interrupt"), (signal.SIGTERM, "terminated")])
def test_a_signal_ends_it_and_nothing_is_pushed(subject: Subject, tmp_path: Path, number: signal.Signals, word: str) -> None:
    name, mark = subject.name(), uuid.uuid4().hex
    checkout = build(subject, tmp_path, f"RUN echo {mark}; sleep 60\nSAVE IMAGE --push {name}")
    running = subject.start("--push", "--no-output", "+main", cwd=checkout)
    until(lambda: base64.b64encode(f"{mark}\n".encode()).decode() in running.streamed())
    running.process.send_signal(number)
    done = running.ended()
    assert (done.rc, done.out) == (2, f"Received signal {word}. Cleaning up before exiting...\n")
    assert done.manifest is not None
    assert (done.manifest["status"], done.manifest["failure"]) == ("RUN_STATUS_CANCELED", None)
    assert done.err.rstrip().endswith("Canceled")
    assert subject.pushed(name) is None


def test_killed_it_leaves_no_manifest(subject: Subject, tmp_path: Path) -> None:
    running = subject.start("--no-output", "+main", cwd=build(subject, tmp_path, f"RUN echo {uuid.uuid4().hex}; sleep 60"))
    until(lambda: "sleep 60" in running.streamed())
    running.process.kill()
    done = running.ended()
    assert (done.rc, done.manifest) == (-signal.SIGKILL, None)
