"""Real neighbours for tests: a Debian docker-registry, a Docker engine, and the rule for what to do where they are missing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

USER, PASSWORD = "builder", "correct horse"
# bcrypt of PASSWORD, cost 4 (docker-registry takes no other hash).
HTPASSWD = "builder:$2b$04$BFPhTOt.9w178BX2Fy.Xl.lSNgRnBiC01C/AJU.7K4UBUDnECy1Ey\n"


def require(program: str, *, environ: Mapping[str, str] = os.environ) -> str:
    """The path of a program that a test needs: without it the test is skipped, and fails in CI (CI=true), where it must be there."""
    found = shutil.which(program, path=environ.get("PATH"))
    if found is None:
        missing(f"{program} is not on PATH", environ=environ)
        raise AssertionError("unreachable")
    return found


def missing(reason: str, *, environ: Mapping[str, str] = os.environ) -> None:
    """Skip the test for `reason`; fail it in CI."""
    if environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI must have it", pytrace=False)
    pytest.skip(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRegistry:
    """A docker-registry that answers at `host` and keeps everything below `root`."""

    host: str
    root: Path

    def manifest_files(self, repository: str) -> Path:
        return self.root / "docker/registry/v2/repositories" / repository / "_manifests"

    def blob_file(self, digest: str) -> Path:
        bare = digest.removeprefix("sha256:")
        return self.root / "docker/registry/v2/blobs/sha256" / bare[:2] / bare / "data"


@contextlib.contextmanager
def running_registry(
    root: Path, *, auth: Callable[[Path], str] = lambda _: "", port: int = 0, tls: tuple[Path, Path] | None = None
) -> Iterator[RunningRegistry]:
    """A docker-registry with its storage below `root`; `auth` writes what it needs there and gives the configuration's auth section.

    `tls` are the files of a key and a certificate.
    """
    program = require("docker-registry")
    root.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    config = root / "registry.yml"
    # No blobdescriptor cache: with one the registry goes on to "have" a blob whose file a test removed.
    config.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage:\n  filesystem: {{rootdirectory: {root / 'data'}}}\n  delete: {{enabled: true}}\n"
        f'http: {{addr: "127.0.0.1:{port}"{_tls_section(tls)}}}\n{auth(root)}'
    )
    with (root / "registry.log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _until(lambda: _listens(port) if tls else _answers(port), process, root / "registry.log")
        yield RunningRegistry(host=f"127.0.0.1:{port}", root=root / "data")
    finally:
        process.terminate()
        process.wait(10)


def basic_auth(root: Path) -> str:
    """Accounts in a htpasswd file: USER with PASSWORD."""
    (root / "htpasswd").write_text(HTPASSWD)
    return f"auth: {{htpasswd: {{realm: test, path: {root / 'htpasswd'}}}}}\n"


@contextlib.contextmanager
def running_docker_engine() -> Iterator[str]:
    """A dockerd of its own, as root: own data, own socket, no network of its own, plain files as storage. Gives DOCKER_HOST.

    It pulls and creates containers; it cannot run one with a network. Registries on 127.0.0.0/8 need no TLS for it by default.
    """
    program = require("dockerd")
    require("containerd")
    if os.geteuid() != 0:
        missing("dockerd needs root")
    # The path of a socket has at most 107 bytes, so not below pytest's long directories.
    root = Path(tempfile.mkdtemp(prefix="mb-dockerd-", dir="/tmp"))
    # There is no flag for it, and without it the daemon writes a key below /etc/docker.
    (root / "daemon.json").write_text(json.dumps({"deprecated-key-path": str(root / "key.json")}))
    host = f"unix://{root / 'docker.sock'}"
    with (root / "log").open("wb") as log:
        process = subprocess.Popen([program, *_engine_flags(root, host)], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        _until((root / "docker.sock").exists, process, root / "log")
        _until(lambda: _engine_answers(root / "docker.sock"), process, root / "log")
        yield host
    finally:
        _end_engine(process, root)
        _unmount(root)
        shutil.rmtree(root)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _engine_flags(root: Path, host: str) -> list[str]:
    return [
        f"--host={host}",
        f"--data-root={root / 'data'}",
        f"--exec-root={root / 'exec'}",
        f"--pidfile={root / 'pid'}",
        f"--config-file={root / 'daemon.json'}",
        "--storage-driver=vfs",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
    ]


def _end_engine(process: subprocess.Popen[bytes], root: Path) -> None:
    pid = root / "exec/containerd/containerd.pid"
    containerd = int(pid.read_text()) if pid.exists() else None
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        if containerd:
            with contextlib.suppress(ProcessLookupError):
                os.kill(containerd, signal.SIGKILL)


def _unmount(root: Path) -> None:
    """What a dockerd leaves mounted once a container of it has used this machine's network."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{root}/")), reverse=True):
        subprocess.run([require("umount"), "--lazy", mount], check=True)


def _engine_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in client.recv(64)
        except OSError:
            return False


def _tls_section(tls: tuple[Path, Path] | None) -> str:
    return f", tls: {{key: {tls[0]}, certificate: {tls[1]}}}" if tls else ""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 401
    except OSError:
        return False


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args!r} is not up: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
