"""The name of a profile -> the profile, from the files that are shipped with the program."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core import profile_reader
from matrixbuild.core.declared import Text
from matrixbuild.core.document import Document
from matrixbuild.core.problems import InvalidError, Problem, did_you_mean
from matrixbuild.core.profile import Profile

_SUFFIX = ".yaml"


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
    return parse_document((_directory() / f"{name}{_SUFFIX}").read_bytes(), file=f"profiles/{name}{_SUFFIX}")


@cache
def _read(name: str) -> Profile:
    return profile_reader.read(profile_document(name))


def _directory() -> Any:
    return resources.files("matrixbuild.profiles")
