"""What was prepared -> what builds its Earthly targets: the program that somebody names or PATH has, else the image of one, through Docker."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Remark
from matrixbuild.adapters.engines.earthly.builders import open_builders
from matrixbuild.adapters.engines.earthly.programs import find_program
from matrixbuild.core.build import Build
from matrixbuild.core.failure import BuildFailed
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.program import Program, scrubbed
from matrixbuild.workflow.bench import Bench
from matrixbuild.workflow.planning import Prepared

_INSTALL = "install Earthly 0.8 or EarthBuild, or name the program (engine: {program: ...}); `matrixbuild doctor` shows what is here"


def program_of(prepared: Prepared) -> Program | None:
    """The program of this machine that is to build; None: Docker is to run one. Raises UnusableError for one that cannot build what is asked."""
    use = prepared.manifest.engine
    program = None if use.image else find_program(use, base=prepared.project.manifest.parent)
    if program and use.cache:
        raise UnusableError(_no_cache(program, prepared))
    return program


def bench_of(
    prepared: Prepared, program: Program | None, builds: Iterable[Build], held: ExitStack, *, children: Children, work: Path, remark: Remark
) -> Bench:
    """All of it goes with `held`. `work` is a directory that only this run may read. Raises UnusableError."""
    if program is None:
        return _in_docker(prepared, builds, held, children=children, work=work, remark=remark)
    builders = open_builders(prepared.manifest.engine, program, work=work, children=children)
    return Bench(program=program, builders=builders, seen=scrubbed(os.environ))


def _in_docker(prepared: Prepared, builds: Iterable[Build], held: ExitStack, *, children: Children, work: Path, remark: Remark) -> Bench:
    from matrixbuild.workflow.docker_builder import open_in_docker

    try:
        return open_in_docker(prepared, builds, held, children=children, work=work, remark=remark)
    except UnusableError as error:
        problem = error.problems[0]
        if prepared.manifest.engine.image or problem.code != "no-docker":
            raise
        summary = f"the builds of this manifest need Earthly, neither earth nor earthly is on PATH, and {problem.summary}"
        raise UnusableError(Problem(summary=summary, place=prepared.manifest.engine.place, hint=_INSTALL, code="program")) from error
    except BuildFailed as error:
        raise UnusableError(Problem(summary=error.failure.summary, hint=error.failure.hint, code="docker")) from error
    except OSError as error:
        summary = f"cannot write {error.filename or work}: {error.strerror or error}"
        raise UnusableError(Problem(summary=summary, hint="check its permissions and the space left", code="state")) from error


def _no_cache(program: Program, prepared: Prepared) -> Problem:
    summary = f"engine.cache is about the builder that matrixbuild keeps in Docker, and here {program.title} builds ({program.path})"
    hint = f"remove it, and set cache_size_mb in ~/{program.directory}/config.yml; or name an image with engine.image: then Docker builds"
    return Problem(summary=summary, place=prepared.manifest.engine.place, hint=hint, code="engine-cache")
