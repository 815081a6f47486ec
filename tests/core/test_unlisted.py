from __future__ import annotations

import pytest

from matrixbuild.core.catalogs import Catalog
from matrixbuild.core.expand import Expansion
from matrixbuild.core.facts import Facts
from tests.manifest_texts import told
from tests.profile_cases import on_profile
from tests.profile_texts import profile

AXES = """  axes:
    k: {description: Kubernetes, scheme: semver}
    fips: {description: validated, default: false}"""
CATALOG = Catalog(file="Earthfile", plain={"rke2": ("1.30.1", "1.31.1")}, fips={"rke2": ("1.30.1", "1.30.2"), "kubeadm-fips": ("1.30.1",)})


def expanded(fips: str = "\n    fips: [false, true]", *, override: str = "", catalog: Catalog = CATALOG, **parts: str) -> Expansion:
    known = profile(
        axes=AXES,
        catalog="  catalog: {file: versions.json, axis: k, fipsAxis: fips}",
        targets='  targets:\n    provider: {earthly: +provider, image: {repository: "{{ registry }}/edge", tag: "{{ k }}-{{ fips }}"}}',
    )
    use = {"profile": f"  profile: {{name: edge, override: {{{override}}}}}"} if override else {}
    axes = f'  axes:\n    k: [{{distribution: rke2, versions: ["1.30.1", "1.30.2", "1.31.1"]}}]{fips}'
    return on_profile(Facts(profile=known, catalog=catalog), **{"axes": axes, **use, **parts})


def left(expansion: Expansion) -> list[str]:
    assert told(expansion.problems) == []
    return [str(cell) for cell in expansion.cells]


BOTH = ["fips=false,k=rke2-1.30.1", "fips=false,k=rke2-1.31.1", "fips=true,k=rke2-1.30.1", "fips=true,k=rke2-1.30.2"]


class TestLists:
    def test_each_cell_has_the_versions_of_its_own_list(self) -> None:
        found = expanded()
        assert left(found) == BOTH
        assert {str(one.cell): [(rule.name, rule.reason) for rule in one.rules] for one in found.dropped} == {
            "fips=false,k=rke2-1.30.2": [("R04", "Earthfile lists the version only for FIPS")],
            "fips=true,k=rke2-1.31.1": [("R04", "Earthfile lists the version only without FIPS")],
        }

    def test_the_same_where_fips_is_no_axis_of_the_matrix(self) -> None:
        found = expanded(fips="")
        assert left(found) == ["k=rke2-1.30.1", "k=rke2-1.31.1"]
        assert told(found.warnings) == [
            "m.yaml:8:51: no cell is left with k rke2-1.30.2 [\"1.30.2\"] (dropped by 'R04' (Earthfile lists the version only for FIPS))"
        ]

    def test_one_list_for_both(self) -> None:
        one = Catalog(file="versions.json", plain={"rke2": ("1.30.1", "1.30.2", "1.31.1")})
        assert len(left(expanded(catalog=one))) == 6

    def test_an_included_cell_of_the_other_list(self) -> None:
        include = '  include:\n    - {k: {distribution: kubeadm-fips, version: "1.30.1"}, fips: false}'
        found = expanded(include=include)
        assert told(found.problems) == [
            (
                "m.yaml:13:8: the rule 'R04' drops the included cell fips=false,k=kubeadm-fips-1.30.1 [k] "
                "(Earthfile lists the version only for FIPS: remove the entry)"
            )
        ]


class TestOverrides:
    def test_off_and_warn_let_pass_what_the_other_list_has(self) -> None:
        assert len(left(expanded(override='R04: "off"'))) == 6
        warned = expanded(override="R04: warn")
        assert len(left(warned)) == 6
        assert told(warned.warnings) == [
            "m.yaml:8:5: the rule 'R04' remarks on 1 cell: Earthfile lists the version only for FIPS [k] (fips=false,k=rke2-1.30.2)",
            "m.yaml:8:5: the rule 'R04' remarks on 1 cell: Earthfile lists the version only without FIPS [k] (fips=true,k=rke2-1.31.1)",
        ]

    def test_drop_is_what_it_does_anyway(self) -> None:
        assert left(expanded(override="R04: drop")) == BOTH

    @pytest.mark.parametrize("fips", ["\n    fips: [false]", "\n    fips: [true]"])
    def test_deny_refuses(self, fips: str) -> None:
        flag, only, version = ("false", "for", "1.30.2") if "false" in fips else ("true", "without", "1.31.1")
        assert told(expanded(fips, override="R04: deny").problems) == [
            f"m.yaml:8:5: the rule 'R04' refuses 1 cell: Earthfile lists the version only {only} FIPS [k] (fips={flag},k=rke2-{version})"
        ]
