"""What a manifest may say of the program that builds."""

from __future__ import annotations

import pytest

from matrixbuild.core.declared import Text
from matrixbuild.core.engine_use import check_engine_use
from matrixbuild.core.problems import Problem
from matrixbuild.core.surroundings import EngineUse
from tests.builders import place


def problems(*builders: str, cache: int = 0, **use: str) -> list[Problem]:
    found: list[Problem] = []
    texts = tuple(Text(value=value, place=place(5)) for value in builders)
    check_engine_use(EngineUse(**use, cache=cache, builders=texts, place=place(4)), found)
    return found


@pytest.mark.parametrize("version", ["", ">=0.8.15 <0.9", "0.8.x", "^0.8.3", ">=0.7", "0.8.16"])
def test_a_range_that_has_a_version_of_the_known_line_is_right(version: str) -> None:
    assert problems(version=version) == []
    assert problems(kind="earthly", version=version, program="/usr/bin/earthly") == []


@pytest.mark.parametrize("version", [">=0.9", "<0.8", "0.7.x"])
def test_a_range_without_one_is_refused(version: str) -> None:
    summary = f"engine.version {version!r} allows no version of Earthly 0.8, and this matrixbuild knows no other line"
    assert problems(version=version) == [Problem(summary=summary, place=place(4), hint='for example ">=0.8.15 <0.9"', code="engine-version")]


def test_what_is_no_range_is_told() -> None:
    (problem,) = problems(kind="earthly", version="the newest")
    assert (problem.code, problem.place) == ("version-range", place(4))
    assert problem.summary.startswith("engine.version: ")


def test_the_embedded_engine_has_no_program() -> None:
    assert problems("tcp://builder:8372", kind="embedded", version="0.8.x", program="/usr/bin/earthly") == [
        Problem(
            summary=f"engine.{key} is about Earthly, and engine.kind is embedded",
            place=place(4),
            hint=f"remove {key}, or let kind be earthly or auto",
            code="engine-program",
        )
        for key in ("version", "program", "builders")
    ]


def test_a_builder_is_an_address_that_the_program_would_take_for_one() -> None:
    assert problems("tcp://builder:8372", "tcp://127.0.0.2:8372", kind="earthly") == []
    (problem,) = problems("tcp://builder:8372", "builder:8372")
    summary = "engine.builders: 'builder:8372' is no address of a builder: it has no scheme"
    assert problem == Problem(summary=summary, place=place(5), hint='write "tcp://builder:8372"', code="builder-address")


def test_one_program_builds_and_not_two() -> None:
    summary = "engine.image and engine.program are two programs, and one builds"
    assert problems(image="earthly", program="/usr/bin/earthly") == [
        Problem(summary=summary, place=place(4), hint="remove one of them", code="engine-image")
    ]
    assert problems("tcp://builder:8372", image="earthly") == []
    assert problems(image="earthly", cache=1) == []


def test_the_cache_is_that_of_the_builder_in_docker() -> None:
    summary = "engine.cache is about the builder that matrixbuild keeps in Docker, and engine.builders names others"
    hint = "remove it: each builder has its own configuration"
    assert problems("tcp://builder:8372", cache=1) == [Problem(summary=summary, place=place(4), hint=hint, code="engine-cache")]
    assert [problem.summary for problem in problems(kind="embedded", cache=1, image="earthly")] == [
        "engine.image is about Earthly, and engine.kind is embedded",
        "engine.cache is about Earthly, and engine.kind is embedded",
    ]
