from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.facts import Facts
from matrixbuild.core.profile import Profile
from tests.manifest_texts import told
from tests.profile_cases import demands_of, on_profile
from tests.profile_texts import profile

AXES = """  axes:
    os: {description: the system}
    twoNode: {description: two nodes, default: false, always: true, suffix: 2n}
    fips: {description: validated, default: false, always: true, suffix: fips}
    gpu: {description: drivers, default: none, suffix: "{{ gpu }}"}"""
TARGETS = """  targets:
    provider: {earthly: +provider, image: {repository: "{{ registry }}/edge", tag: "x{{ edge.suffix }}"}}"""


def known(**parts: str) -> Profile:
    return profile(**{"axes": AXES, "targets": TARGETS, **parts})


def tags(axes: str, **parts: str) -> dict[str, str]:
    """Cell -> tag, for more axes beside `os`."""
    found = demands_of(on_profile(Facts(profile=known()), axes=f'  axes:\n    os: [{{distribution: ubuntu, version: "22.04"}}]{axes}', **parts))
    return {str(demand.cell): demand.image.tag for demand in found.values() if demand.image and demand.image.tag}


class TestNames:
    def test_of_defaults_there_is_nothing(self) -> None:
        assert tags("") == {"fips=false,os=ubuntu-22.04,twoNode=false": "x"}

    def test_in_the_order_of_the_profile(self) -> None:
        assert tags("\n    fips: [true]\n    gpu: [amd]\n    twoNode: [true]") == {"fips=true,gpu=amd,os=ubuntu-22.04,twoNode=true": "x-2n-fips-amd"}

    def test_of_a_value_that_only_an_included_cell_has(self) -> None:
        found = tags("\n    fips: [false]", include="  include:\n    - {os: ubuntu-22.04, fips: false, twoNode: true}")
        assert found["fips=false,os=ubuntu-22.04,twoNode=true"] == "x-2n"

    def test_a_custom_tag_stands_before_and_may_be_empty(self) -> None:
        targets = TARGETS.replace("edge.suffix", "edge.customTag")
        axes = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]\n    fips: [true]'
        for custom, tag in (("", "xfips"), ("learn", "xlearn-fips")):
            [demand] = demands_of(on_profile(Facts(profile=known(targets=targets)), axes=axes, vars=f'  vars: {{customTag: "{custom}"}}')).values()
            assert demand.image
            assert demand.image.tag == tag

    @given(
        st.lists(st.sampled_from(["none", "amd", "nvidia"]), min_size=1, unique=True),
        st.lists(st.booleans(), min_size=1, unique=True),
        st.lists(st.booleans(), min_size=1, unique=True),
    )
    def test_no_name_changes_when_an_axis_gains_values(self, gpu: list[str], fips: list[bool], two: list[bool]) -> None:
        def written(gpu: list[str], fips: list[bool], two: list[bool]) -> dict[str, str]:
            flags = [f"[{', '.join(str(each).lower() for each in flag)}]" for flag in (fips, two)]
            return tags(f"\n    gpu: [{', '.join(gpu)}]\n    fips: {flags[0]}\n    twoNode: {flags[1]}")

        some, every = written(gpu, fips, two), written(["none", "amd", "nvidia"], [False, True], [False, True])
        assert some == {cell: every[cell] for cell in some}
        assert len(set(every.values())) == len(every) == 12


class TestTargetsOfFewerAxes:
    ISO = '\n    provider: false\n    iso: {earthly: +iso, axes: [os], args: {NAME: "{{ edge.suffix }}"}, artifacts: [{path: /x, as: "x{{ edge.suffix }}"}]}'
    AXES = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]\n    fips: [true, false]'

    def test_what_it_does_not_have_is_not_in_its_names(self) -> None:
        [demand] = demands_of(on_profile(Facts(profile=known()), axes=self.AXES, targets=f"  targets:{self.ISO}")).values()
        assert (demand.artifacts[0].name, demand.args[0].value, demand.args[0].axes) == ("x", "", frozenset())

    def test_an_axis_that_decides_on_its_files_is(self) -> None:
        found = demands_of(
            on_profile(
                Facts(profile=known()),
                source="  source: {path: edge, files: [{from: validated/, when: {fips: true}}]}",
                axes=self.AXES,
                targets=f"  targets:{self.ISO}",
            )
        )
        assert {name: (one.artifacts[0].name, one.args[0].value, set(one.args[0].axes), one.variant) for name, one in found.items()} == {
            "iso[fips=false,os=ubuntu-22.04]": ("x", "", {"fips"}, ()),
            "iso[fips=true,os=ubuntu-22.04]": ("x-fips", "-fips", {"fips"}, (0,)),
        }

    def test_nor_are_those_that_share_the_name(self) -> None:
        image = '{repository: "{{ registry }}/edge", tag: "x{{ edge.suffix }}", index: [fips]}'
        targets = f"  targets:\n    provider: {{image: {image}}}"
        found = demands_of(on_profile(Facts(profile=known()), axes=f"{self.AXES}\n    twoNode: [true]", targets=targets))
        assert [str(demand.image) for demand in found.values()] == ["registry.example.com/edge/edge:x-2n"] * 2
        assert [sorted(demand.asked.covered) for demand in found.values()] == [["fips", "twoNode"]] * 2


class TestProblems:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (
                "[none, amd]",
                (
                    "m.yaml:9:17: gpu amd cannot be told in names: gpu has no 'kind' [amd] "
                    "(the profile makes the suffix of {{ gpu.kind }}: write the value so that it has that)"
                ),
            ),
            (
                "[none, {kind: amd}, {maker: nvidia}]",
                (
                    "m.yaml:9:31: gpu nvidia cannot be told in names: this template cannot be rendered: gpu has no 'kind' here [maker] "
                    "(the profile makes the suffix of {{ gpu.kind }}: write the value so that it has that)"
                ),
            ),
        ],
    )
    def test_a_value_that_the_profile_cannot_name(self, values: str, message: str) -> None:
        of_fields = profile(axes=AXES.replace('"{{ gpu }}"', '"{{ gpu.kind }}"'), targets=TARGETS)
        axes = f'  axes:\n    os: [{{distribution: ubuntu, version: "22.04"}}]\n    gpu: {values}'
        assert told(on_profile(Facts(profile=of_fields), axes=axes).problems) == [message]
