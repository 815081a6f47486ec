"""Paths of Earthfiles, or of directories with some -> what lint has to say of each of them; reads the files around them where it must."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.project import project_root
from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.linting import NAMES, RULES, lint
from matrixbuild.core.earthfile.linting_findings import Finding
from matrixbuild.core.listing import Kind, Listing
from matrixbuild.core.problems import InvalidError, Problem, UsageError, did_you_mean

_LARGEST_SCRIPT = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """One Earthfile; `problem` is why it cannot be read, and then there are no findings."""

    file: str
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None

    @property
    def warnings(self) -> int:
        return sum(not finding.remark for finding in self.findings)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All there is to tell of it."""
        return (self.problem,) if self.problem else tuple(finding.problem for finding in self.findings)


def lint_paths(paths: Sequence[Path], *, ignored: Sequence[str] = ()) -> tuple[Linted, ...]:
    """Each Earthfile once; a directory stands for all below it. `ignored` are names of rules.

    Raises InvalidError for a path that is not there or a directory without Earthfiles, UsageError for a rule that is none.
    """
    _check_rules(ignored)
    checkouts: dict[Path, _Checkout] = {}
    found: dict[Path, Linted] = {}
    for path in paths:
        whole = project_root(path / NAMES[0] if path.is_dir() else path)
        for file in _files(path):
            real = file.resolve()
            root = whole if real.is_relative_to(whole) else project_root(real)
            if real not in found:
                found[real] = _lint(str(file), real, checkouts.setdefault(root, _Checkout(root)), frozenset(ignored))
    return tuple(found.values())


def _check_rules(names: Sequence[str]) -> None:
    known = [rule.name for rule in RULES]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise UsageError(Problem(summary=f"lint has no rule {name!r}", hint=hint, code="usage"))


def _files(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        if not path.is_file():
            raise InvalidError(Problem(summary=f"there is no file {path}", hint="name an Earthfile, or a directory with Earthfiles", code="no-file"))
        return (path,)
    found = tuple(_below(path))
    if not found:
        raise InvalidError(Problem(summary=f"there is no Earthfile in {path}", hint="name one", code="no-file"))
    return found


def _below(directory: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(name for name in folders if name != ".git")
        yield from (Path(folder, name) for name in NAMES if name in files)


def _lint(file: str, real: Path, checkout: _Checkout, ignored: frozenset[str]) -> Linted:
    directory = real.parent.relative_to(checkout.root).as_posix()
    text = real.read_bytes().decode("utf-8", "surrogateescape")
    try:
        found = lint(text, file=file, directory="" if directory == "." else directory, checkout=checkout)
    except EarthfileError as error:
        return Linted(file=file, problem=error.problem())
    return Linted(file=file, findings=tuple(finding for finding in found if finding.rule.name not in ignored))


class _Checkout:
    """The files of a project. One too large for a script has no text: a binary would take long to look through, and names nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = Snapshot(root)

    @property
    def listing(self) -> Listing:
        return self._files.listing

    def text(self, path: str) -> str | None:
        entry = self.listing.entries.get(path)
        if entry is None or entry.kind is not Kind.FILE or (self.root / path).stat().st_size > _LARGEST_SCRIPT:
            return None
        return self._files.text(path)
