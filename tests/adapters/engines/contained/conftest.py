"""A real Docker engine with the image of a double in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from matrixbuild.adapters.engines.contained.host import Host, open_host
from matrixbuild.adapters.engines.contained.images import Image, image_of
from tests.contained_images import import_double
from tests.services import require


@pytest.fixture(scope="package")
def host(docker_engine: str) -> Iterator[Host]:
    require("docker")
    with open_host({"DOCKER_HOST": docker_engine, "PATH": os.environ["PATH"]}) as found:
        yield found


@pytest.fixture(scope="package")
def image(host: Host) -> Image:
    return image_of(host, import_double(host.api), place=None, say=lambda _: None)
