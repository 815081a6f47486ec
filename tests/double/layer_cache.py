"""The layers that were made so far, as a directory of the daemon's: a key for what made each, and when that was."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from matrixbuild.adapters.engines.embedded.execute import Executor
from matrixbuild.adapters.engines.embedded.layers import write_layer
from matrixbuild.core.earthfile.recipe import BaseImage, NeedsShell, Scratch, Tree, WrittenFile


class Cache:
    """A cache that several doubles use at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def made(self, key: str) -> str:
        """When the layer with this key was made, as a configuration tells it; "" where it was not."""
        file = self._folder / key
        return file.read_text() if file.exists() else ""

    def put(self, key: str) -> None:
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        part = self._folder / f"{key}.{uuid.uuid4().hex}"
        part.write_text(f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z")
        part.replace(self._folder / key)

    @contextlib.contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """While this lasts, no other double makes the same layer: what several builds share is made once."""
        with (self._folder / f"{key}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class Keys:
    """The key of each node of a recipe: the base image, and then what each command did; of a RUN that is its text and its ARGs."""

    def __init__(self, executor: Executor, scratch: Path) -> None:
        self._executor = executor
        self._scratch = scratch
        self._known: dict[int, tuple[Tree, str]] = {}
        self._fresh: dict[int, str] = {}

    def run_anew(self, node: Tree) -> None:
        """What a RUN --no-cache made is another thing each time, for all that follows."""
        self._fresh[id(node)] = uuid.uuid4().hex
        self._known.pop(id(node), None)

    def key(self, node: Tree) -> str:
        if id(node) not in self._known:
            self._known[id(node)] = (node, hashlib.sha256(self._text(node).encode("utf-8", "surrogateescape")).hexdigest())
        return self._known[id(node)][1]

    def _text(self, node: Tree) -> str:
        if isinstance(node, Scratch):
            return "scratch"
        if isinstance(node, BaseImage):
            return f"{node.ref} {node.platform}"
        if isinstance(node, NeedsShell):
            return f"shell {self.key(node.parent)}"
        if isinstance(node, WrittenFile):
            return f"run {self.key(node.parent)} {node.text} {self._fresh.get(id(node), '')}"
        layer = write_layer(self._executor.tree(node.parent), self._executor.tree(node), self._scratch / "key.tar.gz")
        return f"files {self.key(node.parent)} {layer.diff_id}"
