"""A manifest on a profile, expanded, for tests: what becomes of both texts together."""

from __future__ import annotations

from matrixbuild.adapters.schema_check import check
from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core import manifest_reader
from matrixbuild.core.demand import Demand
from matrixbuild.core.expand import Expansion, expand
from matrixbuild.core.facts import Facts
from tests.manifest_texts import manifest_text, told

PARTS = {
    "profile": "  profile: edge",
    "axes": '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]',
    "targets": "",
}


def on_profile(facts: Facts, **parts: str) -> Expansion:
    """The small manifest (one cell but for `parts`, no target of its own) on the profile of `facts`."""
    document = parse_document(manifest_text(**{**PARTS, **parts}).encode(), file="m.yaml")
    assert told(check(document, schema="manifest")) == []
    return expand(manifest_reader.read(document, facts), facts)


def demands_of(expansion: Expansion) -> dict[str, Demand]:
    """By target and cell; the expansion has to have no problem."""
    assert told(expansion.problems) == []
    return {f"{demand.target}[{demand.cell}]": demand for demand in expansion.demands}


def args_of(demand: Demand) -> dict[str, str]:
    return {arg.name: arg.value for arg in demand.args}
