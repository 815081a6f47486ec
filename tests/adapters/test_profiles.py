from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.adapters import profiles
from matrixbuild.adapters.schema_check import schema_names, schema_text
from matrixbuild.core import profile_reader
from matrixbuild.core.declared import Text
from matrixbuild.core.problems import InvalidError, Place
from tests.adapters.test_schema_check import subschemas
from tests.checkout import ROOT
from tests.manifest_texts import told
from tests.profile_texts import profile_problems

SCHEMA = json.loads(schema_text("profile"))
MANIFEST = json.loads(schema_text("manifest"))
PLACE = Place(file="m.yaml", line=5, column=12, text="  profile: canvso", width=6)


class TestProfile:
    def test_names(self) -> None:
        assert profiles.profile_names() == ("canvos",)

    def test_it_is_read_once(self) -> None:
        found = profiles.profile(Text(value="canvos", place=PLACE))
        assert found.name == "canvos"
        assert profiles.profile(Text(value="canvos", place=PLACE)) is found

    def test_its_places_are_the_same_on_every_machine(self) -> None:
        assert profiles.profile_document("canvos").file == "profiles/canvos.yaml"

    @pytest.mark.parametrize(("name", "hint"), [("canvso", "did you mean 'canvos'?"), ("other", "known here: canvos")])
    def test_one_that_is_not_there(self, name: str, hint: str) -> None:
        with pytest.raises(InvalidError) as caught:
            profiles.profile(Text(value=name, place=PLACE))
        assert told(caught.value.problems) == [f"m.yaml:5:12: there is no profile {name!r} [canvso] ({hint})"]


class TestPacked:
    FILE = "profiles/canvos.yaml"
    YAML = (ROOT / "matrixbuild/profiles/canvos.yaml").read_bytes()
    PACKED = (ROOT / "matrixbuild/profiles/canvos.json").read_bytes()

    def test_what_is_shipped_is_the_file_as_it_is_written(self) -> None:
        assert self.PACKED.decode() == profiles.packed_text("canvos"), "run `make docs`"
        assert profiles.document_of(self.PACKED, self.YAML, file=self.FILE) == profiles.profile_document("canvos")

    def test_that_of_another_state_of_the_file_is_not_taken(self) -> None:
        assert profiles.document_of(self.PACKED, self.YAML + b"\n", file=self.FILE) is None

    def test_a_profile_is_read_from_it(self) -> None:
        assert profiles.profile(Text(value="canvos", place=PLACE)) == profile_reader.read(profiles.profile_document("canvos"))


class TestSchema:
    def test_it_is_a_schema(self) -> None:
        assert "profile" in schema_names()
        Draft202012Validator.check_schema(SCHEMA)

    @pytest.mark.parametrize(("path", "sub"), list(subschemas(SCHEMA)), ids=lambda value: value if isinstance(value, str) else "")
    def test_every_property_is_described_with_an_example_that_is_valid(self, path: str, sub: dict[str, Any]) -> None:
        assert sub.get("description"), path
        assert sub.get("examples"), path
        validator = Draft202012Validator({**sub, "$defs": SCHEMA["$defs"]})
        assert [error.message for example in sub["examples"] for error in validator.iter_errors(example)] == []

    def test_what_it_shares_with_manifests_is_the_same(self) -> None:
        shared = SCHEMA["$defs"].keys() & MANIFEST["$defs"].keys() - {"rule", "target"}
        assert shared == {"args", "literal", "matcher", "template", "wanted", "word"}
        assert {name: SCHEMA["$defs"][name] for name in shared} == {name: MANIFEST["$defs"][name] for name in shared}

    def test_its_rules_have_what_those_of_manifests_have(self) -> None:
        own = {"by", "lines", "targets", "since", "until"}
        assert set(SCHEMA["$defs"]["rule"]["properties"]) == {*MANIFEST["$defs"]["rule"]["properties"], *own}

    @pytest.mark.parametrize(
        "rule",
        [
            "{name: a, by: catalog, deny: {fips: true}, reason: why}",
            "{name: a, by: catalog, exclude: {}, reason: why}",
            "{name: a, by: catalog, deny: {}, when: {fips: true}, reason: why}",
            "{name: a, deny: {}, reason: why}",
            "{name: a, by: nobody, deny: {}, reason: why}",
        ],
    )
    def test_a_rule_has_conditions_or_somebody_who_asks_for_it(self, rule: str) -> None:
        assert profile_problems(rules=f"  rules: [{rule}]") != []
        assert profile_problems(rules="  rules: [{name: a, by: catalog, deny: {}, reason: why}, {name: b, deny: {fips: true}, reason: why}]") == []
