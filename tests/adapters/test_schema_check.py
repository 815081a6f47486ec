from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.adapters.schema_check import check_part, check_whole, schema_names, schema_text
from matrixbuild.adapters.yaml_files import parse_document
from tests.manifest_texts import manifest_text, schema_problems, told

SCHEMA = json.loads(schema_text("manifest"))


def subschemas(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a property, an item or a definition, with where it is."""
    for keyword in ("properties", "$defs", "patternProperties"):
        for name, sub in schema.get(keyword, {}).items():
            yield f"{path}/{keyword}/{name}", sub
            yield from subschemas(sub, f"{path}/{keyword}/{name}")
    for keyword in ("additionalProperties", "items", "propertyNames", "if", "then", "else"):
        if isinstance(sub := schema.get(keyword), dict):
            if keyword in ("additionalProperties", "items", "propertyNames") and set(sub) != {"$ref"}:
                yield f"{path}/{keyword}", sub
            yield from subschemas(sub, f"{path}/{keyword}")


class TestSchema:
    def test_it_is_a_schema(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)

    @pytest.mark.parametrize(("path", "sub"), list(subschemas(SCHEMA)), ids=lambda value: value if isinstance(value, str) else "")
    def test_every_property_is_described_with_an_example(self, path: str, sub: dict[str, Any]) -> None:
        assert sub.get("description"), path
        assert sub.get("examples"), path

    @pytest.mark.parametrize(("path", "sub"), list(subschemas(SCHEMA)), ids=lambda value: value if isinstance(value, str) else "")
    def test_examples_are_valid(self, path: str, sub: dict[str, Any]) -> None:
        validator = Draft202012Validator({**sub, "$defs": SCHEMA["$defs"]})
        if "targets" in path or path in ("/properties/spec", "/$defs/target"):
            return  # outlines: a target in full has more than an example wants to say
        for example in sub["examples"]:
            assert list(validator.iter_errors(example)) == [], path

    def test_every_mapping_is_closed(self) -> None:
        described = [sub for _, sub in subschemas(SCHEMA) if "properties" in sub]
        assert all("additionalProperties" in sub for sub in described)

    def test_names(self) -> None:
        assert "manifest" in schema_names()
        with pytest.raises(KeyError):
            schema_text("nope")


class TestMessages:
    def test_the_small_manifest_is_valid(self) -> None:
        assert schema_problems(manifest_text()) == []

    def test_an_unquoted_version(self) -> None:
        axes = '  axes:\n    kubernetes:\n      - {distribution: k3s, versions: [1.30, "1.31", 9]}'
        assert schema_problems(manifest_text(axes=axes)) == [
            (
                "m.yaml:9:40: spec.axes.kubernetes[0].versions[0]: 1.30 without quotes is a number, and this has to be a string [1.30] "
                '(quote it: "1.30")'
            ),
            'm.yaml:9:54: spec.axes.kubernetes[0].versions[2]: 9 without quotes is a number, and this has to be a string [9] (quote it: "9")',
        ]

    def test_scalars_that_look_like_something_else(self) -> None:
        vars_ = '  vars: {a: 2026-11-01, b: yes, c: 0755, d: 12:30, e: off, f: 0x1F, g: "yes", h: 1.5, i: 7}'
        assert schema_problems(manifest_text(vars=vars_)) == [
            'm.yaml:17:13: spec.vars.a: 2026-11-01 without quotes is a date to many YAML readers [2026-11-01] (quote it: "2026-11-01")',
            (
                "m.yaml:17:28: spec.vars.b: yes without quotes is a string here and a boolean to older YAML readers [yes] "
                '(write true, or "yes" with quotes)'
            ),
            'm.yaml:17:36: spec.vars.c: 0755 without quotes is the number 755 [0755] (quote it: "0755")',
            'm.yaml:17:45: spec.vars.d: 12:30 without quotes is a number to older YAML readers [12:30] (quote it: "12:30")',
            (
                "m.yaml:17:55: spec.vars.e: off without quotes is a string here and a boolean to older YAML readers [off] "
                '(write false, or "off" with quotes)'
            ),
            'm.yaml:17:63: spec.vars.f: 0x1F without quotes is the number 31 [0x1F] (quote it: "0x1F")',
            (
                "m.yaml:17:82: spec.vars.h: 1.5 without quotes is a number, and this has to be a string, true or false or a whole number [1.5] "
                '(quote it: "1.5")'
            ),
        ]

    def test_a_reason_is_prose(self) -> None:
        rules = "  rules:\n    - {name: a, exclude: {fips: true}, reason: no}"
        assert schema_problems(manifest_text(rules=rules)) == []

    @pytest.mark.parametrize(
        ("parts", "message"),
        [
            ({"axis": "  axis: {}"}, "m.yaml:17:3: unknown key 'axis' in spec [axis] (did you mean 'axes'?)"),
            (
                {"freshness": "  freshness: {maxAge: 14d}"},
                (
                    "m.yaml:17:3: unknown key 'freshness' in spec [freshness] (known here: profile, source, registry, vars, args, axes, rules, "
                    "include, targets, secrets, engine, schedule, publish, network)"
                ),
            ),
            (
                {"registry": "  registry:"},
                "m.yaml:6:3: spec.registry is empty, and has to be a string [registry] (for example registry.example.com/edge)",
            ),
            ({"source": "  source: {}"}, "m.yaml:5:3: spec.source takes exactly one of path and git, and has none [source]"),
            (
                {"source": "  source: {git: https://example.com/x.git}"},
                "m.yaml:5:12: spec.source has 'git' and no 'ref' [git] (A tag, branch or commit of it.)",
            ),
            (
                {"source": "  source: {path: x, git: https://example.com/x.git, ref: v1}"},
                "m.yaml:5:21: spec.source takes exactly one of path and git, and has both 'path' and 'git' [git] (remove 'path' or 'git')",
            ),
            (
                {"source": "  source: edge"},
                'm.yaml:5:11: spec.source has to be a mapping, and is a string [edge] (for example {"path": "../CanvOS"})',
            ),
            ({"engine": "  engine: docker"}, "m.yaml:17:11: spec.engine has to be auto, earthly or embedded, not 'docker' [docker]"),
            ({"engine": "  engine: {kind: x}"}, "m.yaml:17:18: spec.engine.kind has to be auto, earthly or embedded, not 'x' [x]"),
            (
                {"publish": "  publish: {tags: mutabel}"},
                "m.yaml:17:19: spec.publish.tags has to be immutable or mutable, not 'mutabel' [mutabel] (did you mean 'mutable'?)",
            ),
            (
                {"schedule": "  schedule: {retry: {attempts: 0}}"},
                "m.yaml:17:32: spec.schedule.retry.attempts has to be at least 1, not 0 [0]",
            ),
            (
                {"schedule": "  schedule: {retry: {wait: {max: 5}}}"},
                "m.yaml:17:34: spec.schedule.retry.wait.max: 5 without quotes is a number, and this has to be a string [5] (for example 5s)",
            ),
            (
                {"axes": "  axes:\n    two-node: [true]"},
                (
                    "m.yaml:8:5: spec.axes: 'two-node' is not a name for templates: a letter, then letters, digits and underscores [two-node] "
                    "(for example twoNode)"
                ),
            ),
            ({"axes": "  axes:\n    os: []"}, 'm.yaml:8:5: spec.axes.os is empty [os] (for example ["k3s", "rke2"])'),
            (
                {"axes": "  axes:\n    os: [~]"},
                "m.yaml:8:10: spec.axes.os[0] is empty, and has to be a string, true or false or a mapping [~] (for example k3s)",
            ),
            (
                {"axes": '  axes:\n    os: ["a b"]'},
                (
                    "m.yaml:8:10: spec.axes.os[0]: 'a b' is not an axis value: letters, digits and . _ + / : @ -, starting with a letter or digit "
                    '["a b"] (for example k3s)'
                ),
            ),
            (
                {"rules": "  rules:\n    - {name: a, reason: b, require: {fips: true}, deny: {fips: true}}"},
                (
                    "m.yaml:18:51: spec.rules[0] takes exactly one of require, exclude, deny and warn, and has both 'require' and 'deny' [deny] "
                    "(make two rules of it)"
                ),
            ),
            (
                {"rules": "  rules:\n    - {name: a, reason: b}"},
                "m.yaml:18:7: spec.rules[0] takes exactly one of require, exclude, deny and warn, and has none [{name: a, reason: b}]",
            ),
            (
                {"targets": "  targets:\n    a: {earthly: +a, artifacts: [{path: /a, as: a}], axes: [os, os]}"},
                "m.yaml:13:65: spec.targets.a.axes names 'os' twice [os] (remove one of them)",
            ),
            (
                {"targets": f"  targets:\n    a: {{earthly: +a, artifacts: [{{path: /a, as: a}}], args: {{A: {'x' * 4097}}}}}"},
                f"m.yaml:13:64: spec.targets.a.args.A is longer than 4096 characters [{'x' * 4097}]",
            ),
        ],
    )
    def test_one_cause_is_one_message(self, parts: dict[str, str], message: str) -> None:
        assert schema_problems(manifest_text(**parts)) == [message]

    def test_all_problems_at_once_in_the_order_of_the_file(self) -> None:
        text = manifest_text(source="  sorce: {path: edge}", engine="  engine: x", publish="  publish: {tag: mutable}", again="  engine: embedded")
        assert schema_problems(text) == [
            "m.yaml:5:3: unknown key 'sorce' in spec [sorce] (did you mean 'source'?)",
            "m.yaml:17:11: spec.engine has to be auto, earthly or embedded, not 'x' [x]",
            "m.yaml:18:13: unknown key 'tag' in spec.publish [tag] (did you mean 'tags'?)",
            "m.yaml:19:3: 'engine' is given twice [engine] (the first is in line 17)",
        ]

    def test_the_envelope(self) -> None:
        assert schema_problems("apiVersion: v1\nkind: Build\n") == [
            "m.yaml:1:1: the manifest has no 'metadata' [apiVersion: v1] (What the matrix is called.)",
            "m.yaml:1:1: the manifest has no 'spec' [apiVersion: v1] (The matrix itself.)",
            "m.yaml:1:13: apiVersion has to be matrixbuild/v1, not 'v1' [v1]",
            "m.yaml:2:7: kind has to be BuildMatrix, not 'Build' [Build]",
        ]

    def test_a_document_that_is_no_mapping(self) -> None:
        example = json.dumps(SCHEMA["examples"][0])
        assert schema_problems("- a\n") == [f"m.yaml:1:1: the manifest has to be a mapping, and is a list [- a] (for example {example})"]

    def test_what_a_condition_asks_for_is_told_like_the_rest(self) -> None:
        assert schema_problems(manifest_text(axes="  axis: {os: [a]}")) == ["m.yaml:7:3: unknown key 'axis' in spec [axis] (did you mean 'axes'?)"]

    def test_one_and_true_are_two_items_and_one_is_one(self) -> None:
        targets = "  targets:\n    a: {earthly: +a, artifacts: [{path: /a, as: a}], needs: [b, 1, true, 1.0, b]}"
        assert [line for line in schema_problems(manifest_text(targets=targets)) if "twice" in line] == [
            "m.yaml:13:74: spec.targets.a.needs names 1.0 twice [1.0] (remove one of them)",
            "m.yaml:13:79: spec.targets.a.needs names 'b' twice [b] (remove one of them)",
        ]


class TestParts:
    TEXT = "spec:\n  source: {ref: v1}\n  targets: {a: {artifacts: [{path: /x}]}, b: {privileged: 3}}\n  rules: [{name: r, deny: {a: b}, warn: {a: b}}]\n"
    DOCUMENT = parse_document(TEXT.encode(), file="m.yaml")

    BOTH = "m.yaml:4:35: spec.rules[0] takes exactly one of require, exclude, deny and warn, and has both 'deny' and 'warn' [warn] (make two rules of it)"

    def test_of_a_part_nothing_is_said_to_be_missing(self) -> None:
        assert told(check_part(self.DOCUMENT, schema="manifest")) == [
            "m.yaml:3:59: spec.targets.b.privileged has to be true or false, and is a number [3] (for example true)",
            self.BOTH,
        ]

    def test_of_the_whole_nothing_else_but_what_two_parts_may_say_together(self) -> None:
        assert [problem.partition(" [")[0] for problem in told(check_whole(self.DOCUMENT, schema="manifest"))] == [
            "m.yaml:1:1: the manifest has no 'apiVersion'",
            "m.yaml:1:1: the manifest has no 'kind'",
            "m.yaml:1:1: the manifest has no 'metadata'",
            "m.yaml:1:1: spec has no 'registry'",
            "m.yaml:1:1: spec has no 'axes'",
            "m.yaml:2:3: spec.source takes exactly one of path and git, and has none",
            "m.yaml:2:12: spec.source has 'ref' and no 'git'",
            "m.yaml:3:29: spec.targets.a.artifacts[0] has no 'as'",
            "m.yaml:4:11: spec.rules[0] has no 'reason'",
            self.BOTH.partition(" [warn")[0],
        ]
