"""The programs that the contract of Earthly's command line is held against: the doubles, and the real one where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.registry import HttpRegistry
from tests import services
from tests.adapters.engines import conformance
from tests.contract.programs import Subject
from tests.double.daemon import running_daemon
from tests.double.flavors import FLAVORS
from tests.double.installed import install
from tests.live import program, world


@pytest.fixture(scope="session")
def contract_registry(tmp_path_factory: pytest.TempPathFactory, docker_registry: services.RunningRegistry) -> str:
    """host:port of a registry with the base images."""
    return _with_bases(tmp_path_factory.mktemp("bases"), docker_registry.host)


@pytest.fixture(scope="session", params=["double-earthly", "double-earthbuild", "real"])
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    scratch = tmp_path_factory.mktemp(request.param)
    home = scratch / "home"
    for name in (".earthly", ".earth"):
        (home / name).mkdir(parents=True)
    if request.param == "real":
        yield from _real(scratch, home)
        return
    flavor = request.param.removeprefix("double-")
    double = install(scratch / "bin", flavor=flavor)
    with running_daemon(scratch / "daemon", flavor=flavor) as daemon:
        registry = request.getfixturevalue("contract_registry")
        yield Subject(path=str(double.path), flavor=flavor, version=FLAVORS[flavor].version, address=daemon.address, registry=registry, home=home)


def _real(scratch: Path, home: Path) -> Iterator[Subject]:
    found = program.required(buildkit=True)
    with world.registry(scratch) as host:
        registry = _with_bases(scratch / "bases", host)
        yield Subject(
            path=found.path, flavor=found.kind, version=found.version, address=found.buildkit, registry=registry, home=home, real=True, tls=found.tls
        )


def _with_bases(scratch: Path, host: str) -> str:
    services.require("busybox")
    conformance.world(scratch, host, HttpRegistry(host))
    return host
