from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.demand import Demand
from matrixbuild.core.expand import Expansion
from matrixbuild.core.facts import Facts
from matrixbuild.core.profile import Profile
from tests.manifest_texts import expanded, told
from tests.profile_cases import args_of, demands_of, on_profile
from tests.profile_texts import profile

OS = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]'
TARGET = '{earthly: +t, artifacts: [{path: /k, as: "{{ a }}{{ b }}"}]'


def one(expansion: Expansion, name: str) -> Demand:
    return demands_of(expansion)[name]


# Layers. Who gives an ARG, from the weakest to the strongest.

LAYERS = ["profile's args", "profile's target", "spec.args", "axis value", "own target"]


def layered(giving: dict[str, str]) -> Demand:
    """The one demand of a manifest in which these layers give X."""
    given = {layer: f"{{X: {giving[layer]}}}" if layer in giving else "{}" for layer in LAYERS}
    known = profile(
        axes="  axes:\n    os: {description: the system}",
        args=f"  args: {given[LAYERS[0]]}",
        targets=f'  targets:\n    provider: {{earthly: +provider, args: {given[LAYERS[1]]}, image: {{repository: "{{{{ registry }}}}/e", tag: t}}}}',
    )
    expansion = on_profile(
        Facts(profile=known),
        args=f"  args: {given[LAYERS[2]]}",
        axes=f'  axes:\n    os: [{{distribution: ubuntu, version: "22.04", args: {given[LAYERS[3]]}}}]',
        targets=f"  targets: {{provider: {{args: {given[LAYERS[4]]}}}}}",
    )
    [demand] = demands_of(expansion).values()
    return demand


class TestLayers:
    @settings(max_examples=40)
    @given(st.dictionaries(st.sampled_from(LAYERS), st.sampled_from(["a", "b", "c"])))
    def test_the_strongest_that_gives_an_arg_wins(self, giving: dict[str, str]) -> None:
        found = args_of(layered(giving))
        strongest = next((layer for layer in reversed(LAYERS) if layer in giving), None)
        assert found == ({"X": giving[strongest]} if strongest else {})

    @pytest.mark.parametrize(
        ("layer", "optional", "tacit", "axes"),
        [
            ("profile's args", True, True, set()),
            ("profile's target", True, True, set()),
            ("spec.args", True, False, set()),
            ("axis value", True, False, {"os"}),
            ("own target", False, False, set()),
        ],
    )
    def test_what_has_to_be_declared(self, layer: str, optional: bool, tacit: bool, axes: set[str]) -> None:
        [arg] = layered({layer: "a"}).args
        assert (arg.optional, arg.tacit, arg.axes) == (optional, tacit, frozenset(axes))


class TestAxisValues:
    def test_two_that_disagree(self) -> None:
        axes = "  axes:\n    a: [{value: a1, args: {X: y}}, a2]\n    b: [{value: b1, args: {X: z}}, b2]"
        target = f"  targets: {{t: {TARGET}}}}}"
        assert told(expanded(axes=axes, targets=target).problems) == [
            "m.yaml:9:28: a a1 and b b1 give the ARG X differently [X] (the other is in line 8: keep one, or give it in the target's args)"
        ]

    def test_in_no_cell_together(self) -> None:
        axes = "  axes:\n    a: [{value: a1, args: {X: y}}, a2]\n    b: [{value: b1, args: {X: z}}, b2]"
        rules = "  rules: [{name: r, when: {a: a1}, exclude: {b: b1}, reason: r}]"
        found = demands_of(expanded(axes=axes, targets=f"  targets: {{t: {TARGET}}}}}", rules=rules))
        assert {name: args_of(demand) for name, demand in found.items()} == {
            "t[a=a1,b=b2]": {"X": "y"},
            "t[a=a2,b=b1]": {"X": "z"},
            "t[a=a2,b=b2]": {},
        }

    def test_the_target_decides(self) -> None:
        axes = "  axes:\n    a: [{value: a1, args: {X: y}}]\n    b: [{value: b1, args: {X: z}}]"
        assert args_of(one(expanded(axes=axes, targets=f"  targets: {{t: {TARGET}, args: {{X: t}}}}}}"), "t[a=a1,b=b1]")) == {"X": "t"}

    def test_a_target_that_lacks_one_of_the_axes(self) -> None:
        axes = "  axes:\n    a: [{value: a1, args: {X: y}}]\n    b: [{value: b1, args: {X: z}}]"
        target = "  targets: {t: {earthly: +t, axes: [b], artifacts: [{path: /k, as: k}]}}"
        assert args_of(one(expanded(axes=axes, targets=target), "t[b=b1]")) == {"X": "z"}

    def test_one_text_in_two_axes_that_bring_different_args(self) -> None:
        axes = "  axes:\n    a: [{value: true, args: {X: a}}, false]\n    b: [{value: true, args: {Y: b}}, false]"
        found = demands_of(expanded(axes=axes, targets=f"  targets: {{t: {TARGET}}}}}"))
        assert {name: args_of(demand) for name, demand in found.items()} == {
            "t[a=false,b=false]": {},
            "t[a=false,b=true]": {"Y": "b"},
            "t[a=true,b=false]": {"X": "a"},
            "t[a=true,b=true]": {"X": "a", "Y": "b"},
        }

    def test_templates_of_one_text_may_agree(self) -> None:
        axes = '  axes:\n    a: [{value: a1, args: {X: "{{ b }}"}}, a2]\n    b: [{value: b1, args: {X: "{{ b }}"}}, b2]'
        found = demands_of(expanded(axes=axes, targets=f"  targets: {{t: {TARGET}}}}}"))
        assert [args_of(demand).get("X") for demand in found.values()] == ["b1", "b2", "b1", None]

    def test_every_version_of_an_entry_brings_its_args(self) -> None:
        axes = '  axes:\n    a: [{d: x, versions: ["1", "2"], args: {X: "{{ a.version }}"}}, {d: y, version: "3"}]\n    b: [b1]'
        found = demands_of(expanded(axes=axes, targets=f"  targets: {{t: {TARGET}}}}}"))
        assert [args_of(demand) for demand in found.values()] == [{"X": "1"}, {"X": "2"}, {}]


class TestTacit:
    """What nobody asked for may be left out where nobody reads it: no more than that."""

    def test_the_profiles_arg_of_a_default(self) -> None:
        found = demands_of(on_profile(Facts(profile=profile()), axes=f"{OS}\n    fips: [false, true]"))
        assert {name: [(arg.name, arg.value, arg.tacit) for arg in demand.args] for name, demand in found.items()} == {
            "provider[fips=false,os=ubuntu-22.04]": [("FIPS", "false", True)],
            "provider[fips=true,os=ubuntu-22.04]": [("FIPS", "true", False)],
        }

    def test_the_authors_arg_of_a_default_is_asked_for(self) -> None:
        axes = f"{OS}\n    fips: [{{value: false, args: {{MINE: y}}}}]"
        demand = one(on_profile(Facts(profile=profile()), axes=axes), "provider[fips=false,os=ubuntu-22.04]")
        assert [(arg.name, arg.tacit) for arg in demand.args] == [("FIPS", True), ("MINE", False)]

    def test_of_a_constant(self) -> None:
        known = profile(axes="  axes:\n    os: {description: o}\n    cis: {description: c, default: false, args: {CIS: '{{ cis }}'}, suffix: cis}")
        [demand] = demands_of(on_profile(Facts(profile=known))).values()
        assert [(arg.name, arg.value, arg.tacit, arg.axes) for arg in demand.args] == [("CIS", "false", True, frozenset())]

    @pytest.mark.parametrize(("line", "expected"), [("v4.4.3", {}), ("v4.4.4", {"FIPS": "false"})])
    def test_an_axis_of_other_versions_gives_nothing(self, line: str, expected: dict[str, str]) -> None:
        axes = (
            "  axes:\n    os: {description: o}\n    fips: {description: f, default: false, always: true, args: {FIPS: '{{ fips }}'}, since: v4.4.4}"
        )
        [demand] = demands_of(on_profile(Facts(profile=profile(axes=axes), line=line))).values()
        assert args_of(demand) == expected


class TestProfileNeeds:
    TARGETS = """  targets:
    provider:
      earthly: +provider
      needs: [base]
      args: {BASE: "{{ needs['base'].image }}", X: x}
      image: {repository: "{{ registry }}/edge", tag: "{{ os }}-{{ fips }}"}
    base: {earthly: +base, on: false, axes: [os], when: {fips: true}, image: {repository: "{{ registry }}/base", tag: "{{ os }}"}}"""
    AXES = f"{OS}\n    fips: [false, true]"

    def known(self) -> Profile:
        return profile(targets=self.TARGETS)

    def test_what_is_off_is_not_there(self) -> None:
        found = demands_of(on_profile(Facts(profile=self.known()), axes=self.AXES))
        assert [(demand.needs, sorted(args_of(demand))) for demand in found.values()] == [((), ["FIPS", "X"])] * 2

    def test_what_is_on_is_needed_by_all_that_agree(self) -> None:
        found = demands_of(on_profile(Facts(profile=self.known()), axes=self.AXES, targets="  targets: {base: true}"))
        base = found.pop("base[os=ubuntu-22.04]")
        assert [demand.needs for demand in found.values()] == [(base.address,)] * 2

    def test_another_arg_stands_in(self) -> None:
        axes = '  axes:\n    os: [{distribution: ubuntu, version: "22.04", args: {BASE: mine}}]\n    fips: [true]'
        [demand] = demands_of(on_profile(Facts(profile=self.known()), axes=axes)).values()
        assert args_of(demand) == {"X": "x", "FIPS": "true", "BASE": "mine"}

    def test_what_the_manifest_needs_no_more(self) -> None:
        """The profile's arg that reads it is left out, as where it is off."""
        targets = "  targets: {base: true, provider: {needs: []}}"
        found = demands_of(on_profile(Facts(profile=self.known()), axes=self.AXES, targets=targets))
        assert sorted(args_of(found["provider[fips=true,os=ubuntu-22.04]"])) == ["FIPS", "X"]

    def test_what_the_manifest_needs_has_to_be_there(self) -> None:
        targets = "  targets: {provider: {needs: [base]}}"
        assert told(on_profile(Facts(profile=self.known()), axes=self.AXES, targets=targets).problems) == [
            "m.yaml:10:32: there is no target 'base' to need [base] (the other targets are none)"
        ]


class TestFilesAndSecrets:
    def test_files_tell_demands_apart(self) -> None:
        source = "  source: {path: edge, files: [{from: a/}, {from: b/, when: {fips: true}}]}"
        target = "  targets: {t: {earthly: +t, axes: [], artifacts: [{path: /k, as: k}]}}"
        found = demands_of(expanded(source=source, targets=target))
        assert {name: demand.variant for name, demand in found.items()} == {"t[fips=false]": (0,), "t[fips=true]": (0, 1)}

    def test_versions_of_secrets(self) -> None:
        secrets = """  secrets:
    - {name: s, env: A, version: 1, when: {fips: false}}
    - {name: s, env: B, version: 2, when: {fips: true}}
    - {name: t, env: C}"""
        target = "  targets: {t: {earthly: +t, axes: [os], artifacts: [{path: /k, as: k}]}, u: {earthly: +u, axes: [fips], artifacts: [{path: /k, as: '{{ fips }}'}]}}"
        found = demands_of(expanded(secrets=secrets, targets=target))
        assert {name: demand.secret_versions for name, demand in found.items() if "leap" not in name and "24" not in name} == {
            "t[os=ubuntu-22.04]": (("s", "1,2"),),
            "u[fips=false]": (("s", "1"),),
            "u[fips=true]": (("s", "2"),),
        }


class TestGoverned:
    @pytest.mark.parametrize(
        ("parts", "place"),
        [
            ({"args": '  args: {FIPS: "true"}'}, "11:10"),
            ({"targets": '  targets: {provider: {args: {FIPS: "true"}}}'}, "9:31"),
            ({"axes": '  axes:\n    os: [{distribution: ubuntu, version: "22.04", args: {FIPS: "true"}}]'}, "8:58"),
        ],
    )
    def test_nobody_gives_the_arg_of_an_axis(self, parts: dict[str, Any], place: str) -> None:
        assert told(on_profile(Facts(profile=profile()), **parts).problems) == [
            f"m.yaml:{place}: the ARG FIPS is what the axis 'fips' of the profile gives [FIPS] (declare the values under spec.axes: fips)"
        ]

    def test_but_as_the_constant_that_it_is(self) -> None:
        known = profile(axes="  axes:\n    os: {description: o}\n    cis: {description: c, default: false, args: {CIS: '{{ cis }}'}}")
        assert told(on_profile(Facts(profile=known), args="  args: {CIS: false}").problems) == []
        assert told(on_profile(Facts(profile=known), args="  args: {CIS: true}").problems) == [
            "m.yaml:11:10: the ARG CIS is what the axis 'cis' of the profile gives [CIS] (declare the values under spec.axes: cis)"
        ]
