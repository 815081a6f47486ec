"""A cell is written as its axes, and reduced to some of them."""

from __future__ import annotations

from matrixbuild.core.cells import AxisValue, Cell

UBUNTU = AxisValue(text="ubuntu-22.04", fields=(("distribution", "ubuntu"), ("version", "22.04")))
CELL = Cell(values=(("fips", AxisValue(text="false", scalar=False)), ("os", UBUNTU)))


def test_a_cell_is_written_as_its_axes() -> None:
    assert str(CELL) == "fips=false,os=ubuntu-22.04"
    assert CELL.axes == ("fips", "os")


def test_a_value_knows_its_fields() -> None:
    assert CELL["os"].field("version") == "22.04"
    assert CELL["os"].field("edition") is None


def test_a_cell_is_reduced_to_some_axes() -> None:
    assert str(CELL.only(frozenset({"os", "unknown"}))) == "os=ubuntu-22.04"


def test_a_cell_that_has_no_other_axes_is_itself() -> None:
    assert CELL.only(frozenset({"os", "fips", "unknown"})) is CELL


def test_cells_are_equal_by_their_values() -> None:
    same = Cell(values=(("fips", AxisValue(text="false", scalar=False)), ("os", UBUNTU)))
    quoted = Cell(values=(("fips", AxisValue(text="false", scalar="false")), ("os", UBUNTU)))
    assert (same, hash(same)) == (CELL, hash(CELL))
    assert quoted != CELL
    assert {CELL: 1, quoted: 2}[same] == 1
    assert CELL != "fips=false,os=ubuntu-22.04"
