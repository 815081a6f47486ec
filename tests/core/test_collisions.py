"""What builds would overwrite of each other, told with what would keep it apart."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from matrixbuild.core.build import builds
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Demand, Written
from matrixbuild.core.problems import InvalidError, Problem
from tests.builders import arg, asking, cell, demand, place, read_by


def problems(*demands: Demand) -> tuple[Problem, ...]:
    with pytest.raises(InvalidError) as raised:
        builds(demands, read_by(demands))
    return raised.value.problems


def provider(at: Cell, tag: str, *, target: str = "provider", line: int = 5, covered: Collection[str] | None = None) -> Demand:
    args = [arg(axis.upper(), value.text, axis) for axis, value in at.values]
    made = demand(target, at, args=args, image=f"localhost:5000/p:{tag}", line=line)
    return asking(made, covered=frozenset(at.axes) if covered is None else frozenset(covered))


def test_two_builds_on_one_ref_are_told_with_the_axis_that_the_tag_lacks() -> None:
    assert problems(provider(cell(fips=False, os="u"), "u"), provider(cell(fips=True, os="u"), "u")) == (
        Problem(
            summary="provider[fips=false,os=u] and provider[fips=true,os=u] differ and would both publish localhost:5000/p:u: "
            "the tag does not tell fips",
            place=place(5),
            hint='add it to the tag at manifests/edge.yaml:5:1, for example tag: "u-{{ fips }}"',
            code="shared-ref",
        ),
    )


def test_an_axis_of_fields_is_told_by_the_field_that_differs() -> None:
    (problem,) = problems(provider(cell(os=("ubuntu", "22.04")), "p"), provider(cell(os=("ubuntu", "24.04")), "p"))
    assert problem.hint == 'add it to the tag at manifests/edge.yaml:5:1, for example tag: "p-{{ os.version }}"'


def test_only_axes_that_are_needed_to_tell_builds_apart_are_named() -> None:
    cells = [cell(k8s="1", os="u"), cell(k8s="2", os="v"), cell(k8s="3", os="v")]
    (problem,) = problems(*(provider(at, "p") for at in cells))
    assert problem.summary.endswith("localhost:5000/p:p (3 images, 1 tag): the tag does not tell k8s")


def test_both_axes_are_named_where_neither_is_enough() -> None:
    (problem,) = problems(*(provider(cell(k8s=k8s, os=os), "p") for k8s in "12" for os in "uv"))
    assert problem.summary.endswith("would both publish localhost:5000/p:p (4 images, 1 tag): the tag does not tell k8s and os")
    assert problem.hint.endswith('for example tag: "p-{{ k8s }}-{{ os }}"')


def test_many_refs_of_one_cause_are_one_problem() -> None:
    (problem,) = problems(*(provider(cell(fips=fips, os=os), os) for fips in (False, True) for os in "uvw"))
    assert problem.summary == (
        "provider[fips=false,os=u] and provider[fips=true,os=u] differ and would both publish localhost:5000/p:u (6 images, 3 tags): "
        "the tag does not tell fips"
    )


def test_refs_that_lack_different_axes_are_one_problem_that_names_all_of_them() -> None:
    cells = [cell(fips=fips, os=("ubuntu", version)) for fips in (False, True) for version in ("22.04", "24.04")]
    (problem,) = problems(*(provider(at, "p") for at in cells), *(provider(cell(fips=fips, os=("leap", "15.6")), "leap") for fips in (False, True)))
    assert problem.summary.endswith("(6 images, 2 tags): the tag does not tell fips and os.version")
    assert problem.hint.endswith('for example tag: "leap-{{ fips }}-{{ os.version }}"')


def test_an_axis_with_one_value_that_changes_the_content_is_told_but_no_collision() -> None:
    one, other = (provider(cell(arch="amd64", fips=fips, os="u"), "u", covered=["os"]) for fips in (False, True))
    (problem,) = problems(one, other)
    assert problem.hint.endswith('for example tag: "u-{{ fips }}"; it does not tell arch either, of which there is one value now')
    (made,) = builds([one], read_by([one]))
    assert made.uncovered == ("arch", "fips")


def test_axes_whose_values_run_into_each_other_do_not_tell_builds_apart() -> None:
    """a-b, c and a, b-c are one text."""
    (problem,) = problems(provider(cell(k8s="a-b", os="c"), "p"), provider(cell(k8s="a", os="b-c"), "p"))
    assert problem.summary.endswith("the tag does not tell os")


def test_two_targets_on_one_ref_are_told_with_both_places() -> None:
    assert problems(provider(cell(os="u"), "u", line=5), provider(cell(os="u"), "u", target="uki", line=9)) == (
        Problem(
            summary="provider[os=u] and uki[os=u] differ and would both publish localhost:5000/p:u: no axis tells them apart",
            place=place(5),
            hint="give one of them another tag or repository, at manifests/edge.yaml:5:1 and manifests/edge.yaml:9:1",
            code="shared-ref",
        ),
    )


def test_two_targets_that_lack_axes_as_well_are_told_each_by_itself_and_together() -> None:
    cells = [cell(fips=fips, os="u") for fips in (False, True)]
    found = problems(*(provider(at, "u", line=5) for at in cells), *(provider(at, "u", target="uki", line=9) for at in cells))
    assert {(problem.summary, problem.hint) for problem in found} == {
        (
            f"{target}[fips=false,os=u] and {target}[fips=true,os=u] differ and would both publish localhost:5000/p:u: the tag does not tell fips",
            f'add it to the tag at manifests/edge.yaml:{line}:1, for example tag: "u-{{{{ fips }}}}"',
        )
        for target, line in (("provider", 5), ("uki", 9))
    } | {
        (
            "provider[fips=false,os=u] and uki[fips=false,os=u] differ and would both publish localhost:5000/p:u (4 images, 1 tag): no axis tells them apart",
            "give one of them another tag or repository, at manifests/edge.yaml:5:1 and manifests/edge.yaml:9:1",
        )
    }


def test_two_targets_that_an_axis_tells_apart_are_one_problem() -> None:
    """As provider and uki-provider, each for cells of its own."""
    (problem,) = problems(provider(cell(os="u", uki=False), "u"), provider(cell(os="u", uki=True), "u", target="uki", line=9))
    assert problem.summary.endswith("would both publish localhost:5000/p:u: the tag does not tell uki")


def test_a_tag_of_the_profile_is_given_anew_by_the_manifest() -> None:
    """Nobody can add to it where it stands."""
    tag = Written(text="{{ os }}", place=place(3), foreign=True)
    one, other = (asking(provider(cell(fips=fips, os="u"), "u"), tag=tag) for fips in (False, True))
    (problem,) = problems(one, other)
    assert problem.place == place(3)
    assert problem.hint == 'give the profile\'s target another tag: targets: {provider: {image: {tag: "{{ os }}-{{ fips }}"}}}'


def test_cells_of_one_build_may_share_a_ref() -> None:
    demands = [demand("p", cell(k8s=k8s), image="localhost:5000/p:1") for k8s in "12"]
    assert len(builds(demands, read_by(demands))) == 1


def test_an_artifact_name_that_varies_within_one_build_is_told() -> None:
    demands = [demand("iso", cell(k8s=k8s, os="u"), artifacts={"/build/a.iso": f"edge-{k8s}.iso"}, line=8) for k8s in "12"]
    assert problems(*demands) == (
        Problem(
            summary=(
                "/build/a.iso would be called 'edge-1.iso' and 'edge-2.iso', but it is one file of one build: "
                "its contents do not depend on k8s"
            ),
            place=place(8),
            hint="leave k8s out of `as`",
            code="varying-artifact",
        ),
    )


def test_an_artifact_that_two_targets_with_one_key_name_differently_is_told() -> None:
    demands = [demand(target, artifacts={"/a": f"{target}.iso"}) for target in ("one", "two")]
    with pytest.raises(InvalidError) as raised:
        builds(demands, {each.address: read_by([demands[0]])[demands[0].address] for each in demands})
    assert [problem.hint for problem in raised.value.problems] == ["give it one name"]


@pytest.mark.parametrize(
    ("names", "where"),
    [
        ({"/a": "edge.iso", "/b": "edge.iso"}, "both to 'edge.iso'"),
        ({"/a": "edge.iso", "/b": "EDGE.iso"}, "to 'edge.iso' and 'EDGE.iso', which are in each other's way"),
        ({"/a": "edge", "/b": "edge/a.iso"}, "to 'edge' and 'edge/a.iso', which are in each other's way"),
    ],
)
def test_artifacts_in_each_others_way_are_told(names: dict[str, str], where: str) -> None:
    assert problems(demand("iso", artifacts=names, line=8)) == (
        Problem(
            summary=f"iso: /a and /b would be written {where}",
            place=place(8),
            hint="give each artifact a name of its own with `as`",
            code="artifact-twice",
        ),
    )


def test_builds_may_call_their_artifacts_alike_because_each_has_its_own_directory() -> None:
    demands = [demand("iso", cell(os=os), args=[arg("OS", os, "os")], artifacts={"/a": "edge.iso"}) for os in "uv"]
    assert len(builds(demands, read_by(demands))) == 2


def indexed(at: Cell, tag: str, **named: Collection[str]) -> Demand:
    """A demand whose image shares its name over `arch`."""
    return asking(provider(at, tag, covered=named.get("covered", ["arch", "os"])), index=("arch",))


def test_the_values_of_an_index_share_one_name() -> None:
    demands = [indexed(cell(arch=arch, os=os), os) for arch in ("amd64", "arm64") for os in "uv"]
    made = builds(demands, read_by(demands))
    assert sorted({str(ref) for build in made for ref in build.refs}) == ["localhost:5000/p:u", "localhost:5000/p:v"]
    assert {axes for build in made for _, axes in build.indexes} == {("arch",)}


def test_two_builds_for_one_value_of_an_index_are_in_each_others_way() -> None:
    demands = [indexed(cell(arch=arch, os=os), "p", covered=["arch"]) for arch in ("amd64", "arm64") for os in "uv"]
    (problem,) = problems(*demands)
    assert "(4 images, 1 tag): the tag does not tell" in problem.summary


def test_an_axis_of_the_index_is_none_that_the_tag_could_tell() -> None:
    """A tag that told it would be refused."""
    cells = [cell(arch=arch, fips=fips, os="u") for arch in ("amd64", "arm64") for fips in (False, True)]
    (problem,) = problems(*(indexed(at, "u") for at in cells))
    assert problem.summary.endswith("would both publish localhost:5000/p:u (4 images, 1 tag): the tag does not tell fips")
    assert problem.hint == 'add it to the tag at manifests/edge.yaml:5:1, for example tag: "u-{{ fips }}"'


def test_an_index_of_builds_that_differ_in_something_else_as_well_is_none() -> None:
    """amd64 of one system and arm64 of another are no two platforms of one image."""
    (problem,) = problems(indexed(cell(arch="amd64", os="u"), "p", covered=["arch"]), indexed(cell(arch="arm64", os="v"), "p", covered=["arch"]))
    assert "differ and would both publish localhost:5000/p:p" in problem.summary
