"""Notes of one process are there for the next."""

from __future__ import annotations

from pathlib import Path

from matrixbuild.adapters.notes import Notes


def test_notes_are_there_for_the_next_process(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    notes.put("key", {"B", "A"})
    notes.save()
    assert Notes(tmp_path).get("key") == frozenset({"A", "B"})
    assert Notes(tmp_path).get("other") is None


def test_without_a_project_nothing_is_kept(tmp_path: Path) -> None:
    notes = Notes()
    notes.put("key", ())
    notes.save()
    assert notes.get("key") == frozenset()
    assert Notes().empty
    assert list(tmp_path.iterdir()) == []


def test_nothing_new_is_nothing_to_write(tmp_path: Path) -> None:
    Notes(tmp_path).save()
    assert list(tmp_path.iterdir()) == []


def test_too_many_are_cut_to_those_in_use(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    for number in range(5_000):
        notes.put(str(number), ())
    notes.save()
    again = Notes(tmp_path)
    again.get("7")
    again.put("new", ())
    again.save()
    last = Notes(tmp_path)
    assert [last.get(key) for key in ("7", "new", "8")] == [frozenset(), frozenset(), None]
