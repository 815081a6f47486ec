"""Builds that are to run, and what builds of other manifests left below out/ -> a refusal where one would replace another's artifacts.

All manifests of a project share out/, and two of them may have a build of one name (design.md 3 and 6): only its key says whether it is the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from matrixbuild.adapters.output_owners import Owner, own_output, owner_of_output
from matrixbuild.adapters.state import called
from matrixbuild.core.build import Build
from matrixbuild.core.problems import Problem, RefusedError
from matrixbuild.workflow.projects import Project


def check_owned_files(builds: Iterable[Build], project: Project) -> None:
    """Raise RefusedError, naming all of them, for builds whose artifacts would replace those of another manifest's build that is another."""
    manifest = called(project.manifest, project.root)
    if problems := [problem for build in builds if build.artifacts for problem in _problems(build, project, manifest)]:
        raise RefusedError(*problems)


def own_files(builds: Iterable[Build], project: Project) -> None:
    """Mark where artifacts of these builds go as the manifest's, before one of them is written. Raises as `check_owned_files`."""
    wanted = [build for build in builds if build.artifacts]
    check_owned_files(wanted, project)
    manifest = called(project.manifest, project.root)
    for build in wanted:
        own_output(project.output / build.slug, Owner(manifest=manifest, key=build.key))


def _problems(build: Build, project: Project, manifest: str) -> Iterator[Problem]:
    directory = project.output / build.slug
    owner = owner_of_output(directory)
    if owner is None or owner.manifest == manifest or owner.key == build.key:
        return
    shown = os.path.relpath(directory)
    yield Problem(
        summary=f"{build.name} is to be built, and would replace what {owner.manifest} wrote below {shown}",
        place=build.place,
        hint=f"call the target otherwise in one of the two manifests, or remove {shown} if nobody needs it any more",
        code="others-files",
    )
