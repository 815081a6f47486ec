"""The shared builder in a real Docker engine, with an image whose builder is a shell: who makes it, keeps it, and leaves it alone."""

from __future__ import annotations

import contextlib
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from docker import errors

from matrixbuild.adapters.engines.contained.holds import Hold
from matrixbuild.adapters.engines.contained.host import Host
from matrixbuild.adapters.engines.contained.images import Image
from matrixbuild.adapters.engines.contained.keeper import Keeper
from matrixbuild.adapters.engines.earthly.builders import Builder, Builders
from matrixbuild.adapters.engines.earthly.probing import probe
from matrixbuild.adapters.kernel import SYS_RESOURCE, has_capability
from matrixbuild.core.builder_address import Address
from matrixbuild.core.failure import BuildFailed, FailureKind
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.shared_builder import BUILDER_LABEL, BuilderSettings


def good(_address: Address) -> str:
    return ""


@dataclass(slots=True, kw_only=True)
class Bench:
    """Keepers of one builder, as different applies have them."""

    host: Host
    image: Image
    root: Path
    name: str
    said: list[str] = field(default_factory=list)
    keepers: list[Keeper] = field(default_factory=list)

    def keeper(self, trial: Callable[[Address], str] = good, *, seconds: float = 20.0) -> Keeper:
        hold = Hold(self.root / "builders", self.name)
        self.keepers.append(Keeper(self.host, self.image, hold, name=self.name, trial=trial, say=self.said.append, seconds=seconds))
        return self.keepers[-1]

    @property
    def settings(self) -> BuilderSettings:
        return BuilderSettings(image=self.image.id)

    @property
    def container(self) -> dict[str, Any]:
        found: dict[str, Any] = self.host.api.inspect_container(self.name)
        return found

    def environment(self) -> dict[str, str]:
        return dict(entry.partition("=")[::2] for entry in self.container["Config"]["Env"])


@pytest.fixture
def bench(host: Host, image: Image, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(host=host, image=image, root=tmp_path, name=f"matrixbuild-test-{uuid.uuid4().hex[:12]}")
    yield made
    for keeper in made.keepers:
        keeper.close()
    for name in (made.name, f"{made.name}-new"):
        with contextlib.suppress(errors.NotFound):
            host.api.remove_container(name, force=True)
    with contextlib.suppress(errors.NotFound):
        host.api.remove_volume(made.name)


def refused(keeper: Keeper, settings: BuilderSettings) -> str:
    with pytest.raises(UnusableError) as caught:
        keeper.open(settings)
    return caught.value.problems[0].summary


def test_it_is_made_once_and_then_used(bench: Bench) -> None:
    address = bench.keeper().open(bench.settings)
    first = bench.container
    assert probe(address, None, seconds=5).package == "github.com/earthly/buildkit"
    assert bench.keeper().open(bench.settings) == address
    assert bench.container["Id"] == first["Id"]
    assert bench.said == []


def test_it_has_no_more_rights_than_builds_need(bench: Bench) -> None:
    bench.keeper().open(bench.settings)
    rights = bench.container["HostConfig"]
    assert (rights["Privileged"], rights["CapAdd"], rights["NetworkMode"]) == (False, ["SYS_ADMIN"], "host")
    assert (rights["MaskedPaths"], rights["ReadonlyPaths"]) == ([], [])
    assert sorted(rights["SecurityOpt"]) == ["apparmor=unconfined", "label=disable", "seccomp=unconfined"]
    assert rights["Binds"] == [f"{bench.name}:/tmp/earthly:rw", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]


def test_it_listens_for_this_machine_alone(bench: Bench) -> None:
    address = bench.keeper().open(bench.settings)
    told = bench.host.api.exec_start(bench.host.api.exec_create(bench.name, "env")["Id"]).decode()
    assert f'[grpc]\n  address = ["tcp://127.0.0.2:{address.port}"]\n' in told
    assert "BUILDKIT_TCP_TRANSPORT_ENABLED=false" in told
    # The image has it, and a builder with it serves everybody who reaches this machine.
    assert "BUILDKIT_LOCAL_REGISTRY_LISTEN_PORT" not in told


def test_container_and_cache_can_be_found_as_ours(bench: Bench) -> None:
    bench.keeper().open(bench.settings)
    wanted = {"label": [f"{BUILDER_LABEL}={bench.name}"]}
    assert [found["Id"] for found in bench.host.api.containers(filters=wanted)] == [bench.container["Id"]]
    assert [found["Name"] for found in bench.host.api.volumes(filters=wanted)["Volumes"]] == [bench.name]


def test_two_that_begin_at_once_have_one(bench: Bench) -> None:
    addresses: list[Address] = []
    keepers = [bench.keeper() for _ in range(3)]
    threads = [threading.Thread(target=lambda keeper=keeper: addresses.append(keeper.open(bench.settings))) for keeper in keepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(addresses) == 3
    assert len(set(addresses)) == 1


def test_one_that_died_is_started_again_where_it_was(bench: Bench) -> None:
    keeper = bench.keeper()
    address = keeper.open(bench.settings)
    bench.keeper().open(bench.settings)
    bench.host.api.kill(bench.name)
    builders = Builders([Builder(configs=None, place=address, keeper=keeper)], at_once=1)
    with builders.taken("+image") as builder:
        assert builder.address == address.text
    assert bench.container["State"]["Running"]


def test_one_that_was_removed_meanwhile_is_told(bench: Bench) -> None:
    keeper = bench.keeper()
    keeper.open(bench.settings)
    bench.host.api.remove_container(bench.name, force=True)
    with pytest.raises(BuildFailed) as caught:
        keeper.revive()
    assert caught.value.failure.kind is FailureKind.BUILDER
    assert caught.value.failure.summary == f"the container {bench.name} was removed while it was in use"


def test_one_with_other_settings_is_left_alone_while_others_build_on_it(bench: Bench) -> None:
    first = bench.keeper()
    address = first.open(bench.settings)
    wanted = replace(bench.settings, cache=1 << 30, proxies=(("HTTP_PROXY", "http://proxy:1"),))
    busy = f"the builder {bench.name} has another engine.cache and proxies than this apply wants, and another apply builds on it"
    assert refused(bench.keeper(), wanted) == busy
    assert probe(address, None, seconds=5)


def test_once_nobody_builds_on_it_it_gets_them_and_keeps_its_cache(bench: Bench) -> None:
    first = bench.keeper()
    first.open(replace(bench.settings, insecure=("registry.test:5000",)))
    first.close()
    bench.keepers.remove(first)
    before = bench.container["Id"]
    wanted = replace(bench.settings, cache=1 << 30, proxies=(("HTTP_PROXY", "http://proxy:1"),), insecure=("other.test",))
    assert probe(bench.keeper().open(wanted), None, seconds=5)
    environ = bench.environment()
    assert bench.container["Id"] != before
    assert (environ["CACHE_SIZE_MB"], environ["HTTP_PROXY"]) == ("1024", "http://proxy:1")
    assert [line for line in environ["EARTHLY_ADDITIONAL_BUILDKIT_CONFIG"].splitlines() if "registry" in line] == [
        '[registry."other.test"]',
        '[registry."registry.test:5000"]',
    ]
    assert len(bench.host.api.volumes(filters={"name": bench.name})["Volumes"]) == 1


def test_it_trusts_the_cas_of_the_manifest(bench: Bench) -> None:
    bench.keeper().open(replace(bench.settings, certificates=("-----BEGIN CERTIFICATE-----\n",)))
    stream, _ = bench.host.api.get_archive(bench.name, "/etc/ssl/certs")
    assert b"-----BEGIN CERTIFICATE-----\n" in b"".join(stream)


def test_one_that_ends_at_once_is_told_with_its_last_words(bench: Bench) -> None:
    wanted = replace(bench.settings, cache=13 << 20, privileged=True)
    # A machine may not give anybody all rights; then Docker says so itself.
    last = "a cache of 13 MB brings bad luck" if has_capability(SYS_RESOURCE) is not False else "Docker does not start the builder"
    assert last in refused(bench.keeper(), wanted)


def test_where_no_step_runs_it_gets_all_rights_and_says_so(bench: Bench) -> None:
    def trial(address: Address) -> str:
        assert probe(address, None, seconds=5)
        (found,) = bench.host.api.containers(filters={"name": f"{bench.name}-new"})
        privileged = bench.host.api.inspect_container(found["Id"])["HostConfig"]["Privileged"]
        return "" if privileged else "unable to apply caps"

    said = "the builder in Docker gets --privileged, for without it no step runs here: unable to apply caps"
    if has_capability(SYS_RESOURCE) is False:
        assert refused(bench.keeper(trial), bench.settings).startswith("no step runs on the builder in Docker: Docker does not start the builder")
    else:
        bench.keeper(trial).open(bench.settings)
        assert bench.container["HostConfig"]["Privileged"]
    assert bench.said == [said]


def test_one_that_was_never_tried_is_made_anew(bench: Bench) -> None:
    """A trial that is killed leaves a container that nobody may take for a builder."""

    class KilledError(Exception):
        pass

    def killed(_address: Address) -> str:
        raise KilledError

    with pytest.raises(KilledError):
        bench.keeper(killed).open(bench.settings)
    assert bench.host.api.containers(all=True, filters={"name": bench.name}) == []
    assert probe(bench.keeper().open(bench.settings), None, seconds=5)


def test_a_container_of_somebody_else_is_not_touched(bench: Bench) -> None:
    bench.host.api.create_container(bench.image.id, name=bench.name, command=["sleep", "1"])
    assert refused(bench.keeper(), bench.settings) == f"a container is called {bench.name}, and matrixbuild did not make it"


def test_one_whose_port_is_taken_gets_another(bench: Bench) -> None:
    first = bench.keeper()
    address = first.open(bench.settings)
    first.close()
    bench.keepers.remove(first)
    bench.host.api.stop(bench.name, timeout=0)
    with socket.create_server(("0.0.0.0", address.port)):
        found = bench.keeper(seconds=2.0).open(bench.settings)
    assert found != address
    assert probe(found, None, seconds=5)
