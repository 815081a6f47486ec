"""A manifest file -> what it declares, and what that comes to."""

from __future__ import annotations

from pathlib import Path

from matrixbuild.adapters.schema_check import check, schema_names, schema_text
from matrixbuild.adapters.yaml_files import read_document
from matrixbuild.core import manifest_reader
from matrixbuild.core.expand import Expansion, expand, in_order
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.problems import InvalidError, Problem, UsageError, did_you_mean


def read_manifest(path: Path) -> Manifest:
    """What the manifest declares; InvalidError with all problems of the file by itself."""
    manifest = _declared(path)
    if manifest.problems:
        raise InvalidError(*in_order(manifest.problems))
    return manifest


def read_and_expand(path: Path) -> Expansion:
    """The manifest's cells and demands, none of them doubtful; InvalidError with all problems, and with the warnings after them."""
    expansion = expand(_declared(path))
    if expansion.problems:
        raise InvalidError(*expansion.problems, *expansion.warnings)
    return expansion


def schema(name: str) -> str:
    """The text of a schema; UsageError where there is none of that name."""
    try:
        return schema_text(name)
    except KeyError:
        names = schema_names()
        hint = did_you_mean(name, names) or f"there are {', '.join(names)}"
        raise UsageError(Problem(summary=f"there is no schema {name!r}", hint=hint, code="unknown-schema")) from None


def _declared(path: Path) -> Manifest:
    document = read_document(path)
    if problems := check(document, schema="manifest"):
        raise InvalidError(*problems)
    return manifest_reader.read(document)
