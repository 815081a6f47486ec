"""The image that runs: here, pulled, or not to be had; and which Earthly it has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.contained.host import Host, open_host
from matrixbuild.adapters.engines.contained.images import Image, image_of, program_in
from matrixbuild.adapters.engines.contained.vessel import Vessel
from matrixbuild.core.client_container import Client, Mount
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.program import Flavor
from tests.builders import place
from tests.contained_images import import_double
from tests.services import RunningRegistry, free_port

AT = place(4)


def refused(host: Host, name: str) -> Problem:
    with pytest.raises(UnusableError) as caught:
        image_of(host, name, place=AT, say=lambda _: None)
    return caught.value.problems[0]


def test_one_that_is_here_is_not_pulled(host: Host, image: Image) -> None:
    said: list[str] = []
    assert image_of(host, "matrixbuild-tests/earthly:v0.8.16", place=None, say=said.append) == image
    assert (image.root, image.id.startswith("sha256:"), said) == ("/tmp/earthly", True, [])


def test_one_that_is_not_is_pulled_and_that_is_told(host: Host, docker_registry: RunningRegistry) -> None:
    name = f"{docker_registry.host}/contained/earthly"
    import_double(host.api, name=name, tag="v1")
    subprocess.run([host.program, "--host", host.address, "push", "--quiet", f"{name}:v1"], check=True, capture_output=True)
    host.api.remove_image(f"{name}:v1")
    said: list[str] = []
    assert image_of(host, f"{name}:v1", place=None, say=said.append).name == f"{name}:v1"
    assert said == [f"pulling {name}:v1: there is no Earthly on PATH, so it runs in Docker"]
    assert refused(host, f"{name}:gone").summary.startswith(f"there is no Earthly on PATH, and its image {name}:gone cannot be pulled: manifest ")


def test_one_that_cannot_be_had_is_told_where_it_is_named(host: Host) -> None:
    name = f"127.0.0.1:{free_port()}/earthly:v1"
    problem = refused(host, name)
    assert problem.summary.startswith(f"there is no Earthly on PATH, and its image {name} cannot be pulled: ")
    assert "connection refused" in problem.summary
    hint = "install Earthly 0.8 or EarthBuild, or name an image that can be had from here with engine.image"
    assert (problem.place, problem.hint) == (AT, hint)


def vessel(host: Host, image: Image, root: Path, *mounts: Mount) -> Vessel:
    client = Client(
        docker=host.program,
        config=str(root),
        host=host.address,
        image=image.id,
        program="/usr/bin/earthly",
        user=host.user,
        state=str(root),
        mounts=mounts,
    )
    return Vessel(host=host, client=client)


def program_problem(host: Host, image: Image, root: Path, *mounts: Mount, wanted: str = "") -> Problem:
    with Children() as children, pytest.raises(UnusableError) as caught:
        program_in(image, vessel(host, image, root, *mounts), children, wanted=wanted, place=AT)
    return caught.value.problems[0]


def test_its_program_says_which_it_is(host: Host, image: Image, tmp_path: Path) -> None:
    with Children() as children:
        found = program_in(image, vessel(host, image, tmp_path), children, wanted=">=0.8.15 <0.9", place=None)
    assert (found.path, found.flavor, found.version) == ("/usr/bin/earthly", Flavor.EARTHLY, "0.8.16")
    assert found.found == "the image matrixbuild-tests/earthly:v0.8.16"


def test_one_that_is_too_new_is_refused(host: Host, tmp_path: Path) -> None:
    newer = image_of(host, import_double(host.api, tag="v0.9.1"), place=None, say=lambda _: None)
    problem = program_problem(host, newer, tmp_path)
    told = "/usr/bin/earthly of the image matrixbuild-tests/earthly:v0.9.1 is Earthly 0.9.1, and this matrixbuild knows the line 0.8 only"
    assert (problem.summary, problem.place) == (told, AT)


def test_a_docker_that_sees_other_files_is_told(host: Host, image: Image, tmp_path: Path) -> None:
    problem = program_problem(host, image, tmp_path, Mount(source="/no/such"))
    assert problem.summary.endswith("bind source path does not exist: /no/such")
    assert problem.hint == "does matrixbuild run in a container itself? Docker has to see its files under the same paths"


@pytest.mark.parametrize("address", ["tcp://elsewhere:2375", "ssh://me@elsewhere"])
def test_a_docker_of_another_machine_is_refused(address: str) -> None:
    with pytest.raises(UnusableError) as caught, open_host({"DOCKER_HOST": address}):
        pass
    summary = f"Earthly cannot run in the containers of {address}: they would see the files of another machine"
    hint = 'unset DOCKER_HOST, install Earthly here, and name a builder there: engine: {builders: ["tcp://HOST:8372"]}'
    assert caught.value.problems == (Problem(summary=summary, hint=hint, code="docker"),)


def test_without_a_client_program_nothing_can_be_run(docker_engine: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as caught, open_host({"DOCKER_HOST": docker_engine, "PATH": str(tmp_path)}):
        pass
    assert caught.value.problems[0].summary == "Docker answers, and its client program `docker` is not on PATH"


def test_without_docker_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as caught, open_host({"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}):
        pass
    assert (caught.value.problems[0].code, caught.value.problems[0].summary) == ("no-docker", f"no Docker engine answers on unix://{tmp_path}/docker.sock")
