"""What the Docker client is called with."""

from __future__ import annotations

from matrixbuild.core.demand import DockerDemand
from matrixbuild.core.docker_call import Dockerfile, build_words, docker_environment, forget_words, push_words

IMAGE = "registry.example.com/edge/fips-base:mb-0123"


def wanted(*, platform: str = "", **given: tuple[object, ...]) -> Dockerfile:
    demand = DockerDemand(context="ubuntu-fips", dockerfile="22.04/Dockerfile", platform=platform)
    return Dockerfile(checkout="/cache/source", demand=demand, image=IMAGE, key="sha256:abc", **given)  # type: ignore[arg-type]


def test_a_build_names_its_file_its_image_and_its_key() -> None:
    assert build_words("docker", wanted()) == (
        "docker",
        "build",
        "--progress=plain",
        "--pull",
        "--file",
        "/cache/source/ubuntu-fips/22.04/Dockerfile",
        "--tag",
        IMAGE,
        "--label",
        "dev.matrixbuild.key=sha256:abc",
        "/cache/source/ubuntu-fips",
    )


def test_args_are_given_by_value_and_what_is_nobodys_business_by_name() -> None:
    words = build_words("docker", wanted(args=(("A", "x=1, $y"),), ambient=("HTTP_PROXY",), secrets=("pro-attach-config",), platform="linux/arm64"))
    assert words[10:-1] == (
        "--platform",
        "linux/arm64",
        "--build-arg",
        "A=x=1, $y",
        "--build-arg",
        "HTTP_PROXY",
        "--secret",
        "id=pro-attach-config,env=MATRIXBUILD_SECRET_0",
    )


def test_the_environment_has_the_values() -> None:
    assert docker_environment({"HOME": "/home/me"}, ambient=[("HTTP_PROXY", "http://proxy")], secrets=[("pro-attach-config", "token")]) == {
        "HOME": "/home/me",
        "HTTP_PROXY": "http://proxy",
        "MATRIXBUILD_SECRET_0": "token",
        "DOCKER_BUILDKIT": "1",
    }


def test_the_image_is_pushed_and_its_name_forgotten() -> None:
    assert push_words("docker", IMAGE) == ("docker", "push", IMAGE)
    assert forget_words("docker", IMAGE) == ("docker", "image", "rm", IMAGE)
