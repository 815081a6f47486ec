"""A program with Earthly's command line and the world it builds in, whichever it is: what the contract's tests call, and what they look at."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.registry import StoredManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended: `manifest` is the run manifest, None where none was written; `stream` the records of the logstream."""

    rc: int
    out: str
    err: str
    manifest: dict[str, Any] | None
    stream: tuple[dict[str, Any], ...]

    @property
    def failure(self) -> dict[str, Any]:
        assert self.manifest is not None
        assert self.manifest["failure"] is not None, self.err
        return dict(self.manifest["failure"])

    def command(self, name: str) -> dict[str, Any]:
        """The one command with this name in the run manifest."""
        assert self.manifest is not None
        found = [command for command in self.manifest["commands"].values() if command["name"] == name]
        assert len(found) == 1, [command["name"] for command in self.manifest["commands"].values()]
        return dict(found[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A call that goes on."""

    process: subprocess.Popen[bytes]
    folder: Path

    def streamed(self) -> str:
        file = self.folder / "stream.json"
        return file.read_text() if file.exists() else ""

    def ended(self) -> Outcome:
        out, err = self.process.communicate(timeout=120)
        manifest = self.folder / "manifest.json"
        records = [json.loads(line) for line in self.streamed().splitlines() if line.endswith("}")]
        return Outcome(
            rc=self.process.returncode,
            out=out.decode(),
            err=err.decode("utf-8", "replace"),
            manifest=json.loads(manifest.read_text()) if manifest.exists() else None,
            stream=tuple(records),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`flavor` is earthly or earthbuild; `address` a daemon's that reaches the registry at `registry`, which has `base:1` and `base:2`; `real`
    says whether it is the program itself."""

    path: str
    flavor: str
    version: str
    address: str
    registry: str
    home: Path
    real: bool = False
    tls: bool = False

    def call(self, *words: str, cwd: Path, env: Mapping[str, str] | None = None, address: str = "") -> Outcome:
        return self.start(*words, cwd=cwd, env=env, address=address).ended()

    def start(self, *words: str, cwd: Path, env: Mapping[str, str] | None = None, address: str = "") -> Running:
        folder = self.home / uuid.uuid4().hex
        folder.mkdir()
        config = folder / "config.yml"
        config.write_text(f"global:\n  tls_enabled: {str(self.tls).lower()}\n  buildkit_restart_timeout_s: 0\n")
        flags = ["--config", str(config), "--buildkit-host", address or self.address]
        files = ["--logstream-debug-file", str(folder / "stream.json"), "--logstream-debug-manifest-file", str(folder / "manifest.json")]
        around = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PWD": str(cwd), "TERM": "dumb", "LANG": "C.UTF-8", **(env or {})}
        command = [self.path, *flags, *files, *words]
        process = subprocess.Popen(command, cwd=cwd, env=around, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return Running(process=process, folder=folder)

    def plain(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """A call without any flags before it."""
        return subprocess.run(
            [self.path, *words], cwd=cwd, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], "HOME": str(self.home)}
        )

    def name(self) -> str:
        """A name of an image that nobody has pushed yet."""
        return f"{self.registry}/contract/{uuid.uuid4().hex[:12]}:1"

    def pushed(self, name: str) -> StoredManifest | None:
        """The manifest under a name that `name` gave."""
        repository, _, tag = name.removeprefix(f"{self.registry}/").partition(":")
        return HttpRegistry(self.registry).manifest(repository, tag)

    def settings(self, name: str) -> dict[str, Any]:
        """The configuration of an image: Env, Labels ..."""
        manifest = self.pushed(name)
        assert manifest is not None
        digest = json.loads(manifest.data)["config"]["digest"]
        repository = name.removeprefix(f"{self.registry}/").partition(":")[0]
        document: dict[str, Any] = json.loads(HttpRegistry(self.registry).blob(repository, digest))
        return dict(document["config"])


def folder(path: Path, earthfile: str, **files: str) -> Path:
    """A directory with an Earthfile and other files; `f_txt="x"` is the file f.txt."""
    path.mkdir(parents=True)
    (path / "Earthfile").write_text(earthfile)
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return path
