"""Manifest files -> what each of them comes to, and everything that is wrong with them, each by itself and all together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.manifest_files import manifests_in
from matrixbuild.adapters.project import project_root
from matrixbuild.adapters.yaml_files import read_document
from matrixbuild.core.claims import Claim, Claimant, conflicts
from matrixbuild.core.expand import Expansion
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.problems import MatrixbuildError, Problem, Severity
from matrixbuild.core.surroundings import PublishMode
from matrixbuild.workflow.options import PLAIN, Options
from matrixbuild.workflow.reading import read_and_expand


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One manifest: what it comes to (None where it is wrong), and what there is to say about it."""

    path: Path
    expansion: Expansion | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Manifests that were checked; `together` are the problems that they have only with each other."""

    manifests: tuple[Checked, ...]
    together: tuple[Problem, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Each one once: two manifests may extend the same wrong file."""
        return tuple(dict.fromkeys([*(problem for checked in self.manifests for problem in checked.problems), *self.together]))

    @property
    def valid(self) -> bool:
        return not any(problem.severity is Severity.ERROR for problem in self.problems)


def validate(paths: Sequence[Path], options: Options = PLAIN) -> Validation:
    """Check manifests, all read as `options` say; a directory stands for those in it. Raises InvalidError where a directory holds none."""
    checked = tuple(_check(path, options) for path in _found(paths))
    right = [(one.path, one.expansion) for one in checked if one.expansion]
    return Validation(manifests=checked, together=conflicts([_claimant(path, expansion) for path, expansion in right]) if len(right) > 1 else ())


def _found(paths: Sequence[Path]) -> Iterator[Path]:
    """Each file once, however often it is named."""
    seen = set[str]()
    for path in paths:
        is_directory = os.path.isdir(path)  # noqa: PTH112 (Path.is_dir raises for a name that no file can have)
        for file in manifests_in(path) if is_directory else (path,):
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def _check(path: Path, options: Options) -> Checked:
    # A source that is not there is one more thing to tell: the other manifests are checked all the same.
    try:
        expansion = read_and_expand(path, options)
    except MatrixbuildError as error:
        return Checked(path=path, expansion=None, problems=error.problems)
    return Checked(path=path, expansion=expansion, problems=expansion.warnings)


def _claimant(path: Path, expansion: Expansion) -> Claimant:
    manifest = expansion.manifest
    silent = manifest.publish.mode is PublishMode.NONE
    return Claimant(
        file=str(path),
        name=manifest.name,
        name_place=read_document(path).place(("metadata", "name")),
        project=str(project_root(path)),
        images=() if silent else tuple(_claims(path, expansion)),
    )


def _claims(path: Path, expansion: Expansion) -> Iterator[Claim]:
    for demand in expansion.demands:
        if demand.image:
            place = demand.asked.tag.place if demand.asked.tag else demand.place
            yield Claim(ref=_anywhere(demand.image, path), shown=str(demand.image), place=place)


def _anywhere(image: ImageName, path: Path) -> str:
    """An image's name with the directory of its layout in full."""
    if not image.registry.startswith(LAYOUT_PREFIX):
        return str(image)
    layout = os.path.realpath(path.parent / image.registry.removeprefix(LAYOUT_PREFIX))
    return str(image).replace(image.registry, f"{LAYOUT_PREFIX}{layout}", 1)
