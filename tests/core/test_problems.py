"""Problems print their place, and near misses find the word that was meant."""

from __future__ import annotations

from matrixbuild.core.problems import InvalidError, Place, Problem, RefusedError, did_you_mean


def test_a_problem_prints_its_place_and_its_summary() -> None:
    place = Place(file="release.yaml", line=12, column=5)
    assert str(Problem(summary="unknown key 'tagets'", place=place)) == "release.yaml:12:5: unknown key 'tagets'"
    assert str(Problem(summary="nothing is selected")) == "nothing is selected"


def test_an_error_carries_every_problem_and_its_exit_code() -> None:
    error = InvalidError(Problem(summary="one"), Problem(summary="two"))
    assert str(error) == "one\ntwo"
    assert (error.exit_code, RefusedError.exit_code) == (3, 5)


def test_did_you_mean_names_the_nearest_word_or_nothing() -> None:
    assert did_you_mean("tagets", ["targets", "rules"]) == "did you mean 'targets'?"
    assert did_you_mean("zzz", ["targets", "rules"]) == ""
