from __future__ import annotations

import base64
import urllib.parse

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.known_secrets import KnownSecrets
from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.problems import Place, Problem

SECRET = "canary/7?+x"


def knowing(*values: str) -> KnownSecrets:
    known = KnownSecrets()
    known.learn(values)
    return known


def test_a_text_is_shown_without_them_in_any_form() -> None:
    known = knowing(SECRET)
    encoded, quoted = base64.b64encode(SECRET.encode()).decode(), urllib.parse.quote(SECRET, safe="")
    assert known.hidden(f"{SECRET} {encoded} {quoted} canary") == "*** *** *** canary"


def test_all_that_were_learned_are_hidden() -> None:
    known = knowing(SECRET)
    known.learn(["another one"])
    known.learn([SECRET])
    assert known.hidden(f"{SECRET}, another one, a third") == "***, ***, a third"


def test_those_of_a_command_that_is_over_are_none() -> None:
    known = knowing(SECRET)
    known.forget()
    assert known.hidden(SECRET) == SECRET
    known.learn([SECRET])
    assert known.hidden(SECRET) == "***"


def test_one_that_is_too_short_hides_nothing() -> None:
    assert knowing("abc").hidden("abcdef") == "abcdef"


def test_a_failure_is_told_without_them_and_is_the_same_otherwise() -> None:
    place = Place(file="Earthfile", line=3, text=f"RUN curl -u {SECRET}")
    failure = Failure(kind=FailureKind.STEP, summary=f"no {SECRET}", lines=("one", SECRET), place=place, hint=f"not {SECRET}", host="docker.io")
    shown = Place(file="Earthfile", line=3, text="RUN curl -u ***")
    assert knowing(SECRET).hidden_failure(failure) == Failure(
        kind=FailureKind.STEP, summary="no ***", lines=("one", "***"), place=shown, hint="not ***", host="docker.io"
    )
    assert knowing().hidden_failure(failure) is failure


def test_problems_are_told_without_them() -> None:
    problem = Problem(summary=f"no {SECRET}", hint=f"not {SECRET}", code="start")
    assert knowing(SECRET).hidden_problems([problem]) == (Problem(summary="no ***", hint="not ***", code="start"),)
    assert knowing().hidden_problems([problem]) == (problem,)


@given(st.text(), st.text())
def test_any_text_can_be_asked_for(before: str, after: str) -> None:
    assert SECRET not in knowing(SECRET).hidden(f"{before}{SECRET}{after}")


def test_half_a_pair_is_shown_as_an_escape() -> None:
    assert knowing(SECRET).hidden(f"\ud800 {SECRET}") == "\\ud800 ***"
