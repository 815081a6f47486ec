from __future__ import annotations

from matrixbuild.core.axes import Axes, known_axes, product
from matrixbuild.core.catalogs import Catalog
from matrixbuild.core.cells import Cell
from matrixbuild.core.picks import Picker
from matrixbuild.core.problems import Problem
from tests.manifest_texts import declared, expanded, manifest_text, told


def values(axis: str) -> list[tuple[str, tuple[tuple[str, str], ...], object]]:
    """Text, fields and scalar of each value of an axis `a`."""
    problems: list[Problem] = []
    axes = known_axes(declared(manifest_text(axes=f"  axes:\n    a: {axis}")), problems)
    assert not problems
    return [(value.text, value.fields, value.scalar) for value in axes["a"].values.values()]


class TestValues:
    def test_scalars(self) -> None:
        assert values('[k3s, "1.30", true, false]') == [("k3s", (), "k3s"), ("1.30", (), "1.30"), ("true", (), True), ("false", (), False)]

    def test_versions_make_one_value_each_with_fields_in_declared_order(self) -> None:
        assert values('[{flavour: core, versions: ["1", "2"], init: systemd}]') == [
            ("core-1-systemd", (("flavour", "core"), ("version", "1"), ("init", "systemd")), None),
            ("core-2-systemd", (("flavour", "core"), ("version", "2"), ("init", "systemd")), None),
        ]

    def test_a_mapping_without_versions_is_one_value(self) -> None:
        assert values('[{distribution: ubuntu, version: "22.04"}]') == [("ubuntu-22.04", (("distribution", "ubuntu"), ("version", "22.04")), None)]


def picked(entries: str) -> tuple[list[str], list[str]]:
    """The values of an axis whose versions are in a catalog, and what is wrong with it."""
    problems: list[Problem] = []
    picker = Picker(axis="kubernetes", catalog=Catalog(file="versions.json", plain={"k3s": ("1.34.2", "1.34.6", "1.35.1")}))
    axes = known_axes(declared(manifest_text(axes=f"  axes:\n    kubernetes: [{entries}]")), problems, picker=picker)
    return list(axes["kubernetes"].values), told(tuple(problems))


class TestProduct:
    def test_axes_by_name_and_values_as_declared(self) -> None:
        axes = known_axes(declared(manifest_text(axes="  axes:\n    b: [z, a]\n    a: [true, false]")), [])
        assert [str(cell) for cell in product(axes)] == ["a=true,b=z", "a=true,b=a", "a=false,b=z", "a=false,b=a"]

    def test_its_cells_are_written_as_any_other(self) -> None:
        axes = known_axes(declared(manifest_text(axes="  axes:\n    os: [{d: u, v: jammy}, {d: u, v: noble}]\n    a: [true, false]")), [])
        assert [cell.text for cell in product(axes)] == [Cell(values=cell.values).text for cell in product(axes)]

    def test_without_axes_there_is_one_cell(self) -> None:
        assert [cell.text for cell in product(Axes({}))] == [""]


class TestProblems:
    def test_a_value_twice(self) -> None:
        axes = '  axes:\n    os: [{distribution: ubuntu, versions: ["22.04"]}, ubuntu-22.04]\n    fips: [true, "true"]'
        assert told(expanded(axes=axes).problems) == [
            "m.yaml:8:55: os has two values that read ubuntu-22.04 [ubuntu-22.04] (the first is in line 8)",
            'm.yaml:9:18: fips has two values that read true ["true"] (the first is in line 9)',
        ]

    def test_ranges_may_overlap_with_what_is_named(self) -> None:
        overlapping = '{d: k3s, versions: ["1.34.6", "1.34.x"]}, {d: k3s, versions: {latest: 1}}'
        assert picked(overlapping) == (["k3s-1.34.6", "k3s-1.34.2", "k3s-1.35.1"], [])

    def test_but_not_with_other_args(self) -> None:
        texts, problems = picked('{d: k3s, versions: ["1.34.x"]}, {d: k3s, versions: ["1.34.6"], args: {A: b}}')
        assert texts == ["k3s-1.34.2", "k3s-1.34.6"]
        assert problems == [
            (
                'm.yaml:8:70: kubernetes has two values that read k3s-1.34.6 ["1.34.6"] '
                "(the first is in line 8: give both the same args, or take it out of the range)"
            )
        ]

    def test_what_is_named_twice_is_twice(self) -> None:
        assert picked('{d: k3s, versions: ["1.34.6", "1.34.6"]}')[1] == [
            'm.yaml:8:48: kubernetes has two values that read k3s-1.34.6 ["1.34.6"] (the first is in line 8)'
        ]

    def test_a_range_is_no_version(self) -> None:
        axes = '  axes:\n    os: [{a: b, versions: ["1.34.x"]}]\n    fips: [true]'
        assert told(expanded(axes=axes).problems) == [
            (
                "m.yaml:8:28: '1.34.x' is a range, not a version [\"1.34.x\"] "
                "(name the versions; ranges need the catalog of a profile)"
            )
        ]

    def test_nor_do_all_versions_mean_any_without_a_catalog(self) -> None:
        axes = "  axes:\n    os: [{a: b, versions: all}]\n    fips: [true]"
        assert told(expanded(axes=axes).problems) == [
            "m.yaml:8:27: nothing says which versions there are [all] (name the versions; ranges need the catalog of a profile)"
        ]

    def test_too_many_cells_are_counted_before_they_are_made(self) -> None:
        many = ", ".join(f"v{number}" for number in range(600))
        axes = "  axes:\n" + "\n".join(f"    {name}: [{many}]" for name in ("os", "fips", "c", "d"))
        expansion = expanded(axes=axes)
        assert told(expansion.problems) == [
            (
                "m.yaml:4:1: 600 c x 600 d x 600 fips x 600 os are 129,600,000,000 cells, and a manifest has at most 200,000 [spec] "
                "(take values away, or make several manifests)"
            )
        ]
        assert expansion.cells == ()
