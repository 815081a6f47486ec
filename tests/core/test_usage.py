"""Where a build is, in a few words, and as an event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrixbuild.core.happenings import Progressed, usage_to_dict
from matrixbuild.core.usage import UNMEASURED, Making, Progress, Usage, together


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (Progress(), ""),
        (Progress(earthly="+base"), "+base"),
        (Progress(step=3, steps=40), "step 3 of 40"),
        (Progress(earthly="+base", step=3, steps=40, cached=2, percent=60, line="left out"), "+base step 3 of 40, 2 cached, 60 %"),
    ],
)
def test_progress_in_words(progress: Progress, told: str) -> None:
    assert str(progress) == told


def test_progress_as_an_event() -> None:
    assert Progressed(build="a", progress=Progress()).to_dict() == {"event": "build-progressed", "build": "a", "step": 0, "steps": 0, "cached": 0}
    whole = Progress(earthly="+base", step=3, steps=40, cached=2, percent=0, line="apt")
    told = Progressed(build="a", progress=whole).to_dict()
    assert told == {
        "event": "build-progressed",
        "build": "a",
        "step": 3,
        "steps": 40,
        "cached": 2,
        "earthly": "+base",
        "percent": 0,
        "line": "apt",
    }


def test_usage_says_what_was_measured() -> None:
    assert usage_to_dict(UNMEASURED) == {}
    assert usage_to_dict(Usage(memory=5, cpu=1.23456)) == {"memory": 5, "cpu": 1.235}


def test_what_programs_took_one_after_the_other() -> None:
    assert together([]) == UNMEASURED
    assert together([UNMEASURED, Usage(memory=5)]) == Usage(memory=5)
    assert together([Usage(memory=7, cpu=1.5), Usage(memory=5, cpu=2.0)]) == Usage(memory=7, cpu=3.5)
    a, b, c = (Making(target=target, seconds=1.0) for target in ("+a", "+b", "+c"))
    longer, part = replace(a, seconds=3.0), replace(b, seconds=9.0, part=0.5)
    assert together([Usage(made=(longer, b)), UNMEASURED, Usage(made=(a,)), Usage(made=(c, part))]) == Usage(made=(longer, b, c))
