"""Each key of `network`, against a real registry with and without TLS, and a real proxy in between."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.adapters.network import Proxies, Reach, is_loopback, reach_of
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.adapters.registry_wire import Tuning
from matrixbuild.core.declared import Text
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import InvalidError, Place, Problem, UnusableError
from matrixbuild.core.registry import Registry
from matrixbuild.core.surroundings import Network
from tests.builders import place
from tests.certificates import Authority, authority
from tests.fakes.faulty_registry import Answer, end, faulty_registry, status
from tests.fakes.proxy import Proxy, running_proxy
from tests.sample_images import push, sample_image
from tests.services import RunningRegistry, running_registry

NAME = "registry.lab:5000"
QUICK = Tuning(attempts=2, total=600, first_wait=0.01, longest_wait=0.05)
IMAGE = sample_image()


@pytest.fixture(scope="module")
def vouching(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls_registry(tmp_path_factory: pytest.TempPathFactory, vouching: Authority) -> Iterator[RunningRegistry]:
    """A docker-registry with TLS, whose certificate is for this machine and for registry.lab."""
    tls = vouching.server("DNS:localhost", "IP:127.0.0.1", "DNS:registry.lab")
    with running_registry(tmp_path_factory.mktemp("tls"), tls=tls) as running:
        yield running


@pytest.fixture
def to_tls(tls_registry: RunningRegistry) -> Iterator[Proxy]:
    with running_proxy({NAME: tls_registry.host}) as proxy:
        yield proxy


@pytest.fixture
def to_plain(docker_registry: RunningRegistry) -> Iterator[Proxy]:
    with running_proxy({NAME: docker_registry.host, "registry.lab:80": docker_registry.host}) as proxy:
        yield proxy


def text(value: str, at: Place | None = None) -> Text:
    return Text(value=value, place=at or place(7))


def through(proxy: Proxy, **words: str) -> dict[str, str]:
    """An environment in which everything goes through the proxy."""
    return {"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, **words}


def registry_of(name: str, network: Network, base: Path, environ: Mapping[str, str] | None = None) -> Registry:
    """The client that a manifest with this network gets, but more impatient."""
    return HttpRegistry(name, reach=reach_of(network, base=base, environ=environ or {}), tuning=QUICK, login=lambda _: None)


def problem_of(call: Callable[[], object]) -> Problem:
    with pytest.raises(UnusableError) as caught:
        call()
    return caught.value.problems[0]


def works(registry: Registry) -> bool:
    """A whole image goes there and comes back."""
    push(registry, "edge/a", IMAGE, "v1")
    return registry.manifest("edge/a", "v1") == IMAGE.manifest and registry.blob("edge/a", IMAGE.layer.digest) == IMAGE.blobs[1][1]


@pytest.mark.registry
class TestCa:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_a_file_of_the_manifest_is_trusted(self, tls_registry: RunningRegistry, vouching: Authority, tmp_path: Path, host: str) -> None:
        name = tls_registry.host.replace("127.0.0.1", host)
        shutil.copy(vouching.certificate, tmp_path / "corp.pem")
        assert works(registry_of(name, Network(ca=(text("corp.pem"),)), tmp_path))
        problem = problem_of(lambda: registry_of(name, Network(), tmp_path).tags("edge/a"))
        assert problem.summary == f"the certificate of {name} is not trusted: unable to get local issuer certificate"
        assert problem.hint == "name the file of its CA in the manifest, network: {ca: [FILE]}, or add it to those of this machine"

    def test_registries_get_it(self, tls_registry: RunningRegistry, vouching: Authority) -> None:
        registries = Registries(base=vouching.root, network=Network(ca=(text("ca.pem"),)), environ={})
        assert works(registries.of(ImageName(registry=tls_registry.host, repository="edge/a")))

    def test_also_for_a_name_elsewhere(self, to_tls: Proxy, vouching: Authority) -> None:
        assert works(registry_of(NAME, Network(ca=(text("ca.pem"),)), vouching.root, through(to_tls)))
        assert set(to_tls.asked) == {f"CONNECT {NAME}"}

    def test_a_certificate_for_another_name_is_not_trusted(self, tls_registry: RunningRegistry, vouching: Authority) -> None:
        with running_proxy({"other.lab:443": tls_registry.host}) as proxy:
            registry = registry_of("other.lab", Network(ca=(text("ca.pem"),)), vouching.root, through(proxy))
            summary = problem_of(lambda: registry.tags("edge/a")).summary
        assert summary.startswith("the certificate of other.lab:443 is not trusted: Hostname mismatch")

    def test_the_systems_are_trusted_beside_it(
        self, tls_registry: RunningRegistry, vouching: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = tmp_path / "other"
        other.mkdir()
        authority(other)
        monkeypatch.setenv("SSL_CERT_FILE", str(vouching.certificate))  # OpenSSL reads it: this is the system's word for these tests
        assert works(registry_of(tls_registry.host, Network(ca=(text("other/ca.pem"),)), tmp_path))


def test_files_of_ca_that_hold_no_certificate_are_told_at_their_places(tmp_path: Path) -> None:
    (tmp_path / "notes.pem").write_text("not one\n")
    (tmp_path / "folder").mkdir()
    network = Network(ca=(text("gone.pem", place(3)), text("notes.pem", place(4)), text("folder", place(5))))
    with pytest.raises(InvalidError) as caught:
        Registries(base=tmp_path, network=network)
    pem = "it begins with -----BEGIN CERTIFICATE-----; openssl x509 makes one of other forms"
    assert [(str(problem), problem.hint) for problem in caught.value.problems] == [
        ("manifests/edge.yaml:3:1: network.ca: gone.pem cannot be read: no such file or directory", f"it is looked for at {tmp_path}/gone.pem"),
        ("manifests/edge.yaml:4:1: network.ca: notes.pem holds no certificate in PEM form", pem),
        ("manifests/edge.yaml:5:1: network.ca: folder cannot be read: is a directory", f"it is looked for at {tmp_path}/folder"),
    ]


@pytest.mark.registry
class TestInsecure:
    @pytest.mark.parametrize("entry", [NAME, "registry.lab", "REGISTRY.lab:5000"])
    def test_a_listed_registry_may_speak_http(self, to_plain: Proxy, tmp_path: Path, entry: str) -> None:
        assert works(registry_of(NAME, Network(insecure=(text(entry),)), tmp_path, through(to_plain)))
        assert to_plain.asked[0] == f"CONNECT {NAME}", "TLS comes first, as by Docker"
        assert not [asked for asked in to_plain.asked[1:] if asked.startswith("CONNECT")], "and is asked for once"

    @pytest.mark.parametrize("entries", [(), ("registry.lab:5001",), ("lab:5000",)])
    def test_one_that_is_not_is_refused(self, to_plain: Proxy, tmp_path: Path, entries: tuple[str, ...]) -> None:
        network = Network(insecure=tuple(map(text, entries)))
        problem = problem_of(lambda: registry_of(NAME, network, tmp_path, through(to_plain)).tags("edge/a"))
        assert problem.summary == f"{NAME} does not speak TLS"
        assert problem.hint == f'give it TLS, or list it in the manifest: network: {{insecure: ["{NAME}"]}}'
        assert {asked.split()[0] for asked in to_plain.asked} == {"CONNECT"}, "nothing is sent without TLS"

    def test_a_listed_registry_may_show_any_certificate(self, to_tls: Proxy, tmp_path: Path) -> None:
        assert works(registry_of(NAME, Network(insecure=(text(NAME),)), tmp_path, through(to_tls)))
        assert {asked.split()[0] for asked in to_tls.asked} == {"CONNECT"}

    def test_also_on_this_machine(self, tls_registry: RunningRegistry, docker_registry: RunningRegistry, tmp_path: Path) -> None:
        for running in (tls_registry, docker_registry):
            assert works(registry_of(running.host, Network(insecure=(text(running.host),)), tmp_path))

    def test_without_a_port_it_is_the_one_of_http(self, to_plain: Proxy, tmp_path: Path) -> None:
        assert works(registry_of("registry.lab", Network(insecure=(text("registry.lab"),)), tmp_path, through(to_plain)))
        assert to_plain.asked[0] == "CONNECT registry.lab:443"
        assert all(asked.split()[1].startswith("http://registry.lab/v2/edge/a/") for asked in to_plain.asked[1:])


def test_what_a_registry_refers_to_without_tls_is_refused() -> None:
    with faulty_registry() as registry:
        registry.answers["GET", f"/v2/a/blobs/{IMAGE.layer.digest}"] = Answer(status=307, headers={"Location": "http://storage.lab:9000/x"})
        problem = problem_of(lambda: HttpRegistry(registry.host, tuning=QUICK, login=lambda _: None).blob("a", IMAGE.layer.digest))
        assert problem.summary == f"{registry.host} refers to http://storage.lab:9000, which is asked without TLS"
        assert problem.hint == 'give it TLS, or list it in the manifest: network: {insecure: ["storage.lab:9000"]}'


def test_a_listed_host_may_be_referred_to_without_tls() -> None:
    with faulty_registry() as registry, running_proxy({"storage.lab:9000": registry.host}) as proxy:
        registry.answers["GET", f"/v2/a/blobs/{IMAGE.layer.digest}"] = Answer(status=307, headers={"Location": "http://storage.lab:9000/x"})
        registry.answers["GET", "/x"] = Answer(body=IMAGE.blobs[1][1])
        reach = Reach(insecure=frozenset({"storage.lab:9000"}), proxies=Proxies(http=proxy.url))
        assert HttpRegistry(registry.host, reach=reach, login=lambda _: None).blob("a", IMAGE.layer.digest) == IMAGE.blobs[1][1]
        assert proxy.asked == ["GET http://storage.lab:9000/x"]


def test_a_bad_request_of_a_registry_on_this_machine_is_not_taken_for_a_wish_for_tls() -> None:
    with faulty_registry(status(400, b"no such thing")) as registry:
        summary = problem_of(lambda: HttpRegistry(registry.host, tuning=QUICK, login=lambda _: None).tags("a")).summary
        assert summary == f"cannot list the tags of a at {registry.host}: the registry answers 400 Bad Request"
        assert len(registry.requests) == 1


def test_what_fails_with_tls_and_without_is_told_with_both() -> None:
    with faulty_registry(*[end()] * 9) as registry:
        reach = Reach(insecure=frozenset({registry.host}))
        impatient = replace(QUICK, connect=0.5)
        summary = problem_of(lambda: HttpRegistry(registry.host, reach=reach, tuning=impatient, login=lambda _: None).tags("a")).summary
        assert summary.startswith(f"cannot list the tags of a at {registry.host}: the connection to {registry.host} broke ")
        assert " (without TLS; with it: " in summary


@pytest.mark.registry
class TestProxy:
    def test_lower_case_wins(self, to_plain: Proxy, tmp_path: Path) -> None:
        environ = {"http_proxy": to_plain.url, "https_proxy": to_plain.url, "HTTP_PROXY": "http://no.invalid:1", "HTTPS_PROXY": "http://no.invalid:1"}
        assert works(registry_of(NAME, Network(insecure=(text(NAME),)), tmp_path, environ))

    def test_none_asks_everything_itself(self, to_tls: Proxy, vouching: Authority) -> None:
        network = Network(ca=(text("ca.pem"),), proxies=False)
        summary = problem_of(lambda: registry_of(NAME, network, vouching.root, through(to_tls)).tags("edge/a")).summary
        assert summary == f"cannot list the tags of edge/a at {NAME}: the name of {NAME} cannot be resolved, 2 times"
        assert to_tls.asked == []

    def test_what_no_proxy_names_is_asked_without(self, to_tls: Proxy, vouching: Authority) -> None:
        network = Network(ca=(text("ca.pem"),))
        summary = problem_of(lambda: registry_of(NAME, network, vouching.root, through(to_tls, NO_PROXY=".lab")).tags("edge/a")).summary
        assert "cannot be resolved" in summary
        assert to_tls.asked == []

    def test_this_machine_is_never_asked_through_one(self, docker_registry: RunningRegistry, to_plain: Proxy, tmp_path: Path) -> None:
        assert works(registry_of(docker_registry.host, Network(), tmp_path, through(to_plain)))
        assert to_plain.asked == []

    def test_a_proxy_that_wants_a_login_gets_the_one_of_its_url(self, docker_registry: RunningRegistry, tmp_path: Path) -> None:
        with running_proxy({NAME: docker_registry.host}, account="me@home:pass word") as proxy:
            url = proxy.url.replace("http://", "http://me%40home:pass%20word@")
            network = Network(insecure=(text(NAME),))
            assert works(registry_of(NAME, network, tmp_path, {"HTTP_PROXY": url, "HTTPS_PROXY": url}))
            problem = problem_of(lambda: registry_of(NAME, Network(), tmp_path, through(proxy)).tags("edge/a"))
            assert problem.summary == f"the proxy on the way to {NAME} refuses: 407 Proxy Authentication Required"
            problem = problem_of(lambda: registry_of(NAME, network, tmp_path, through(proxy)).tags("edge/a"))
            assert problem.summary == f"the proxy on the way to {NAME} wants a login (407 Proxy Authentication Required)"


def test_a_proxy_that_is_not_there_is_told(tmp_path: Path) -> None:
    registry = registry_of(NAME, Network(), tmp_path, {"HTTPS_PROXY": "127.0.0.1:1"})
    problem = problem_of(lambda: registry.tags("a"))
    assert problem.summary == f"cannot list the tags of a at {NAME}: the proxy on the way to {NAME} cannot be reached (connection refused), 2 times"
    assert problem.hint == "look at HTTP_PROXY and HTTPS_PROXY; NO_PROXY names hosts that are asked without, network: {proxy: none} asks all so"


def test_a_proxy_that_knows_no_way_is_told(tmp_path: Path) -> None:
    with running_proxy({}) as proxy:
        problem = problem_of(lambda: registry_of(NAME, Network(), tmp_path, through(proxy)).tags("a"))
    assert problem.summary == f"cannot list the tags of a at {NAME}: the proxy on the way to {NAME} answers 502 Bad Gateway, 2 times"


def test_a_proxy_of_another_kind_is_told_without_its_password(tmp_path: Path) -> None:
    problem = problem_of(lambda: registry_of(NAME, Network(), tmp_path, {"HTTPS_PROXY": "socks5://me:secret@proxy.lab:1080"}).tags("a"))
    assert problem.summary == "the proxy socks5://proxy.lab:1080 of the environment is no proxy that matrixbuild knows"


def test_a_cgi_program_does_not_take_its_clients_header_for_a_proxy(tmp_path: Path) -> None:
    environ = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "http://evil.invalid", "NO_PROXY": "a"}
    assert reach_of(Network(), base=tmp_path, environ=environ).proxies == Proxies(without="a")


@pytest.mark.parametrize(
    ("without", "host", "direct"),
    [
        ("", "registry.lab", False),
        ("registry.lab", "registry.lab", True),
        ("Registry.Lab", "registry.lab:5000", True),
        ("lab", "registry.lab", True),
        (".lab", "registry.lab", True),
        ("*.lab", "registry.lab", True),
        ("a, .lab ,b", "registry.lab", True),
        ("ab", "registry.lab", False),
        ("registry.lab:5000", "registry.lab:5000", True),
        ("registry.lab:5000", "registry.lab:5001", False),
        ("registry.lab:443", "registry.lab", True),
        ("*", "registry.lab", True),
        ("10.0.0.0/8", "10.1.2.3:5000", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3:5000", True),
        ("10.1.2.3:5000", "10.1.2.3:5000", True),
        ("fd00::/8", "[fd00::1]:5000", True),
        ("10.0.0.0/8", "registry.lab", False),
        ("", "localhost:5000", True),
        ("", "127.0.0.1", True),
        ("", "[::1]:5000", True),
    ],
)
def test_whom_no_proxy_means(without: str, host: str, direct: bool) -> None:
    proxies = Proxies(https="http://proxy.lab:3128", without=without)
    assert proxies.of(f"https://{host}") == ("" if direct else "http://proxy.lab:3128")


def test_a_proxy_is_chosen_by_the_scheme_that_is_asked() -> None:
    proxies = Proxies(http="plain.lab:1", https="https://safe.lab:2")
    assert (proxies.of("http://a.lab"), proxies.of("https://a.lab")) == ("http://plain.lab:1", "https://safe.lab:2")


@pytest.mark.parametrize(
    ("insecure", "endpoint", "addresses"),
    [
        ((), "r.lab:5000", ("https",)),
        (("r.lab:5000",), "r.lab:5000", ("https", "http")),
        (("r.lab",), "R.lab:5000", ("https", "http")),
        (("r.lab:443",), "r.lab", ("https", "http")),
        (("r.lab:80",), "r.lab", ("https", "http")),
        (("r.lab:5000",), "r.lab", ("https",)),
        (("[fd00::1]:5000",), "[fd00::1]:5000", ("https", "http")),
        ((), "[::1]:5000", ("http", "https")),
        ((), "localhost", ("http", "https")),
        (("localhost",), "localhost:5000", ("https", "http")),
    ],
)
def test_where_a_registry_may_be(insecure: tuple[str, ...], endpoint: str, addresses: tuple[str, ...]) -> None:
    assert Reach(insecure=frozenset(insecure)).addresses(endpoint) == tuple(f"{scheme}://{endpoint}" for scheme in addresses)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.0.9", "::1", "[::1]", "LOCALHOST"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.com", "127.0.0.1.example.com", "127.0.0", "128.0.0.1", "127.0.0.256", "localhost.example.com", "::2"])
def test_another_machine(host: str) -> None:
    assert not is_loopback(host)
