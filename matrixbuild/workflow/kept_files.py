"""Builds that are to run, and what earlier ones left on this machine -> a refusal where files would be replaced that never are (keys, say)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from matrixbuild.core.build import Build
from matrixbuild.core.problems import Problem, RefusedError


def check_kept_files(builds: Iterable[Build], output: Path) -> None:
    """Raise RefusedError, naming all of them, for builds with `keepFiles` that have a file or directory below `output` already."""
    problems = [problem for build in builds if build.keeps_files for problem in _problems(build, output)]
    if problems:
        raise RefusedError(*problems)


def _problems(build: Build, output: Path) -> Iterator[Problem]:
    for _, name in build.artifacts:
        path = output / build.slug / name
        if os.path.lexists(path):
            shown = os.path.relpath(path)
            summary = f"{build.name} is to be built, and would replace {shown}, which its target keeps (keepFiles)"
            hint = f"keep {shown} somewhere else first, or leave this build out with -l"
            yield Problem(summary=summary, place=build.place, hint=hint, code="kept-files")
