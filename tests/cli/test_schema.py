from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrixbuild.cli import schema
from matrixbuild.core.problems import UsageError
from tests.cli.verbs import run_verb
from tests.manifest_texts import told

SCHEMAS = Path(__file__).parents[2] / "schemas"


def test_it_prints_the_file_that_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(schema) == 0
    out = capsys.readouterr().out
    assert out == (SCHEMAS / "manifest.schema.json").read_text(encoding="utf-8")
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_an_unknown_one() -> None:
    with pytest.raises(UsageError) as caught:
        run_verb(schema, "manifst")
    assert told(caught.value.problems) == ["there is no schema 'manifst' (did you mean 'manifest'?)"]
