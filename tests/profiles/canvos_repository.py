"""CanvOS' git repository, where CANVOS_REPO says it is -> its tags, and what each of them holds."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_VERSION = re.compile(r'^ARG PE_VERSION="?([^"\s]+)', re.MULTILINE)
_TARGET = re.compile(r"^([A-Za-z][A-Za-z0-9_.-]*):\s*$", re.MULTILINE)
_ARG = re.compile(r"^\s*ARG (?:--\S+ )*([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One upstream tag: its Earthfile, the version that says, and the paths in its tree."""

    name: str
    version: str
    earthfile: str
    paths: frozenset[str]

    @property
    def base_args(self) -> frozenset[str]:
        """The ARGs of the base recipe: what stands before the first Earthly target."""
        return frozenset(_ARG.findall(_TARGET.split(self.earthfile, maxsplit=1)[0]))

    @property
    def earthly_targets(self) -> frozenset[str]:
        return frozenset(_TARGET.findall(self.earthfile))

    def read(self, path: str) -> str:
        return git("show", f"{self.name}:{path}")

    def holds(self, path: str) -> bool:
        """Whether a file or directory is there."""
        return path in self.paths or any(one.startswith(f"{path}/") for one in self.paths)


def git(*words: str) -> str:
    command = ["git", f"--git-dir={os.environ['CANVOS_REPO']}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@cache
def tags() -> Mapping[str, Tag]:
    """The tags from v4.0.2 on, and main: the first to say their version in the Earthfile."""
    names = git("for-each-ref", "--format=%(refname:short)", "refs/tags/v4*", "refs/heads/main").split()
    return {name: _tag(name) for name in names}


def _tag(name: str) -> Tag:
    earthfile = git("show", f"{name}:Earthfile")
    found = _VERSION.search(earthfile)
    assert found, name
    paths = frozenset(git("ls-tree", "-r", "--name-only", name).splitlines())
    return Tag(name=name, version=found[1], earthfile=earthfile, paths=paths)
