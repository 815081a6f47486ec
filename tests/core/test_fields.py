"""The documentation of a field of the manifest, out of its schema."""

from __future__ import annotations

import json

import pytest

from matrixbuild.adapters.schema_check import schema_text
from matrixbuild.core.fields import Field, Key, field
from matrixbuild.core.problems import InvalidError

SCHEMA = json.loads(schema_text("manifest"))


def of(path: str) -> Field:
    return field(SCHEMA, path)


def test_a_choice_has_its_words_its_default_and_examples() -> None:
    assert of("spec.publish.tags") == Field(
        path="spec.publish.tags",
        steps=("spec", "publish", "tags"),
        description="immutable: a tag that exists never moves. mutable: it moves where the plan shows `move`.",
        kinds=("text",),
        required=False,
        choices=("immutable", "mutable"),
        default="immutable",
        examples=("mutable",),
        keys=(),
    )


def test_a_short_form_has_its_choices_and_the_keys_of_the_long_one() -> None:
    found = of("spec.schedule.onFailure")
    assert found.choices == ("keep-going", "fail-fast")
    assert found.kinds == ("text", "a mapping")
    assert found.keys == (Key(name="maxFailures", description="So many failed builds.", required=True),)


def test_what_is_required_says_so() -> None:
    assert of("spec.registry").required
    assert not of("spec.vars").required
    assert {key.name for key in of("spec").keys if key.required} == {"source", "registry"}


def test_any_name_stands_for_a_free_key() -> None:
    assert of("spec.axes.os").description == "The values of one axis, in the order listings show them."
    assert of("spec.targets.provider.image.tag").description == "The tag. It has to differ wherever the content differs."
    assert [key.name for key in of("spec.axes").keys] == ["NAME"]


@pytest.mark.parametrize("path", ["spec.rules[].when", "spec.rules[3].when", "spec.rules.when"])
def test_an_item_of_a_list_is_written_with_or_without_its_number(path: str) -> None:
    assert of(path).description == "The cells the rule is about; every cell where it is left out."


def test_a_number_leads_to_that_item() -> None:
    assert of("spec.rules[3].when").steps == ("spec", "rules", 3, "when")
    assert of("spec.rules[].when").steps == ("spec", "rules", 0, "when")


@pytest.mark.parametrize(
    ("path", "summary", "hint"),
    [
        ("spec.publish.mdoe", "spec.publish has no 'mdoe'", "did you mean 'mode'?"),
        ("spec.registry.host", "spec.registry has no 'host'", "it has no keys"),
        ("spce", "a manifest has no 'spce'", "did you mean 'spec'?"),
        ("publish.mode", "a manifest has no 'publish'", "did you mean 'spec.publish.mode'?"),
        ("spec.", "'spec.' is not the name of a field", "write, for example, spec.publish.mode or spec.rules[].when"),
        ("spec.rules[x]", "'spec.rules[x]' is not the name of a field", "write, for example, spec.publish.mode or spec.rules[].when"),
    ],
)
def test_a_field_that_there_is_not_is_told_with_the_nearest(path: str, summary: str, hint: str) -> None:
    with pytest.raises(InvalidError) as caught:
        of(path)
    (problem,) = caught.value.problems
    assert (problem.summary, problem.hint) == (summary, hint)


def test_every_key_of_the_schema_has_documentation() -> None:
    def below(path: str, found: Field) -> int:
        assert found.description, path
        names = [f"{path}.{key.name}" for key in found.keys]
        return 1 + sum(below(name, of(name)) for name in names if name.count(".") < 9)

    assert below("spec", of("spec")) > 100
