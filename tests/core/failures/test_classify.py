"""The order of the evidence: what we did, exit 0, how it ended, the type, the message; where it was; what the author's own patterns say."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.failure_patterns import Pattern
from matrixbuild.core.failures import Said, classified, with_what_ran

WRAPPER, CHECKOUT = "/state/tmp/build-1", "/cache/checkouts/a1"


def command(name: str, target: str, *, file: str = f"{CHECKOUT}/Earthfile", line: int = 9, **more: object) -> dict[str, Any]:
    return {"name": name, "targetId": target, "sourceLocation": {"file": file, "startLine": line, "startColumn": 4}, **more}


def manifest(kind: str = "OTHER", message: str = "", output: str = "", **commands: Any) -> dict[str, Any]:
    """A run of our wrapper, which needs +app of a checkout."""
    return {
        "mainTargetId": "w",
        "status": "RUN_STATUS_FAILURE",
        "targets": {
            "w": {"canonicalName": f"{WRAPPER}+image", "localPath": WRAPPER, "dependsOn": ["wb", "a"]},
            "wb": {"canonicalName": f"{WRAPPER}+base", "localPath": WRAPPER},
            "a": {"canonicalName": f"{CHECKOUT}+app", "localPath": CHECKOUT},
            "s": {"canonicalName": f"{CHECKOUT}/sub+lib", "localPath": f"{CHECKOUT}/sub"},
        },
        "commands": {"w/0": command("FROM +base", "w", file=f"{WRAPPER}/Earthfile", line=2) | {"sourceLocation": {"startColumn": 0}}, **commands},
        "failure": {
            "type": f"FAILURE_TYPE_{kind}",
            "errorMessage": message,
            "commandId": "failed",
            "output": base64.b64encode(output.encode()).decode(),
        },
    }


def told(said: Said) -> Failure:
    failure = classified(said)
    assert failure is not None
    return failure


MADE = manifest(
    "NONZERO_EXIT", "The command\n RUN make\n did not complete successfully. Exit code 2", "cc x\nwrong\n", failed=command("RUN make", "a")
)


class TestOrder:
    def test_what_we_did_comes_first(self) -> None:
        for code in (0, 1, 2, 6, 9):
            assert told(Said(exit=code, ended_by_us="timeout", manifest=MADE)).kind is FailureKind.TIMEOUT
            assert told(Said(exit=code, ended_by_us="interrupt", manifest=MADE)).kind is FailureKind.CANCELLED

    def test_then_a_good_end(self) -> None:
        assert classified(Said(exit=0, manifest=MADE, stderr="error: x\nretrying in 1s")) is None

    def test_a_signal_that_was_not_ours(self) -> None:
        assert told(Said(exit=None, signal=15)).kind is FailureKind.CANCELLED
        crashed = told(Said(exit=None, signal=11, earthly="+app"))
        assert (crashed.kind, crashed.summary) == (FailureKind.UNKNOWN, "+app: ended by signal 11, which was not ours")

    @pytest.mark.parametrize("code", [6, 7])
    def test_no_builder(self, code: int) -> None:
        message = "build new buildkitd client: connect provided buildkit: timeout 1m0s: could not connect to buildkit: dial tcp: no such host"
        failure = told(Said(exit=code, manifest=manifest("CONNECTION_FAILURE", message)))
        assert (failure.kind, failure.summary) == (FailureKind.BUILDER, "timeout 1m0s: could not connect to buildkit: dial tcp: no such host")

    @pytest.mark.parametrize("kind", ["CONNECTION_FAILURE", "BUILDKIT_CRASHED"])
    def test_no_builder_by_its_type(self, kind: str) -> None:
        assert told(Said(exit=1, manifest=manifest(kind, "403 Forbidden"))).kind is FailureKind.BUILDER

    def test_cancelled_by_nobody_is_the_builder(self) -> None:
        run = {"status": "RUN_STATUS_CANCELED", "commands": {"x": {"name": "RUN make", "errorMessage": "failed: context canceled"}}}
        failure = told(Said(exit=2, manifest=run, earthly="+app"))
        summary = "+app: cancelled by the builder, which was stopped or restarted during RUN make"
        assert (failure.kind, failure.summary) == (FailureKind.BUILDER, summary)
        assert told(Said(exit=1, manifest=run)).kind is FailureKind.BUILDER

    def test_cancelled_by_a_signal_of_somebody_else(self) -> None:
        stdout = "Received signal interrupt. Cleaning up before exiting...\n"
        assert told(Said(exit=2, manifest={"status": "RUN_STATUS_CANCELED"}, stdout=stdout)).kind is FailureKind.CANCELLED
        assert told(Said(exit=9, stdout=stdout)).kind is FailureKind.CANCELLED

    def test_a_crash_of_the_program_has_the_same_exit_code(self) -> None:
        failure = told(Said(exit=2, stderr="x\npanic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n"))
        assert (failure.kind, failure.summary) == (FailureKind.UNKNOWN, "the program crashed: panic: runtime error: index out of range")

    def test_rights(self) -> None:
        needs = manifest("NEEDS_PRIVILEGED", "failed to load LLB: security.insecure is not allowed")
        asked, given = told(Said(exit=9, manifest=needs)), told(Said(exit=9, manifest=needs, privileged=True))
        assert (asked.kind, asked.again) == (FailureKind.SYNTAX, None)
        assert (given.kind, given.again) == (FailureKind.BUILDER, False)
        assert "privileged: true" in asked.hint

    @pytest.mark.parametrize(
        ("kind", "expected"), [("OOM_KILLED", "oom"), ("INVALID_PARAM", "syntax"), ("AUTO_SKIP", "syntax"), ("RATE_LIMITED", "registry")]
    )
    def test_types_that_say_it_themselves(self, kind: str, expected: str) -> None:
        assert told(Said(exit=1, manifest=manifest(kind, "connection refused"))).kind.value == expected

    def test_the_step_and_not_its_siblings(self) -> None:
        sibling = command("RUN fetch", "a", errorMessage="failed: dial tcp: connection refused")
        failure = told(Said(exit=1, manifest=MADE | {"commands": {**MADE["commands"], "other": sibling}}, stderr="429 Too Many Requests"))
        assert failure.kind is FailureKind.STEP

    def test_a_failed_step_that_only_the_message_tells(self) -> None:
        message = 'failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 137'
        assert told(Said(exit=1, manifest=manifest("OTHER", message))).kind is FailureKind.OOM

    def test_a_clone_that_was_ended_by_another_failure(self) -> None:
        commands: dict[str, Any] = {
            "failed": command("GIT CLONE u", "a", errorMessage="failed: signal: terminated"),
            "sibling": command("RUN x", "a", errorMessage="failed: context canceled"),
            "cause": command("FROM r+x", "a", line=7, errorMessage='apply build r+x: failed to do request: Head "https://h.example.com/v2/x": EOF'),
        }
        failure = told(Said(exit=1, manifest=manifest("GIT", "failed: signal: terminated", **commands)))
        assert (failure.kind, failure.host) == (FailureKind.NETWORK, "h.example.com")
        assert told(Said(exit=1, manifest=manifest("GIT", "failed: signal: terminated"))).kind is FailureKind.NETWORK

    def test_without_a_run_manifest_the_last_error_of_stderr(self) -> None:
        stderr = "Warning: x\nError: dial tcp: nothing\nsomething\nError: flag provided but not defined: -nope\nUsage: ...\n"
        failure = told(Said(exit=1, stderr=stderr))
        assert (failure.kind, failure.summary) == (FailureKind.UNKNOWN, "flag provided but not defined: -nope")
        assert told(Said(exit=1)).summary == "it said nothing that tells why"

    def test_the_beginning_of_stderr_is_not_looked_at(self) -> None:
        noise = "Error: 503 Service Unavailable\n" + "line\n" * 30
        assert told(Said(exit=1, stderr=noise + "Error: the moon is full\n")).kind is FailureKind.UNKNOWN


class TestWhere:
    def test_a_step_of_the_checkout(self) -> None:
        failure = told(Said(exit=1, manifest=MADE))
        assert str(failure) == "Earthfile:9:5: +app: RUN make ended with exit code 2"
        assert failure.lines == ("cc x", "wrong")

    def test_a_step_of_another_directory(self) -> None:
        run = manifest("NONZERO_EXIT", "Exit code 2", failed=command("RUN make", "s", file=f"{CHECKOUT}/sub/Earthfile"))
        assert str(told(Said(exit=1, manifest=run))) == "sub/Earthfile:9:5: ./sub+lib: RUN make ended with exit code 2"

    def test_a_checkout_that_is_known(self) -> None:
        run = manifest("NONZERO_EXIT", "Exit code 2", failed=command("RUN make", "s", file=f"{CHECKOUT}/sub/Earthfile"))
        run["targets"]["w"]["dependsOn"] = ["s"]
        assert str(told(Said(exit=1, manifest=run))) == "Earthfile:9:5: +lib: RUN make ended with exit code 2"
        assert str(told(Said(exit=1, manifest=run, checkout=CHECKOUT))) == "sub/Earthfile:9:5: ./sub+lib: RUN make ended with exit code 2"

    def test_the_innermost_line_of_a_message_and_never_the_wrappers(self) -> None:
        message = (
            f"{WRAPPER}/Earthfile:5:2 apply FROM {CHECKOUT}+app: apply build {CHECKOUT}+app: earthfile2llb for {CHECKOUT}+app: "
            f"{CHECKOUT}/Earthfile:17:4 apply FROM r.example.com/x:9: resolve image config for r.example.com/x:9: r.example.com/x:9: not found\n"
            f"in\t\t{CHECKOUT}+app --A=b\nin\t\t{WRAPPER}+image --MB_TAG=t"
        )
        assert str(told(Said(exit=1, manifest=manifest("OTHER", message), earthly="+app"))) == "Earthfile:17:5: +app: r.example.com/x:9: not found"

    def test_a_line_of_the_wrapper_is_nowhere(self) -> None:
        push = manifest(
            "OTHER", f"{WRAPPER}/Earthfile:7:2 failed to push r.example.com/x:1: EOF", failed=command("SAVE IMAGE", "w", file=f"{WRAPPER}/Earthfile")
        )
        failure = told(Said(exit=1, manifest=push))
        assert (failure.kind, failure.place, failure.host) == (FailureKind.NETWORK, None, "r.example.com")

    def test_a_wrapper_in_the_directory_it_was_called_in(self) -> None:
        message = (
            f"Earthfile:6:4 apply FROM {CHECKOUT}+app: apply build {CHECKOUT}+app: {CHECKOUT}/Earthfile:17:4 apply ARG: wrong\nin\t\t{CHECKOUT}+app"
        )
        run = manifest("SYNTAX", message)
        run["targets"]["w"]["localPath"] = run["targets"]["wb"]["localPath"] = "."
        assert str(told(Said(exit=1, manifest=run))) == "Earthfile:17:5: +app: wrong"
        run["failure"]["errorMessage"] = "Earthfile:6:4 apply FROM x: wrong"
        assert told(Said(exit=1, manifest=run)).place is None

    def test_the_command_with_the_same_error(self) -> None:
        error = "failed to copy: read tcp 10.0.0.1:5->10.0.0.2:443: read: connection reset by peer"
        other = command("FROM r.example.com/x:1", "a", line=3, errorMessage=f"WARN: failed: {error}")
        failure = told(Said(exit=1, manifest=manifest("OTHER", f"unlazy force execution: {error}", layer=other)))
        assert (str(failure), failure.host) == (f"Earthfile:3:5: +app: {error}", "10.0.0.2:443")

    def test_what_our_wrapper_wants_is_told_of_the_target_that_was_asked_for(self) -> None:
        message = 'ERROR Earthfile:6:4\n      The command\n          COPY x y\n      failed: "/build/gone": not found\nin\t\t+artifacts --MB_TARGET=x'
        run = manifest("FILE_NOT_FOUND", message, failed=command("COPY x y", "w", file="Earthfile", line=6))
        run["targets"]["w"] |= {"canonicalName": "+artifacts", "localPath": "."}
        failure = told(Said(exit=1, manifest=run, earthly="+app", checkout=CHECKOUT))
        assert (failure.place, failure.summary) == (None, '+app: "/build/gone": not found')

    def test_columns_that_begin_with_one(self) -> None:
        run = manifest("NONZERO_EXIT", "Exit code 2", failed=command("RUN make", "a"))
        run["commands"]["w/0"]["sourceLocation"]["startColumn"] = 1
        assert str(told(Said(exit=1, manifest=run)).place) == "Earthfile:9:4"

    @pytest.mark.parametrize(
        "broken", [{"failure": 7}, {"failure": {"commandId": 7, "output": 7}}, {"commands": [], "targets": 3}, {"commands": {"x": 1}}, {}]
    )
    def test_a_run_manifest_of_another_form(self, broken: dict[str, object]) -> None:
        assert told(Said(exit=1, manifest=broken, stderr="Error: 502 Bad Gateway")).kind is FailureKind.REGISTRY


class TestSummary:
    def test_what_a_killed_step_held(self) -> None:
        run = manifest("NONZERO_EXIT", "Exit code 255", failed=command("RUN make", "a"))
        failure = told(Said(exit=1, manifest=run, peak=96 * 2**20, limit=100 * 2**20))
        summary = "+app: RUN make ended with exit code 255 without a word: killed, probably for want of memory (it held 96 MiB of 100 MiB)"
        assert failure.summary == summary

    def test_what_is_long_before_the_first_error_is_left_out(self) -> None:
        output = "\n".join([*(f"line {n}" for n in range(20)), "x.c:3: error: no", "make: *** [all] Error 2"])
        run = manifest("NONZERO_EXIT", "Exit code 2", output, failed=command("RUN make", "a"))
        assert told(Said(exit=1, manifest=run)).lines == ("line 18", "line 19", "x.c:3: error: no", "make: *** [all] Error 2")

    def test_at_most_ten_lines_none_of_them_endless(self) -> None:
        run = manifest("NONZERO_EXIT", "Exit code 2", "\n".join(str(n) * 500 for n in range(30)), failed=command("RUN make", "a"))
        lines = told(Said(exit=1, manifest=run)).lines
        assert (len(lines), max(map(len, lines))) == (10, 400)

    def test_a_long_command_is_shortened_in_the_middle(self) -> None:
        run = manifest("NONZERO_EXIT", "Exit code 2", failed=command(f"RUN {'a' * 80} {'b' * 80}", "a"))
        assert told(Said(exit=1, manifest=run)).summary == f"+app: RUN {'a' * 35}…{'b' * 40} ended with exit code 2"

    def test_digests_and_queries_are_for_machines(self) -> None:
        url = f"https://r.example.com/v2/x/blobs/sha256:{'a' * 64}?from=y&scope=z"
        failure = told(Said(exit=1, manifest=manifest("OTHER", f"unexpected status from GET request to {url}: 500 Internal Server Error")))
        assert (
            failure.summary
            == "unexpected status from GET request to https://r.example.com/v2/x/blobs/sha256:aaaaaaaaaaaa…: 500 Internal Server Error"
        )
        assert failure.lines == (f"unexpected status from GET request to {url}: 500 Internal Server Error",)


class TestEndedFromOutside:
    def test_what_ran_then(self) -> None:
        ours = Failure(kind=FailureKind.TIMEOUT, summary="earthly said nothing for 2 s and was stopped", hint="wait")
        run = manifest(
            "", slow=command("RUN sleep 30", "a", status="RUN_STATUS_IN_PROGRESS"), other=command("RUN b", "a", status="RUN_STATUS_CANCELED")
        )
        found = with_what_ran(ours, Said(exit=2, manifest=run))
        assert str(found) == "Earthfile:9:5: +app: earthly said nothing for 2 s and was stopped during RUN sleep 30 and 1 more"
        assert (found.kind, found.hint) == (FailureKind.TIMEOUT, "wait")

    def test_nothing_that_is_known(self) -> None:
        ours = Failure(kind=FailureKind.CANCELLED, summary="earthly was stopped after 1 s")
        assert str(with_what_ran(ours, Said(exit=None, signal=9, earthly="+app"))) == "+app: earthly was stopped after 1 s"


class TestPatterns:
    FLAKY = Pattern(match=re.compile("licence server"), kind=FailureKind.NETWORK, hint="wait")

    def found(self, *patterns: Pattern, output: str = "the licence server sleeps", exit: int = 1) -> Failure:  # noqa: A002
        run = manifest("NONZERO_EXIT", "Exit code 2", output, failed=command("RUN make", "a"))
        return told(Said(exit=exit, manifest=run, patterns=patterns))

    def test_they_come_before_our_own(self) -> None:
        found = self.found(self.FLAKY)
        assert (found.kind, found.again, found.hint, found.summary) == (FailureKind.NETWORK, None, "wait", "+app: RUN make ended with exit code 2")
        assert self.found(self.FLAKY, output="no space left on device: licence server").kind is FailureKind.NETWORK
        assert self.found(self.FLAKY, output="no space left on device").kind is FailureKind.DISK

    def test_the_first_decides(self) -> None:
        assert self.found(self.FLAKY, Pattern(match=re.compile("sleeps"), kind=FailureKind.AUTH)).kind is FailureKind.NETWORK

    def test_a_pattern_may_speak_of_trying_again_alone(self) -> None:
        found = self.found(Pattern(match=re.compile("sleeps"), again=True))
        assert (found.kind, found.again) == (FailureKind.STEP, True)

    def test_they_look_at_the_command_and_the_message_too(self) -> None:
        assert self.found(Pattern(match=re.compile("^RUN make$"), kind=FailureKind.AUTH)).kind is FailureKind.AUTH
        assert self.found(Pattern(match=re.compile("code 2$"), kind=FailureKind.AUTH)).kind is FailureKind.AUTH

    def test_they_say_nothing_of_what_we_ended_nor_of_what_went_well(self) -> None:
        run = manifest("NONZERO_EXIT", "licence server")
        assert told(Said(exit=1, manifest=run, patterns=(self.FLAKY,), ended_by_us="timeout")).kind is FailureKind.TIMEOUT
        assert classified(Said(exit=0, manifest=run, patterns=(self.FLAKY,))) is None
