"""A manifest -> what its builds need of this machine and of others, as far as that is known without asking anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.project import project_root
from matrixbuild.core.build import Build
from matrixbuild.core.checkup import Check, fail, warn
from matrixbuild.core.counts import counted
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import MatrixbuildError, Problem, UnusableError
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import KINDS, Prepared, prepare
from matrixbuild.workflow.reading import read_and_expand

_NAMES = {"earthly": "Earthly", "docker": "Docker", "embedded": "the embedded engine"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What is to be built: `builds` is None where nobody can know yet, `manifest` without one; `base` and `root` are the directories of the manifest
    and of its project, `commit` is that of a git source that is here, `source` a directory that stands in for it. `bases` are the base images, each
    with whether an apply asks for it here, since no pin answers it; `secret_files` names of secrets whose content is laid over the source."""

    base: Path = Path()
    root: Path = Path()
    manifest: Manifest | None = None
    builds: tuple[Build, ...] | None = None
    bases: tuple[tuple[ImageName, bool], ...] = ()
    secret_files: tuple[str, ...] = ()
    commit: str = ""
    source: Path | None = None

    def builds_of(self, kind: str) -> tuple[Build, ...]:
        """Those that an engine of this kind builds."""
        return tuple(build for build in self.builds or () if KINDS[build.engine] == kind)

    def has(self, kind: str) -> bool:
        """Whether something is certain to be built by this kind of engine."""
        return bool(self.builds_of(kind)) or (self.builds is None and self.manifest is not None and self.manifest.engine.kind == kind)

    def may_have(self, kind: str) -> bool:
        """Whether something may be: where nobody can know, anything may."""
        return self.builds is None or self.has(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The needs, and how the manifest itself is."""

    needs: Needs
    checks: tuple[Check, ...]


def read_needs(path: Path | None, options: Options) -> Known:
    """What a manifest needs; nobody is asked, and a manifest that is wrong is a check that failed."""
    if path is None:
        return Known(needs=Needs(base=Path.cwd(), root=Path.cwd()), checks=())
    nothing = Needs(base=path.parent, root=project_root(path))
    try:
        known = _prepared(path, prepare(path, resolve=False, options=replace(options, offline=True)))
        return replace(known, needs=replace(known.needs, source=options.source))
    except MatrixbuildError as error:
        if not (isinstance(error, UnusableError) and error.problems[0].code == "offline"):
            return Known(needs=nothing, checks=tuple(_wrong(path, error.problems)))
    return _unfetched(path, options, nothing)


def _unfetched(path: Path, options: Options, nothing: Needs) -> Known:
    try:
        manifest = read_and_expand(path, options).manifest
    except MatrixbuildError as error:
        return Known(needs=nothing, checks=tuple(_wrong(path, error.problems)))
    check = warn("manifest", f"{path}: what it builds is known with its source", "`matrixbuild plan` fetches it")
    files = tuple(file.secret.value for file in manifest.source.files if file.secret)
    return Known(needs=replace(nothing, manifest=manifest, secret_files=files), checks=(check,))


def _wrong(path: Path, problems: Sequence[Problem]) -> Iterator[Check]:
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    yield fail("manifest", f"{first}{more}", first.hint or f"`matrixbuild validate {path}` tells everything that is wrong")


def _prepared(path: Path, prepared: Prepared) -> Known:
    builds = prepared.selected
    needs = Needs(
        base=path.parent,
        root=prepared.project.root,
        manifest=prepared.manifest,
        builds=builds,
        bases=tuple(dict.fromkeys(_bases(builds, prepared))),
        secret_files=tuple(dict.fromkeys(_secret_files(builds, prepared.manifest))),
        commit=prepared.trees.commit,
    )
    counts = Counter(KINDS[build.engine] for build in builds)
    told = ", ".join(f"{counts[kind]:,} by {name}" for kind, name in _NAMES.items() if counts[kind])
    summary = f"{path}: {counted(len(prepared.expansion.cells), 'cell')}, {counted(len(builds), 'build')} ({told})"
    return Known(needs=needs, checks=(Check(name="manifest", summary=summary),))


def _bases(builds: Sequence[Build], prepared: Prepared) -> Iterator[tuple[ImageName, bool]]:
    for ref in sorted({ref for build in builds for ref, _ in build.inputs.bases}):
        try:
            yield ImageName.parse(ref, layout=prepared.manifest.layout), ref in prepared.unpinned
        except ValueError:
            continue  # a plan tells of such a name, where it stands


def _secret_files(builds: Sequence[Build], manifest: Manifest) -> Iterator[str]:
    for index in sorted({index for build in builds for index in build.variant}):
        if secret := manifest.source.files[index].secret:
            yield secret.value
