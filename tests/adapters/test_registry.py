"""What the contract test cannot ask of a healthy registry: faults, odd answers, and what people are told of them."""

from __future__ import annotations

import email.utils
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.adapters.registry_wire import Tuning
from matrixbuild.core.images import OCI_LAYER_GZIP
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import ExitCode, UnusableError
from matrixbuild.core.registry import StoredManifest
from tests.fakes.faulty_registry import (
    Answer,
    Fault,
    FaultyRegistry,
    Handler,
    end,
    faulty_registry,
    no_fault,
    other_body,
    reset,
    stall,
    status,
    truncated,
)
from tests.sample_images import described, sample_image, sample_index
from tests.services import free_port, require, running_registry

IMAGE = sample_image()
DATA = bytes(range(256)) * 4096
BLOB = described(OCI_LAYER_GZIP, DATA)
MANIFEST = "/v2/a/manifests/v1"
QUICK = Tuning(attempts=5, total=600, first_wait=0.01, longest_wait=0.05)
IMPATIENT = replace(QUICK, read=0.5, upload=0.5)
"""For what stalls: a busy machine may make healthy answers late too, so no test counts requests with it."""


def client(registry: FaultyRegistry, tuning: Tuning = QUICK) -> HttpRegistry:
    return HttpRegistry(registry.host, tuning=tuning, login=lambda _: None)


def answers(registry: FaultyRegistry) -> None:
    headers = {"Content-Type": IMAGE.manifest.media_type, "Docker-Content-Digest": IMAGE.manifest.digest}
    for reference in ("v1", IMAGE.manifest.digest):
        registry.answers["GET", f"/v2/a/manifests/{reference}"] = Answer(headers=headers, body=IMAGE.manifest.data)
    registry.answers["HEAD", MANIFEST] = Answer(headers={**headers, "Content-Length": str(len(IMAGE.manifest.data))})
    registry.answers["GET", f"/v2/a/blobs/{BLOB.digest}"] = Answer(body=DATA)


def error_of(call: Callable[[], object]) -> UnusableError:
    with pytest.raises(UnusableError) as caught:
        call()
    assert caught.value.exit_code is ExitCode.UNUSABLE
    assert len(caught.value.problems) == 1
    return caught.value


FAULTS: dict[str, Fault] = {
    "429": status(429),
    "500": status(500),
    "502": status(502),
    "503": status(503),
    "504": status(504),
    "reset": reset(),
    "end": end(),
    "truncated": truncated(7),
    "nothing of the body": truncated(0),
    "another body": other_body(b"{}" + IMAGE.manifest.data[2:]),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("times", [1, 4])
def test_it_recovers(name: str, times: int) -> None:
    with faulty_registry(*[FAULTS[name]] * times) as registry:
        answers(registry)
        assert client(registry).manifest("a", "v1") == IMAGE.manifest
        assert len(registry.requests) == times + 1


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"truncated", "nothing of the body", "another body"}))
def test_head_recovers(name: str) -> None:
    with faulty_registry(*[FAULTS[name]] * 2) as registry:
        answers(registry)
        assert client(registry).digest("a", "v1") == IMAGE.manifest.digest


@pytest.mark.parametrize(("times", "there"), [(0, True), (1, True), (2, False)])
def test_a_blob_that_is_promised_and_twice_not_sent_is_not_there(times: int, there: bool) -> None:
    """docker-registry with its default cache does so for a blob whose file is gone."""
    with faulty_registry(*[truncated(0)] * times) as registry:
        answers(registry)
        assert client(registry).has_blob("a", BLOB.digest) is there
        assert len(registry.requests) == min(times + 1, 2)


def test_a_stalled_registry_is_asked_again() -> None:
    with faulty_registry(stall(), stall()) as registry:
        answers(registry)
        assert client(registry, IMPATIENT).manifest("a", "v1") == IMAGE.manifest
        assert client(registry, IMPATIENT).digest("a", "v1") == IMAGE.manifest.digest


def test_two_failures_cost_less_than_a_second_of_waiting() -> None:
    waits: list[float] = []
    with faulty_registry(status(500), reset()) as registry:
        answers(registry)
        assert client(registry, Tuning(sleep=waits.append)).manifest("a", "v1") == IMAGE.manifest
        assert len(waits) == 2
        assert sum(waits) < 1


@pytest.mark.parametrize("fault", [truncated(300_000), truncated(0), reset()])
def test_a_blob_in_pieces_goes_on_where_it_broke(fault: Fault) -> None:
    with faulty_registry(fault) as registry:
        answers(registry)
        assert b"".join(client(registry).read_blob("a", BLOB.digest)) == DATA
        assert client(registry).blob("a", BLOB.digest) == DATA


def test_a_range_is_asked_for_and_used() -> None:
    def rest(handler: Handler, answer: Answer) -> None:
        start = int(registry.requests[-1].headers["range"].removeprefix("bytes=").removesuffix("-"))
        handler.answer(206, {"Content-Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"}, answer.body[start:])

    with faulty_registry(truncated(600_000), rest) as registry:
        answers(registry)
        assert b"".join(client(registry).read_blob("a", BLOB.digest)) == DATA
        assert int(registry.requests[1].headers["range"].removeprefix("bytes=").removesuffix("-")) > 0


def test_a_wrong_blob_in_pieces_ends_with_both_digests() -> None:
    wrong = b"x" * len(DATA)
    with faulty_registry(other_body(wrong)) as registry:
        answers(registry)
        error = error_of(lambda: list(client(registry).read_blob("a", BLOB.digest)))
        assert str(error) == f"cannot read a@{BLOB.digest} at {registry.host}: the digest is {sha256(wrong)}, not {BLOB.digest}"


def dated(seconds: int, *, slow: float) -> Fault:
    """429 with a date `seconds` from now, by a clock of the server's that is `slow`."""

    def fault(handler: Handler, _: Answer) -> None:
        now = time.time() - slow
        handler.send_response_only(429)  # send_response would add a Date of its own
        for name, value in (("Date", now), ("Retry-After", now + seconds)):
            handler.send_header(name, email.utils.formatdate(value, usegmt=True))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return fault


@pytest.mark.parametrize("fault", [status(429, Retry_After="60"), status(503, Retry_After="60"), dated(60, slow=3600)])
def test_retry_after_is_respected(fault: Fault) -> None:
    with faulty_registry(fault) as registry:
        answers(registry)
        waits: list[float] = []
        assert client(registry, Tuning(sleep=waits.append)).manifest("a", "v1") == IMAGE.manifest
        assert len(waits) == 1
        assert 60 <= waits[0] <= 66


def test_a_wait_beyond_our_patience_is_told_at_once() -> None:
    with faulty_registry(status(429, Retry_After="3600")) as registry:
        error = error_of(lambda: client(registry).manifest("a", "v1"))
        assert str(error) == (
            f"cannot read a:v1 at {registry.host}: the registry limits requests (429 Too Many Requests), and asks to wait 3600 s"
        )
        assert error.problems[0].hint == f"wait, or `docker login {registry.host}` for a higher limit"
        assert len(registry.requests) == 1


def test_waits_grow_and_end() -> None:
    with faulty_registry(*[status(503)] * 9) as registry:
        waits: list[float] = []
        tuning = Tuning(attempts=5, first_wait=1, longest_wait=4, sleep=waits.append)
        error = error_of(lambda: client(registry, tuning).manifest("a", "v1"))
        assert str(error) == f"cannot read a:v1 at {registry.host}: the registry answers 503 Service Unavailable, 5 times"
        assert error.problems[0].hint == "look at the log of the registry"
        assert len(waits) == 4
        assert all(least <= wait <= least * 1.1 for wait, least in zip(waits, (1, 2, 4, 4), strict=True))


def test_the_total_time_is_bounded() -> None:
    with faulty_registry(*[status(500)] * 99) as registry:
        error_of(lambda: client(registry, Tuning(attempts=99, total=0.5, first_wait=0.1, longest_wait=0.1)).manifest("a", "v1"))
        assert 1 <= len(registry.requests) <= 6


ENDINGS: list[tuple[Fault, str, str]] = [
    (
        status(500, b'{"errors": [{"code": "UNKNOWN", "message": "no space\\n left"}]}'),
        "the registry answers 500 Internal Server Error: no space left",
        "look at the log of the registry",
    ),
    (reset(), "the connection to {host} broke (connection reset by peer)", "look at the network and the registry's log"),
    (end(), "the connection to {host} broke (Remote end closed connection without response)", "look at the network and the registry's log"),
    (truncated(7), "the answer of {host} ends too early", "look at the network and the registry's log"),
    (
        other_body(bytes(len(IMAGE.manifest.data))),
        f"the digest is {sha256(bytes(len(IMAGE.manifest.data)))}, not {IMAGE.manifest.digest}",
        "it is not used; look for a proxy that changes answers, and at the registry's storage",
    ),
]


@pytest.mark.parametrize(("fault", "reason", "hint"), ENDINGS)
def test_what_does_not_end_is_told(fault: Fault, reason: str, hint: str) -> None:
    with faulty_registry(*[fault] * 5) as registry:
        answers(registry)
        error = error_of(lambda: client(registry).manifest("a", "v1"))
        assert str(error) == f"cannot read a:v1 at {registry.host}: {reason.format(host=registry.host)}, 5 times"
        assert error.problems[0].hint == hint
        assert len(registry.requests) == 5


def test_what_stalls_for_ever_is_told() -> None:
    with faulty_registry(*[stall()] * 2) as registry:
        error = error_of(lambda: client(registry, replace(IMPATIENT, attempts=2)).manifest("a", "v1"))
        assert str(error) == f"cannot read a:v1 at {registry.host}: {registry.host} sends nothing for 0.5 s, 2 times"
        assert error.problems[0].hint == "look at the registry's log"


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        (400, "cannot read a:v1 at {host}: the registry answers 400 Bad Request: so it says", "is this an OCI registry, and the name right?"),
        (403, "{host} forbids to read a:v1 (403 Forbidden: so it says)", "`docker login {host}` with an account that may"),
        (405, "cannot read a:v1 at {host}: the registry answers 405 Method Not Allowed: so it says", "is this an OCI registry, and the name right?"),
    ],
)
def test_other_refusals_are_told_and_never_tried_again(code: int, message: str, hint: str) -> None:
    with faulty_registry(status(code, b'{"errors": [{"code": "X", "message": "so it says"}]}')) as registry:
        error = error_of(lambda: client(registry).manifest("a", "v1"))
        assert (str(error), error.problems[0].hint) == (message.format(host=registry.host), hint.format(host=registry.host))
        assert len(registry.requests) == 1


def test_nobody_listens() -> None:
    port = free_port()
    error = error_of(lambda: HttpRegistry(f"127.0.0.1:{port}", tuning=QUICK).tags("a"))
    assert str(error) == f"cannot list the tags of a at 127.0.0.1:{port}: 127.0.0.1:{port} refuses the connection, 5 times"
    assert error.problems[0].hint == "start the registry, or correct its name"


def test_a_name_that_does_not_exist() -> None:
    error = error_of(lambda: HttpRegistry("registry.invalid", tuning=QUICK).has_blob("a", BLOB.digest))
    assert str(error) == f"cannot look for a@{BLOB.digest} at registry.invalid: the name of registry.invalid:443 cannot be resolved, 5 times"
    assert error.problems[0].hint == "correct the registry's name, or the network"


def test_tls_to_a_registry_without() -> None:
    with faulty_registry() as registry:
        error = error_of(lambda: HttpRegistry(registry.host, tuning=QUICK, scheme="https").tags("a"))
        assert str(error) == f"{registry.host} does not speak TLS"
        assert error.problems[0].hint == f'give it TLS, or list it in the manifest: network: {{insecure: ["{registry.host}"]}}'


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = [require("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    with running_registry(tmp_path / "registry", tls=(key, certificate)) as running:
        host = running.host.replace("127.0.0.1", "localhost")
        error = error_of(lambda: HttpRegistry(host, tuning=QUICK, scheme="https").tags("a"))
        assert str(error) == f"the certificate of {host} is not trusted: self-signed certificate"
        assert error.problems[0].hint == "name the file of its CA in the manifest, network: {ca: [FILE]}, or add it to those of this machine"


def test_an_address_that_is_none_is_told() -> None:
    with faulty_registry() as registry:
        registry.answers["GET", MANIFEST] = Answer(status=307, headers={"Location": "http://a:99999/"})
        error = error_of(lambda: client(registry).manifest("a", "v1"))
        assert str(error) == f"{registry.host} refers to 'http://a:99999/', which is no address: Port out of range 0-65535"


def test_a_reader_may_stop_in_the_middle() -> None:
    with faulty_registry() as registry:
        answers(registry)
        found = client(registry)
        pieces = found.read_blob("a", BLOB.digest)
        assert DATA.startswith(next(pieces))
        pieces.close()  # type: ignore[attr-defined]
        assert found.blob("a", BLOB.digest) == DATA


def test_a_digest_that_head_does_not_say_is_computed() -> None:
    with faulty_registry() as registry:
        answers(registry)
        registry.answers["HEAD", MANIFEST] = Answer()
        assert client(registry).digest("a", "v1") == IMAGE.manifest.digest
        assert [request.method for request in registry.requests] == ["HEAD", "GET"]


def test_a_name_that_only_head_does_not_find_is_taken() -> None:
    with faulty_registry() as registry:
        answers(registry)
        registry.answers["HEAD", MANIFEST] = Answer(status=404)
        assert client(registry).digest("a", "v1") == IMAGE.manifest.digest
        del registry.answers["GET", MANIFEST]
        assert client(registry).digest("a", "v1") is None


def test_a_digest_header_that_is_another_is_not_trusted() -> None:
    wrong = sha256(b"another")
    with faulty_registry() as registry:
        answers(registry)
        registry.answers["HEAD", f"/v2/a/manifests/{IMAGE.manifest.digest}"] = Answer(headers={"Docker-Content-Digest": wrong})
        error = error_of(lambda: client(registry).digest("a", IMAGE.manifest.digest))
        assert str(error) == (
            f"cannot read a@{IMAGE.manifest.digest} at {registry.host}: the digest is {wrong}, not {IMAGE.manifest.digest}, 5 times"
        )


def test_a_manifest_is_asked_for_in_all_forms() -> None:
    with faulty_registry() as registry:
        answers(registry)
        client(registry).manifest("a", "v1")
        accepted = registry.requests[0].headers["accept"]
        assert all(kind in accepted for kind in ("oci.image.manifest.v1", "oci.image.index.v1", "manifest.v2+json", "manifest.list.v2"))


@pytest.mark.parametrize("given", ["", "text/plain; charset=utf-8", f"{IMAGE.manifest.media_type}; charset=utf-8"])
def test_the_media_type_is_the_bodys_where_the_registry_does_not_say(given: str) -> None:
    with faulty_registry() as registry:
        registry.answers["GET", MANIFEST] = Answer(headers={"Content-Type": given}, body=IMAGE.manifest.data)
        assert client(registry).manifest("a", "v1") == IMAGE.manifest


def test_an_answer_that_is_no_manifest_is_told() -> None:
    with faulty_registry() as registry:
        registry.answers["GET", MANIFEST] = Answer(headers={"Content-Type": "text/html"}, body=b"<html>")
        error = error_of(lambda: client(registry).manifest("a", "v1"))
        assert str(error) == f"cannot read a:v1 at {registry.host}: the answer is not a manifest, 5 times"


def test_images_of_schema_1_are_told() -> None:
    with faulty_registry() as registry:
        registry.answers["GET", MANIFEST] = Answer(headers={"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, body=b"{}")
        error = error_of(lambda: client(registry).manifest("a", "v1"))
        assert str(error) == f"v1 at {registry.host} is an image of Docker's schema 1, which is not supported"


def test_tags_come_in_pages() -> None:
    with faulty_registry() as registry:
        pages = {"n=1000": b'["b", "a"]', "last=b&n=2": b'["d", "c"]', "last=d&n=2": b"null"}
        links = ['</v2/a/tags/list?last=b&n=2>; rel="next"', f"<http://{registry.host}/v2/a/tags/list?last=d&n=2>; rel=next", ""]
        for (query, tags), link in zip(pages.items(), links, strict=True):
            registry.answers["GET", f"/v2/a/tags/list?{query}"] = Answer(headers={"Link": link}, body=b'{"name": "a", "tags": ' + tags + b"}")
        assert client(registry).tags("a") == ("a", "b", "c", "d")


def test_pages_that_go_in_a_circle_end() -> None:
    with faulty_registry() as registry:
        link = f'<http://{registry.host}/v2/a/tags/list?n=5>; rel="next"'
        for query in ("n=1000", "n=5"):
            registry.answers["GET", f"/v2/a/tags/list?{query}"] = Answer(headers={"Link": link}, body=b'{"tags": []}')
        assert str(error_of(lambda: client(registry).tags("a"))) == f"cannot list the tags of a at {registry.host}: its pages go in a circle"


@pytest.mark.parametrize("location", ["/up/1?state=x%3D", "http://{host}/up/1?state=x%3D", "../../../../up/1?state=x%3D"])
def test_an_upload_follows_its_location(location: str) -> None:
    with faulty_registry() as registry:
        registry.answers["POST", "/v2/a/blobs/uploads/"] = Answer(status=202, headers={"Location": location.format(host=registry.host)})
        put = f"/up/1?state=x%3D&digest=sha256%3A{BLOB.digest.removeprefix('sha256:')}"
        registry.answers["PUT", put] = Answer(status=201)
        client(registry).put_blob("a", iter([DATA[:9], DATA[9:]]), BLOB)
        last = registry.requests[-1]
        assert (last.method, last.path, last.body) == ("PUT", put, DATA)
        assert last.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("fault", [status(500), reset()])
@pytest.mark.parametrize("pieces", [False, True])
def test_an_upload_is_tried_again_from_its_start(fault: Fault, pieces: bool) -> None:
    with faulty_registry(no_fault(), no_fault(), fault) as registry:
        registry.answers["POST", "/v2/a/blobs/uploads/"] = Answer(status=202, headers={"Location": "/up/1"})
        registry.answers["PUT", f"/up/1?digest=sha256%3A{BLOB.digest.removeprefix('sha256:')}"] = Answer(status=201)
        client(registry).put_blob("a", iter([DATA[:9], DATA[9:]]) if pieces else DATA, BLOB)
        assert [request.method for request in registry.requests] == ["GET", "POST", "PUT", "POST", "PUT"]
        assert registry.requests[-1].body == DATA


def test_a_refused_mount_is_cancelled() -> None:
    with faulty_registry() as registry:
        url = f"/v2/b/blobs/uploads/?mount=sha256%3A{BLOB.digest.removeprefix('sha256:')}&from=a"
        registry.answers["POST", url] = Answer(status=202, headers={"Location": "/up/1"})
        assert client(registry).mount_blob("b", BLOB.digest, source="a") is False
        assert [(request.method, request.path) for request in registry.requests] == [("POST", url), ("DELETE", "/up/1")]


def test_a_manifest_is_put_with_its_own_bytes_and_type() -> None:
    with faulty_registry(status(503)) as registry:
        registry.answers["PUT", MANIFEST] = Answer(status=201, headers={"Docker-Content-Digest": IMAGE.manifest.digest})
        assert client(registry).put_manifest("a", "v1", IMAGE.manifest) == IMAGE.manifest.digest
        assert registry.requests[1].body == IMAGE.manifest.data
        assert registry.requests[1].headers["content-type"] == IMAGE.manifest.media_type


def test_a_put_is_tried_again_only_while_it_is_wanted() -> None:
    """Between two tries the tag may have become another's."""
    with faulty_registry(status(503), status(503), status(503)) as registry:
        answers = iter((True, True, False))
        assert client(registry).put_manifest("a", "v1", IMAGE.manifest, wanted=lambda: next(answers)) == IMAGE.manifest.digest
        assert [request.method for request in registry.requests] == ["PUT", "PUT"]


def test_a_registry_that_stores_something_else_is_told() -> None:
    other = sha256(b"other")
    with faulty_registry() as registry:
        registry.answers["PUT", MANIFEST] = Answer(status=201, headers={"Docker-Content-Digest": other})
        error = error_of(lambda: client(registry).put_manifest("a", "v1", IMAGE.manifest))
        assert str(error) == f"cannot push a:v1 at {registry.host}: the digest is {other}, not {IMAGE.manifest.digest}, 5 times"


UNKNOWN_PART = b"""{"errors": [{"code": "DIGEST_INVALID", "message": "provided digest did not match uploaded content"},
                               {"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown to registry"}]}"""
"""What docker-registry 2.8 answers while the link of one of the blobs is empty."""
UNLINKED = status(400, UNKNOWN_PART)


def has_parts(registry: FaultyRegistry) -> None:
    for descriptor, data in IMAGE.blobs:
        registry.answers["GET", f"/v2/a/blobs/{descriptor.digest}"] = Answer(body=data)


@pytest.mark.parametrize("code", [400, 404])
def test_a_manifest_refused_for_parts_that_are_there_is_put_again(code: int) -> None:
    with faulty_registry(status(code, UNKNOWN_PART)) as registry:
        has_parts(registry)
        registry.answers["PUT", MANIFEST] = Answer(status=201)
        assert client(registry).put_manifest("a", "v1", IMAGE.manifest) == IMAGE.manifest.digest
        assert [request.method for request in registry.requests] == ["PUT", "GET", "GET", "PUT"]


def test_an_index_refused_for_children_that_are_there_is_put_again() -> None:
    index = sample_index(IMAGE)
    with faulty_registry(UNLINKED) as registry:
        child = f"/v2/a/manifests/{IMAGE.manifest.digest}"
        registry.answers["HEAD", child] = Answer(headers={"Docker-Content-Digest": IMAGE.manifest.digest})
        registry.answers["PUT", MANIFEST] = Answer(status=201)
        assert client(registry).put_manifest("a", "v1", index) == index.digest
        assert [request.method for request in registry.requests] == ["PUT", "HEAD", "PUT"]


def test_a_manifest_whose_parts_are_not_there_is_refused_at_once() -> None:
    with faulty_registry(UNLINKED, UNLINKED) as registry:
        has_parts(registry)
        del registry.answers["GET", f"/v2/a/blobs/{IMAGE.layer.digest}"]
        registry.faults[1:] = [no_fault(), no_fault()]
        error = error_of(lambda: client(registry).put_manifest("a", "v1", IMAGE.manifest))
        assert str(error) == (
            f"cannot push a:v1 at {registry.host}: the registry answers 400 Bad Request: provided digest did not match uploaded content"
        )
        assert [request.method for request in registry.requests] == ["PUT", "GET", "GET"]


def test_a_manifest_that_is_refused_for_ever_is_told() -> None:
    with faulty_registry() as registry:
        has_parts(registry)
        registry.answers["PUT", MANIFEST] = Answer(status=400, body=UNKNOWN_PART)
        error = error_of(lambda: client(registry).put_manifest("a", "v1", IMAGE.manifest))
        said = "the registry answers 400 Bad Request: provided digest did not match uploaded content, and has all parts of this manifest, 5 times"
        assert (str(error), error.problems[0].hint) == (f"cannot push a:v1 at {registry.host}: {said}", "look at the log of the registry")


def test_a_manifest_refused_for_another_reason_is_told_at_once() -> None:
    with faulty_registry(status(400, b'{"errors": [{"code": "MANIFEST_INVALID", "message": "manifest invalid"}]}')) as registry:
        error = error_of(lambda: client(registry).put_manifest("a", "v1", IMAGE.manifest))
        assert str(error) == f"cannot push a:v1 at {registry.host}: the registry answers 400 Bad Request: manifest invalid"
        assert len(registry.requests) == 1


def test_a_blob_that_two_threads_push_at_once_goes_over_once() -> None:
    with ThreadPoolExecutor(2) as pool, faulty_registry(no_fault(), no_fault()) as registry:
        pushing = client(registry)
        others: list[Future[None]] = []

        def stored(handler: Handler, answer: Answer) -> None:
            others.append(pool.submit(pushing.put_blob, "a", DATA, BLOB))
            time.sleep(0.2)  # for the other one to get ahead, were it let to
            registry.answers["GET", f"/v2/a/blobs/{BLOB.digest}"] = Answer(body=DATA)
            handler.answer(201, {}, b"")

        registry.faults.append(stored)
        registry.answers["POST", "/v2/a/blobs/uploads/"] = Answer(status=202, headers={"Location": "/up/1"})
        pushing.put_blob("a", DATA, BLOB)
        others[0].result()
        assert [request.method for request in registry.requests] == ["GET", "POST", "PUT", "GET"]


def test_redirects_are_followed_and_end() -> None:
    with faulty_registry() as registry, faulty_registry() as elsewhere:
        registry.answers["GET", f"/v2/a/blobs/{BLOB.digest}"] = Answer(status=307, headers={"Location": f"http://{elsewhere.host}/store?x=1"})
        elsewhere.answers["GET", "/store?x=1"] = Answer(body=DATA)
        assert client(registry).blob("a", BLOB.digest) == DATA
        assert b"".join(client(registry).read_blob("a", BLOB.digest)) == DATA
        registry.answers["GET", MANIFEST] = Answer(status=302, headers={"Location": MANIFEST})
        error = error_of(lambda: client(registry).manifest("a", "v1"))
        assert str(error) == f"cannot read a:v1 at {registry.host}: more than 5 redirects, the last to http://{registry.host}{MANIFEST}"


@pytest.mark.registry
def test_a_registry_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    found: list[StoredManifest | None] = []
    with running_registry(tmp_path / "one") as running:
        registry = HttpRegistry(running.host, tuning=Tuning(attempts=50, first_wait=0.05, longest_wait=0.05), login=lambda _: None)
        assert registry.manifest("a", "v1") is None
    reader = threading.Thread(target=lambda: found.append(registry.manifest("a", "v1")))
    reader.start()
    time.sleep(0.3)
    assert found == []
    with running_registry(tmp_path / "one", port=int(running.host.partition(":")[2])):
        reader.join(20)
    assert found == [None]
