from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from matrixbuild.adapters.image_moves import copy_manifest, holds_image
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.adapters.registry_auth import Challenge, Login, challenge_of
from matrixbuild.adapters.registry_wire import Tuning
from matrixbuild.core.problems import Problem, UnusableError
from tests.fakes.faulty_registry import Answer, FaultyRegistry, faulty_registry, no_fault, status
from tests.fakes.token_server import REFRESH_TOKEN, TokenServer
from tests.sample_images import push, sample_image
from tests.services import PASSWORD, USER, RunningRegistry

IMAGE = sample_image("for those who may")
LOGIN = Login(username=USER, password=PASSWORD)
QUICK = Tuning(attempts=2, first_wait=0.01)
MANIFEST = "/v2/a/manifests/v1"


def client(host: str, login: Login | None) -> HttpRegistry:
    return HttpRegistry(host, tuning=QUICK, login=lambda _: login)


def problem_of(call: Callable[[], object]) -> Problem:
    with pytest.raises(UnusableError) as caught:
        call()
    return caught.value.problems[0]


@pytest.mark.registry
class TestBasic:
    def test_a_login_opens_it(self, basic_registry: RunningRegistry) -> None:
        registry = client(basic_registry.host, LOGIN)
        push(registry, "edge/a", IMAGE, "v1")
        assert registry.manifest("edge/a", "v1") == IMAGE.manifest
        assert b"".join(registry.read_blob("edge/a", IMAGE.layer.digest)) == IMAGE.blobs[1][1]
        assert copy_manifest(registry, source="edge/a", target="edge/b", digest=IMAGE.manifest.digest, reference="v1") == IMAGE.manifest.digest

    def test_the_account_is_asked_for_once(self, basic_registry: RunningRegistry) -> None:
        asked: list[str] = []

        def login(host: str) -> Login:
            asked.append(host)
            return LOGIN

        registry = HttpRegistry(basic_registry.host, login=login)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: registry.tags(f"edge/{number}"), range(8)))
        assert asked == [basic_registry.host]

    def test_no_login(self, basic_registry: RunningRegistry) -> None:
        host = basic_registry.host
        problem = problem_of(lambda: client(host, None).manifest("edge/a", "v1"))
        assert problem.summary == f"{host} wants a login to read edge/a:v1, and the Docker config has none for it"
        assert problem.hint == f"`docker login {host}`"

    def test_a_wrong_login(self, basic_registry: RunningRegistry) -> None:
        host = basic_registry.host
        problem = problem_of(lambda: push(client(host, Login(username=USER, password="wrong")), "edge/a", IMAGE))
        assert problem.summary == f"{host} refuses the login of the Docker config to look for edge/a@{IMAGE.config.digest}"
        assert problem.hint == f"`docker login {host}` again"


@pytest.mark.registry
class TestTokens:
    def test_a_login_opens_it(self, token_registry: RunningRegistry, token_server: TokenServer) -> None:
        token_server.asked.clear()
        registry = client(token_registry.host, LOGIN)
        push(registry, "edge/a", IMAGE, "v1")
        assert registry.manifest("edge/a", "v1") == IMAGE.manifest
        # One token a scope, however many requests: blobs are looked for, then pushed.
        assert token_server.asked == [("GET", ("repository:edge/a:pull",), USER), ("GET", ("repository:edge/a:pull,push",), USER)]

    def test_a_copy_asks_for_both_repositories(self, token_registry: RunningRegistry, token_server: TokenServer) -> None:
        registry = client(token_registry.host, LOGIN)
        push(registry, "edge/from", IMAGE, "v1")
        copy_manifest(registry, source="edge/from", target="edge/to", digest=IMAGE.manifest.digest, reference="v1")
        assert holds_image(registry, "edge/to", IMAGE.manifest.digest)
        assert ("GET", ("repository:edge/to:pull,push", "repository:edge/from:pull"), USER) in token_server.asked

    def test_an_identity_token_opens_it(self, token_registry: RunningRegistry, token_server: TokenServer) -> None:
        token_server.asked.clear()
        registry = client(token_registry.host, Login(identity_token=REFRESH_TOKEN))
        push(registry, "edge/identity", IMAGE, "v1")
        assert registry.manifest("edge/identity", "v1") == IMAGE.manifest
        assert {method for method, _, _ in token_server.asked} == {"POST"}

    def test_what_is_public_needs_no_login(self, token_registry: RunningRegistry) -> None:
        push(client(token_registry.host, LOGIN), "public/a", IMAGE, "v1")
        assert client(token_registry.host, None).manifest("public/a", "v1") == IMAGE.manifest

    def test_what_is_forbidden(self, token_registry: RunningRegistry) -> None:
        host = token_registry.host
        problem = problem_of(lambda: client(host, LOGIN).tags("forbidden/a"))
        assert problem.summary == f"{host} forbids to list the tags of forbidden/a (401 Unauthorized: authentication required)"
        assert problem.hint == f"`docker login {host}` with an account that may"

    def test_a_wrong_login(self, token_registry: RunningRegistry, token_server: TokenServer) -> None:
        host = token_registry.host
        problem = problem_of(lambda: client(host, Login(username=USER, password="wrong")).tags("edge/a"))
        assert problem.summary == (
            f"the token server {token_server.url}/token refuses the login of the Docker config to list the tags of edge/a at {host}"
        )
        assert problem.hint == f"`docker login {host}` again"

    def test_many_threads_share_a_token(self, token_registry: RunningRegistry, token_server: TokenServer) -> None:
        token_server.asked.clear()
        registry = client(token_registry.host, LOGIN)
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: registry.tags("edge/shared"), range(24))) == {()}
        assert len(token_server.asked) == 1


def challenged(registry: FaultyRegistry, *tokens: dict[str, object]) -> None:
    """Let the scripted registry hand out `tokens`, the last of them for ever, and hold a manifest."""
    asked = iter(tokens)
    registry.answers["GET", MANIFEST] = Answer(headers={"Content-Type": IMAGE.manifest.media_type}, body=IMAGE.manifest.data)
    registry.answers["GET", "/token?service=s&scope=repository%3Aa%3Apull"] = Answer(body=json.dumps(next(asked)).encode())


def wants(registry: FaultyRegistry, challenge: str = "") -> None:
    challenge = challenge or f'Bearer realm="http://{registry.host}/token",service="s",scope="repository:a:pull"'
    registry.faults.append(status(401, WWW_Authenticate=challenge))


def test_a_token_that_ended_is_renewed() -> None:
    with faulty_registry() as registry:
        challenged(registry, {"token": "first"})
        wants(registry)
        found = client(registry.host, LOGIN)
        assert found.manifest("a", "v1") == IMAGE.manifest
        assert found.manifest("a", "v1") == IMAGE.manifest
        challenged(registry, {"access_token": "second"})
        wants(registry)
        assert found.manifest("a", "v1") == IMAGE.manifest
        sent = [request.headers.get("authorization") for request in registry.requests]
        assert sent == [None, LOGIN.basic, "Bearer first", "Bearer first", "Bearer first", LOGIN.basic, "Bearer second"]


def test_a_token_server_that_fails_is_asked_again() -> None:
    with faulty_registry() as registry:
        challenged(registry, {"token": "first"})
        wants(registry)
        registry.faults.append(status(503))
        assert client(registry.host, None).manifest("a", "v1") == IMAGE.manifest


def test_a_token_server_that_goes_on_to_fail_is_told() -> None:
    with faulty_registry() as registry:
        wants(registry)
        registry.faults += [status(503)] * 2
        problem = problem_of(lambda: client(registry.host, None).manifest("a", "v1"))
        realm = f"http://{registry.host}/token"
        assert problem.summary == f"cannot read a:v1 at {registry.host}: the token server {realm} answers 503 Service Unavailable, 2 times"


def test_a_token_server_without_a_token_is_told() -> None:
    with faulty_registry() as registry:
        challenged(registry, {"tok": 1})
        wants(registry)
        problem = problem_of(lambda: client(registry.host, None).manifest("a", "v1"))
        realm = f"http://{registry.host}/token"
        assert problem.summary == f"cannot read a:v1 at {registry.host}: the token server {realm} answers without a token, 2 times"


def test_a_login_is_not_sent_in_clear_to_a_token_server_elsewhere() -> None:
    with faulty_registry() as registry:
        wants(registry, 'Bearer realm="http://tokens.invalid/t",service="s"')
        problem = problem_of(lambda: client(registry.host, LOGIN).manifest("a", "v1"))
        assert problem.summary == f"{registry.host} wants the login of the Docker config sent without TLS to http://tokens.invalid/t"


@pytest.mark.parametrize("challenge", ["Negotiate", 'Digest realm="x"'])
def test_a_scheme_that_we_do_not_know_is_told(challenge: str) -> None:
    with faulty_registry() as registry:
        wants(registry, challenge)
        problem = problem_of(lambda: client(registry.host, LOGIN).manifest("a", "v1"))
        assert problem.summary == f"{registry.host} wants a login to read a:v1 and offers no way that matrixbuild knows (basic, bearer)"


def test_a_redirect_takes_no_login_along() -> None:
    with faulty_registry() as registry, faulty_registry() as elsewhere:
        registry.answers["GET", f"/v2/a/blobs/{IMAGE.layer.digest}"] = Answer(status=307, headers={"Location": f"http://{elsewhere.host}/x"})
        elsewhere.answers["GET", "/x"] = Answer(body=IMAGE.blobs[1][1])
        wants(registry, 'Basic realm="r"')
        assert client(registry.host, LOGIN).blob("a", IMAGE.layer.digest) == IMAGE.blobs[1][1]
        assert registry.requests[1].headers["authorization"] == LOGIN.basic
        assert "authorization" not in elsewhere.requests[0].headers


def test_an_upload_elsewhere_takes_no_login_along() -> None:
    with faulty_registry(no_fault()) as registry, faulty_registry() as elsewhere:
        descriptor, data = IMAGE.blobs[0]
        registry.answers["POST", "/v2/a/blobs/uploads/"] = Answer(status=202, headers={"Location": f"http://{elsewhere.host}/up"})
        elsewhere.answers["PUT", f"/up?digest=sha256%3A{descriptor.digest.removeprefix('sha256:')}"] = Answer(status=201)
        wants(registry, 'Basic realm="r"')
        client(registry.host, LOGIN).put_blob("a", data, descriptor)
        assert registry.requests[-1].headers["authorization"] == LOGIN.basic
        assert "authorization" not in elsewhere.requests[0].headers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        (["Negotiate"], None),
        (['Basic realm="a, b"'], Challenge(scheme="basic", parameters={"realm": "a, b"})),
        (["Basic"], Challenge(scheme="basic", parameters={})),
        (
            ['Bearer realm="https://t/x?y=1,2",service="s",scope="repository:a/b:pull,push"'],
            Challenge(scheme="bearer", parameters={"realm": "https://t/x?y=1,2", "service": "s", "scope": "repository:a/b:pull,push"}),
        ),
        (['Basic realm="x", Bearer realm="y" , service=z'], Challenge(scheme="bearer", parameters={"realm": "y", "service": "z"})),
        (['Basic realm="x"', 'BEARER Realm="y"'], Challenge(scheme="bearer", parameters={"realm": "y"})),
        (["Negotiate, Basic realm=x"], Challenge(scheme="basic", parameters={"realm": "x"})),
    ],
)
def test_challenges(values: list[str], expected: Challenge | None) -> None:
    assert challenge_of(values) == expected


def test_a_login_in_basic_form() -> None:
    assert Login(username="ü", password="a:b").basic == "Basic " + base64.b64encode("ü:a:b".encode()).decode()
