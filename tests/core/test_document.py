from __future__ import annotations

import pytest

from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core.document import dotted, surprises


class TestDotted:
    def test_paths_read_as_a_person_writes_them(self) -> None:
        assert dotted(("spec", "axes", "os", 0, "version")) == "spec.axes.os[0].version"
        assert dotted(()) == "the manifest"


class TestSurprises:
    @pytest.mark.parametrize("text", ["a", "1.33.10", "-5", "0", "true", "null", "1.5", '"yes"', "'2026-11-01'", "nope", "y", "v1", "12", "reason"])
    def test_what_every_reader_reads_alike(self, text: str) -> None:
        assert not list(surprises(parse_document(f"a: {text}".encode(), file="m")))

    @pytest.mark.parametrize(
        "text", ["Yes", "NO", "on", "Off", "2026-1-1", "2026-11-01T10:00:00Z", "007", "+1", "0o7", "0x1f", "0b1", "1_000", "190:20:30"]
    )
    def test_what_they_do_not(self, text: str) -> None:
        assert len(list(surprises(parse_document(f"a: {text}".encode(), file="m")))) == 1
