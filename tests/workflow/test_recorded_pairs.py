"""Our build keys against what real programs did: each recorded difference has another key, and what is the same has the same key, but for
what is written down in the case with the reason (tests/pairs; recorded by tests/live/record.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pairs.case import CASES, FOLDER, load
from tests.pairs.compare import Verdict, verdicts
from tests.pairs.observation import KINDS, base_failed, recorded, recorded_of, short

RECORDED = [name for name in CASES if not load(name).by_hand]


def test_there_are_cases_enough() -> None:
    assert len(CASES) >= 100
    assert sum(len(load(name).varied) for name in CASES) >= 1200


@pytest.mark.parametrize("name", CASES)
def test_the_keys_follow_what_was_seen(name: str, tmp_path: Path) -> None:
    case = load(name)
    found = list(verdicts(case, tmp_path))
    assert {verdict.engine for verdict in found} >= {"earthly"}
    assert not [str(verdict) for verdict in found if verdict.missed]
    assert not [f"{verdict.engine} refuses {verdict.about}, which is built" for verdict in found if verdict.refused]
    assert {verdict.about for verdict in found if verdict.careful and verdict.engine == "earthly"} <= case.over.keys()
    assert not [str(verdict) for verdict in found if ran_again(verdict)]


def ran_again(verdict: Verdict) -> bool:
    """Whether something was executed for files that we call unaffected. ARGs are in the environment of each command, whether it reads them or not."""
    return not verdict.ours and not verdict.about_args and bool(verdict.ran)


@pytest.mark.parametrize("name", RECORDED)
def test_both_programs_were_asked(name: str) -> None:
    assert recorded(name).keys() == set(KINDS)
    assert recorded_of(name) == {short(load(name).described)}, "the case is another one now: record it again"
    assert not any(base_failed(name).values()), "where the base fails, nothing can be told by its variations"
    for record in recorded(name).values():
        assert record.keys() == load(name).varied.keys()


def test_there_is_no_record_without_its_case() -> None:
    assert sorted(path.stem for path in (FOLDER / "recorded").glob("*.json")) == sorted(RECORDED)
