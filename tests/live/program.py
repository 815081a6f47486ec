"""The environment -> a real Earthly or EarthBuild to hold ours against: `EARTHLY=/path/to/program`, or `earth` or `earthly` on PATH.

What runs builds needs a buildkitd of that program as well: `EARTHLY_BUILDKIT_HOST=tcp://...`, which must be able to pull from and push to
`EARTHLY_REGISTRY=host:port`; without that, from and to a docker-registry on 127.0.0.1 that the tests start. `EARTHLY_TLS=true` where the
buildkitd wants the client's certificates.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a call ended: exit code, and stdout and stderr in one."""

    rc: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A real program: `kind` is earthly or earthbuild, `version` such as v0.8.16, `buildkit` the address of its buildkitd or empty."""

    path: str
    kind: str
    version: str
    buildkit: str = ""
    tls: bool = False

    def call(self, *args: str, scratch: Path, timeout: float = 600) -> Done:
        """Call it in the directory `scratch`, with nothing around it that could decide on anything."""
        home = scratch / "home"
        home.mkdir(parents=True, exist_ok=True)
        config = home / "config.yml"
        # One attempt to connect, at once: any longer the program sleeps a whole second before the first.
        config.write_text(f"global:\n  tls_enabled: {str(self.tls).lower()}\n  buildkit_restart_timeout_s: 0\n")
        host = ["--buildkit-host", self.buildkit] if self.buildkit else []
        around = {"PATH": os.environ["PATH"], "HOME": str(home), "PWD": str(scratch), "TERM": "dumb", "NO_COLOR": "1", "LANG": "C.UTF-8"}
        command = [self.path, "--config", str(config), *host, *args]
        done = subprocess.run(
            command, cwd=scratch, env=around, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False
        )
        return Done(rc=done.returncode, output=done.stdout.decode("utf-8", "replace"))


def find(environ: Mapping[str, str] = os.environ) -> Program | None:
    """The program to hold ours against; None where there is none. What EARTHLY names must be there."""
    named = environ.get("EARTHLY")
    path = named or shutil.which("earth", path=environ.get("PATH")) or shutil.which("earthly", path=environ.get("PATH"))
    if path is None:
        return None
    version = re.search(r"\bv\d+\.\d+\.\d+\S*", _printed(path, "--version"))
    assert version, f"{path} --version tells no version"
    # The first word of --version is what the file is called; only the help names the project.
    kind = "earthbuild" if "earthbuild" in _printed(path, "--help").lower() else "earthly"
    tls = environ.get("EARTHLY_TLS") == "true"
    return Program(path=path, kind=kind, version=version[0], buildkit=environ.get("EARTHLY_BUILDKIT_HOST", ""), tls=tls)


def _printed(path: str, flag: str) -> str:
    return subprocess.run([path, flag], capture_output=True, text=True, check=True, timeout=60).stdout


def required(*, buildkit: bool = False) -> Program:
    """The program; without one the test is skipped, and so it is without a buildkitd where builds run."""
    program = find()
    if program is None:
        pytest.skip("no real Earthly or EarthBuild here: name one with EARTHLY=/path/to/program")
    if buildkit and not program.buildkit:
        pytest.skip("no buildkitd of that program here: name it with EARTHLY_BUILDKIT_HOST=tcp://host:port")
    return program
