from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.demand import Demand, cell_digest, need_token
from matrixbuild.core.expand import Expansion, expand
from tests.manifest_texts import declared, expanded, manifest_text, told

PROVIDER = 'provider: {earthly: +provider, image: {repository: "{{ registry }}/p", tag: "{{ os }}-{{ fips }}"}}'


def targets(*lines: str) -> str:
    return "\n".join(["  targets:", *(f"    {line}" for line in lines)])


def problems(**parts: str) -> list[str]:
    return told(expanded(**parts).problems)


def demands(**parts: str) -> dict[str, Demand]:
    """The demands by target and cell."""
    expansion = expanded(**parts)
    assert told(expansion.problems) == []
    return {f"{demand.target}[{demand.cell}]": demand for demand in expansion.demands}


def args(demand: Demand) -> dict[str, str]:
    return {arg.name: arg.value for arg in demand.args}


class TestDemands:
    def test_one_for_each_cell_sorted(self) -> None:
        found = demands()
        assert list(found) == [
            "provider[fips=false,os=leap-15.6]",
            "provider[fips=false,os=ubuntu-22.04]",
            "provider[fips=false,os=ubuntu-24.04]",
            "provider[fips=true,os=leap-15.6]",
            "provider[fips=true,os=ubuntu-22.04]",
            "provider[fips=true,os=ubuntu-24.04]",
        ]
        first = found["provider[fips=false,os=leap-15.6]"]
        assert str(first.image) == "registry.example.com/edge/provider:leap-15.6-false"
        assert (first.earthly, args(first), str(first.place)) == ("+provider", {"OS": "leap-15.6"}, "m.yaml:13:5")

    @pytest.mark.parametrize(("value", "tag"), [("true", "ubuntu-22.04-debug-true"), ("false", "ubuntu-22.04-false")])
    def test_a_boolean_var_decides_in_a_condition_and_prints_as_it_is_written(self, value: str, tag: str) -> None:
        template = "{{ os }}{{ '-debug' if vars.debug else '' }}-{{ vars.debug }}"
        found = demands(
            vars=f"  vars: {{debug: {value}}}",
            axes='  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]',
            targets=targets(f'provider: {{earthly: +provider, image: {{repository: "{{{{ registry }}}}/p", tag: "{template}"}}}}'),
        )
        assert [demand.image and demand.image.tag for demand in found.values()] == [tag]

    def test_axes_reduce_cells(self) -> None:
        expansion = expanded(targets=targets('iso: {earthly: +iso, axes: [os], artifacts: [{path: /a.iso, as: "{{ os }}.iso"}]}'))
        assert [str(demand.cell) for demand in expansion.demands] == ["os=leap-15.6", "os=ubuntu-22.04", "os=ubuntu-24.04"]
        assert [one.name for one in expansion.demands[0].artifacts] == ["leap-15.6.iso"]
        assert [str(cell) for cell in expansion.cells_of["iso", expansion.demands[0].cell]] == ["fips=false,os=leap-15.6", "fips=true,os=leap-15.6"]

    def test_no_axes_at_all(self) -> None:
        assert list(demands(targets=targets("keys: {earthly: +keys, axes: [], artifacts: [{path: /k, as: k}]}"))) == ["keys[]"]

    def test_when_leaves_cells_out(self) -> None:
        found = demands(targets=targets("a: {earthly: +a, axes: [os], when: {fips: true, os.distribution: ubuntu}, artifacts: [{path: /k, as: k}]}"))
        assert list(found) == ["a[os=ubuntu-22.04]", "a[os=ubuntu-24.04]"]

    def test_common_args_are_optional_and_weaker(self) -> None:
        parts = {"args": '  args: {OS: common, FIPS: "{{ fips }}", DEBUG: false}'}
        demand = demands(**parts)["provider[fips=true,os=leap-15.6]"]
        assert [(arg.name, arg.value, arg.optional, sorted(arg.axes), str(arg.place)) for arg in demand.args] == [
            ("FIPS", "true", True, ["fips"], "m.yaml:17:22"),
            ("DEBUG", "false", True, [], "m.yaml:17:42"),
            ("OS", "leap-15.6", False, ["os"], "m.yaml:15:14"),
        ]

    def test_an_image_name_brings_its_axes(self) -> None:
        line = 'a: {earthly: +a, args: {REF: "{{ image.ref }}"}, image: {repository: "{{ registry }}/a", tag: "{{ os.version }}-{{ fips }}"}}'
        demand = demands(targets=targets(line))["a[fips=true,os=leap-15.6]"]
        [arg] = demand.args
        assert (arg.value, sorted(arg.axes)) == ("registry.example.com/edge/a:15.6-true", ["fips", "os"])

    def test_a_layout_is_a_registry(self) -> None:
        demand = demands(registry="  registry: oci-layout:../out/registry")["provider[fips=true,os=leap-15.6]"]
        assert demand.image
        assert (demand.image.registry, demand.image.repository, demand.image.tag) == ("oci-layout:../out/registry", "provider", "leap-15.6-true")

    def test_resources(self) -> None:
        line = "a: {earthly: +a, artifacts: [{path: /k, as: k}], resources: {memory: 1Gi, cpu: 500m, push: 2}}"
        found = demands(targets=targets(line), schedule="  schedule: {limits: {push: 4}}")
        assert next(iter(found.values())).asked.resources.amounts == (("cpu", 500), ("memory", 2**30), ("push", 2))


class TestNeeds:
    BASE = 'base: {earthly: +base, axes: [os], when: {os.distribution: ubuntu}, image: {repository: "{{ registry }}/base", tag: "{{ os }}"}}'

    def test_joined_on_the_axes_both_have(self) -> None:
        line = "a: {earthly: +a, needs: [base], args: {BASE: \"{{ needs['base'].image }}\"}, artifacts: [{path: /k, as: k}]}"
        found = demands(targets=targets(self.BASE, line))
        base = found["base[os=ubuntu-22.04]"]
        needing = found["a[fips=true,os=ubuntu-22.04]"]
        assert needing.needs == (base.address,)
        assert args(needing) == {"BASE": need_token("base", cell_digest(base.cell))}
        assert needing.args[0].axes == {"os"}

    def test_an_arg_that_reads_a_need_the_cell_lacks_is_left_out(self) -> None:
        line = "a: {earthly: +a, needs: [base], args: {BASE: \"{{ needs['base'].image }}\", X: y}, artifacts: [{path: /k, as: k}]}"
        lacking = demands(targets=targets(self.BASE, line))["a[fips=true,os=leap-15.6]"]
        assert (args(lacking), lacking.needs) == ({"X": "y"}, ())

    def test_a_need_of_finer_axes_is_needed_whole(self) -> None:
        line = "a: {earthly: +a, axes: [os], needs: [provider], artifacts: [{path: /k, as: k}]}"
        found = demands(targets=targets(PROVIDER, line))
        assert [str(cell) for _, cell in found["a[os=leap-15.6]"].needs] == ["fips=false,os=leap-15.6", "fips=true,os=leap-15.6"]

    def test_but_has_no_one_image(self) -> None:
        line = 'a: {earthly: +a, axes: [os], needs: [provider], args: {X: "{{ needs.provider.image }}"}, artifacts: [{path: /k, as: k}]}'
        assert problems(targets=targets(PROVIDER, line)) == [
            (
                "m.yaml:14:63: this template cannot be rendered: 2 builds of 'provider' agree with this one on the axes both have, "
                'fips=false,os=ubuntu-22.04 and fips=true,os=ubuntu-22.04 among them ["{{ needs.provider.image }}"] (in the cell os=ubuntu-22.04)'
            )
        ]


class TestInclude:
    def test_a_new_value_and_one_by_its_text(self) -> None:
        expansion = expanded(
            include="  include:\n"
            '    - {os: {distribution: rhel, version: "9"}, fips: true}\n'
            '    - {os: {distribution: rhel, version: "9"}, fips: false}'
        )
        assert told(expansion.problems) == []
        assert (len(expansion.cells), expansion.product, expansion.included) == (8, 6, 2)
        assert [str(cell) for cell in expansion.cells[-2:]] == ["fips=true,os=rhel-9", "fips=false,os=rhel-9"]

    def test_rules_can_name_values_that_only_includes_bring(self) -> None:
        expansion = expanded(
            include='  include:\n    - {os: {distribution: rhel, version: "9"}, fips: true}',
            rules="  rules:\n    - {name: a, when: {os.distribution: rhel}, require: {fips: true}, reason: r}",
        )
        assert told(expansion.problems) == []

    def test_rules_remark_on_them_too(self) -> None:
        expansion = expanded(
            include='  include:\n    - {os: {distribution: rhel, version: "9"}, fips: true}',
            rules="  rules:\n    - {name: a, warn: {fips: true}, reason: r}",
        )
        summary = "the rule 'a' remarks on 4 cells: r"
        assert [(each.summary, each.hint) for each in expansion.warnings] == [(summary, "fips=true,os=ubuntu-22.04, and 3 more")]

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ("{fips: true}", "m.yaml:18:8: the included cell has no value for os [fips] (give one for every axis)"),
            ("{os: leap-15.6, fips: true, arch: arm64}", "m.yaml:18:35: there is no axis 'arch' [arch] (the axes are fips, os)"),
            ("{os: leap-15.6, fips: true}", "m.yaml:18:8: the included cell fips=true,os=leap-15.6 is there already [os] (remove it)"),
            (
                "{os: rhel-9, fips: true}",
                "m.yaml:18:12: os rhel-9 is not of the kind that the axis has [rhel-9] (write it as a mapping of distribution, version)",
            ),
            (
                '{os: leap-15.6, fips: "true"}',
                'm.yaml:18:29: fips true reads as a value of the axis and is another ["true"] (write it as the axis does)',
            ),
            (
                "{os: leap-15.6, fips: maybe}",
                "m.yaml:18:29: fips maybe is not of the kind that the axis has [maybe] (write it as the other values of the axis are)",
            ),
        ],
    )
    def test_mistakes(self, entry: str, message: str) -> None:
        assert problems(include=f"  include:\n    - {entry}") == [message]

    def test_the_same_cell_twice(self) -> None:
        entry = '    - {os: {distribution: rhel, version: "9"}, fips: true}'
        assert problems(include=f"  include:\n{entry}\n{entry}") == [
            "m.yaml:19:8: the included cell fips=true,os=rhel-9 is there already [os] (remove it)"
        ]

    def test_a_cell_that_a_rule_drops(self) -> None:
        assert problems(
            include='  include:\n    - {os: {distribution: rhel, version: "9"}, fips: true}',
            rules="  rules:\n    - {name: no-fips, exclude: {fips: true}, reason: not certified}",
        ) == [
            (
                "m.yaml:18:8: the rule 'no-fips' drops the included cell fips=true,os=rhel-9 [os] "
                "(not certified: remove the entry, or change the rule in line 20)"
            )
        ]


class TestProblems:
    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("a: {earthly: +a, axes: [oss], artifacts: [{path: /k, as: k}]}", "m.yaml:13:29: there is no axis 'oss' [oss] (did you mean 'os'?)"),
            (
                "a: {earthly: +a, needs: [b], artifacts: [{path: /k, as: k}]}",
                "m.yaml:13:30: there is no target 'b' to need [b] (the other targets are none)",
            ),
            ("a: {earthly: +a, needs: [a], artifacts: [{path: /k, as: k}]}", "m.yaml:13:30: the target 'a' needs itself [a] (remove it)"),
            (
                'a: {earthly: +a, axes: [os], artifacts: [{path: /k, as: "{{ fips }}"}]}',
                "m.yaml:13:65: the target does not have the axis 'fips' [fips] (add fips to the target's axes, or take it out of the template)",
            ),
            (
                'a: {earthly: +a, when: {os: leap-15.6, os.version: "22.04"}, artifacts: [{path: /k, as: k}]}',
                "m.yaml:13:29: the target 'a' has no cell [os] (its `when` matches none that is left)",
            ),
            (
                "a: {earthly: +a, artifacts: [{path: k, as: k}]}",
                "m.yaml:13:41: 'k' is not a path from the root of the Earthly target's artifacts [k] (in the cell fips=false,os=ubuntu-22.04)",
            ),
            (
                "a: {earthly: +a, artifacts: [{path: /k, as: ../k}]}",
                "m.yaml:13:49: '../k' is not a relative path below out/ [../k] (in the cell fips=false,os=ubuntu-22.04)",
            ),
            (
                'a: {earthly: +a, image: {repository: "{{ registry }}/A", tag: x}}',
                (
                    "m.yaml:13:42: 'registry.example.com/edge/A:x' is not an image name: a repository is lower-case letters, "
                    "digits and single separators "
                    "(. _ -) between them, not 'edge/A' [\"{{ registry }}/A\"] (in the cell fips=false,os=ubuntu-22.04)"
                ),
            ),
            (
                'a: {earthly: +a, image: {repository: "{{ registry }}/a", tag: "{{ os }}+1"}}',
                (
                    "m.yaml:13:67: 'registry.example.com/edge/a:ubuntu-22.04+1' is not an image name: a tag is up to 128 letters, "
                    "digits, '.', '_' and '-', "
                    "and does not start with '.' or '-', not 'ubuntu-22.04+1' [\"{{ os }}+1\"] (in the cell fips=false,os=ubuntu-22.04)"
                ),
            ),
            (
                f'a: {{earthly: +a, image: {{repository: "{{{{ registry }}}}/a", tag: "x@sha256:{"0" * 64}"}}}}',
                (
                    f"m.yaml:13:67: 'registry.example.com/edge/a:x@sha256:{'0' * 64}' is not the name of an image to publish: "
                    "it has one tag and no digest "
                    f'["x@sha256:{"0" * 64}"] (in the cell fips=false,os=ubuntu-22.04)'
                ),
            ),
            (
                "a: {earthly: +a, artifacts: [{path: /k, as: k}], resources: {memroy: 4}}",
                "m.yaml:13:74: there is no pool 'memroy' [4] (did you mean 'memory'?)",
            ),
            (
                "a: {earthly: +a, artifacts: [{path: /k, as: k}], resources: {cpu: 3}}",
                "m.yaml:13:71: one build takes 3 of cpu, and the limit is 2.5 [3] (raise the limit in line 14, or take less)",
            ),
        ],
    )
    def test_targets(self, line: str, message: str) -> None:
        assert problems(targets=targets(line), schedule="  schedule: {limits: {cpu: 2.5}}") == [message]

    def test_a_field_that_some_cells_lack_is_told_once_with_the_first(self) -> None:
        axes = "  axes:\n    os: [{distribution: a, flavour: core}, {distribution: b, kind: x}]\n    fips: [true, false]"
        line = 'a: {earthly: +a, args: {F: "{{ os.flavour }}"}, artifacts: [{path: /k, as: k}]}'
        assert problems(axes=axes, targets=targets(line)) == [
            "m.yaml:11:32: this template cannot be rendered: os has no 'flavour' here [\"{{ os.flavour }}\"] (in the cell fips=true,os=b-x)"
        ]

    def test_everything_at_once(self) -> None:
        found = problems(
            registry="  registry: edge",
            rules="  rules:\n    - {name: a, exclude: {os: rhel}, reason: r}",
            targets=targets('a: {earthly: +a, needs: [b], args: {X: "{{ arch }}"}, artifacts: [{path: /k, as: k}]}'),
        )
        assert found == [
            "m.yaml:6:13: spec.registry: 'edge' does not say on which host it is [edge] (write host[:port]/path, or oci-layout:DIR)",
            "m.yaml:13:30: there is no target 'b' to need [b] (the other targets are none)",
            "m.yaml:13:48: a template cannot name 'arch' [arch] (known here: fips, os, vars, registry)",
            "m.yaml:15:31: os is never 'rhel' [rhel] (it is ubuntu-22.04, ubuntu-24.04, leap-15.6)",
        ]


# Laws. A manifest is drawn as data, and written in any order of its axes and rules.

AXES = {
    "os": [{"distribution": "ubuntu", "versions": ["22.04", "24.04"]}, {"distribution": "leap", "versions": ["15.6"]}],
    "kubernetes": ["k3s", "rke2"],
    "fips": [False, True],
    "twoNode": [False, True],
}
CHOICES: dict[str, list[Any]] = {
    "os": ["ubuntu-22.04", "ubuntu-24.04", "leap-15.6"],
    "os.distribution": ["ubuntu", "leap"],
    "os.version": ["22.04", "24.04", "15.6"],
    "kubernetes": ["k3s", "rke2"],
    "fips": [False, True],
    "twoNode": [False, True],
}
SUBJECTS = st.sampled_from(sorted(CHOICES))
CONDITIONS = st.lists(SUBJECTS, min_size=1, max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: st.lists(st.sampled_from(CHOICES[name]), min_size=1, max_size=2, unique=True) for name in names})
)
RULES = st.lists(st.tuples(CONDITIONS, st.sampled_from(["require", "exclude"]), CONDITIONS), max_size=4)


def matches(condition: dict[str, list[Any]], cell: dict[str, Any]) -> bool:
    """What a matcher means, told again in the plainest way."""
    return all(cell[name] in wanted for name, wanted in condition.items())


def plain(expansion: Expansion) -> list[dict[str, Any]]:
    """The cells with everything a matcher can name."""
    found = []
    for cell in expansion.cells:
        one: dict[str, Any] = {name: value.text if value.fields else value.scalar for name, value in cell.values}
        for name, value in cell.values:
            one.update({f"{name}.{field}": text for field, text in value.fields})
        found.append(one)
    return found


def written(axes: list[str], rules: list[tuple[int, Any]]) -> Expansion:
    """A manifest with its axes and rules in this order; YAML is a superset of JSON."""
    declared_rules = [{"name": f"r{index}", "when": when, effect: conditions, "reason": "law"} for index, (when, effect, conditions) in rules]
    return expand(
        declared(
            manifest_text(
                axes=f"  axes: {json.dumps({name: AXES[name] for name in axes})}",
                rules=f"  rules: {json.dumps(declared_rules)}",
            )
        )
    )


class TestLaws:
    @settings(max_examples=40)
    @given(RULES, st.randoms(use_true_random=False))
    def test_the_order_of_axes_and_rules_makes_no_difference(self, rules: list[Any], chance: random.Random) -> None:
        names, numbered = sorted(AXES), list(enumerate(rules))
        straight = written(names, numbered)
        chance.shuffle(names)
        chance.shuffle(numbered)
        shuffled = written(names, numbered)
        assert straight.cells == shuffled.cells
        assert {one.cell: {rule.name for rule in one.rules} for one in straight.dropped} == {
            one.cell: {rule.name for rule in one.rules} for one in shuffled.dropped
        }
        assert [demand.address for demand in straight.demands] == [demand.address for demand in shuffled.demands]

    @settings(max_examples=40)
    @given(RULES)
    def test_no_cell_violates_a_rule_and_none_is_missing(self, rules: list[Any]) -> None:
        expansion = written(sorted(AXES), list(enumerate(rules)))
        everything = plain(written(sorted(AXES), []))

        def allowed(cell: dict[str, Any]) -> bool:
            return all(not matches(when, cell) or matches(conditions, cell) == (effect == "require") for when, effect, conditions in rules)

        assert plain(expansion) == [cell for cell in everything if allowed(cell)]
        assert len(expansion.cells) + len(expansion.dropped) == expansion.product == 24
