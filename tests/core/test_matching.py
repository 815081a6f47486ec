from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core.matching import AnyOf, Condition, Exact, Glob, InRange, Not, Pattern, Value, accepted, read_pattern, shown, text_pattern
from matrixbuild.core.problems import Problem
from matrixbuild.core.versions import Scheme
from tests.builders import place
from tests.manifest_texts import told

OS = ("ubuntu-22.04", "ubuntu-24.04", "leap-15.6", "opensuse-tumbleweed")
NUMBERS = ("22.04", "24.04", "15.6")
KUBERNETES = ("1.32.1", "1.33.4", "1.33.10", "1.34.2")
MANY = tuple(f"1.{minor}.{patch}" for minor in range(28, 36) for patch in (2, 7))
BOTH: tuple[Value, ...] = (True, False)
AT = place()


def pattern(text: str) -> Pattern:
    """The pattern that `os: TEXT` holds."""
    return read_pattern(parse_document(f"os: {text}\n".encode(), file="m.yaml").root["os"])


def asked(text: str, values: tuple[Value, ...], scheme: Scheme | None = None, subject: str = "os") -> tuple[list[Value], list[Problem]]:
    problems: list[Problem] = []
    found = accepted(pattern(text), values, scheme, subject, problems)
    return [value for value in values if value in found], problems


def matched(text: str, values: tuple[Value, ...], scheme: Scheme | None = None) -> list[Value]:
    found, problems = asked(text, values, scheme)
    assert told(tuple(problems)) == []
    return found


class TestReading:
    def test_each_kind(self) -> None:
        read = pattern('{not: [ubuntu-22.04, "opensuse-*", ">=1.33", true, 9, {not: "[ab]"}]}')
        assert isinstance(read, Not)
        assert isinstance(read.pattern, AnyOf)
        kinds = [(type(each), getattr(each, "text", None) or getattr(each, "value", None)) for each in read.pattern.patterns]
        assert kinds == [(Exact, "ubuntu-22.04"), (Glob, "opensuse-*"), (InRange, ">=1.33"), (Exact, True), (Exact, "9"), (Not, None)]

    def test_every_part_knows_where_it_stands(self) -> None:
        read = pattern("{not: [a, b*]}")
        assert isinstance(read, Not)
        assert isinstance(read.pattern, AnyOf)
        assert [str(each.place) for each in (read, read.pattern, *read.pattern.patterns)] == [
            "m.yaml:1:6",
            "m.yaml:1:11",
            "m.yaml:1:12",
            "m.yaml:1:15",
        ]

    @pytest.mark.parametrize("value", ["true", '"true"'])
    def test_quotes_make_a_string(self, value: str) -> None:
        assert pattern(value) == Exact(value=True if value == "true" else "true", place=pattern(value).place)


class TestWhatMatches:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("ubuntu-22.04", "ubuntu-22.04"),
            ("[leap-15.6, ubuntu-22.04]", "ubuntu-22.04 leap-15.6"),
            ('"ubuntu-*"', "ubuntu-22.04 ubuntu-24.04"),
            ('"*-2?.04"', "ubuntu-22.04 ubuntu-24.04"),
            ('"[lo]*"', "leap-15.6 opensuse-tumbleweed"),
            ('["leap-*", opensuse-tumbleweed]', "leap-15.6 opensuse-tumbleweed"),
            ("{not: leap-15.6}", "ubuntu-22.04 ubuntu-24.04 opensuse-tumbleweed"),
            ('{not: ["ubuntu-*", leap-15.6]}', "opensuse-tumbleweed"),
            ('[leap-15.6, {not: "*-*.*"}]', "leap-15.6 opensuse-tumbleweed"),
            ("{not: {not: leap-15.6}}", "leap-15.6"),
        ],
    )
    def test_texts(self, text: str, expected: str) -> None:
        assert " ".join(map(str, matched(text, OS))) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('">=1.33"', "1.33.4 1.33.10 1.34.2"),
            ("1.33.x", "1.33.4 1.33.10"),
            ("1.33.*", "1.33.4 1.33.10"),
            ('"1.33.?"', "1.33.4"),
            ('["1.32.x", 1.34.2]', "1.32.1 1.34.2"),
            ('{not: ">=1.33.10"}', "1.32.1 1.33.4"),
            ('">=1.33 <1.34 || 1.32.1"', "1.32.1 1.33.4 1.33.10"),
        ],
    )
    def test_versions(self, text: str, expected: str) -> None:
        assert " ".join(map(str, matched(text, KUBERNETES, Scheme.SEMVER))) == expected

    def test_the_scheme_decides(self) -> None:
        assert matched('">=22.04"', (*NUMBERS, "leap-15.6"), Scheme.DOTTED) == ["22.04", "24.04"]

    def test_booleans(self) -> None:
        assert matched("true", (False, True)) == [True]
        assert matched("{not: true}", (False, True)) == [False]
        assert matched('"t*"', (False, True)) == [True]
        assert matched('"true"', ("true", "auto")) == ["true"]

    def test_a_text_that_is_a_value_is_that_value(self) -> None:
        assert matched("1.x", ("1.x", "2.x", "1.4")) == ["1.x"]
        assert matched('">=1"', (">=1", "1.4.2"), Scheme.SEMVER) == [">=1"]
        assert matched('"a*"', ("a*", "ab")) == ["a*"]

    def test_what_is_range_and_glob_is_a_glob_where_there_are_no_versions(self) -> None:
        assert matched('"1.*"', ("1.a", "2.a")) == ["1.a"]
        assert matched('"*"', OS) == list(OS)


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "values", "message"),
        [
            ("rhel-9", OS, "m.yaml:1:5: os is never 'rhel-9' [rhel-9] (it is ubuntu-22.04, ubuntu-24.04, leap-15.6, opensuse-tumbleweed)"),
            ("opensuse-tumblweed", OS, "m.yaml:1:5: os is never 'opensuse-tumblweed' [opensuse-tumblweed] (did you mean 'opensuse-tumbleweed'?)"),
            ('"rhel-*"', OS, "m.yaml:1:5: os is never 'rhel-*' [\"rhel-*\"] (it is ubuntu-22.04, ubuntu-24.04, leap-15.6, opensuse-tumbleweed)"),
            ("[leap-15.6, sles]", OS[:3], "m.yaml:1:17: os is never 'sles' [sles] (it is ubuntu-22.04, ubuntu-24.04, leap-15.6)"),
            ("{not: sles}", OS[:3], "m.yaml:1:11: os is never 'sles' [sles] (it is ubuntu-22.04, ubuntu-24.04, leap-15.6)"),
            ('{not: "*"}', OS[:2], "m.yaml:1:6: os is never anything but what not: names [not] (it is ubuntu-22.04, ubuntu-24.04)"),
            ('"true"', (False, True), "m.yaml:1:5: os is never 'true' [\"true\"] (write true without quotes)"),
            ("true", ("true",), 'm.yaml:1:5: os is never true [true] (write "true" with quotes)'),
            ("true", ("a", "b"), "m.yaml:1:5: os is never true [true] (it is a, b)"),
        ],
    )
    def test_texts(self, text: str, values: tuple[Value, ...], message: str) -> None:
        assert told(tuple(asked(text, values)[1])) == [message]

    @pytest.mark.parametrize(
        ("text", "values", "message"),
        [
            ('">=1.40"', KUBERNETES, 'kubernetes.version is never >=1.40 [">=1.40"] (it is 1.32.1, 1.33.4, 1.33.10, 1.34.2)'),
            ("1.27.x", MANY, "kubernetes.version is never 1.27.x [1.27.x] (it is one of 16, from 1.28.2 to 1.35.7)"),
            ("'1.33'", KUBERNETES, "kubernetes.version is never '1.33' ['1.33'] (write 1.33.x for all that begin with it)"),
            ("1.31.5", MANY, "kubernetes.version is never '1.31.5' [1.31.5] (the nearest are 1.30.7, 1.31.2, 1.31.7, 1.32.2)"),
            ("1.99.0", MANY, "kubernetes.version is never '1.99.0' [1.99.0] (the nearest are 1.34.2, 1.34.7, 1.35.2, 1.35.7)"),
            ("1.0.0", MANY, "kubernetes.version is never '1.0.0' [1.0.0] (the nearest are 1.28.2, 1.28.7, 1.29.2, 1.29.7)"),
            ("k3s", MANY, "kubernetes.version is never 'k3s' [k3s] (it is 1.28.2, 1.28.7, 1.29.2, 1.29.7, 1.30.2, 1.30.7, 1.31.2, 1.31.7 ...)"),
            (
                '">=1.33, <1.35"',
                KUBERNETES,
                (
                    "kubernetes.version: '>=1.33, <1.35' is no range of versions: bounds are separated by spaces, not by commas "
                    '[">=1.33, <1.35"] (write, for example, 1.34.x or >=1.33 <1.35)'
                ),
            ),
        ],
    )
    def test_versions(self, text: str, values: tuple[Value, ...], message: str) -> None:
        found, problems = asked(text, values, Scheme.SEMVER, "kubernetes.version")
        assert (found, told(tuple(problems))) == ([], [f"m.yaml:1:5: {message}"])

    def test_an_os_that_has_minors(self) -> None:
        _, problems = asked("'22'", NUMBERS, Scheme.DOTTED, "os.version")
        assert told(tuple(problems)) == ["m.yaml:1:5: os.version is never '22' ['22'] (write 22.x for all that begin with it)"]

    def test_a_range_of_the_other_scheme(self) -> None:
        found, problems = asked('"^22"', NUMBERS, Scheme.DOTTED, "os.version")
        assert found == []
        assert told(tuple(problems)) == [
            (
                "m.yaml:1:5: os.version: '^22' is no range of versions: '^22' is no dotted number with or without <, <=, >, >= or = "
                '["^22"] (write, for example, >=22.04 <26)'
            )
        ]

    @pytest.mark.parametrize(
        ("subject", "hint"),
        [("kubernetes", "match a field that holds versions, such as kubernetes.version"), ("os.distribution", "write the values themselves")],
    )
    def test_a_range_where_there_are_no_versions(self, subject: str, hint: str) -> None:
        found, problems = asked('">=1.33"', ("k3s-1.33.4",), None, subject)
        assert found == []
        assert told(tuple(problems)) == [f'm.yaml:1:5: {subject} has no versions that could be in the range >=1.33 [">=1.33"] ({hint})']
        assert [problem.code for problem in problems] == ["no-versions"]

    def test_what_only_matches_nothing_has_a_code_of_its_own(self) -> None:
        _, problems = asked('[">=1.40", "9.*", "a*", b, ">>1"]', KUBERNETES, Scheme.SEMVER)
        assert [problem.code for problem in problems] == [*["unknown-value"] * 4, "version-range"]


class TestLaws:
    patterns = st.recursive(
        st.one_of(
            st.sampled_from([*OS, "sles", *BOTH]).map(lambda value: Exact(value=value, place=AT)),
            st.sampled_from(["ubuntu-*", "*", "?eap*", "x*"]).map(lambda text: Glob(text=text, place=AT)),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda each: AnyOf(patterns=tuple(each), place=AT)), inner.map(lambda each: Not(pattern=each, place=AT))
        ),
    )
    values = st.lists(st.sampled_from([*OS, *BOTH]), unique=True).map(tuple)

    @given(patterns, values)
    def test_a_pattern_and_its_not_share_out_the_values(self, one: Pattern, values: tuple[Value, ...]) -> None:
        yes, no = accepted(one, values, None, "os", []), accepted(Not(pattern=one, place=AT), values, None, "os", [])
        assert yes | no == frozenset(values)
        assert not yes & no

    @given(patterns, values)
    def test_what_is_told_never_changes_what_is_accepted(self, one: Pattern, values: tuple[Value, ...]) -> None:
        """Each value is judged by itself: with others beside it, it is accepted or not as alone."""
        together = accepted(one, values, None, "os", [])
        assert together == {value for value in values if accepted(one, (value,), None, "os", [])}


def test_by_text_a_boolean_and_its_text_are_one() -> None:
    problems: list[Problem] = []
    assert accepted(text_pattern("true", AT, by_text=True), (False, True), None, "fips", problems) == {True}
    assert accepted(text_pattern("true", AT, by_text=True), ("true", "auto"), None, "mode", problems) == {"true"}
    assert not problems


@pytest.mark.parametrize(("field", "subject"), [(None, "os"), ("version", "os.version")])
def test_a_condition_names_what_it_is_about(field: str | None, subject: str) -> None:
    assert Condition(axis="os", field=field, wanted=text_pattern("a", AT), place=AT).subject == subject


@pytest.mark.parametrize(
    ("text", "words"), [("true", "true"), ('[ubuntu-22.04, "opensuse-*"]', "ubuntu-22.04 or opensuse-*"), ('{not: ">=1.33"}', "not >=1.33")]
)
def test_a_pattern_in_words(text: str, words: str) -> None:
    assert shown(pattern(text)) == words
