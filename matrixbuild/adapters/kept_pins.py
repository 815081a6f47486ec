"""Pins of an apply that was not published <-> a file in the state directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from matrixbuild.adapters.lock_file import replace_file
from matrixbuild.core import documents
from matrixbuild.core.documents import DocumentError
from matrixbuild.core.lock import Pins
from matrixbuild.core.pins import Kept
from matrixbuild.core.problems import Problem, RefusedError, UnusableError

_NAME = "pins.json"
_VERSION = 1
_FIELDS = frozenset({"keptVersion", "manifest", "pins", "over"})


def read_kept(state: Path, *, manifest: str) -> Kept | None:
    """What is kept in a state directory; None where there is nothing, or it is of another manifest than the one of this path in the project.

    Raises RefusedError where it is not what this program writes, UnusableError where it cannot be read.
    """
    path = state / _NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable("read", path, error) from error
    try:
        document = documents.mapping(json.loads(data), _FIELDS)
        return _kept(document) if document.get("manifest") == manifest else None
    except (ValueError, RecursionError, DocumentError) as error:
        hint = "remove it: what an apply had resolved or drawn is forgotten then, and the next one does so anew"
        raise RefusedError(Problem(summary=f"the kept pins {path} are broken: {error}", hint=hint, code="broken-pins")) from error


def write_kept(state: Path, found: Kept, *, manifest: str) -> None:
    """Keep pins in a state directory that is there. Raises UnusableError."""
    document = {"keptVersion": _VERSION, "manifest": manifest, "over": dict(found.over), "pins": found.pins.to_dict()}
    path = state / _NAME
    try:
        replace_file(path, f"{json.dumps(document, indent=2, sort_keys=True)}\n".encode())
    except OSError as error:
        raise _unusable("write", path, error) from error


def forget_kept(state: Path) -> None:
    """Raises UnusableError where what is kept cannot be removed."""
    path = state / _NAME
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable("remove", path, error) from error


def _kept(document: Mapping[str, object]) -> Kept:
    if document.get("keptVersion") != _VERSION:
        raise DocumentError(f"Expected {_VERSION}", "keptVersion")
    return Kept(
        pins=documents.field(document, "pins", Pins.from_dict),
        over=documents.field(document, "over", lambda value: documents.texts(documents.is_a(value, dict))),
    )


def _unusable(verb: str, path: Path, error: OSError) -> UnusableError:
    summary = f"cannot {verb} the kept pins {path}: {error.strerror or error}"
    return UnusableError(Problem(summary=summary, hint="check its directory, its permissions and the space left", code="state"))
