"""Load and write a lock of 10,000 images (budget: 0.5 s together), against what json alone takes for the same bytes in the same run."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from matrixbuild.adapters.lock_file import lock_bytes, read_lock, write_lock
from matrixbuild.core.inputs import Inputs
from matrixbuild.core.lock import Lock, LockedBuild, LockedImage, Pins
from matrixbuild.core.names import sha256

BUILDS = 10_000
ROUNDS = 7


def locked(number: int) -> tuple[str, LockedBuild]:
    """A build shaped like a CanvOS provider image: five axes, six args, four files or folded directories."""
    cell = f"arch=amd64,fips=false,kubernetes=k3s-1.{number // 100}.{number % 100},os=ubuntu-24.04,twoNode=false"
    digest = sha256(str(number).encode())
    inputs = Inputs(
        target=sha256(b"commands"),
        args=tuple((f"ARG_{letter}", f"value {number} of {letter}") for letter in "ABCDEF"),
        files=tuple((f"overlay/files/etc/part-{nth:02}.yaml", sha256(str(nth).encode())) for nth in range(4)),
        bases=(("registry.example.com/base/ubuntu:24.04", sha256(b"base")),),
    )
    image = LockedImage(digest=digest, media_type="application/vnd.oci.image.manifest.v1+json", size=number, platforms=(("linux/amd64", digest),))
    cells = ((cell, (f"registry.example.com/edge/ubuntu-24.04:k3s-{number}",)),)
    return f"provider[{cell}]", LockedBuild(key=digest, inputs=inputs, image=image, cells=cells)


def median(work: Callable[[], object]) -> float:
    """Seconds, the median of ROUNDS."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> int:
    """Print the times and their ratios; 1 where the budget is missed."""
    builds = tuple(sorted(locked(number) for number in range(BUILDS)))
    lock = Lock(name="bench", pins=Pins(source=(("path", "."),), engine="embedded/1"), builds=builds)
    data = lock_bytes(lock)
    text, document = data.decode(), lock.to_dict()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "bench.lock.json"
        path.write_bytes(data)
        load = median(lambda: read_lock(path))
        write = median(lambda: (path.write_bytes(b""), write_lock(path, lock)))
    json_load = median(lambda: json.loads(text))
    json_write = median(lambda: json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False))
    print(f"{BUILDS} builds, {len(data) / 1e6:.1f} MB")
    print(f"load   {load:.3f} s   json alone {json_load:.3f} s   {load / json_load:.1f} x")
    print(f"write  {write:.3f} s   json alone {json_write:.3f} s   {write / json_write:.1f} x")
    print(f"both   {load + write:.3f} s   budget 0.5 s")
    return int(load + write > 0.5)


if __name__ == "__main__":
    sys.exit(main())
