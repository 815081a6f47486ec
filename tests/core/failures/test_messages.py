"""Messages of the programs, of BuildKit, containerd, Go, git and registries: each is of one kind, whatever else stands around it."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.failures import Said, classified
from matrixbuild.core.policy import worth_retrying

GET = "unexpected status from GET request to https://registry.example.com/v2/edge/base/manifests/1"
PUT = "unexpected status from PUT request to https://registry.example.com/v2/edge/base/manifests/1"
UPLOAD = "unexpected status from PUT request to https://registry.example.com/v2/edge/base/blobs/uploads/a1?digest=sha256:00"
PUSHED = "failed to push registry.example.com/edge/base:1"
HEAD = 'failed to do request: Head "https://registry.example.com/v2/edge/base/manifests/1"'
COPY = "failed to compute cache key: failed to copy: httpReadSeeker: failed open"

MESSAGES: list[tuple[str, str, bool]] = [
    # Disk: whatever was being done.
    ("failed to extract layer sha256:00: write /var/lib/x/usr/bin/y: no space left on device: unknown", "disk", True),
    ("failed to prepare extraction snapshot: mkdir /var/lib/snapshots/9: disk quota exceeded", "disk", True),
    # Time.
    ('failed to do request: Put "https://r.example.com/v2/x": context deadline exceeded', "timeout", True),
    (f"{HEAD}: net/http: request canceled (Client.Timeout exceeded while awaiting headers)", "timeout", True),
    # Registries that answer, but not now.
    (f"{GET}: 429 Too Many Requests", "registry", True),
    (
        f"{COPY}: unexpected status code https://r.example.com/v2/x/blobs/sha256:00: 429 Too Many Requests - Server message: toomanyrequests: slow",
        "registry",
        True,
    ),
    (f"{GET}: 500 Internal Server Error", "registry", True),
    (f"{GET}: 502 Bad Gateway", "registry", True),
    (f"{GET}: 504 Gateway Time-out", "registry", True),
    (f"{GET}: 503 Service Temporarily Unavailable", "registry", True),
    (f"{GET}: 520", "registry", True),
    (f"{GET}: 507 Insufficient Storage", "registry", True),
    (f'{PUSHED}: {PUT}: 500 Internal Server Error body={{"errors": [{{"message": "write: no space left on device"}}]}}', "registry", True),
    (f'{PUSHED}: body={{"errors": [{{"message": "dial tcp: lookup db: no such host"}}]}}: {PUT}: 503 Service Unavailable', "registry", True),
    # Who may not.
    (f"{GET}: 401 Unauthorized", "auth", False),
    (f'{PUSHED}: {PUT}: 403 Forbidden body={{"errors": [{{"code": "DENIED", "message": "502 Bad Gateway"}}]}}', "auth", False),
    (
        "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
        "auth",
        False,
    ),
    ("push access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials", "auth", False),
    ("failed to authorize: failed to fetch oauth token: " + GET.replace("GET", "POST") + ": 401 Unauthorized", "auth", False),
    ('failed to set secret "TOKEN" via --secret flag without a value', "auth", False),
    ('unable to lookup secret "TOKEN": not found', "auth", False),
    (f"{HEAD}: tls: failed to verify certificate: x509: certificate signed by unknown authority", "auth", False),
    ("failed to fetch remote https://github.com/o/r.git: git stderr:\nfatal: Authentication failed for 'https://github.com/o/r.git/'", "auth", False),
    ("git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.", "auth", False),
    # What came is not what was promised.
    ('failed commit on ref "layer-sha256:00": unexpected commit size 7, expected 9: failed precondition', "registry", True),
    ('failed commit on ref "layer-sha256:00": "layer-sha256:00" failed size validation: 7 != 9: failed precondition', "registry", True),
    ("failed to extract layer: archive/tar: invalid tar header: unknown", "registry", True),
    # The network.
    (f"{HEAD}: dial tcp 10.0.0.1:443: i/o timeout", "network", True),
    (f"{HEAD}: dial tcp 10.0.0.1:443: connect: connection timed out", "network", True),
    (f"{HEAD}: dial tcp: lookup registry.example.com on 10.0.0.2:53: server misbehaving", "network", True),
    (f"{HEAD}: dial tcp: lookup registry.example.com: no such host", "network", True),
    (f"{HEAD}: dial tcp [::1]:443: connect: network is unreachable", "network", True),
    (f"{HEAD}: net/http: TLS handshake timeout", "network", True),
    (f"{HEAD}: remote error: tls: internal error", "network", True),
    (f"{HEAD}: EOF", "network", True),
    (f"{HEAD}: http2: server sent GOAWAY and closed the connection", "network", True),
    (f"{HEAD}: proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused", "network", True),
    ("failed to copy: read tcp 10.0.0.1:5->10.0.0.2:443: read: connection reset by peer", "network", True),
    ("failed to copy: write tcp 10.0.0.1:5->10.0.0.2:443: write: broken pipe", "network", True),
    ("failed to copy: local error: tls: bad record MAC: unexpected EOF", "network", True),
    ("failed to read expected number of bytes: unexpected EOF", "network", True),
    ("stream error: stream ID 7; INTERNAL_ERROR; received from peer", "network", True),
    ("fatal: unable to access 'https://github.com/o/r.git/': Could not resolve host: github.com", "network", True),
    ("error: RPC failed; curl 92 HTTP/2 stream 0 was not closed cleanly: CANCEL (err 8)\nfatal: early EOF", "network", True),
    (f"{HEAD}: http: server gave HTTP response to HTTPS client", "network", False),
    # The builder.
    (
        "rpc error: code = Unavailable desc = error reading from server: read tcp 127.0.0.1:4->127.0.0.2:8: read: connection reset by peer",
        "builder",
        True,
    ),
    ("rpc error: code = Unavailable desc = transport is closing", "builder", True),
    ("failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF", "builder", True),
    ("no active session for a1b2c3: context deadline exceeded", "timeout", True),
    ("no active sessions", "builder", True),
    ("failed to get edge: inconsistent graph state", "builder", True),
    ("buildkit scheduler error: return leaving incoming open. Please report this with BUILDKIT_SCHEDULER_DEBUG=1", "builder", True),
    ("unlazy force execution: Canceled: context canceled", "builder", True),
    ('failed to solve: exporter "earthly" could not be found', "builder", False),
    ('TLS certificate "/x/earthly_cert.pem" is missing', "builder", False),
    ('failed to calculate buildkit URLs: parse "tcp://a b": URL did not pass validation', "builder", False),
    # A push that was refused, and one that was lost.
    (f'{PUSHED}: {PUT}: 405 Method Not Allowed body={{"errors": []}}', "push", False),
    (f"{PUSHED}: {PUT}: 413 Request Entity Too Large body=<html>502 Bad Gateway</html>", "push", False),
    (f'{PUSHED}: {PUT}: 400 Bad Request body={{"errors": [{{"code": "DIGEST_INVALID"}}, {{"code": "MANIFEST_BLOB_UNKNOWN"}}]}}', "push", True),
    (f'{PUSHED}: {UPLOAD}: 404 Not Found body={{"errors": [{{"code": "BLOB_UPLOAD_UNKNOWN"}}]}}', "push", True),
    # The Earthfile.
    ("Earthfile:3:2 apply FROM r.example.com/x:9: resolve image config for r.example.com/x:9: r.example.com/x:9: not found", "syntax", False),
    ("Earthfile:3:2 apply FROM +nope: apply build +nope: earthfile2llb for +nope: target +nope not found", "syntax", False),
    ("Earthfile:3:2 apply LET: this variable was declared twice in the same target", "syntax", False),
    ("Earthfile:3:2 something that no pattern knows", "syntax", False),
    ("lexer error: Earthfile\nsyntax error: line 4:2: token recognition error at: 'no space left on device'", "syntax", False),
    (
        'resolve build context for target +a: cache: load key Earthfile: syntax error at pos 4: unknown command keyword: "dial tcp 429"',
        "syntax",
        False,
    ),
    ("parse args +app --K=connection refused --push: no value provided for --push", "syntax", False),
    ("no match for platform in manifest: not found", "syntax", False),
    ("failed to solve: dockerfile parse error on line 3: unknown instruction: RUNN", "syntax", False),
    # Nothing known.
    ("the moon is full", "unknown", False),
]


def failed(message: str, *, kind: str = "OTHER", **more: object) -> Failure:
    failure = classified(Said(exit=1, manifest={"failure": {"type": f"FAILURE_TYPE_{kind}", "errorMessage": message, **more}}))
    assert failure is not None
    return failure


@pytest.mark.parametrize(("message", "kind", "again"), MESSAGES)
def test_kind_and_retry(message: str, kind: str, again: bool) -> None:
    failure = failed(message)
    assert (failure.kind.value, worth_retrying(failure)) == (kind, again)


@pytest.mark.parametrize(("message", "kind", "again"), MESSAGES)
def test_the_chain_around_a_message_changes_nothing(message: str, kind: str, again: bool) -> None:
    chained = f"build target: build main: failed to solve: async force execution for +app: unlazy force execution: {message}\nin\t\t+app --X=503"
    failure = failed(chained)
    assert (failure.kind.value, worth_retrying(failure)) == (kind, again)


@pytest.mark.parametrize(
    "name",
    ["429", "500", "timeout:502", "connection-refused:1", "unexpected-eof/401:403", "x509:EOF", "no-such-host:504", "dial-tcp/context-canceled:disk"],
)
def test_a_name_decides_nothing(name: str) -> None:
    ref = f"r.example.com:5000/{name}"
    missing = failed(f"Earthfile:3:2 apply FROM {ref}: resolve image config for {ref}: {ref}: not found\nin\t\t+app --REF={ref}")
    assert (missing.kind, missing.place and missing.place.line) == (FailureKind.SYNTAX, 3)
    refused = failed(f'failed to do request: Head "https://{ref}/v2/manifests/1": dial tcp 10.0.0.1:5000: connect: connection refused')
    assert refused.kind is FailureKind.NETWORK


@pytest.mark.parametrize("text", ["no space left on device", "dial tcp: connection refused", "429 Too Many Requests", "context canceled"])
def test_what_a_command_would_print_decides_nothing(text: str) -> None:
    message = f'ERROR Earthfile:4:2\n      The command\n          RUN echo "{text}"\n      failed: "/nope": not found'
    assert failed(message, kind="FILE_NOT_FOUND").kind is FailureKind.SYNTAX


def test_a_file_that_is_missing_for_another_reason_is_not_the_earthfiles_fault() -> None:
    message = "ERROR Earthfile:4:2\n      The command\n          COPY +a/x /\n      failed: httpReadSeeker: failed open: unexpected status code u: 502 Bad Gateway"
    assert failed(message, kind="FILE_NOT_FOUND").kind is FailureKind.REGISTRY


def test_git_says_why_in_base64() -> None:
    failure = failed("failed: git fetch: EARTHLY_GIT_STDERR: RXJyb3I6IENvdWxkIG5vdCByZXNvbHZlIGhvc3Q6IGV4YW1wbGUuY29t", kind="GIT")
    assert (failure.kind, failure.summary) == (FailureKind.NETWORK, "failed: git fetch: Error: Could not resolve host: example.com")


def test_a_limit_of_requests_names_the_registry_and_asks_for_a_wait() -> None:
    failure = failed(f"{PUSHED}: {PUT}: 429 Too Many Requests body={{}}", kind="RATE_LIMITED")
    assert (failure.host, failure.retry_after) == ("registry.example.com", 0.0)
    assert failed(f"{GET}: 503 Service Unavailable").retry_after is None


@given(st.text(max_size=400), st.sampled_from(["OTHER", "SYNTAX", "GIT", "NONZERO_EXIT", "FILE_NOT_FOUND", "UNKNOWN", "NEW_ONE"]))
def test_any_message_is_a_failure_told_in_few_lines(message: str, kind: str) -> None:
    failure = failed(message, kind=kind, output="?")
    assert failure.summary
    assert len(failure.lines) <= 10
    assert "\n" not in failure.summary


@pytest.mark.parametrize("unit", ["a", "status ", "The command\n", "http2: ", 'echo "ERROR: '])
def test_an_endless_message_is_told_as_any_other(unit: str) -> None:
    endless = unit * (1_000_000 // len(unit))
    failure = failed(f"{endless}: 502 Bad Gateway")
    assert failure.kind is FailureKind.REGISTRY
    assert len(failure.summary) <= 200
    step = failed("Exit code 3", kind="NONZERO_EXIT", output=b64encode(f"{endless}\nCould not resolve host: x".encode()).decode())
    assert (step.kind, step.again) == (FailureKind.STEP, True)
    assert max(len(line) for line in step.lines) <= 400
