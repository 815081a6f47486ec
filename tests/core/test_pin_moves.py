"""What an update of a lock moves, as data."""

from __future__ import annotations

from matrixbuild.core.impact import Reached
from matrixbuild.core.pin_moves import LockUpdate, Move, Upstream, VersionMove, engine_move, moves, version_moves
from tests.core.test_pins import pins


def test_only_what_differs_is_a_move() -> None:
    assert moves((("a", "1"), ("b", "1"), ("c", "1")), (("b", "1"), ("c", "2"), ("d", "2"))) == (
        Move(name="a", old="1", new=""),
        Move(name="c", old="1", new="2"),
        Move(name="d", old="", new="2"),
    )
    assert engine_move(pins(), pins()) is None
    assert engine_move(None, pins()) == Move(name="engine", old="", new="embedded/1")


def test_versions_gained_and_lost() -> None:
    before = pins(versions={"k3s 1.30.x": ("1.30.1", "1.30.2"), "k3s all": ("1.1.1",), "rke2 all": ("1.1.1",)})
    after = pins(versions={"k3s 1.30.x": ("1.30.2", "1.30.3"), "k3s latest 1": ("1.31.1",), "rke2 all": ("1.1.1",)})
    found = version_moves(before, after)
    assert [(move.pick, move.gained, move.lost) for move in found] == [
        ("k3s 1.30.x", ("1.30.3",), ("1.30.1",)),
        ("k3s all", (), ("1.1.1",)),
        ("k3s latest 1", ("1.31.1",), ()),
    ]
    assert version_moves(None, after)[0] == VersionMove(axis="kubernetes", pick="k3s 1.30.x", old=(), new=("1.30.2", "1.30.3"))


def test_earthly_targets_are_told_with_the_files_that_reach_them() -> None:
    files = (Reached(path="a", targets=("+x", "+y")), Reached(path="b", targets=("+x",)), Reached(path="c"))
    found = Upstream(git="g", ref="r", old="1", new="2", files=files)
    assert found.targets == (("+x", ("a", "b")), ("+y", ("a",)))


def test_an_update_without_moves_is_none() -> None:
    assert not LockUpdate(name="edge").moved
    assert LockUpdate(name="edge", images=(Move(name="a", old="", new="1"),)).moved
    assert not LockUpdate(name="edge", notes=("why",)).compared
