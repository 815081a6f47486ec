"""What can be worked out again, kept in a file of the state directory: whole and intact, or as if it had never been kept."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from matrixbuild.adapters.state import STATE_DIRECTORY, make_in_state
from matrixbuild.core.names import sha256

CACHE_DIRECTORY = "cache"


def cache_file(project: Path, name: str) -> Path:
    """Where a project keeps the cache of this name."""
    return project / STATE_DIRECTORY / CACHE_DIRECTORY / f"{name}.json"


def read_cache(file: Path, form: str) -> Mapping[str, object]:
    """What `write_cache` put there; nothing where there is no file, or one of another form, or one that is not as it was written."""
    try:
        head, _, body = file.read_bytes().partition(b"\n")
        if head != _head(form, body):
            return {}
        return cast("Mapping[str, object]", json.loads(body))
    except (OSError, ValueError, RecursionError):
        return {}  # a cache that cannot be read is one that has nothing


def write_cache(file: Path, form: str, content: Mapping[str, object]) -> None:
    """Keep a mapping. Several processes may do so at once: the last one's file is there, whole. Where nothing can be written, nothing is kept."""
    body = json.dumps(content, separators=(",", ":")).encode("ascii")
    with contextlib.suppress(OSError):  # a project that may only be read is planned all the same
        make_in_state(file.parent)
        _replace(file, _head(form, body) + b"\n" + body)


def _head(form: str, body: bytes) -> bytes:
    return f"{form} {sha256(body)}".encode()


def _replace(file: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".tmp", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
