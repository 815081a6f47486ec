from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.patterns import (
    PathPatterns,
    PatternError,
    as_sent,
    clean,
    glob_match,
    has_wildcard,
    if_exists_pattern,
    include_pattern,
    split_wildcard,
)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        # From the documentation of Go's filepath.Match and its own table of cases.
        ("abc", "abc", True),
        ("*", "abc", True),
        ("*c", "abc", True),
        ("a*", "ab/c", False),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", True),
        ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", False),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^e-g]", "abc", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("a?b", "a\u263ab", True),
        ("a[^a]b", "a\u263ab", True),
        ("[a-\u03b6]*", "\u03b1", True),
        ("*[a-\u03b6]", "A", False),
        ("a?b", "a/b", False),
        ("a*b", "a/b", False),
        ("[\\]a]", "]", True),
        ("[\\-]", "-", True),
        ("[x\\-]", "z", False),
        ("[\\-x]", "a", False),
        ("[z-a]", "m", False),
        ("[^z-a]", "m", True),
        ("**/e.txt", "sub/e.txt", True),
        ("**/e.txt", "a/b/e.txt", False),
        ("a.c", "abc", False),
        ("a\nb", "a\nb", True),
        ("[a&&b]", "&", True),
    ],
)
def test_a_copy_pattern_matches_as_go_does(pattern: str, name: str, expected: bool) -> None:
    assert glob_match(pattern, name) is expected


@pytest.mark.parametrize("pattern", ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a\\", "d/[ab"])
def test_a_malformed_copy_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(PatternError, match="the pattern"):
        glob_match(pattern, "a")


NAMES = st.text(alphabet="ab./-é", min_size=0, max_size=8)


@given(NAMES, NAMES)
def test_a_pattern_without_wildcards_matches_itself_alone(pattern: str, name: str) -> None:
    assert glob_match(pattern, name) is (pattern == name)


@given(st.text(alphabet="ab?*", max_size=6), st.text(alphabet="ab", max_size=6))
def test_within_one_name_it_is_the_shells_pattern(pattern: str, name: str) -> None:
    assert glob_match(pattern, name) is fnmatch.fnmatchcase(name, pattern)


@given(st.text(alphabet="ab[]^-\\*?!/", max_size=8), NAMES)
def test_any_text_is_a_pattern_or_malformed(pattern: str, name: str) -> None:
    try:
        assert glob_match(pattern, name) in (True, False)
        assert PathPatterns.of((pattern,)).matches(name or "a") in (True, False)
    except PatternError:
        pass


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("a", False), ("a*", True), ("a\\*", False), ("a\\\\*", True), ("d/?", True), ("d/[a]", True), ("", False)],
)
def test_a_wildcard_is_one_unless_escaped(pattern: str, expected: bool) -> None:
    assert has_wildcard(pattern) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("/a/b*/c", ("/a", "b*/c")), ("/*.txt", ("/", "*.txt")), ("/a/b", ("/a/b", "")), ("a*", ("", "a*")), ("/", ("/", ""))],
)
def test_the_directories_before_a_wildcard_are_split_off(pattern: str, expected: tuple[str, str]) -> None:
    assert split_wildcard(pattern) == expected


IGNORED = [
    # (patterns, path, ignored): the table of docker's and BuildKit's own documentation
    (("**",), "a/b", True),
    (("**/",), "file", True),
    (("**/**",), "dir/file/", True),
    (("dir/**",), "dir/file", True),
    (("dir/**",), "dir", False),
    (("dir/**/",), "dir/a/b", True),
    (("**/file",), "file", True),
    (("**/file",), "a/b/file", True),
    (("**/file",), "afile", False),
    (("**/f*e",), "a/foe", True),
    (("**.txt",), "a/b.txt", True),
    (("**/**/*.txt",), "dir/dir/file.txt", True),
    (("a/**/b",), "a/b", True),
    (("a/**/b",), "a/x/y/b", True),
    (("*.md",), "README.md", True),
    (("*.md",), "d/README.md", False),
    (("d/*.md",), "d/r.md", True),
    (("igndir",), "igndir/x/y", True),
    (("igndir/",), "igndir/x", True),
    (("a?c",), "abc", True),
    (("[a-c]x",), "bx", True),
    (("a.c",), "abc", False),
    (("a+b",), "a+b", True),
    (("a^b",), "a^b", True),
    (("\\*",), "*", True),
    (("\\*",), "a", False),
    (("*", "!keep"), "keep", False),
    (("*", "!d/keep"), "d/keep", False),
    (("*", "!d/keep"), "d/other", True),
    (("!a", "a"), "a", True),
    (("*.log", "!keep.log", "keep*"), "keep.log", True),
    (("docs", "!docs/README.md"), "docs/README.md", False),
    (("docs", "!docs/README.md"), "docs/other.md", True),
    (("  spaced  ",), "spaced", True),
    (("./d/../x",), "x", True),
    ((), "anything", False),
]


@pytest.mark.parametrize(("patterns", "path", "expected"), IGNORED)
def test_an_ignore_pattern_matches_as_moby_does(patterns: tuple[str, ...], path: str, expected: bool) -> None:
    assert PathPatterns.of(patterns).matches(path.rstrip("/")) is expected


@pytest.mark.parametrize(("patterns", "message"), [(("!",), "takes back nothing"), (("a[",), "without its ']'"), (("[z-a]",), "is malformed")])
def test_a_malformed_ignore_pattern_is_an_error(patterns: tuple[str, ...], message: str) -> None:
    with pytest.raises(PatternError, match=message):
        PathPatterns.of(patterns)


@given(st.lists(st.sampled_from(["a", "b", "a/b", "!a", "!a/b", "*", "**/b", "!**/b", "a/*"]), max_size=5), st.sampled_from(["a", "b", "a/b", "c/b"]))
def test_a_directory_that_is_ignored_hides_what_is_in_it_unless_taken_back(patterns: list[str], path: str) -> None:
    matcher = PathPatterns.of(patterns)
    if matcher.matches(path) and not any(pattern.startswith("!") for pattern in patterns):
        assert matcher.matches(f"{path}/inside")


@pytest.mark.parametrize(
    ("source", "expected"),
    [("f.txt", "[f].txt"), ("./d/*", "[d]/*"), ("/abs", "[a]bs"), ("", ""), ("./", ""), ("ä", "[\u00c3]\udca4")],
)
def test_if_exists_makes_a_glob_of_a_name(source: str, expected: str) -> None:
    assert if_exists_pattern(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [(".", "./*"), ("d/.", "d/*"), ("d/?.txt", "d/\\?.txt"), ("a+b", "a\\+b"), ("d/*.txt", "d/*.txt"), ("d/[ab]", "d/[ab]")],
)
def test_what_is_sent_for_a_source_reads_a_question_mark_as_a_letter(source: str, expected: str) -> None:
    assert include_pattern(source) == expected


def test_what_is_sent_beside_a_name_that_is_not_ascii_is_escaped_and_stays_so() -> None:
    assert as_sent(("d/*", "a b")) == ("d/*", "a b")
    assert as_sent(("ä", "d/*", "a b", "a-b_c.~", "\udcff")) == ("%C3%A4", "d%2F%2A", "a+b", "a-b_c.~", "%FF")


def test_a_backslash_before_a_letter_is_the_expressions() -> None:
    assert [PathPatterns.of((r"a\d\.txt",)).matches(path) for path in ("a1.txt", "ad.txt", "a1xtxt")] == [True, False, False]
    assert not PathPatterns.of((r"a\t",)).matches("at")
    with pytest.raises(PatternError, match="has a backslash before 'q', which means nothing"):
        PathPatterns.of((r"a\q*",))


@pytest.mark.parametrize(("path", "expected"), [("//x", "/x"), ("a//b/../c/.", "a/c"), ("", "."), ("/..", "/"), ("../a", "../a")])
def test_a_path_is_cleaned_as_go_does(path: str, expected: str) -> None:
    assert clean(path) == expected
