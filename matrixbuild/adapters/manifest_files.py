"""The path of a manifest -> one Document of it and of all that it extends, checked against the schema."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.schema_check import check, check_part, check_whole
from matrixbuild.adapters.yaml_files import MAX_BYTES, read_document
from matrixbuild.core.document import Document, Node
from matrixbuild.core.merging import EXTENDS, merge, plain
from matrixbuild.core.problems import InvalidError, Place, Problem, did_you_mean

MAX_FILES = 8
"""Files that make one manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    path: Path
    document: Document


def read_manifest_document(path: Path) -> Document:
    """The manifest at `path` with what it inherits (core.merging.merge); its file is `path`, and its places name the files they are in.

    Each file is read under its own caps and checked by itself; what is required has to be there once they are merged. Raises InvalidError
    with all problems of all files, or with that of the `extends` that leads nowhere.
    """
    files = _chain(path)
    if len(files) == 1:
        document = plain(files[0].document)
        problems = check(document, schema="manifest")
    else:
        parts = [plain(file.document) for file in files]
        document = _merged(files, parts)
        told = [problem for part in parts for problem in check_part(part, schema="manifest")]
        problems = tuple(dict.fromkeys([*told, *check_whole(document, schema="manifest")]))
    if problems:
        raise InvalidError(*problems)
    return document


def manifests_in(directory: Path) -> tuple[Path, ...]:
    """The files in a directory, by name, that say `kind: BuildMatrix`; one that says so and is no YAML is one of them.

    Raises InvalidError where none does.
    """
    try:
        files = sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml") and os.path.isfile(path))  # noqa: PTH113
    except OSError as error:
        summary = f"{directory} cannot be read: {error.strerror}"
        raise InvalidError(Problem(summary=summary, hint="name a directory of manifests", code="no-file")) from error
    found = tuple(path for path in files if _is_manifest(path))
    if not found:
        hint = "a manifest says `kind: BuildMatrix`, in a file that ends in .yaml or .yml"
        raise InvalidError(Problem(summary=f"there is no manifest in {directory}", hint=hint, code="no-file"))
    return found


def _is_manifest(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            # Without NUL, the word is found in UTF-16 too: such a file is told, not left out.
            if not _SAYS_SO.search(stream.read(MAX_BYTES + 1).replace(b"\0", b"")):
                return False
        kind = read_document(path).root.get("kind")
    except (OSError, InvalidError):
        return True
    return kind is not None and kind.value == "BuildMatrix"


_SAYS_SO = re.compile(rb"""kind["']?\s*:\s*["']?BuildMatrix""")


def _chain(path: Path) -> list[_File]:
    """The manifest, then what it extends, and what that extends."""
    files = [_File(path=path, document=read_document(path))]
    _check_foreign(files[0].document.root, path)
    try:
        while EXTENDS in files[-1].document.root.entries:
            files.append(_extended(files))
    except InvalidError as error:
        others = [problem for file in files for problem in check_part(plain(file.document), schema="manifest")]
        raise InvalidError(*error.problems, *others) from error
    return files


def _check_foreign(root: Node, path: Path) -> None:
    """What this program wrote itself is told in one sentence, not by each of its keys that no manifest has."""
    if root.get("apiVersion") is not None:
        return
    for mark, (what, hint) in _WRITTEN_BY_US.items():
        if mark in root.entries:
            place = root.entries[mark].key.place
            raise InvalidError(Problem(summary=f"this is {what}, not a manifest", place=place, hint=hint.format(path=path), code="not-a-manifest"))


_WRITTEN_BY_US = {
    "planVersion": ("a saved plan", "`matrixbuild apply {path}` carries it out"),
    "lockVersion": ("a lock", "name the manifest it lies beside"),
}


def _extended(files: Sequence[_File]) -> _File:
    """What the last of these files extends."""
    last = files[-1]
    place = last.document.place((EXTENDS,))
    path = _shown(last.path.parent / _name(last.document.root[EXTENDS], place))
    again = next((index for index, file in enumerate(files) if os.path.realpath(file.path) == os.path.realpath(path)), None)
    if again is not None:
        circle = " -> ".join(str(one) for one in [*(file.path for file in files[again:]), path])
        raise _wrong(f"manifests extend each other in a circle: {circle}", place, hint="take one `extends` out")
    if len(files) == MAX_FILES:
        raise _wrong(f"a manifest is made of at most {MAX_FILES} files", place, hint="put what they share into fewer files")
    if not os.path.isfile(path):  # noqa: PTH113 (Path.is_file raises for a name that no file can have)
        raise _wrong(f"there is no file {_cut(str(path))}", place, hint=_near(path))
    return _File(path=path, document=read_document(path))


def _name(node: Node, place: Place) -> str:
    if not isinstance(node.value, str) or not node.value.strip() or "\0" in node.value:
        raise _wrong("extends has to be the name of one file", place, hint="for example extends: common.yaml")
    return node.value


def _shown(path: Path) -> Path:
    """Without `x/..`, where that is the same file."""
    short = Path(os.path.normpath(path))
    return short if os.path.realpath(short) == os.path.realpath(path) else path


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml")]
    except OSError:
        names = []
    return did_you_mean(path.name, names) or "`extends` is relative to the file it stands in"


def _cut(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _wrong(summary: str, place: Place, *, hint: str) -> InvalidError:
    return InvalidError(Problem(summary=summary, place=place, hint=hint, code="extends"))


def _merged(files: Sequence[_File], parts: Sequence[Document]) -> Document:
    merged = parts[-1]
    for index in range(len(parts) - 2, -1, -1):
        # Of real directories: core.merging.joined takes `..` back by name, which behind a link would lead elsewhere.
        base, own = (os.path.realpath(files[at].path.parent) for at in (index + 1, index))
        merged = merge(merged, parts[index], directory=Path(os.path.relpath(base, own)).as_posix())
    return merged
