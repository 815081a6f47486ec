"""A directory and the environment -> somewhere to build for the commands of a page: an Earthly, its builder, a registry; the real ones where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.double.daemon import running_daemon
from tests.double.installed import install
from tests.live import program, world
from tests.services import running_registry

CONFIGURATION = "global:\n  tls_enabled: {tls}\n"


@contextmanager
def somewhere_to_build(scratch: Path, home: Path) -> Iterator[Mapping[str, str]]:
    """What a shell has then beside the rest of its environment; `REGISTRY` is the registry that pages take in place of `localhost:5000`."""
    real = program.find()
    if real and real.buildkit:
        configure(home, tls=real.tls)
        with world.registry(scratch) as registry:
            yield _named(real.path, real.buildkit, registry)
        return
    configure(home, tls=False)
    double = install(scratch / "bin")
    with running_daemon(scratch / "daemon") as daemon, running_registry(scratch / "registry") as registry_here:
        yield _named(str(double.path), daemon.address, registry_here.host)


def configure(home: Path, *, tls: bool) -> None:
    """A real builder mostly wants TLS, unless both sides are told otherwise."""
    for directory in (".earthly", ".earth"):
        (home / directory).mkdir(parents=True, exist_ok=True)
        (home / directory / "config.yml").write_text(CONFIGURATION.format(tls=str(tls).lower()))


def _named(path: str, builder: str, registry: str) -> Mapping[str, str]:
    return {"MATRIXBUILD_EARTHLY": path, "EARTHLY_BUILDKIT_HOST": builder, "REGISTRY": registry}
