"""What a manifest may say of the program that builds."""

from __future__ import annotations

import pytest

from matrixbuild.core.engine_use import check_engine_use
from matrixbuild.core.problems import Problem
from matrixbuild.core.surroundings import EngineUse
from tests.builders import place


def problems(**use: str) -> list[Problem]:
    found: list[Problem] = []
    check_engine_use(EngineUse(**use, place=place(4)), found)
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
    assert problems(kind="embedded", version="0.8.x", program="/usr/bin/earthly") == [
        Problem(
            summary=f"engine.{key} is about Earthly, and engine.kind is embedded",
            place=place(4),
            hint=f"remove {key}, or let kind be earthly or auto",
            code="engine-program",
        )
        for key in ("version", "program")
    ]
