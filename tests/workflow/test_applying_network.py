"""`network` of a manifest reaches every registry that plan and apply ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates import authority
from tests.fakes.proxy import running_proxy
from tests.projects import MANIFEST, SmallProject, in_child, small_project
from tests.services import RunningRegistry, running_registry

pytestmark = pytest.mark.registry
NAME = "registry.lab:5000"


def project_of(root: Path, network: str) -> SmallProject:
    return small_project(root, registry=f"{NAME}/{root.name.strip('_').lower()}", manifest=f"{MANIFEST}  network: {network}\n")


def test_an_insecure_registry_behind_a_proxy(tmp_path: Path, docker_registry: RunningRegistry) -> None:
    with running_proxy({NAME: docker_registry.host}) as proxy:
        environment = {"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, "NO_PROXY": "", "no_proxy": ""}
        project = project_of(tmp_path / "insecure", f'{{insecure: ["{NAME}"]}}')
        ended = in_child("apply", "small.yaml", cwd=project.root, env=environment)
        assert ended.code == 0, ended.err
        assert f"PUT http://{NAME}/v2/insecure/jammy/manifests/1" in proxy.asked
        ended = in_child("plan", "small.yaml", "--refresh", "--detailed-exitcode", cwd=project.root, env=environment)
        assert ended.code == 0, ended.err

        proxy.asked.clear()
        for network, told in (("{insecure: [other.lab]}", f"{NAME} does not speak TLS"), (f'{{insecure: ["{NAME}"], proxy: none}}', "cannot be resolved")):
            project = project_of(tmp_path / "refused", f"{network}")
            ended = in_child("apply", "small.yaml", cwd=project.root, env=environment)
            assert ended.code == 8
            assert told in ended.err
        assert not [asked for asked in proxy.asked if not asked.startswith("CONNECT")]


def test_a_registry_whose_authority_the_manifest_names(tmp_path: Path) -> None:
    vouching = authority(tmp_path)
    with (
        running_registry(tmp_path / "registry", tls=vouching.server("DNS:registry.lab")) as running,
        running_proxy({NAME: running.host}) as proxy,
    ):
        environment = {"HTTPS_PROXY": proxy.url, "NO_PROXY": "", "no_proxy": ""}
        project = project_of(tmp_path / "trusted", "{ca: [../ca.pem]}")
        ended = in_child("apply", "small.yaml", cwd=project.root, env=environment)
        assert ended.code == 0, ended.err
        assert set(proxy.asked) == {f"CONNECT {NAME}"}
        project = project_of(tmp_path / "untrusted", "{proxy: env}")
        ended = in_child("apply", "small.yaml", cwd=project.root, env=environment)
        assert ended.code == 8
        assert f"the certificate of {NAME} is not trusted" in ended.err


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_a_file_of_ca_that_is_not_there_is_told_at_its_place(tmp_path: Path, verb: str) -> None:
    ended = project_of(tmp_path, "{ca: [corp.pem]}").run(verb, "small.yaml")
    assert ended.code == 3
    assert "small.yaml:21:18: error: network.ca: corp.pem cannot be read: no such file or directory" in ended.err
