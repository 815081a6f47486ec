"""A generation's token becomes part of every step, and nothing else of the text changes."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.dockerfile_text import Instruction, instructions
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.generation import NAME, Renewed, renewed_dockerfile, renewed_earthfile
from matrixbuild.core.earthfile.parser import parse
from tests.core.earthfile.analysing import analysed
from tests.core.earthfile.evaluating import evaluated

TOKEN = "0123456789abcdef0123"
ARG = f"ARG {NAME}={TOKEN}"
GLOBAL = f"ARG --global {NAME}={TOKEN}"


def earthfile(text: str, token: str = TOKEN) -> Renewed:
    return renewed_earthfile(text, token, file="Earthfile")


def dockerfile(text: str, token: str = TOKEN) -> Renewed:
    return renewed_dockerfile(text, token, file="Dockerfile")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("VERSION 0.6\nFROM alpine\n", f"VERSION 0.6\n{ARG}\nFROM alpine\n"),
        ("VERSION 0.7\nFROM alpine\n", f"VERSION 0.7\n{GLOBAL}\nFROM alpine\n"),
        ("VERSION 0.8", f"VERSION 0.8\n{GLOBAL}"),
        ("VERSION --explicit-global 0.6\nt:\n  FROM alpine", f"VERSION --explicit-global 0.6\n{GLOBAL}\nt:\n  FROM alpine"),
        ("# a\n\nVERSION --try \\\n  # b\n\n  0.8 # c\n\nFROM alpine", f"# a\n\nVERSION --try \\\n  # b\n\n  0.8 # c\n{GLOBAL}\n\nFROM alpine"),
        ("VERSION 0.8\r\nFROM alpine\r\n", f"VERSION 0.8\r\n{GLOBAL}\r\nFROM alpine\r\n"),
    ],
)
def test_it_is_the_first_statement_of_an_earthfile(text: str, wanted: str) -> None:
    found = earthfile(text)
    assert found.text == wanted
    assert found.text.split("\n")[found.added[0] - 1].rstrip("\r") in (ARG, GLOBAL)


@pytest.mark.parametrize("text", ["", "FROM alpine\n", "VERSION 0.5\n", "VERSION\n", "VERSION --nonsense 0.8\n", "VERSION \\ x\n", "words"])
def test_what_no_earthly_reads_stays_as_it_is(text: str) -> None:
    assert earthfile(text) == Renewed(text=text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM a", f"FROM a\n{ARG}"),
        ("FROM a\n", f"FROM a\n{ARG}\n"),
        ("# syntax=x\nARG X=1\nFROM $X\nRUN y\n", f"# syntax=x\nARG X=1\nFROM $X\n{ARG}\nRUN y\n"),
        ("FROM a AS one\nFROM b\nRUN y\n", f"FROM a AS one\n{ARG}\nFROM b\n{ARG}\nRUN y\n"),
        ("FROM a \\\n# c\n AS \\\n\n b\n# d\n\nRUN y\n", f"FROM a \\\n# c\n AS \\\n\n b\n# d\n\n{ARG}\nRUN y\n"),
        ("FROM a\nRUN <<X\nFROM b\nX\n", f"FROM a\n{ARG}\nRUN <<X\nFROM b\nX\n"),
        ("# escape=`\r\nFROM a `\r\n AS b\r\nRUN y\r\n", f"# escape=`\r\nFROM a `\r\n AS b\r\n{ARG}\r\nRUN y\r\n"),
        ("from a as b\nrun y", f"from a as b\n{ARG}\nrun y"),
    ],
)
def test_each_stage_of_a_dockerfile_has_it(text: str, wanted: str) -> None:
    assert dockerfile(text).text == wanted


@pytest.mark.parametrize("text", ["", "words of some kind\n", "RUN x\nFROM a\n", "ARG X\n", "from os import path\n", "FROM\n", "FROM a\nNONE x\n"])
def test_what_is_no_dockerfile_stays_as_it_is(text: str) -> None:
    assert dockerfile(text) == Renewed(text=text)


def test_lines_are_the_authors() -> None:
    found = dockerfile("FROM a\nRUN one\nFROM b\nRUN two\n")
    lines = found.text.split("\n")
    assert [(lines[at - 1], found.original(at)) for at in range(1, 7)] == [
        ("FROM a", 1),
        (ARG, 1),
        ("RUN one", 2),
        ("FROM b", 3),
        (ARG, 3),
        ("RUN two", 4),
    ]


def test_a_name_that_the_author_uses_is_left_to_him() -> None:
    text = f"VERSION 0.8\nARG --global {NAME}=mine\nARG --global {NAME}_2=too\n"
    assert earthfile(text).text.split("\n")[1] == f"ARG --global {NAME}_3={TOKEN}"


@pytest.mark.parametrize("token", ["a b", "x\nRUN rm -rf /", "$(id)", "\udcff", "x" * 65])
def test_a_token_that_people_wrote_into_a_lock_is_one_word(token: str) -> None:
    _, line, *rest = earthfile("VERSION 0.8\nFROM a", token).text.split("\n")
    assert rest == ["FROM a"]
    name, _, value = line.partition("=")
    assert name == f"ARG --global {NAME}"
    assert len(value) == 64
    assert set(value) <= set("0123456789abcdef")
    assert value not in earthfile("VERSION 0.8\nFROM a", f"{token}.").text


# Laws -------------------------------------------------------------------------

VERSIONS = st.sampled_from(["0.6", "0.7", "0.8", "--arg-scope-and-set --shell-out-anywhere 0.6", "--try \\\n 0.8"])
BASE = st.sampled_from(["", "FROM alpine\n", "ARG V=1\nFROM alpine:$V\n", "# about\nFROM scratch\nARG W=2\n"])
STATEMENTS = st.lists(
    st.sampled_from(
        [
            "ARG A=1",
            "RUN echo $A",
            "COPY f g",
            "ENV E=$A",
            'IF [ "$B" = 1 ]\n    RUN one\n  ELSE\n    COPY g h\n  END',
            "FOR i IN $(ls)\n    RUN echo $i\n  END",
            "DO +F --P=$A",
            "COPY +other/x y",
            "FROM DOCKERFILE .",
            "SAVE ARTIFACT f",
            "BUILD +other",
        ]
    ),
    max_size=5,
)
FILES = {"f": "1", "g": "2", "Dockerfile": "FROM alpine AS a\nRUN x\nFROM scratch\nCOPY --from=a /x /y\nCOPY f f\nRUN z\n"}


def text_of(version: str, base: str, statements: list[str]) -> str:
    body = "".join(f"  {each}\n" for each in ["FROM alpine:main", *statements])
    return f"VERSION {version}\n{base}main:\n{body}other:\n  FROM alpine\n  RUN other\n  SAVE ARTIFACT x\nF:\n  COMMAND\n  ARG P\n  RUN $P\n"


def renewed_files(files: Mapping[str, str]) -> dict[str, str]:
    return {path: dockerfile(text).text if path == "Dockerfile" else text for path, text in files.items()}


@given(VERSIONS, BASE, STATEMENTS)
def test_the_parsed_text_is_the_same_but_for_one_arg(version: str, base: str, statements: list[str]) -> None:
    text = text_of(version, base, statements)
    found = earthfile(text)
    before, after = parse(text, file="Earthfile"), parse(found.text, file="Earthfile")
    first, *rest = after.base
    assert isinstance(first, syntax.Command)
    assert (first.name, [word for word in first.args if word != "--global"]) == ("ARG", [NAME, "=", TOKEN])
    for one, other in zip(syntax.commands((before.base, before.targets, before.functions)), _all(rest, after), strict=True):
        assert (one.name, one.args, one.exec_mode, one.place.text) == (other.name, other.args, other.exec_mode, other.place.text)
        assert found.original(other.place.line) == one.place.line


def _all(base: list[syntax.Statement], after: syntax.Earthfile) -> list[syntax.Command]:
    return list(syntax.commands((tuple(base), after.targets, after.functions)))


@given(VERSIONS, BASE, STATEMENTS)
def test_the_analysis_is_the_same_but_for_the_token(version: str, base: str, statements: list[str]) -> None:
    text = text_of(version, base, statements)
    try:
        before = analysed(text, files=FILES)
    except EarthfileError as error:
        with pytest.raises(EarthfileError, match=re.escape(error.summary)):
            analysed(earthfile(text).text, files=renewed_files(FILES))
        return
    after = analysed(earthfile(text).text, files=renewed_files(FILES))
    assert [each.name for each in after.used if each.name != NAME] == [each.name for each in before.used]
    assert after.secrets == before.secrets
    assert [(each.kind, each.why) for each in after.opaque] == [(each.kind, each.why) for each in before.opaque]
    assert after.files == before.files


STAGES = st.lists(
    st.tuples(
        st.sampled_from(["FROM a", "FROM --platform=linux/amd64 b AS c{}", "FROM a \\\n  AS d{}"]),
        st.lists(st.sampled_from(["RUN x", "# c", "", "COPY a b", "RUN <<E\nFROM q\nE"])),
    ),
    min_size=1,
    max_size=4,
)


@given(st.sampled_from(["", "ARG X=1\n", "# syntax=docker/dockerfile:1\n\n"]), STAGES, st.booleans())
def test_a_dockerfile_is_the_same_but_for_one_arg_a_stage(head: str, stages: list[tuple[str, list[str]]], ends: bool) -> None:
    text = head + "\n".join("\n".join((first.format(at), *rest)) for at, (first, rest) in enumerate(stages)) + ("\n" if ends else "")
    found = dockerfile(text)
    before, after = (instructions(each, file="Dockerfile") for each in (text, found.text))
    ours = [at for at, each in enumerate(after) if each.value == f"{NAME}={TOKEN}"]
    assert [at - 1 for at in ours] == [at for at, each in enumerate(after) if each.name == "FROM"]
    kept = [each for at, each in enumerate(after) if at not in ours]
    assert [_plain(each) for each in kept] == [_plain(each) for each in before]
    assert [found.original(each.place.line) for each in kept] == [each.place.line for each in before]


def _plain(instruction: Instruction) -> tuple[object, ...]:
    return instruction.name, instruction.flags, instruction.value, instruction.documents


def test_the_token_reaches_what_a_step_sees() -> None:
    """As the embedded engine evaluates it: a label shows what a RUN would have in its environment."""
    text = earthfile("VERSION 0.8\nFROM scratch\nmain:\n  LABEL seen=VALUE\n").text.replace("VALUE", f"${NAME}")
    assert dict(evaluated(text).image.config.labels)["seen"] == TOKEN
