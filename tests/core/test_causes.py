"""Failures are told once a cause, with what tells the cells that failed from those that were built."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.causes import Cause, Loss, cause_key, causes
from matrixbuild.core.cells import Cell
from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.graph import Address
from tests.builders import cell

ZYPPER = Failure(kind=FailureKind.STEP, summary="RUN zypper install kernel-default: exit code 104", lines=("Package 'kernel-default' not found.",))
CELLS = [cell(os=("opensuse-leap", "15.6") if suse else ("ubuntu", "24.04"), fips=fips, kubernetes=("k3s", version))
         for suse in (True, False) for fips in (True, False) for version in ("1.33.10", "1.34.2")]  # fmt: skip


def address(one: Cell) -> Address:
    return "provider", one


def loss(one: Cell, failure: Failure = ZYPPER, target: str = "provider") -> Loss:
    return Loss(build=f"{target}[{one}]", target=target, cells=(one,), failure=failure)


def told(bad: list[Cell], good: list[Cell]) -> list[str]:
    return [cause.told for cause in causes(map(loss, bad), built=map(address, good), run=map(address, CELLS))]


def test_failures_of_one_cause_are_one_with_the_value_they_share() -> None:
    bad, good = CELLS[:4], CELLS[4:]
    (cause,) = causes(map(loss, bad), built=map(address, good), run=map(address, CELLS))
    assert cause == Cause(failure=ZYPPER, builds=tuple(sorted(f"provider[{one}]" for one in bad)), shared=(("os", "opensuse-leap-15.6"),))
    assert cause.told == "{os=opensuse-leap-15.6}"


def test_where_no_single_value_tells_a_combination_does() -> None:
    bad = [one for one in CELLS if one["fips"].text == "true" and "suse" in one["os"].text]
    assert told(bad, [one for one in CELLS if one not in bad]) == ["{fips=true,os=opensuse-leap-15.6}"]


def test_what_every_cell_of_the_run_has_tells_nothing() -> None:
    assert told(CELLS, []) == [""]
    suse = CELLS[:4]
    assert [cause.told for cause in causes(map(loss, suse), built=(), run=map(address, suse))] == [""]
    assert told(suse, []) == ["{os=opensuse-leap-15.6}"]


def test_one_failed_cell_says_all_by_itself() -> None:
    assert told(CELLS[:1], CELLS[1:]) == [""]


def test_where_nothing_tells_nothing_is_told() -> None:
    assert told([CELLS[0], CELLS[7]], CELLS[1:7]) == [""]


def test_a_base_image_that_was_built_says_nothing_of_what_is_built_on_it() -> None:
    bases = [("fips-base", one) for one in CELLS]
    (cause,) = causes(map(loss, CELLS[:4]), built=[*bases, *map(address, CELLS[4:])], run=[*bases, *map(address, CELLS)])
    assert cause.told == "{os=opensuse-leap-15.6}"


def test_causes_come_with_that_of_most_builds_first() -> None:
    full = Failure(kind=FailureKind.DISK, summary="no space left on device")
    losses = [loss(CELLS[0], full), *(loss(one) for one in CELLS[1:4])]
    assert [(len(cause.builds), cause.failure.kind) for cause in causes(losses, built=(), run=())] == [(3, FailureKind.STEP), (1, FailureKind.DISK)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pulling sha256:0a1b2c3d4e5f failed", "pulling sha256:99aabbccdd01 failed"),
        ("2026-11-22T10:11:12Z no route to host", "2026-11-23 01:02:03.5 no route to host"),
        ("10:11:12.345 no route to host", "23:59:01 no route to host"),
        ("read tcp 10.0.0.7:48122->10.0.0.1:443: connection reset", "read tcp 10.0.0.9:51234->10.0.0.1:443: connection reset"),
        ("kairos-k3s:v1.33.10-k3s1 not found", "kairos-k3s:v1.34.2-k3s1 not found"),
        ("session 123e4567-e89b-12d3-a456-426614174000 is gone", "session 00000000-e89b-12d3-a456-426614174999 is gone"),
        ("process 12345 was killed", "process  23456 was killed"),
    ],
)
def test_what_varies_makes_no_other_cause(one: str, other: str) -> None:
    assert cause_key(Failure(kind=FailureKind.NETWORK, summary=one)) == cause_key(Failure(kind=FailureKind.NETWORK, summary=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("exit code 1", "exit code 137"),
        ("HTTP 502 Bad Gateway", "HTTP 503 Service Unavailable"),
        ("dial tcp 10.0.0.1:53: i/o timeout", "dial tcp 10.0.0.1:443: i/o timeout"),
        ("Earthfile:12:5 no such file", "Earthfile:13:5 no such file"),
        ("package a not found", "package b not found"),
    ],
)
def test_what_tells_is_kept(one: str, other: str) -> None:
    assert cause_key(Failure(kind=FailureKind.STEP, summary=one)) != cause_key(Failure(kind=FailureKind.STEP, summary=other))


def test_kind_host_and_lines_tell_causes_apart_and_the_cells_own_values_do_not() -> None:
    base = Failure(kind=FailureKind.NETWORK, summary="it failed", lines=("why",), host="a.example")
    others = [
        Failure(kind=FailureKind.PUSH, summary="it failed", lines=("why",), host="a.example"),
        Failure(kind=FailureKind.NETWORK, summary="it failed", lines=("because",), host="a.example"),
        Failure(kind=FailureKind.NETWORK, summary="it failed", lines=("why",), host="b.example"),
    ]
    assert len({cause_key(each) for each in (base, *others)}) == 4
    suse, ubuntu = (Failure(kind=FailureKind.STEP, summary=f"no kernel for {name}") for name in ("opensuse", "ubuntu"))
    assert cause_key(suse, ["opensuse"]) == cause_key(ubuntu, ["ubuntu"])
    assert cause_key(suse) != cause_key(ubuntu)


@given(st.sets(st.sampled_from(CELLS), min_size=2), st.data())
def test_what_is_told_all_failed_cells_have_and_no_built_one(bad: set[Cell], data: st.DataObject) -> None:
    rest = [one for one in CELLS if one not in bad]
    good = data.draw(st.sets(st.sampled_from(rest))) if rest else set()
    (cause,) = causes(map(loss, bad), built=map(address, good), run=map(address, CELLS))
    for one, (axis, value) in itertools.product(bad, cause.shared):
        assert one[axis].text == value
    if cause.shared:
        assert not any(all(one[axis].text == value for axis, value in cause.shared) for one in good)
