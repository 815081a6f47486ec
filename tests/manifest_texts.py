"""Manifest texts for tests: a small valid one, whose parts can be replaced, and the stages it goes through."""

from __future__ import annotations

from matrixbuild.adapters.schema_check import check
from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core import manifest_reader
from matrixbuild.core.expand import Expansion, expand
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.problems import Problem

PARTS = {
    "source": "  source: {path: edge}",
    "registry": "  registry: registry.example.com/edge",
    "axes": """  axes:
    os:
      - {distribution: ubuntu, versions: ["22.04", "24.04"]}
      - {distribution: leap, version: "15.6"}
    fips: [false, true]""",
    "targets": """  targets:
    provider:
      earthly: +provider
      args: {OS: "{{ os }}"}
      image: {repository: "{{ registry }}/provider", tag: "{{ os }}-{{ fips }}"}""",
}


def manifest_text(**parts: str) -> str:
    """The small manifest with parts of `spec` replaced or added (lines indented by two blanks)."""
    spec = "\n".join({**PARTS, **parts}.values())
    return f"apiVersion: matrixbuild/v1\nkind: BuildMatrix\nmetadata: {{name: edge}}\nspec:\n{spec}\n"


def declared(text: str, **sets: str) -> Manifest:
    """What a text declares; it has to be valid against the schema. `sets` are vars of the command line."""
    document = parse_document(text.encode(), file="m.yaml")
    problems = told(check(document, schema="manifest"))
    assert not problems, problems
    return manifest_reader.read(document, sets=sets)


def expanded(**parts: str) -> Expansion:
    return expand(declared(manifest_text(**parts)))


def schema_problems(text: str) -> list[str]:
    return told(check(parse_document(text.encode(), file="m.yaml"), schema="manifest"))


def told(problems: tuple[Problem, ...]) -> list[str]:
    """Each problem as place, sentence, [what the caret is under] and (hint)."""
    return [_told(problem) for problem in problems]


def _told(problem: Problem) -> str:
    place = problem.place
    spot = f" [{place.text[place.column - 1 :][: place.width]}]" if place else ""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{problem}{spot}{hint}"
