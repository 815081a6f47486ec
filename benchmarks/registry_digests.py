"""Digests from a local docker-registry at concurrency 8, each body verified, against what else can ask it, in the same run.

Run from the repository: `python -m benchmarks.registry_digests` (about 30 s). Budget (design.md 14): 0.7 x wrk, 5 x the docker SDK,
12 x one skopeo process each. Where wrk is not installed, threads with a bare http.client stand in; they do 0.88 of what wrk does.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker

from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.images import OCI_INDEX, OCI_MANIFEST
from tests.sample_images import SampleImage, push, sample_image
from tests.services import running_docker_engine, running_registry

IMAGES = 200
CONCURRENCY = 8
SECONDS = 1.5
ROUNDS = 3
WRK_PER_HTTP_CLIENT = 1 / 0.88

Ask = Callable[[int], None]


def rate(ask: Ask, seconds: float = SECONDS) -> float:
    """Images a second: CONCURRENCY threads ask for one image after the other for so long."""
    numbers, done, end = itertools.count(), itertools.count(), time.monotonic() + seconds
    start = time.monotonic()

    def work() -> None:
        while time.monotonic() < end:
            ask(next(numbers) % IMAGES)
            next(done)

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        for worker in [pool.submit(work) for _ in range(CONCURRENCY)]:
            worker.result()
    return next(done) / (time.monotonic() - start)


def bare(host: str) -> Ask:
    """http.client, one kept connection a thread, nothing verified."""
    held = threading.local()

    def ask(number: int) -> None:
        if not hasattr(held, "connection"):
            held.connection = http.client.HTTPConnection(host)
        held.connection.request("GET", f"/v2/edge/a/manifests/v{number}", headers={"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"})
        if not held.connection.getresponse().read().startswith(b"{"):
            raise RuntimeError("not a manifest")

    return ask


def ours(host: str, images: list[SampleImage]) -> Ask:
    registry = HttpRegistry(host)

    def ask(number: int) -> None:
        found = registry.manifest("edge/a", f"v{number}")
        if found != images[number].manifest:
            raise RuntimeError(f"v{number} is another image")

    return ask


def ours_head(host: str, images: list[SampleImage]) -> Ask:
    registry = HttpRegistry(host)

    def ask(number: int) -> None:
        if registry.digest("edge/a", f"v{number}") != images[number].manifest.digest:
            raise RuntimeError(f"v{number} is another image")

    return ask


def skopeo(host: str, program: str) -> Ask:
    def ask(number: int) -> None:
        command = [program, "inspect", "--tls-verify=false", "--no-tags", "--format={{.Digest}}", f"docker://{host}/edge/a:v{number}"]
        subprocess.run(command, check=True, capture_output=True)

    return ask


def docker_sdk(host: str, engine: str) -> Ask:
    client = docker.APIClient(base_url=engine)

    def ask(number: int) -> None:
        client.inspect_distribution(f"{host}/edge/a:v{number}")  # type: ignore[no-untyped-call]

    return ask


def wrk(host: str, program: str) -> float:
    command = [program, "-t2", f"-c{CONCURRENCY}", f"-d{int(SECONDS) + 1}s", "-H", f"Accept: {OCI_MANIFEST}", f"http://{host}/v2/edge/a/manifests/v0"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s*([0-9.]+)", told)
    if found is None:
        raise RuntimeError(f"wrk says no rate: {told}")
    return float(found[1])


def floor(host: str) -> tuple[str, Callable[[], float]]:
    """The name of the floor, and what measures it, in wrk's units."""
    program = shutil.which("wrk")
    if program:
        return "wrk", lambda: wrk(host, program)
    return "wrk (from http.client)", lambda: rate(bare(host)) * WRK_PER_HTTP_CLIENT


@contextlib.contextmanager
def filled_registry() -> Iterator[tuple[str, list[SampleImage]]]:
    with tempfile.TemporaryDirectory() as directory, running_registry(Path(directory)) as running:
        images = [sample_image(f"image {number}") for number in range(IMAGES)]
        registry = HttpRegistry(running.host)
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            list(pool.map(lambda item: push(registry, "edge/a", item[1], f"v{item[0]}"), enumerate(images)))
        yield running.host, images


def told(name: str, other: float, mine: float, budget: float) -> bool:
    ratio = mine / other
    print(f"{name:24} {other:8.0f}/s   ours / it {ratio:6.2f}   budget {budget:5.2f}   {'kept' if ratio >= budget else 'MISSED'}")
    return ratio >= budget


def main() -> int:
    with filled_registry() as (host, images):
        name, measure = floor(host)
        get, head = ours(host, images), ours_head(host, images)
        # In turns, so that a busy machine slows both alike.
        rounds = [(measure(), rate(get), rate(head)) for _ in range(ROUNDS)]
        ratios = [(get_rate / floor_rate, floor_rate, get_rate, head_rate) for floor_rate, get_rate, head_rate in rounds]
        _, floor_rate, get_rate, head_rate = sorted(ratios)[ROUNDS // 2]
        print(f"{IMAGES} images, concurrency {CONCURRENCY}, median of {ROUNDS}: GET and verify {get_rate:.0f}/s, HEAD {head_rate:.0f}/s")
        kept = [told(name, floor_rate, get_rate, 0.7)]
        program = shutil.which("skopeo")
        if program:
            kept.append(told("skopeo, one each", rate(skopeo(host, program)), get_rate, 12))
        if shutil.which("dockerd") and shutil.which("containerd"):
            with running_docker_engine() as engine:
                kept.append(told("docker SDK", rate(docker_sdk(host, engine)), get_rate, 5))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
