from __future__ import annotations

from matrixbuild.core.events import Paused, Resumed
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.pauses import Pauses, gates
from tests.builders_schedule import failure

HUB = "hub.example"
DOWN = failure(FailureKind.NETWORK, host=HUB)
DAEMON = failure(FailureKind.BUILDER)


def test_a_build_has_the_gates_of_its_hosts_and_one_that_all_have() -> None:
    assert gates([HUB]) == {("asked", HUB), ("proven", HUB), ("proven", "")}
    assert gates([]) == {("proven", "")}


def test_who_probes_waits_only_where_a_registry_asked_to() -> None:
    assert gates([HUB], probing=True) == {("asked", HUB)}


def test_a_host_is_open_again_when_every_timer_has_rung() -> None:
    pauses = Pauses(9)
    pauses.ask("a", DOWN, 5.0)
    pauses.ask("b", DOWN, 9.0)
    assert pauses.shut == {("asked", HUB)}
    pauses.rang("a")
    assert pauses.shut == {("asked", HUB)}
    pauses.rang("b")
    assert not pauses.shut
    cause = f"asked {HUB}"
    told = [Paused(cause=cause, build=name, failure=DOWN, host=HUB, seconds=seconds) for name, seconds in (("a", 5.0), ("b", 9.0))]
    assert pauses.told() == [*told, Resumed(cause=cause)]
    assert pauses.told() == []


def test_a_cause_without_a_host_shuts_the_gate_that_all_builds_have() -> None:
    pauses = Pauses(2)
    for name in ("a", "b"):
        assert pauses.failed(name, DAEMON, again=True, outside=True) == []
    assert pauses.shut == {("proven", "")}
    assert [pauses.may_go(name) for name in ("b", "a")] == [True, False]
    assert pauses.probes("b")
    assert not pauses.probes("a")
    assert pauses.finished("b", []) == ["a"]
    assert not pauses.shut


def test_any_build_that_gets_through_proves_it_for_all() -> None:
    pauses = Pauses(1)
    pauses.failed("a", DOWN, again=True, outside=True)
    assert pauses.finished("elsewhere", ["mirror.example"]) == []
    assert pauses.shut == {("proven", HUB)}
    pauses.finished("b", [HUB])
    assert not pauses.shut
    assert pauses.may_go("a")


def test_without_another_attempt_there_is_nobody_to_probe_and_no_pause() -> None:
    pauses = Pauses(1)
    pauses.failed("a", DOWN, again=False, outside=True)
    assert not pauses.shut
