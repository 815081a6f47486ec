"""A real program with its buildkitd -> an image like those of its project: `EARTHLY_IMAGE=REF` names one, else it is made of the files beside EARTHLY.

There have to be `buildkitd`, `buildkit-runc` and `earth_debugger` beside the program, and a busybox without libraries on this machine.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live.program import Program
from tests.services import require

if TYPE_CHECKING:
    from docker import APIClient

_BESIDE = ("buildkitd", "buildkit-runc", "earth_debugger")
_DIRECTORIES = ("bin", "usr", "usr/bin", "usr/sbin", "etc", "etc/ssl", "etc/ssl/certs", "root", "proc", "sys", "dev", "tmp", "workspace")

_ENTRYPOINT = """\
#!/bin/sh
set -e
mkdir -p "$EARTHLY_TMP_DIR/buildkit" /root
cat > /etc/buildkitd.toml <<END
root = "$EARTHLY_TMP_DIR/buildkit"
insecure-entitlements = [ "security.insecure" ]

[worker.oci]
  enabled = true
  networkMode = "$NETWORK_MODE"
  max-parallelism = $BUILDKIT_MAX_PARALLELISM

$EARTHLY_ADDITIONAL_BUILDKIT_CONFIG
END
exec "$@"
"""
"""What of the projects' own entrypoint matters: the configuration from the environment, below a root in the volume."""

_ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "EARTHLY_TMP_DIR=/tmp/earthly", "NETWORK_MODE=cni", "BUILDKIT_MAX_PARALLELISM=20")


def real_image(api: APIClient, program: Program) -> str:
    """The name of the image in this engine; the test is skipped where there is none and none can be made."""
    if named := os.environ.get("EARTHLY_IMAGE"):
        return named
    beside = [Path(program.path).parent / name for name in _BESIDE]
    if lacking := [file.name for file in beside if not file.exists()]:
        pytest.skip(f"no image of Earthly here: name one with EARTHLY_IMAGE, or have {', '.join(lacking)} beside {program.path}")
    name = "matrixbuild-tests/real"
    changes = [*(f"ENV {variable}" for variable in _ENVIRONMENT), "VOLUME /tmp/earthly", "WORKDIR /workspace"]
    api.import_image_from_data(_archive(Path(program.path), beside), repository=name, tag=program.kind, changes=changes)
    return f"{name}:{program.kind}"


def _archive(program: Path, beside: list[Path]) -> bytes:
    busybox = require("busybox")
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", dereference=True) as tar:
        for path in (".", *_DIRECTORIES):
            member = tarfile.TarInfo(path)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if path == "tmp" else 0o755
            tar.addfile(member)
        tar.add(busybox, "bin/busybox")
        for applet in ("sh", "cat", "mkdir", "ps", "sleep"):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        tar.add(program, "usr/bin/earthly")
        for file in beside:
            tar.add(file, f"usr/bin/{file.name}")
        for library in sorted({path for file in beside for path in _libraries(file)}):
            tar.add(library, library.lstrip("/"))
        script = tarfile.TarInfo("usr/bin/entrypoint.sh")
        script.size, script.mode = len(_ENTRYPOINT), 0o755
        tar.addfile(script, io.BytesIO(_ENTRYPOINT.encode()))
    return held.getvalue()


def _libraries(file: Path) -> list[str]:
    told = subprocess.run(["ldd", file], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+\.so\S*)", told)
