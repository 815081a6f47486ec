"""A RUN that ended with an error: what its text, its exit code and its own output make of it."""

from __future__ import annotations

import pytest

from matrixbuild.core.failure import FailureKind
from matrixbuild.core.failures.guards import is_guard
from matrixbuild.core.failures.steps import Step, step

DISK, OOM, GUARD, STEP = FailureKind.DISK, FailureKind.OOM, FailureKind.GUARD, FailureKind.STEP


def kind(output: str, *, code: int = 1, command: str = "RUN make") -> tuple[FailureKind, bool | None]:
    found = step(command, f"ERROR Earthfile:4:2\n The command\n  {command}\n did not complete successfully. Exit code {code}", output)
    assert found.code == code
    return found.kind, found.again


@pytest.mark.parametrize(
    "output",
    [
        "cp: error writing '/x': No space left on device",
        "E: You don't have enough free space in /var/cache/apt/archives/.",
        "tar: x: Cannot write: Disk quota exceeded",
        "Error: ENOSPC: no space left on device, write",
        "error: failed to write (os error 28)",
    ],
)
def test_disk(output: str) -> None:
    assert kind(f"building\n{output}\nmake: *** [all] Error 1") == (DISK, None)


@pytest.mark.parametrize(
    "output",
    [
        "Killed",
        "Killed\nchild ended with 137",
        "/bin/sh: line 3:    17 Killed                  dd bs=200M",
        "bash: line 1: 12 Killed  make",
        "gcc: fatal error: Killed signal terminated program cc1plus",
        "g++: internal compiler error: Killed (program cc1plus)",
        "# example.com/x: /usr/local/go/pkg/compile: signal: killed",
        "rustc terminated (signal: 9, SIGKILL: kill)",
        "fork: Cannot allocate memory",
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "java.lang.OutOfMemoryError: Java heap space",
        "MemoryError",
        "terminate called after throwing an instance of 'std::bad_alloc'",
    ],
)
def test_memory(output: str) -> None:
    assert kind(f"building\n{output}") == (OOM, None)


def test_memory_by_exit_code_alone() -> None:
    assert kind("building", code=137) == (OOM, None)
    assert kind("building", code=255) == (OOM, None)
    assert kind("ssh: connect failed: Permission denied", code=255) == (STEP, None)


def test_memory_near_its_limit() -> None:
    near = step("RUN make", "Exit code 255", "error: half a line", peak=95, limit=100)
    far = step("RUN make", "Exit code 255", "error: half a line", peak=50, limit=100)
    assert (near.kind, far.kind) == (OOM, STEP)
    assert step("RUN make", "Exit code 1", "error: half a line", peak=95, limit=100).kind is STEP


@pytest.mark.parametrize(
    "output",
    [
        "curl: (6) Could not resolve host: example.com",
        "wget: bad address 'example.com'",
        "wget: can't connect to remote host (10.0.0.1): Connection refused",
        "Err:1 http://deb.example.com stable InRelease\n  Temporary failure resolving 'deb.example.com'",
        "E: Failed to fetch http://deb.example.com/x.deb  503  Service Unavailable [IP: 10.0.0.1 80]",
        "E: Failed to fetch http://deb.example.com/x.deb  Hash Sum mismatch",
        "curl: (22) The requested URL returned error: 502",
        "fatal: unable to access 'https://github.com/o/r/': Failed to connect to github.com port 443",
        "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool: Read timed out.",
        'go: example.com/x@v1: Get "https://proxy.example.com/x": dial tcp 10.0.0.1:443: i/o timeout',
        "Error: Failed to download metadata for repo 'base': Cannot prepare internal mirrorlist",
        "zypper: Connection failed: Timeout was reached",
    ],
)
def test_a_step_that_met_a_network_failure_is_tried_again(output: str) -> None:
    assert kind(f"fetching\n{output}\nsorry") == (STEP, True)


def test_a_warning_long_before_the_end_was_got_over() -> None:
    compiled = "\n".join(f"compiling {number}" for number in range(40))
    assert kind(f"curl: (6) Could not resolve host: mirror\nretrying\n{compiled}\nundefined reference") == (STEP, None)


@pytest.mark.parametrize(
    "output", ["", "hello", "Permission denied", "no-such-command: not found", "curl: (22) The requested URL returned error: 404"]
)
def test_any_other_step(output: str) -> None:
    assert kind(output) == (STEP, None)


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ('RUN echo "ERROR: arm64 is not supported"; exit 1', "ERROR: arm64 is not supported"),
        ("RUN echo 'Error: no raw image' >&2; exit 1", "Error: no raw image"),
        ('RUN echo "ERROR: A and B are mutually exclusive." >&2 && exit 1', "ERROR: A and B are mutually exclusive."),
        ('RUN --no-cache [ -n "$X" ] || { echo "ERROR: $X is not set"; exit 2; }', "checking\nERROR: y is not set"),
        ('RUN if [ "$A" = b ]; then printf "FATAL: %s refused\\n" "$A"; exit 1; fi', "FATAL: b refused"),
        ('RUN echo "K8S is not set. Please set K8S." && exit 1', "K8S is not set. Please set K8S."),
        ("RUN echo ERROR: wrong && false", "ERROR: wrong"),
        ('RUN echo "❌ Error: no image"; exit 1;', "❌ Error: no image"),
    ],
)
def test_a_guard_prints_in_its_own_words_why_it_ends(command: str, output: str) -> None:
    assert is_guard(command, output)
    assert kind(output, command=command) == (GUARD, None)


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("RUN echo if-step-fails; exit 5", "if-step-fails"),
        ('RUN make || { echo "ERROR: make failed"; exit 1; }; test -f x', "something else"),
        ("RUN ./build.sh", "ERROR: wrong"),
        ('RUN echo "ERROR: only a word"', "ERROR: only a word"),
        ('IF echo "ERROR: x"; exit 1', "ERROR: x"),
        ('RUN echo "done, no error: fine"; exit 1', "done, no error: fine"),
        ('RUN make; echo "it is required"; exit 1', "it is required"),
    ],
)
def test_no_guard(command: str, output: str) -> None:
    assert not is_guard(command, output)


def test_a_guard_after_another_cause_is_that_cause() -> None:
    command = 'RUN fetch || { echo "ERROR: fetch failed"; exit 1; }'
    assert kind("Killed\nERROR: fetch failed", command=command) == (OOM, None)
    assert kind("curl: (7) Failed to connect to h\nERROR: fetch failed", command=command) == (STEP, True)


def test_no_exit_code() -> None:
    assert step("RUN make", "it failed", "") == Step(kind=STEP, code=None)
