from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.adapters.registries import Registries, open_registry
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.declared import Text
from matrixbuild.core.names import ImageName
from matrixbuild.core.registry import Registry
from matrixbuild.core.surroundings import Network
from tests.builders import place
from tests.sample_images import push, sample_image
from tests.services import RunningRegistry


def test_a_layout_is_relative_to_the_manifest(tmp_path: Path) -> None:
    image = sample_image()
    push(open_registry("oci-layout:out/registry", base=tmp_path), "edge/a", image, "v1")
    assert OciLayout(tmp_path / "out" / "registry").tags("edge/a") == ("v1",)
    assert open_registry(f"oci-layout:{tmp_path}/out/registry", base=Path("/nowhere")).digest("edge/a", "v1") == image.manifest.digest


@pytest.mark.registry
def test_a_host_is_asked_over_http(docker_registry: RunningRegistry, tmp_path: Path) -> None:
    registry = open_registry(docker_registry.host, base=tmp_path)
    assert isinstance(registry, HttpRegistry)
    assert registry.tags("not/there") == ()


def test_one_client_a_registry(tmp_path: Path) -> None:
    registries = Registries(base=tmp_path)
    names = [ImageName(registry=registry, repository=f"edge/{number}") for number in range(8) for registry in ("r.example.com", "oci-layout:out")]
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(registries.of, names))
    assert len(set(map(id, clients))) == 2
    assert registries.of(names[0]) is clients[0]


def test_both_are_registries(tmp_path: Path) -> None:
    both: list[Registry] = [OciLayout(tmp_path), HttpRegistry("r.example.com")]
    assert len(both) == 2


def test_a_layout_needs_no_http_client() -> None:
    code = (
        "import sys; from pathlib import Path; from matrixbuild.adapters.registries import open_registry; "
        "open_registry('oci-layout:x', base=Path('.')).tags('a'); print([n for n in ('urllib3', 'tenacity', 'docker') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_a_registry_is_insecure_where_the_manifest_says_so(tmp_path: Path) -> None:
    listed = Network(insecure=(Text(value="one.test:5000", place=place()), Text(value="two.test", place=place())))
    registries = Registries(base=tmp_path, network=listed)
    names = ("one.test:5000/a:1", "one.test/a:1", "two.test:5000/a:1", "three.test/a:1")
    assert [registries.insecure(ImageName.parse(name)) for name in names] == [True, False, True, False]
    assert not registries.insecure(ImageName(registry="oci-layout:out", repository="a", tag="1"))
