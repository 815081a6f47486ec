"""What a profile states of a command that reads its whole environment is believed to the letter, and told."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.statements import Statement, left_over, stated
from tests.core.earthfile.analysing import analysed

TEXT = """
    VERSION 0.6
    FROM alpine
    ARG A=1
    ARG B=$A-x
    ARG C=1
    main:
      RUN envsubst >>/etc/os-release \\
          </usr/lib/os-release.tmpl
"""
READS_B = Statement(
    file="Earthfile",
    text="envsubst >>/etc/os-release </usr/lib/os-release.tmpl",
    reads=frozenset({"B", "D"}),
    reason="the template names B and D",
    source="profile canvos",
)


def test_without_a_statement_every_active_arg_counts() -> None:
    found = analysed(TEXT)
    assert found.used_names == {"A", "B", "C"}
    assert found.stated == ()
    assert [(each.kind.value, each.place.line) for each in found.opaque] == [("values", 7)]


def test_with_one_only_those_that_it_names_do_and_it_is_told() -> None:
    found = analysed(TEXT, statements=(READS_B,))
    assert found.used_names == {"A", "B"}
    assert found.unused == ("C",)
    assert [(each.statement, each.place.line) for each in found.stated] == [(READS_B, 7)]
    assert found.opaque == ()


@pytest.mark.parametrize("changed", [TEXT.replace(">>", ">"), TEXT.replace("tmpl", "tmpl && env"), TEXT.replace("RUN", "RUN --no-cache")])
def test_another_command_is_another_matter(changed: str) -> None:
    found = analysed(changed, statements=(READS_B,))
    assert found.used_names == {"A", "B", "C"}
    assert found.stated == ()


def test_a_statement_about_another_file_is_no_statement_about_this() -> None:
    assert stated("env", "Earthfile", (Statement(file="sub/Earthfile", text="env", reads=frozenset(), reason="x"),)) is None


def test_a_line_of_a_script_can_be_stated_and_the_rest_is_judged_by_itself() -> None:
    about = Statement(file="run.sh", text="env  >x", reads=frozenset({"B"}), reason="it is cut to B below")
    assert left_over("a\n  env >x\nb\n", "run.sh", (about,)) == ("a\nb", (about,))
    assert left_over("a\nenv\n", "run.sh", (about,)) == ("a\nenv", ())
    assert left_over("a\nenv >x\n", "other.sh", (about,)) == ("a\nenv >x\n", ())


def test_a_known_condition_is_no_command_that_reads() -> None:
    text = 'VERSION 0.8\nFROM alpine\nmain:\n  ARG A\n  ARG B\n  IF [ "$(env)" = x ]\n    RUN true\n  END\n'
    about = Statement(file="Earthfile", text='[ "$(env)" = x ]', reads=frozenset({"B"}), reason="x")
    assert analysed(text, statements=(about,)).used_names == {"B"}
