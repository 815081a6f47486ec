from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.schema_check import check
from matrixbuild.adapters.yaml_files import MAX_BYTES, parse_document, read_document
from matrixbuild.adapters.yaml_scalars import resolve
from matrixbuild.core import manifest_reader
from matrixbuild.core.document import Kind
from matrixbuild.core.expand import expand
from matrixbuild.core.problems import InvalidError, Problem
from tests.manifest_texts import manifest_text, told


def refusal(data: bytes | str) -> str:
    """The one problem for which a file is refused."""
    with pytest.raises(InvalidError) as caught:
        parse_document(data.encode() if isinstance(data, str) else data, file="m.yaml")
    [problem] = told(caught.value.problems)
    return problem


def problems(text: str) -> list[str]:
    return told(parse_document(text.encode(), file="m.yaml").problems)


class TestPlaces:
    DOCUMENT = parse_document(b'spec:\n  axes:\n    os: [ubuntu, "24.04", 1.30]\n  empty:\n  text: |\n    a\n    b\n', file="m.yaml")

    @pytest.mark.parametrize(
        ("path", "line", "column", "width"),
        [
            (("spec", "axes", "os", 0), 3, 10, 6),
            (("spec", "axes", "os", 1), 3, 18, 7),
            (("spec", "axes", "os", 2), 3, 27, 4),
            (("spec", "axes", "os"), 3, 5, 2),
            (("spec", "axes"), 2, 3, 4),
            (("spec", "empty"), 4, 3, 5),
            (("spec", "text"), 5, 9, 1),
        ],
    )
    def test_a_scalar_is_where_it_stands_and_the_rest_where_its_key_does(
        self, path: tuple[str | int, ...], line: int, column: int, width: int
    ) -> None:
        place = self.DOCUMENT.place(path)
        assert (place.line, place.column, place.width) == (line, column, width)

    def test_a_scalar_keeps_its_spelling(self) -> None:
        node = self.DOCUMENT.node(("spec", "axes", "os", 2))
        assert (node.kind, node.value, node.source, node.plain) == (Kind.NUMBER, 1.3, "1.30", True)

    def test_columns_count_characters_not_bytes(self) -> None:
        document = parse_document("{ä: ö, b: c}".encode(), file="m.yaml")
        assert document.key_place(("b",)).column == 8

    def test_windows_line_ends_are_lines(self) -> None:
        document = parse_document(b"a: 1\r\nb: 2\r\n", file="m.yaml")
        assert str(document.key_place(("b",))) == "m.yaml:2:1"
        assert document.key_place(("b",)).text == "b: 2"

    def test_an_alias_stands_where_its_anchor_does(self) -> None:
        document = parse_document(b"a: &x [1]\nb: *x\n", file="m.yaml")
        assert document.root.data == {"a": [1], "b": [1]}
        assert document.node(("b", 0)).place.line == 1


class TestScalars:
    @pytest.mark.parametrize(
        ("text", "kind", "value"),
        [
            ("", Kind.NULL, None),
            ("~", Kind.NULL, None),
            ("null", Kind.NULL, None),
            ("true", Kind.BOOLEAN, True),
            ("False", Kind.BOOLEAN, False),
            ("yes", Kind.STRING, "yes"),
            ("0", Kind.INTEGER, 0),
            ("-12", Kind.INTEGER, -12),
            ("010", Kind.INTEGER, 10),
            ("0o17", Kind.INTEGER, 15),
            ("0x1F", Kind.INTEGER, 31),
            ("1.30", Kind.NUMBER, 1.3),
            ("1e3", Kind.NUMBER, 1000.0),
            (".inf", Kind.NUMBER, float("inf")),
            ("-.INF", Kind.NUMBER, float("-inf")),
            ("9" * 19, Kind.NUMBER, 1e19),
            ("0x" + "f" * 30, Kind.NUMBER, float("inf")),
            ("1.33.10", Kind.STRING, "1.33.10"),
            ("2026-11-01", Kind.STRING, "2026-11-01"),
            ("1_000", Kind.STRING, "1_000"),
        ],
    )
    def test_yaml_1_2_decides(self, text: str, kind: Kind, value: object) -> None:
        assert resolve(text) == (kind, value)


class TestRefused:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "m.yaml:1:1: m.yaml is empty [] (`matrixbuild schema` prints what a manifest may hold)"),
            ("# only a comment\n", "m.yaml:1:1: m.yaml is empty [# only a comment] (`matrixbuild schema` prints what a manifest may hold)"),
            ("a: 1\n---\nb: 2\n", "m.yaml:2:1: a second document starts here [---] (one manifest a file: put it into a file of its own)"),
            ("a:\n\tb: 1\n", "m.yaml:2:1: a tab cannot indent in YAML [\t] (use spaces)"),
            ("a:\t[b]\n", "m.yaml:1:3: a tab between values is not taken here [\t] (use spaces)"),
            (
                'a: "x\ty" ]\n',
                (
                    "m.yaml:1:10: this is not YAML: while parsing a block mapping, expected <block end>, but found ']' []] "
                    "(quote a value that holds any of : # [ ] { } , & * ! | > % @)"
                ),
            ),
            ("a: &a [*a]\n", "m.yaml:1:8: *a stands for something that holds it [*a] (write it out)"),
            ("a: *b\n", "m.yaml:1:4: there is no &b before *b [*b] (write it out)"),
            (
                "a: [1\nb: 2\n",
                (
                    "m.yaml:2:2: this is not YAML: while parsing a flow sequence, expected ',' or ']', but got ':' [:] "
                    "(quote a value that holds any of : # [ ] { } , & * ! | > % @)"
                ),
            ),
            (
                'a: "\\UFFFFFFFF"\n',
                "m.yaml:1:1: this is not YAML: the parser gives up on what follows [a] (look for an escape in double quotes that is no character)",
            ),
        ],
    )
    def test_what_cannot_be_read_further(self, text: str, message: str) -> None:
        assert refusal(text) == message

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"a: b\nc: \xff\n", "m.yaml:2:4: byte 0xff is not UTF-8 [] (save the file as UTF-8)"),
            (b"\xef\xbb\xbfa: b\n", "m.yaml:1:1: the file starts with a byte order mark [] (save it as UTF-8 without BOM)"),
            (b"\xff\xfea\x00", "m.yaml:1:1: the file starts with a byte order mark [] (save it as UTF-8 without BOM)"),
            (b"a: b\nc: d\x00\n", "m.yaml:2:5: a NUL byte is not allowed in YAML [] (remove it, or write it as an escape in double quotes)"),
            (
                b"a: \x1b[31m\n",
                "m.yaml:1:4: the control character U+001B is not allowed in YAML [] (remove it, or write it as an escape in double quotes)",
            ),
            (b"a" * (MAX_BYTES + 1), "m.yaml:1:1: a manifest has at most 256 KiB [] (split it, or generate fewer entries)"),
        ],
    )
    def test_what_is_not_text(self, data: bytes, message: str) -> None:
        assert refusal(data) == message

    @pytest.mark.parametrize("unit", ["[", "{", "- ", "? ", "{a: ", "[{a: "])
    def test_depth_is_refused_at_its_place_and_at_once(self, unit: str) -> None:
        started = time.monotonic()
        message = refusal(unit * (100_000 // len(unit)))
        assert message.startswith("m.yaml:1:")
        assert ": this is nested more than 64 deep [" in message
        assert time.monotonic() - started < 10  # it took minutes, or the C stack, before

    def test_aliases_that_multiply_are_counted_before_they_are_followed(self) -> None:
        names = "abcdefghij"
        bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in itertools.pairwise(names)
        )
        assert refusal(bomb) == (
            "m.yaml:5:28: a manifest has at most 50,000 values, an alias counted as all it stands for [*d] "
            "(write less, or without aliases of aliases)"
        )

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidError) as caught:
            read_document(tmp_path / "nope.yaml")
        assert told(caught.value.problems) == [f"there is no file {tmp_path}/nope.yaml (name a manifest, for example manifests/release.yaml)"]

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidError) as caught:
            read_document(tmp_path)
        assert told(caught.value.problems) == [f"{tmp_path} cannot be read: Is a directory (name a manifest file)"]


class TestTold:
    """What is wrong beside other things does not hide them."""

    def test_everything_at_once(self) -> None:
        assert problems('a: 1\na: 2\nb: !!str 3\n<<: {c: 1}\n1.30: x\n? \n: y\n[k]: z\ne: "\\0"\n') == [
            "m.yaml:2:1: 'a' is given twice [a] (the first is in line 1)",
            "m.yaml:3:4: a manifest takes no YAML tags [!!str 3] (remove !!str, and quote a string)",
            "m.yaml:4:1: merge keys are not part of YAML 1.2 [<<] (write the keys out)",
            'm.yaml:5:1: a key is a string, and 1.30 is a number [1.30] (quote it: "1.30")',
            "m.yaml:6:2: a key is a string, and this is null [ ] (give it a name)",
            "m.yaml:8:1: a key is a string, and this is a list [[k]] (give it a name)",
            'm.yaml:9:4: a value holds the character U+0000 ["\\0"] (remove it)',
        ]

    def test_the_first_of_two_keys_counts(self) -> None:
        assert parse_document(b"a: 1\na: 2\n", file="m.yaml").root.data == {"a": 1}

    def test_yaml_1_1_is_not_this_language(self) -> None:
        assert problems("%YAML 1.1\n---\na: 1\n") == [
            "m.yaml:1:1: a manifest is YAML 1.2 and takes no directives [%YAML 1.1] (remove the lines that start with %)"
        ]
        assert problems("%YAML 1.2\n---\na: 1\n") == []


def outcome(data: bytes) -> tuple[Problem, ...]:
    """What everything that reads a manifest says of these bytes; raises only what it should not."""
    try:
        document = parse_document(data, file="m.yaml")
    except InvalidError as error:
        return error.problems
    return check(document, schema="manifest") or expand(manifest_reader.read(document)).problems


class TestNoInputEscapes:
    @given(st.binary(max_size=400))
    def test_arbitrary_bytes(self, data: bytes) -> None:
        assert outcome(data)

    @given(st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>?%@`'\"# \n\t~<=\\.01"), max_size=80))
    def test_yaml_like_text_is_no_manifest_and_the_place_is_told(self, text: str) -> None:
        problems = outcome(text.encode())
        assert problems
        assert all(problem.place for problem in problems)

    @given(
        st.integers(min_value=0), st.integers(min_value=0, max_value=40), st.text(alphabet=st.sampled_from("ab:-[]{},&*!|'\"# \n{}%1"), max_size=8)
    )
    def test_a_manifest_with_a_piece_replaced(self, at: int, length: int, piece: str) -> None:
        text = manifest_text()
        start = at % len(text)
        problems = outcome((text[:start] + piece + text[start + length :]).encode())
        assert all(problem.summary for problem in problems)
