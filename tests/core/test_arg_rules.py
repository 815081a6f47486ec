from __future__ import annotations

import pytest

from matrixbuild.core.facts import Facts
from tests.manifest_texts import told
from tests.profile_cases import on_profile
from tests.profile_texts import profile

OS = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]'


def said(rule: str = "", *, form: str = "", facts: dict[str, object] | None = None, override: str = "", **parts: str) -> tuple[list[str], list[str]]:
    """Problems and warnings of a manifest on a profile with one rule or form."""
    written = {"rules": f"  rules: [{rule}]"} if rule else {"forms": f"  forms: [{form}]"}
    known = Facts(profile=profile(**written), **(facts or {}))  # type: ignore[arg-type]
    use = {"profile": f"  profile: {{name: edge, override: {{{override}}}}}"} if override else {}
    expansion = on_profile(known, **{"axes": f"{OS}\n    fips: [false, true]", **use, **parts})
    return told(expansion.problems), told(expansion.warnings)


DENY = "{name: R1, when: {fips: true}, deny: {args.BASE: ''}, reason: why}"
REFUSED = ["m.yaml:9:19: the rule 'R1' refuses 1 cell: why [true] (fips=true,os=ubuntu-22.04)"]


class TestRules:
    def test_an_arg_that_is_not_given_is_empty(self) -> None:
        assert said(DENY) == (REFUSED, [])
        assert said(DENY, args="  args: {BASE: x}") == ([], [])

    def test_what_is_given_to_the_cell_alone_counts(self) -> None:
        axes = f"{OS}\n    fips: [false, {{value: true, args: {{BASE: x}}}}]"
        assert said(DENY, axes=axes) == ([], [])
        assert said(DENY.replace("true", "false"), axes=axes)[0] == [
            "m.yaml:9:12: the rule 'R1' refuses 1 cell: why [false] (fips=false,os=ubuntu-22.04)"
        ]

    def test_require_finds_fault_where_it_does_not_hold(self) -> None:
        rule = "{name: R1, require: {args.BASE: [a*, b]}, reason: why}"
        assert said(rule, args="  args: {BASE: abc}") == ([], [])
        assert said(rule, args="  args: {BASE: b}") == ([], [])
        assert said(rule, args="  args: {BASE: bc}") == (
            ["m.yaml:11:12: the rule 'R1' refuses 2 cells: why [edge] (fips=false,os=ubuntu-22.04, and 1 more)"],
            [],
        )

    @pytest.mark.parametrize("wanted", ["true", '"true"', "[true]", "{not: false}", "{not: [false, other]}"])
    def test_true_is_the_text_true(self, wanted: str) -> None:
        assert said(f"{{name: R1, deny: {{args.FIPS: {wanted}}}, reason: why}}") == (
            ["m.yaml:11:12: the rule 'R1' refuses 1 cell: why [edge] (fips=true,os=ubuntu-22.04)"],
            [],
        )

    def test_a_range_is_the_mistake_of_the_profile(self) -> None:
        assert said('{name: R1, deny: {args.FIPS: ">=1.2"}, reason: why}')[0] == [
            'edge.yaml:10:40: args.FIPS has no versions that could be in the range >=1.2 [">=1.2"] (write the values themselves)'
        ]

    def test_the_lines_that_prove_it_are_told(self) -> None:
        found, _ = said(DENY, facts={"lines": {"R1": (14, 697), "R2": (1,)}})
        assert found == ["m.yaml:9:19: the rule 'R1' refuses 1 cell: why [true] (fips=true,os=ubuntu-22.04; Earthfile lines 14, 697)"]

    @pytest.mark.parametrize(
        ("override", "problems", "warnings"),
        [
            ('R1: "off"', [], []),
            ("R1: warn", [], ["m.yaml:9:19: the rule 'R1' remarks on 1 cell: why [true] (fips=true,os=ubuntu-22.04)"]),
            ("R1: deny", REFUSED, []),
            ("R1: drop", REFUSED, []),
        ],
    )
    def test_overrides(self, override: str, problems: list[str], warnings: list[str]) -> None:
        assert said(DENY, override=override) == (problems, warnings)

    def test_the_first_cell_is_told_whatever_others_are_given(self) -> None:
        axes = "  axes:\n    fips: [false]\n    os: [{value: a, args: {BASE: red}}, {value: b, args: {BASE: blue}}, {value: c, args: {BASE: red}}]"
        rule = "{name: R1, when: {os: [b, c]}, deny: {args.BASE: [red, blue]}, reason: why}"
        assert said(rule, axes=axes)[0] == ["m.yaml:9:49: the rule 'R1' refuses 2 cells: why [b] (fips=false,os=b, and 1 more)"]

    def test_of_targets(self) -> None:
        assert said(DENY.replace("reason", "targets: [iso], reason")) == ([], [])
        assert said(DENY.replace("reason", "targets: [provider], reason")) == (REFUSED, [])

    def test_a_target_without_the_axes_is_not_asked(self) -> None:
        """It cannot be given another ARG for them."""
        iso = "  targets:\n    provider: false\n    iso: {earthly: +iso, axes: [os], artifacts: [{path: /x, as: x}]}"
        assert said(DENY, targets=iso) == ([], [])

    def test_nor_is_a_dockerfile(self) -> None:
        base = '  targets:\n    provider: false\n    base: {docker: {context: "."}, image: {repository: "{{ registry }}/b", tag: "{{ fips }}"}}'
        assert said(DENY, targets=base) == ([], [])

    def test_about_values_that_the_matrix_does_not_have(self) -> None:
        assert said(DENY.replace("fips: true", "fips: true, os: rhel")) == ([], [])

    def test_of_other_versions(self) -> None:
        later = DENY.replace("reason", "since: v4.4.4, reason")
        assert said(later, facts={"line": "v4.4.3"}) == ([], [])
        assert said(later, facts={"line": "v4.4.4"}) == (REFUSED, [])


FORM = "{args: [FLAG], pattern: 'true|false', hint: write true or false, rule: R2}"


class TestForms:
    def test_the_whole_text_has_to_match(self) -> None:
        assert said(form=FORM, args='  args: {FLAG: "true"}') == ([], [])
        assert said(form=FORM, args='  args: {FLAG: "true\\n"}')[0] == [
            "m.yaml:12:10: FLAG is 'true\\n' (in provider, fips=false,os=ubuntu-22.04), against the rule R2 [FLAG] (write true or false)"
        ]

    def test_a_text_that_the_profile_makes_is_told_where_the_manifest_names_it(self) -> None:
        expansion = on_profile(
            Facts(profile=profile(forms=f"  forms: [{FORM}]", args="  args: {FLAG: '{{ vars.flag }}'}")),
            axes=OS,
            vars="  vars: {flag: yea}",
        )
        assert told(expansion.problems) == [
            "m.yaml:10:12: FLAG is 'yea' (in provider, fips=false,os=ubuntu-22.04), against the rule R2 [edge] (write true or false)"
        ]

    def test_once_a_text_and_place(self) -> None:
        found, _ = said(form=FORM, axes=f"{OS}\n    fips: [{{value: false, args: {{FLAG: nay}}}}, {{value: true, args: {{FLAG: yea}}}}]")
        assert found == [
            "m.yaml:9:34: FLAG is 'nay' (in provider, fips=false,os=ubuntu-22.04), against the rule R2 [FLAG] (write true or false)",
            "m.yaml:9:68: FLAG is 'yea' (in provider, fips=true,os=ubuntu-22.04), against the rule R2 [FLAG] (write true or false)",
        ]

    def test_of_other_versions(self) -> None:
        later = FORM.replace("hint", "since: v4.4.4, hint")
        assert said(form=later, args="  args: {FLAG: x}", facts={"line": "v4.4.3"}) == ([], [])
