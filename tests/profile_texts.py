"""Profile texts for tests: a small valid one whose parts can be replaced, and what is in it."""

from __future__ import annotations

from matrixbuild.adapters.schema_check import check
from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core import profile_reader
from matrixbuild.core.profile import Profile
from tests.manifest_texts import told

PARTS = {
    "axes": """  axes:
    os: {description: the system}
    fips: {description: validated cryptography, default: false, always: true, args: {FIPS: "{{ fips }}"}, suffix: fips}""",
    "targets": """  targets:
    provider: {earthly: +provider, image: {repository: "{{ registry }}/edge", tag: "{{ os }}"}}""",
}


def profile_text(**parts: str) -> str:
    """The small profile with parts of `spec` replaced or added (lines indented by two blanks)."""
    spec = "\n".join({**PARTS, **parts}.values())
    return f"apiVersion: matrixbuild/v1\nkind: Profile\nmetadata: {{name: edge}}\nspec:\n{spec}\n"


def profile(**parts: str) -> Profile:
    """What the text declares; it has to be valid against the schema."""
    assert profile_problems(**parts) == []
    return profile_reader.read(parse_document(profile_text(**parts).encode(), file="edge.yaml"))


def profile_problems(**parts: str) -> list[str]:
    return told(check(parse_document(profile_text(**parts).encode(), file="edge.yaml"), schema="profile"))
