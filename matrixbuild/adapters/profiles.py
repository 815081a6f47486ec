"""The name of a profile -> the profile, from the files that are shipped with the program."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core import profile_reader
from matrixbuild.core.declared import Text
from matrixbuild.core.document import Document
from matrixbuild.core.packed_document import packed, unpacked
from matrixbuild.core.problems import InvalidError, Problem, did_you_mean
from matrixbuild.core.profile import Profile

_SUFFIX = ".yaml"
_PACKED = ".json"


def profile_names() -> tuple[str, ...]:
    """The profiles there are, sorted."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in _directory().iterdir() if path.name.endswith(_SUFFIX)))


def profile(name: Text) -> Profile:
    """The profile that a manifest names. Raises InvalidError, at that place, where there is none."""
    known = profile_names()
    if name.value not in known:
        hint = did_you_mean(name.value, known) or f"known here: {', '.join(known)}"
        raise InvalidError(Problem(summary=f"there is no profile {name.value!r}", place=name.place, hint=hint, code="unknown-profile"))
    return _read(name.value)


def profile_document(name: str) -> Document:
    """The shipped file as it is written, under a name that is the same on every machine."""
    return parse_document(_written(name), file=_file(name))


def packed_text(name: str) -> str:
    """What stands beside the file of a profile and is read in its place as long as it was made of the very same bytes: to parse YAML takes
    many times as long."""
    return json.dumps({"of": _digest(_written(name)), "root": packed(profile_document(name))}, ensure_ascii=False, separators=(",", ":")) + "\n"


def document_of(packed_form: bytes, written: bytes, *, file: str) -> Document | None:
    """The document `written` that `packed_form` was made of (as `packed_text` makes it); None where that was another state of the file."""
    found = json.loads(packed_form)
    return unpacked(found["root"], file=file, lines=written.decode().split("\n")) if found["of"] == _digest(written) else None


@cache
def _read(name: str) -> Profile:
    return profile_reader.read(_packed_document(name) or profile_document(name))


def _packed_document(name: str) -> Document | None:
    try:
        found = (_directory() / f"{name}{_PACKED}").read_bytes()
    except FileNotFoundError:
        return None
    return document_of(found, _written(name), file=_file(name))


def _written(name: str) -> bytes:
    return (_directory() / f"{name}{_SUFFIX}").read_bytes()


def _file(name: str) -> str:
    return f"profiles/{name}{_SUFFIX}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _directory() -> Path:
    return Path(__file__).parents[1] / "profiles"
