from __future__ import annotations

import pytest

from matrixbuild.core.facts import Facts
from matrixbuild.core.profile import Profile
from tests.manifest_texts import expanded, told
from tests.profile_cases import demands_of, on_profile
from tests.profile_texts import profile

OS = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]'


class TestAxes:
    KNOWN = """  axes:
    os: {description: the system}
    fips: {description: validated, default: false, always: true}
    cis: {description: hardening, default: false}
    gpu: {description: drivers, default: none}"""

    def known(self) -> Profile:
        return profile(axes=self.KNOWN)

    def test_defaults_and_constants(self) -> None:
        found = on_profile(Facts(profile=self.known()))
        assert [str(cell) for cell in found.cells] == ["fips=false,os=ubuntu-22.04"]
        assert (list(found.matrix), list(found.matrix.constants)) == (["fips", "os"], ["cis", "gpu"])
        assert found.defaults == {"fips": "false", "cis": "false", "gpu": "none"}

    def test_a_constant_that_the_manifest_declares_is_an_axis(self) -> None:
        found = on_profile(Facts(profile=self.known()), axes=f"{OS}\n    cis: [true]")
        assert [str(cell) for cell in found.cells] == ["cis=true,fips=false,os=ubuntu-22.04"]

    def test_an_axis_without_a_default_has_to_be_given(self) -> None:
        assert told(on_profile(Facts(profile=self.known()), axes="  axes:\n    fips: [true]").problems) == [
            "m.yaml:4:1: spec.axes has no 'os', and the profile has no default for it [spec] (the system)",
        ]

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ('"true"', "m.yaml:9:12: the profile's axis 'fips' is true or false, not 'true' [\"true\"] (write true without quotes)"),
            ("maybe", "m.yaml:9:12: the profile's axis 'fips' is true or false, not 'maybe' [maybe] (write true or false)"),
            ("{kind: x}", "m.yaml:9:13: the profile's axis 'fips' is true or false, not 'x' [kind] (write true or false)"),
        ],
    )
    def test_switches(self, value: str, message: str) -> None:
        assert told(on_profile(Facts(profile=self.known()), axes=f"{OS}\n    fips: [{value}]").problems) == [message]

    @pytest.mark.parametrize(
        ("values", "messages"),
        [
            (
                "[jammy]",
                [
                    "m.yaml:8:5: no value of the axis 'os' has a 'distribution', which the profile reads [os] (write each value as a mapping with distribution)",
                    "m.yaml:8:5: no value of the axis 'os' has a 'version', which the profile reads [os] (write each value as a mapping with version)",
                ],
            ),
            (
                "[{distribution: ubuntu}]",
                [
                    "m.yaml:8:5: no value of the axis 'os' has a 'version', which the profile reads [os] (write each value as a mapping with distribution and version)",
                ],
            ),
        ],
    )
    def test_values_that_lack_what_the_profile_reads_are_told_where_they_stand(self, values: str, messages: list[str]) -> None:
        """Once each, however many templates of the profile read it."""
        args = 'args: {OS: "{{ os.distribution }}", OS_VERSION: "{{ os.version }}"}'
        facts = Facts(profile=profile(axes=f"  axes:\n    os: {{description: the system, {args}}}"))
        assert told(on_profile(facts, axes=f"  axes:\n    os: {values}").problems) == messages

    def test_conditions_on_constants(self) -> None:
        rules = "  rules: [{name: a, when: {cis: false}, exclude: {fips: true}, reason: r}]"
        found = on_profile(Facts(profile=self.known()), axes=f"{OS}\n    fips: [false, true]", rules=rules)
        assert [str(cell) for cell in found.cells] == ["fips=false,os=ubuntu-22.04"]
        assert told(on_profile(Facts(profile=self.known()), rules=rules.replace("cis: false", "cis: true")).problems) == [
            "m.yaml:11:33: cis is never true [true] (it is false)",
            "m.yaml:11:56: fips is never true [true] (it is false)",
        ]


class TestIncluded:
    KNOWN = TestAxes.KNOWN

    def test_what_is_left_out_has_its_default(self) -> None:
        found = on_profile(Facts(profile=profile(axes=self.KNOWN)), axes=f"{OS}\n    fips: [true]", include="  include:\n    - {os: ubuntu-22.04}")
        assert told(found.problems) == []
        assert [str(cell) for cell in found.cells] == ["fips=true,os=ubuntu-22.04", "fips=false,os=ubuntu-22.04"]

    def test_a_default_that_the_axis_writes_otherwise_is_the_same(self) -> None:
        axes = f"{OS}\n    gpu: [{{kind: none}}, {{kind: amd}}]"
        found = on_profile(Facts(profile=profile(axes=self.KNOWN)), axes=axes, include="  include:\n    - {os: ubuntu-22.04}")
        assert told(found.problems) == ["m.yaml:13:8: the included cell fips=false,gpu=none,os=ubuntu-22.04 is there already [os] (remove it)"]

    def test_a_constant_is_no_axis_of_the_matrix(self) -> None:
        include = "  include:\n    - {os: ubuntu-22.04, fips: true, cis: true}"
        assert told(on_profile(Facts(profile=profile(axes=self.KNOWN)), include=include).problems) == [
            "m.yaml:12:38: the matrix does not have the profile's axis 'cis' [cis] (declare it under spec.axes: cis: [false])"
        ]

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ('{distribution: ubuntu, versions: "22.04"}', "m.yaml:18:35: the value of an included cell has no 'versions' [versions] (write version)"),
            (
                '{distribution: ubuntu, version: "23.04", args: x}',
                "m.yaml:18:53: the value of an included cell has no 'args' [args] (give them to the value under spec.axes)",
            ),
        ],
    )
    def test_a_value_is_one_and_brings_nothing(self, value: str, message: str) -> None:
        assert message in told(expanded(include=f"  include:\n    - {{os: {value}, fips: true}}").problems)


class TestSpans:
    AXES = "  axes:\n    os: {description: o}\n    two: {description: t, default: false, always: true, since: v4.4.4, until: v4.9}"

    def said(self, line: str, **parts: str) -> list[str]:
        return told(on_profile(Facts(profile=profile(axes=self.AXES), line=line), **parts).problems)

    @pytest.mark.parametrize("line", ["v4.4.3", "v4.4.4", "v4.9.0", ""])
    def test_the_default_is_in_every_version(self, line: str) -> None:
        assert self.said(line) == self.said(line, axes=f"{OS}\n    two: [false]") == []

    @pytest.mark.parametrize(("line", "why"), [("v4.4.3", "it came with v4.4.4"), ("v4.9.0", "it went with v4.9")])
    @pytest.mark.parametrize(
        ("parts", "place"),
        [
            ({"axes": f"{OS}\n    two: [false, true]"}, "9:18"),
            ({"include": "  include:\n    - {os: ubuntu-22.04, two: true}"}, "12:31"),
        ],
        ids=["declared", "included"],
    )
    def test_another_value_is_not(self, line: str, why: str, parts: dict[str, str], place: str) -> None:
        assert self.said(line, **parts) == [
            (
                f"m.yaml:{place}: {line} has no two: true would change nothing [true] "
                f"({why}; where the source is another version than it says, name that: profile: {{name: ..., as: TAG}})"
            )
        ]

    def test_nobody_knows_the_version(self) -> None:
        assert self.said("", axes=f"{OS}\n    two: [true]") == []


class TestOverrides:
    RULES = """  rules:
    - {name: drops, exclude: {fips: true}, reason: why}
    - {name: denies, deny: {fips: true}, reason: why}
    - {name: warns, warn: {fips: true}, reason: why}
    - {name: old, until: v4.4, deny: {fips: true}, reason: was}
    - {name: both, until: v4.4, exclude: {fips: true}, reason: was}
    - {name: both, since: v4.9, exclude: {fips: true}, reason: will be}"""

    def deeds(self, override: str) -> tuple[list[str], list[str], list[str]]:
        """Who drops, refuses and remarks on the cell with FIPS."""
        use = f"  profile: {{name: edge, override: {{{override}}}}}"
        found = on_profile(Facts(profile=profile(rules=self.RULES), line="v4.5.0"), axes=f"{OS}\n    fips: [false, true]", profile=use)
        problems, warnings = (
            [one.summary.split("'")[1] for one in each if one.code != "value-without-cell"]
            for each in (found.problems, found.warnings)
        )
        return sorted({rule.name for one in found.dropped for rule in one.rules}), problems, warnings

    @pytest.mark.parametrize(
        ("override", "expected"),
        [
            ('drops: "off"', ([], ["denies"], ["warns"])),
            ('drops: "off", denies: "off", warns: "off"', ([], [], [])),
            ("drops: warn, denies: warn", ([], [], ["denies", "drops", "warns"])),
            ("drops: deny, warns: deny", ([], ["denies", "drops", "warns"], [])),
            ('drops: "off", denies: drop', (["denies"], [], [])),
            ('drops: "off", denies: "off", warns: drop', (["warns"], [], [])),
            ("drops: drop", (["drops"], [], [])),
        ],
    )
    def test_every_effect_of_every_rule(self, override: str, expected: tuple[list[str], list[str], list[str]]) -> None:
        assert self.deeds(override) == expected

    @pytest.mark.parametrize(
        ("about", "place"),
        [
            ("deny: {fips: true}", "m.yaml:9:19: {} [true] {}"),
            ("when: {fips: true}, deny: {os: '*'}", "m.yaml:8:11: {} [distribution] {}"),
            ("when: {fips: true}, deny: {arch: amd64}", "m.yaml:9:19: {} [true] {}"),  # nobody has written amd64
            ("deny: {arch: amd64, kind: plain, fips: true}", "m.yaml:9:19: {} [true] {}"),
            ("when: {arch: amd64}, deny: {kind: plain}", "m.yaml:11:12: {} [edge] {}"),
        ],
    )
    def test_a_rule_of_the_profile_is_told_where_the_manifest_can_be_mended(self, about: str, place: str) -> None:
        axes = """  axes:
    os: {description: the system}
    fips: {description: validated cryptography, default: false}
    arch: {description: the processor, default: amd64, always: true}
    kind: {description: the kind, default: plain}"""
        known = Facts(profile=profile(axes=axes, rules=f"  rules: [{{name: R1, {about}, reason: why}}]"))
        count, cells = ("1 cell", "") if "fips" in about else ("2 cells", ", and 1 more")
        fips = str("fips" in about).lower()
        assert told(on_profile(known, axes=f"{OS}\n    fips: [false, true]").problems) == [
            place.format(f"the rule 'R1' refuses {count}: why", f"(arch=amd64,fips={fips},os=ubuntu-22.04{cells})")
        ]

    def test_so_is_the_tag_of_a_profiles_target(self) -> None:
        made = next(iter(demands_of(on_profile(Facts(profile=profile()))).values()))
        assert made.asked.tag
        assert (made.asked.tag.text, str(made.asked.tag.place), made.asked.tag.foreign) == ("{{ os }}", "m.yaml:10:12", True)
        own = '  targets: {provider: {image: {tag: "own-{{ os }}"}}}'
        made = next(iter(demands_of(on_profile(Facts(profile=profile()), targets=own)).values()))
        assert made.asked.tag
        assert (made.asked.tag.text, str(made.asked.tag.place), made.asked.tag.foreign) == ("own-{{ os }}", "m.yaml:9:37", False)

    def test_a_value_that_only_an_included_cell_has_is_told_there(self) -> None:
        known = Facts(profile=profile(rules="  rules: [{name: R1, deny: {os.distribution: leap}, reason: why}]"))
        include = '  include: [{os: {distribution: leap, version: "15.6"}}]'
        assert told(on_profile(known, axes=OS, include=include).problems) == [
            "m.yaml:11:19: the rule 'R1' refuses 1 cell: why [distribution] (fips=false,os=leap-15.6)"
        ]

    @pytest.mark.parametrize(
        ("name", "line", "message"),
        [
            ("drop", "v4.5.0", "the profile has no rule 'drop' to override [drop] (did you mean 'drops'?)"),
            ("R04", "v4.5.0", ""),
            ("old", "v4.3.0", ""),
            ("old", "", ""),
            ("old", "v4.5.0", "the profile's rule 'old' is not for v4.5.0: to override it changes nothing [old] (remove it)"),
            ("both", "v4.9.0", ""),
            ("both", "v4.5.0", "the profile's rule 'both' is not for v4.5.0: to override it changes nothing [both] (remove it)"),
        ],
    )
    def test_rules_that_there_are(self, name: str, line: str, message: str) -> None:
        facts = Facts(profile=profile(rules=self.RULES), line=line)
        axes = '  axes:\n    {os: [{distribution: ubuntu, version: "22.04"}], fips: [false, true]}'
        found = on_profile(facts, axes=axes, profile=f'  profile: {{name: edge, override: {{{name}: "off", denies: "off", drops: "off"}}}}')
        assert told(found.problems) == ([f"m.yaml:10:36: {message}"] if message else [])


class TestStandsFor:
    @pytest.mark.parametrize("tag", ["v4.9.38", "4.9", "v4.10.0-rc.2", "v4.8.a"])
    def test_an_upstream_version(self, tag: str) -> None:
        assert told(on_profile(Facts(profile=profile()), profile=f'  profile: {{name: edge, as: "{tag}"}}').problems) == []

    def test_another_word(self) -> None:
        assert told(on_profile(Facts(profile=profile()), profile="  profile: {name: edge, as: edge-4.9}").problems) == [
            (
                "m.yaml:10:29: spec.profile.as: 'edge-4.9' is no version [edge-4.9] "
                "(write the upstream tag that the source stands on, for example v4.9.38)"
            )
        ]


class TestInherited:
    def test_a_rule_of_the_profile_may_be_about_nothing_here(self) -> None:
        rules = """  rules:
    - {name: a, when: {os.distribution: rhel}, deny: {fips: false}, reason: r}
    - {name: b, when: {os.flavour: core}, deny: {fips: false}, reason: r}
    - {name: c, when: {os.version: ">=30"}, require: {fips: true}, reason: r}
    - {name: d, deny: {fips: true}, reason: r}"""
        found = on_profile(Facts(profile=profile(rules=rules)))
        assert (told(found.problems), told(found.warnings), len(found.cells)) == ([], [], 1)

    def test_but_not_about_axes_that_it_does_not_have(self) -> None:
        found = on_profile(Facts(profile=profile(rules="  rules: [{name: a, deny: {fibs: true}, reason: r}]")))
        assert told(found.problems) == ["edge.yaml:10:28: there is no axis 'fibs' [fibs] (did you mean 'fips'?)"]

    def test_an_included_cell_that_it_drops(self) -> None:
        rules = "  rules: [{name: a, exclude: {fips: true}, reason: why}]"
        found = on_profile(Facts(profile=profile(rules=rules)), include="  include: [{os: ubuntu-22.04, fips: true}]")
        assert told(found.problems) == ["m.yaml:11:14: the rule 'a' drops the included cell fips=true,os=ubuntu-22.04 [os] (why: remove the entry)"]


class TestIdle:
    """Files and secrets of the manifest that are for no cell."""

    RULE = "  rules: [{name: a, exclude: {fips: true}, reason: r}]"

    def test_files(self) -> None:
        source = "  source: {path: edge, files: [{from: a/, when: {fips: true, os: leap-15.6}}]}"
        assert told(expanded(source=source, rules=self.RULE).problems) == [
            "m.yaml:5:50: the entry of source.files is for no cell that is left [fips] (its `when` matches none: mend or remove it)"
        ]
        assert told(expanded(source=source).problems) == []

    def test_secrets(self) -> None:
        secrets = "  secrets: [{name: s, env: S, when: {fips: true}}]"
        assert told(expanded(secrets=secrets, rules=self.RULE).problems) == [
            "m.yaml:17:38: the secret 's' is for no cell that is left [fips] (its `when` matches none: mend or remove it)"
        ]

    def test_a_value_that_there_is_not_is_told_once(self) -> None:
        source = "  source: {path: edge, files: [{from: a/, when: {fips: maybe}}]}"
        secrets = "  secrets: [{name: s, env: S, when: {oss: leap-15.6}}]"
        assert told(expanded(source=source, secrets=secrets).problems) == [
            "m.yaml:5:56: fips is never 'maybe' [maybe] (it is false, true)",
            "m.yaml:17:38: there is no axis 'oss' [oss] (did you mean 'os'?)",
        ]
