"""An image with Earthly's files made of a shell: its builder answers who it is and builds nothing, its program writes artifacts and waits."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.adapters.engines.earthly.listeners import buildkit
from tests.services import require

if TYPE_CHECKING:
    from docker import APIClient

_APPLETS = ("sh", "cat", "dd", "env", "head", "id", "ls", "mkdir", "nc", "sed", "sleep", "touch")

_BUILDER = """\
#!/bin/sh
port=$(echo "$EARTHLY_ADDITIONAL_BUILDKIT_CONFIG" | sed -n 's/.*tcp:..127.0.0.2:\\([0-9]*\\)".*/\\1/p')
echo "started with $*" >&2
[ "$CACHE_SIZE_MB" != 13 ] || { echo "a cache of 13 MB brings bad luck" >&2; exit 1; }
touch /tmp/earthly/was-here
trap "exit 0" TERM
nc -ll -p $port -e /answer.sh &
wait
"""
_ANSWER = "#!/bin/sh\ndd bs=16384 count=1 > /dev/null 2>&1\ncat /answer\n"
_PROGRAM = """\
#!/bin/sh
case "$*" in
--version) echo "earthly version VERSION 0123456 linux/amd64"; exit ;;
--help) echo "see https://docs.earthly.dev"; exit ;;
*+trial) [ -x sh ] && [ ! -e "$HOME/no-step-runs" ] || { echo "+trial *failed* | runc run failed: unable to apply caps" >&2; exit 1; }; exit ;;
esac
for word; do
    case $word in
    --MB_TARGET=*) source=${word#--MB_TARGET=}; source=${source%+*} ;;
    esac
done
mkdir -p out/0
{ id -u; env; ls /etc/ssl/certs; cat "$DOCKER_CONFIG/config.json"; echo; cat "$source/jammy.conf"; } > out/0/told
trap 'echo "told to end" >&2; exit 2' TERM
[ ! -e "$source/slow" ] || { echo "begun --> " >&2; i=0; while [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done; }
touch "$source/mine" 2>/dev/null && echo "the checkout can be written" >&2 && exit 1
exit 0
"""


def import_double(api: APIClient, *, name: str = "matrixbuild-tests/earthly", tag: str = "v0.8.16", builder: bool = True) -> str:
    """Put it into an engine under this name, which is returned; without a `builder` it has a program alone."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for path in (".", "bin", "usr", "usr/bin", "etc", "etc/ssl", "etc/ssl/certs", "tmp"):
            directory = tarfile.TarInfo(path)
            # Those that nobody describes are for root alone, with all his capabilities.
            directory.type, directory.mode = tarfile.DIRTYPE, 0o1777 if path == "tmp" else 0o755
            tar.addfile(directory)
        _add(tar, "bin/busybox", Path(require("busybox")).read_bytes())
        for applet in _APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        _add(tar, "usr/bin/earthly", _PROGRAM.replace("VERSION", tag).encode())
        if builder:
            _add(tar, "usr/bin/entrypoint.sh", _BUILDER.encode())
            _add(tar, "answer.sh", _ANSWER.encode())
            _add(tar, "answer", buildkit())
    changes = ["ENV PATH=/bin:/usr/bin", "ENV EARTHLY_TMP_DIR=/tmp/earthly", "VOLUME /tmp/earthly", "ENV BUILDKIT_LOCAL_REGISTRY_LISTEN_PORT=8371"]
    api.import_image_from_data(held.getvalue(), repository=name, tag=tag, changes=changes)
    return f"{name}:{tag}"


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o755
    tar.addfile(member, io.BytesIO(data))
