"""What a manifest says of the program that builds -> what is wrong with it, whatever the source turns out to need."""

from __future__ import annotations

from collections.abc import Iterator

from matrixbuild.core.declared import Text
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.surroundings import EngineUse
from matrixbuild.core.versions import Scheme, parse_range

EARTHLY_LINE = "0.8"
"""The versions of Earthly that matrixbuild knows: any patch of this line."""

DEFAULT_IMAGE = "docker.io/earthly/earthly:v0.8.16"
"""What runs in Docker where there is no program: the last release of Earthly, program and builder in one image."""

_PATCHES = 100


def check_engine_use(use: EngineUse, problems: list[Problem]) -> None:
    """A range of versions has to allow the line that is known, and an address be one; the embedded engine is no program, and has none to say
    anything of."""
    place = use.place
    if use.kind == "embedded":
        said = (("version", use.version), ("program", use.program), ("builders", use.builders), ("image", use.image), ("cache", use.cache))
        problems.extend(_no_program(key, place) for key, value in said if value)
        return
    problems.extend(_contradictions(use))
    if use.version:
        problems.extend(_range(use.version, place))
    problems.extend(problem for builder in use.builders if (problem := _address(builder)))


def _address(builder: Text) -> Problem | None:
    from matrixbuild.core.builder_address import Mistake, read_address

    found = read_address(builder.value)
    if not isinstance(found, Mistake):
        return None
    return Problem(summary=f"engine.builders: {found.summary}", place=builder.place, hint=found.hint, code="builder-address")


def _contradictions(use: EngineUse) -> Iterator[Problem]:
    if use.image and use.program:
        summary = "engine.image and engine.program are two programs, and one builds"
        yield Problem(summary=summary, place=use.place, hint="remove one of them", code="engine-image")
    if use.cache and use.builders:
        summary = "engine.cache is about the builder that matrixbuild keeps in Docker, and engine.builders names others"
        yield Problem(summary=summary, place=use.place, hint="remove it: each builder has its own configuration", code="engine-cache")


def _no_program(key: str, place: Place | None) -> Problem:
    hint = f"remove {key}, or let kind be earthly or auto"
    return Problem(summary=f"engine.{key} is about Earthly, and engine.kind is embedded", place=place, hint=hint, code="engine-program")


def _range(version: str, place: Place | None) -> list[Problem]:
    try:
        wanted = parse_range(version, Scheme.SEMVER)
    except ValueError as error:
        return [Problem(summary=f"engine.version: {error}", place=place, hint='for example ">=0.8.15 <0.9"', code="version-range")]
    if any(wanted.matches(f"{EARTHLY_LINE}.{patch}") for patch in range(_PATCHES)):
        return []
    summary = f"engine.version {version!r} allows no version of Earthly {EARTHLY_LINE}, and this matrixbuild knows no other line"
    return [Problem(summary=summary, place=place, hint='for example ">=0.8.15 <0.9"', code="engine-version")]
