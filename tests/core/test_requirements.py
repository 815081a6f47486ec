from __future__ import annotations

from collections.abc import Mapping

import pytest

from matrixbuild.core.expand import overridden
from matrixbuild.core.facts import Facts
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.requirements import Tree, unmet
from tests.manifest_texts import told
from tests.profile_cases import on_profile
from tests.profile_texts import profile

OS = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]'
FIPS = "provider (fips=false,os=ubuntu-22.04)"


def tree(files: Mapping[str, str], hidden: frozenset[str] = frozenset()) -> Tree:
    """A source of these files, and the directories above them."""
    entries = {path.rpartition("/")[0]: Entry(kind=Kind.DIRECTORY, mode=0o755) for path in files if "/" in path}
    return Tree(listing=Listing(entries={**entries, **{path: Entry(kind=Kind.FILE) for path in files}}), text=files.get, hidden=hidden)


def said(
    requirement: str, files: Mapping[str, str] | None = None, *, hidden: str = "", line: str = "", override: str = "", **parts: str
) -> list[str]:
    """What is told of a source with these files."""
    known = profile(files=f"  files: [{requirement}]")
    use = {"profile": f"  profile: {{name: edge, override: {{{override}}}}}"} if override else {}
    expansion = on_profile(Facts(profile=known, line=line), **{"axes": f"{OS}\n    fips: [false, true]", **use, **parts})
    found = unmet(
        known,
        expansion.demands,
        expansion.cells_of,
        expansion.matrix,
        lambda _: tree(files or {}, frozenset([hidden])),
        line=line,
        overrides=overridden(expansion.manifest),
        place=expansion.manifest.source.place,
    )
    return told(tuple(found))


PATH = "{path: certs, reason: why}"
LACKING = [f"m.yaml:5:3: the source has no certs, which {FIPS} needs [source] (why)"]


class TestPaths:
    @pytest.mark.parametrize("path", ["certs", "certs/", "certs//ca.pem", "./certs/./ca.pem", "certs/../certs", "."])
    def test_however_it_is_written(self, path: str) -> None:
        assert said(f"{{path: {path}, reason: why}}", {"certs/ca.pem": ""}) == []

    def test_lacking_is_told_once(self) -> None:
        assert said(PATH) == LACKING

    def test_outside_there_is_nothing(self) -> None:
        assert said("{path: ../certs, reason: why}", {"certs": ""}) == [f"m.yaml:5:3: the source has no ../certs, which {FIPS} needs [source] (why)"]

    def test_containing(self) -> None:
        wanted = "{path: user-data, containing: '#cloud-config', reason: why}"
        assert said(wanted, {"user-data": "#cloud-config\n"}) == []
        assert said(wanted, {"user-data": "stylus:\n"}) == [
            f"m.yaml:5:3: user-data of the source does not contain '#cloud-config', which {FIPS} needs [source] (why)"
        ]

    def test_of_a_secret_nothing_is_known_but_that_it_is_there(self) -> None:
        wanted = "{path: user-data, containing: '#cloud-config', reason: why}"
        assert said(wanted, {"user-data": ""}, hidden="user-data") == []
        assert said(wanted, {}, hidden="user-data") == [f"m.yaml:5:3: the source has no user-data, which {FIPS} needs [source] (why)"]


class TestRules:
    def test_what_belongs_to_a_rule_says_to_which(self) -> None:
        assert said("{rule: R19, path: certs, reason: why}") == [f"m.yaml:5:3: the source has no certs, which {FIPS} needs (rule R19) [source] (why)"]


class TestArgs:
    WANTED = "{arg: CONFIG, reason: why}"

    def test_not_given_or_empty_names_nothing(self) -> None:
        assert said(self.WANTED) == said(self.WANTED, args='  args: {CONFIG: ""}') == []

    @pytest.mark.parametrize("path", ["c/x.yaml", "./c/x.yaml", "c//x.yaml", "c/", "./c/../c/x.yaml"])
    def test_a_path_that_is_there(self, path: str) -> None:
        assert said(self.WANTED, {"c/x.yaml": ""}, args=f"  args: {{CONFIG: {path}}}") == []

    @pytest.mark.parametrize("path", ["c/y.yaml", "/c/x.yaml", "../c/x.yaml"])
    def test_a_path_that_is_not(self, path: str) -> None:
        assert said(self.WANTED, {"c/x.yaml": ""}, args=f"  args: {{CONFIG: {path}}}") == [
            f"m.yaml:12:10: the source has no {path}, which CONFIG names for {FIPS} [CONFIG] (why)"
        ]


class TestForbidden:
    def test_the_file_alone(self) -> None:
        wanted = "{forbidden: certs/**, reason: why}"
        assert said(wanted, {"certs/deep/key.pem": "", "certs": ""}) == [
            "m.yaml:5:3: the source holds certs/deep/key.pem, which must not be there [source] (why)"
        ]

    def test_what_it_contains(self) -> None:
        wanted = "{forbidden: 'certs/*', containing: PRIVATE KEY, reason: why}"
        assert said(wanted, {"certs/ca.pem": "CERTIFICATE"}) == []
        assert said(wanted, {"certs/a.pem": "CERTIFICATE", "certs/b.pem": "-- PRIVATE KEY --"}) == [
            "m.yaml:5:3: the source holds certs/b.pem with 'PRIVATE KEY' in it, which must not be there [source] (why)"
        ]

    def test_a_secret_is_not_looked_into_and_may_be_told_for_what_it_is(self) -> None:
        files = {"certs/a.pem": "x", "certs/b.pem": "-- PRIVATE KEY --"}
        assert said("{forbidden: 'certs/*', containing: 'x', ofSecrets: true, reason: why}", files) == []
        assert said("{forbidden: 'certs/*', ofSecrets: true, effect: warn, reason: why}", files, hidden="certs/b.pem") == [
            "m.yaml:5:3: the source holds certs/b.pem, a secret, which must not be there [source] (why)"
        ]

    def test_a_directory_is_no_file(self) -> None:
        assert said("{forbidden: 'cert?', reason: why}", {"certs/ca.pem": ""}) == []


class TestWhom:
    def test_when(self) -> None:
        wanted = "{path: keys, when: {fips: true}, reason: why}"
        assert said(wanted) == ["m.yaml:5:3: the source has no keys, which provider (fips=true,os=ubuntu-22.04) needs [source] (why)"]
        assert said(wanted, axes=f"{OS}\n    fips: [false]") == []

    def test_a_demand_of_fewer_axes_stands_for_all_of_its_cells(self) -> None:
        iso = "  targets:\n    provider: false\n    iso: {earthly: +iso, axes: [os], artifacts: [{path: /x, as: x}]}"
        wanted = "{path: keys, when: {fips: true}, reason: why}"
        assert said(wanted, targets=iso) == ["m.yaml:5:3: the source has no keys, which iso (os=ubuntu-22.04) needs [source] (why)"]

    def test_targets(self) -> None:
        assert said("{path: certs, targets: [iso], reason: why}") == []
        assert said("{path: certs, targets: [iso, provider], reason: why}") == LACKING

    @pytest.mark.parametrize(("line", "expected"), [("v4.4.3", []), ("v4.4.4", LACKING), ("v4.5.0", []), ("", LACKING)])
    def test_versions(self, line: str, expected: list[str]) -> None:
        assert said("{path: certs, since: v4.4.4, until: v4.5, reason: why}", line=line) == expected


class TestEffects:
    RULED = "rules: [{name: R19, by: files, deny: {}, reason: why}]"

    def severities(self, requirement: str, override: str = "") -> list[str]:
        known = profile(rules=f"  {self.RULED}", files=f"  files: [{requirement}]")
        use = {"profile": f"  profile: {{name: edge, override: {{{override}}}}}"} if override else {}
        expansion = on_profile(Facts(profile=known), **use)
        assert expansion.problems == ()
        found = unmet(
            known,
            expansion.demands,
            expansion.cells_of,
            expansion.matrix,
            lambda _: tree({}),
            line="",
            overrides=overridden(expansion.manifest),
            place=expansion.manifest.source.place,
        )
        return [problem.severity.value for problem in found]

    @pytest.mark.parametrize(
        ("effect", "override", "expected"),
        [
            ("", "", ["error"]),
            ("effect: deny, ", "", ["error"]),
            ("effect: warn, ", "", ["warning"]),
            ("", "R19: warn", ["warning"]),
            ("effect: warn, ", "R19: deny", ["error"]),
            ("", 'R19: "off"', []),
        ],
    )
    def test_of_the_profile_and_of_an_override(self, effect: str, override: str, expected: list[str]) -> None:
        assert self.severities(f"{{path: certs, rule: R19, {effect}reason: why}}", override) == expected

    def test_an_override_of_another_rule_is_none_of_it(self) -> None:
        assert self.severities("{path: certs, reason: why}", 'R19: "off"') == ["error"]
