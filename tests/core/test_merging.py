from __future__ import annotations

import posixpath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core.document import Document
from matrixbuild.core.merging import joined, merge, merged, plain


def document(text: str, file: str = "own.yaml") -> Document:
    return plain(parse_document(text.encode(), file=file))


def together(base: str, own: str, directory: str = "") -> Any:
    return merge(document(base, "base.yaml"), document(own), directory=directory).root.data


class TestMerging:
    def test_mappings_merge_and_the_extending_file_wins(self) -> None:
        assert together("spec: {args: {A: 1, B: 2}, vars: {x: y}}", "spec: {args: {B: 3, C: 4}}") == {
            "spec": {"args": {"A": 1, "B": 3, "C": 4}, "vars": {"x": "y"}}
        }

    def test_lists_replace(self) -> None:
        assert together("spec: {axes: {os: [a, b], fips: [true]}}", "spec: {axes: {os: [c]}}") == {"spec": {"axes": {"os": ["c"], "fips": [True]}}}

    def test_inherited_keys_come_first_in_their_order(self) -> None:
        assert list(together("spec: {axes: {b: [x], a: [x]}}", "spec: {axes: {c: [x], a: [y]}}")["spec"]["axes"]) == ["b", "a", "c"]

    def test_rules_merge_by_name_in_their_place(self) -> None:
        base = "spec: {rules: [{name: a, deny: {x: 1}, when: {y: 2}}, {name: b, deny: {x: 2}}]}"
        own = "spec: {rules: [{name: c, deny: {x: 3}}, {name: a, warn: {x: 4}}]}"
        assert together(base, own)["spec"]["rules"] == [
            {"name": "a", "warn": {"x": 4}},
            {"name": "b", "deny": {"x": 2}},
            {"name": "c", "deny": {"x": 3}},
        ]

    def test_a_rule_that_one_file_has_twice_stays_twice(self) -> None:
        """It is a mistake, and has to be told."""
        rules = together("spec: {rules: [{name: a}, {name: a, x: 1}]}", "spec: {rules: [{name: a, x: 2}, {name: a, x: 3}, {x: 4}]}")["spec"]["rules"]
        assert rules == [{"name": "a", "x": 2}, {"name": "a", "x": 1}, {"name": "a", "x": 3}, {"x": 4}]

    def test_it_is_known_which_targets_the_extending_file_turns_off(self) -> None:
        base = "spec: {targets: {a: {earthly: +a}, b: {earthly: +b}, c: false}}"
        middle = merge(document(base, "base.yaml"), document("spec: {targets: {a: false, c: false, d: false}}"), directory="")
        assert middle.turned_off == {"a"}
        assert merge(middle, document("spec: {targets: {b: false}}"), directory="").turned_off == {"a", "b"}

    def test_metadata_is_never_inherited(self) -> None:
        assert together("metadata: {name: a}\nkind: BuildMatrix", "spec: {}") == {"kind": "BuildMatrix", "spec": {}}
        assert together("metadata: {name: a, x: 1}", "metadata: {name: b}") == {"metadata": {"name": "b"}}

    def test_a_target_that_is_off_stays_off_and_one_that_was_off_is_what_the_extending_file_says(self) -> None:
        assert together("spec: {targets: {iso: {earthly: +iso}}}", "spec: {targets: {iso: false}}") == {"spec": {"targets": {"iso": False}}}
        assert together("spec: {targets: {iso: false}}", "spec: {targets: {iso: {timeout: 1h}}}") == {"spec": {"targets": {"iso": {"timeout": "1h"}}}}

    @pytest.mark.parametrize(
        ("key", "short", "long", "result"),
        [
            ("publish", "none", "{tags: mutable}", {"mode": "none", "tags": "mutable"}),
            ("engine", "earthly", "{version: '<1'}", {"kind": "earthly", "version": "<1"}),
            ("profile", "canvos", "{as: v4.9.38}", {"name": "canvos", "as": "v4.9.38"}),
        ],
    )
    def test_a_short_form_merges_as_what_it_is_short_for(self, key: str, short: str, long: str, result: object) -> None:
        assert together(f"spec: {{{key}: {short}}}", f"spec: {{{key}: {long}}}") == {"spec": {key: result}}
        assert together(f"spec: {{{key}: {long}}}", f"spec: {{{key}: {short}}}") == {"spec": {key: result}}
        assert together(f"spec: {{{key}: {short}}}", f"spec: {{{key}: other}}") == {"spec": {key: "other"}}

    @pytest.mark.parametrize(
        ("base", "own", "result"),
        [
            ("{git: a, ref: b, files: [c]}", "{path: d}", {"path": "d", "files": ["c"]}),
            ("{path: a}", "{git: b, ref: c}", {"git": "b", "ref": "c"}),
            ("{git: a, ref: b}", "{ref: c}", {"git": "a", "ref": "c"}),
            ("{git: a, ref: b}", "{git: c}", {"git": "c", "ref": "b"}),
        ],
    )
    def test_a_source_is_one_or_the_other(self, base: str, own: str, result: object) -> None:
        assert together(f"spec: {{source: {base}}}", f"spec: {{source: {own}}}") == {"spec": {"source": result}}

    def test_so_is_what_a_target_builds(self) -> None:
        base, own = "spec: {targets: {t: {earthly: +a, timeout: 1h}}}", "spec: {targets: {t: {docker: {context: c}}}}"
        assert together(base, own) == {"spec": {"targets": {"t": {"timeout": "1h", "docker": {"context": "c"}}}}}
        assert together(own, base) == {"spec": {"targets": {"t": {"earthly": "+a", "timeout": "1h"}}}}

    def test_what_is_no_mapping_is_replaced(self) -> None:
        assert together("- a", "spec: {}") == {"spec": {}}
        assert together("spec: {args: {A: 1}}", "spec:") == {"spec": None}
        assert together("spec: {rules: {a: b}}", "spec: {rules: [{name: c}]}") == {"spec": {"rules": [{"name": "c"}]}}

    def test_two_nodes_merge_alone(self) -> None:
        assert merged(document("{a: {b: 1}}").root, document("{a: {c: 2}}").root).data == {"a": {"b": 1, "c": 2}}


class TestPlaces:
    MERGED = merge(
        document("spec:\n  args: {A: 1}\n  rules:\n    - {name: a}\n    - {name: b}\n", "base.yaml"),
        document("spec:\n  registry: r\n  rules: [{name: b}]\n"),
        directory="",
    )

    @pytest.mark.parametrize(
        ("path", "place"),
        [
            (("spec",), "own.yaml:1:1"),
            (("spec", "args"), "base.yaml:2:3"),
            (("spec", "args", "A"), "base.yaml:2:13"),
            (("spec", "registry"), "own.yaml:2:13"),
            (("spec", "rules"), "own.yaml:3:3"),
            (("spec", "rules", 0, "name"), "base.yaml:4:14"),
            (("spec", "rules", 1, "name"), "own.yaml:3:18"),
        ],
    )
    def test_everything_is_where_it_was_written(self, path: tuple[str | int, ...], place: str) -> None:
        assert str(self.MERGED.place(path)) == place

    def test_the_file_is_the_extending_one_with_the_problems_of_both(self) -> None:
        found = merge(document("a: !t x", "base.yaml"), document("b: !t x"), directory="")
        assert [str(problem.place) for problem in found.problems] == ["own.yaml:1:4", "base.yaml:1:4"]
        assert found.file == "own.yaml"


class TestPlain:
    def test_what_is_only_for_reading_is_taken_out(self) -> None:
        text = "extends: a.yaml\nx-one: &one {A: 1}\nspec:\n  x-two: 2\n  args: *one\n  vars: {x-three: 3}\n"
        assert document(text).root.data == {"spec": {"args": {"A": 1}, "vars": {"x-three": 3}}}

    @pytest.mark.parametrize("text", ["a", "[a]", "spec: a", "spec: [x-a]"])
    def test_of_anything(self, text: str) -> None:
        assert document(text).root.data == parse_document(text.encode(), file="m").root.data


class TestPaths:
    def test_inherited_paths_are_relative_to_the_extending_file(self) -> None:
        base = """
spec:
  source: {path: ../src, files: [{from: over/}, {to: x, secret: S}]}
  registry: oci-layout:out
  secrets: [{name: a, file: a.txt}, {name: b, env: B}]
  network: {ca: [/etc/ca.pem, corp.pem], insecure: [a]}
"""
        assert together(base, "spec: {}", "../common")["spec"] == {
            "source": {"path": "../src", "files": [{"from": "../common/over/"}, {"to": "x", "secret": "S"}]},
            "registry": "oci-layout:../common/out",
            "secrets": [{"name": "a", "file": "../common/a.txt"}, {"name": "b", "env": "B"}],
            "network": {"ca": ["/etc/ca.pem", "../common/corp.pem"], "insecure": ["a"]},
        }

    def test_its_own_are_left_alone_and_so_is_a_registry_that_is_a_host(self) -> None:
        own = {"spec": {"source": {"path": "src"}, "registry": "a.example/x"}}
        assert together("spec: {source: {path: b}, registry: b.example/x}", "spec: {source: {path: src}, registry: a.example/x}", "base") == own
        assert together("spec: {registry: b.example/x}", "spec: {}", "base") == {"spec": {"registry": "b.example/x"}}

    def test_values_of_another_kind_are_left_to_the_schema(self) -> None:
        assert together("spec: {source: {path: 3, files: {a: b}}, registry: [x]}", "spec: {}", "base") == {
            "spec": {"source": {"path": 3, "files": {"a": "b"}}, "registry": ["x"]}
        }

    @pytest.mark.parametrize(
        ("directory", "path", "result"),
        [
            ("base", "src", "base/src"),
            ("base", "./src", "base/src"),
            ("base", "../src", "src"),
            ("base/deep", "../../../src/", "../src/"),
            ("..", "../src", "../../src"),
            ("base", ".", "base"),
            ("base", "..", "."),
            ("base", "link/../x", "base/link/../x"),
            ("base", "/abs", "/abs"),
            ("base", "", ""),
            (".", "src", "src"),
            ("../base/.", "a//b", "../base/a//b"),
        ],
    )
    def test_joined(self, directory: str, path: str, result: str) -> None:
        assert joined(directory, path) == result

    @given(st.lists(st.sampled_from(["..", "a", "."]), max_size=4), st.lists(st.sampled_from(["..", "b", "."]), min_size=1, max_size=5))
    def test_joined_leads_where_the_two_lead(self, directory: list[str], path: list[str]) -> None:
        base, rest = "/".join(directory) or ".", "/".join(path)
        assert posixpath.normpath(joined(base, rest)) == posixpath.normpath(posixpath.join(base, rest))


VALUES = st.recursive(
    st.sampled_from(["1", "x", "true"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_what_the_extending_file_says_holds(base: str, own: str) -> None:
    def holds(wanted: Any, found: Any) -> bool:
        if not isinstance(wanted, dict):
            return bool(wanted == found)
        return isinstance(found, dict) and all(key in found and holds(value, found[key]) for key, value in wanted.items())

    assert holds(document(own).root.data, together(base, own))


@given(VALUES)
def test_merging_with_itself_or_with_nothing_changes_nothing(text: str) -> None:
    wanted = document(text).root.data
    assert together(text, text) == wanted
    assert together("{}", text) == wanted
    assert together(f"{{spec: {text}}}", "{}") == {"spec": wanted}
