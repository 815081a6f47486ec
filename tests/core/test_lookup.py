from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.listing import Entry, Kind
from matrixbuild.core.lookup import Listed, LookupFailedError, context, expand, resolve
from matrixbuild.core.patterns import PathPatterns


def listed(*files: str, **links: str) -> Listed:
    """`listed("a/b", l="a")`: files a/b, and a link l to a; a name that ends with / is a directory."""
    entries = {path.rstrip("/"): Entry(kind=Kind.DIRECTORY if path.endswith("/") else Kind.FILE) for path in files}
    return Listed(entries | {path.replace("__", "/"): Entry(kind=Kind.SYMLINK, target=target) for path, target in links.items()})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/l/x", "d/x"),
        ("/l", "d"),
        ("d/../d/x", "d/x"),
        ("/../../d", "d"),
        ("/abs/x", "d/x"),
        ("/d/up/f", "f"),
        ("/out", "d"),
        ("/missing/x", "missing/x"),
        ("/chain", "d"),
        ("", ""),
        ("/dangling", "nowhere"),
    ],
)
def test_links_are_followed_and_never_lead_out(path: str, expected: str) -> None:
    files = listed("d/x", "f", l="d", abs="/d", d__up="..", out="../../../d", chain="l", dangling="nowhere")
    assert resolve(files, path) == expected


def test_the_last_link_stays_where_it_is_not_to_be_followed() -> None:
    files = listed("d/x", l="d", d__k="x")
    assert resolve(files, "/l/k", follow=False) == "d/k"


def test_links_in_a_circle_end() -> None:
    with pytest.raises(LookupFailedError, match="/a: too many symlinks on the way"):
        resolve(listed(a="b", b="a"), "/a")


def test_links_on_the_way_are_told() -> None:
    seen: list[str] = []
    resolve(listed("d/x", l="d", k="l"), "/k/x", on_link=seen.append)
    assert seen == ["k", "l"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/d/*.txt", ["d/a.txt", "d/b.txt"]),
        ("/d/*", ["d/a.txt", "d/b.txt", "d/c.md", "d/sub"]),
        ("/*/a.txt", ["d/a.txt"]),
        ("/d/**/e.txt", ["d/sub/e.txt"]),
        ("/[d]", ["d"]),
        ("/[n]ope", []),
        ("/nope", ["nope"]),
        ("/l/*.md", ["d/c.md"]),
        ("/", [""]),
        ("/d[^a]c.md", ["d/c.md"]),
    ],
)
def test_a_pattern_means_paths_in_order(pattern: str, expected: list[str]) -> None:
    assert expand(listed("d/a.txt", "d/b.txt", "d/c.md", "d/sub/e.txt", l="d"), pattern) == expected


def test_what_is_in_a_directory_that_matched_does_not_match_again() -> None:
    assert expand(listed("a/a/a"), "/*a") == ["a"]


def test_a_missing_directory_before_a_wildcard_is_an_error() -> None:
    with pytest.raises(LookupFailedError, match="/nope: not found"):
        expand(listed("f"), "/nope/*")


@pytest.mark.parametrize(
    ("included", "ignored", "expected"),
    [
        (None, (), ["a.log", "d", "d/e", "d/e/x", "d/y", "empty"]),
        (["./*"], (), ["a.log", "d", "d/e", "d/e/x", "d/y", "empty"]),
        (["d/e"], (), ["d", "d/e", "d/e/x"]),
        (["d/*"], ("d/y",), ["d", "d/e", "d/e/x"]),
        (None, ("*.log", "d/e"), ["d", "d/y", "empty"]),
        (None, ("*", "!d/e/x"), ["d", "d/e", "d/e/x"]),
        (["."], (), []),
        (["../a.log"], (), []),
        (["/a.log"], (), []),
        (["a.log", "d/e", "ä"], (), ["a.log"]),
        (None, ("empty", "d/e", "ä"), ["a.log", "d", "d/e", "d/e/x", "d/y"]),
    ],
)
def test_a_build_is_sent_what_is_included_and_not_ignored(included: list[str] | None, ignored: tuple[str, ...], expected: list[str]) -> None:
    sent = context(listed("a.log", "d/e/x", "d/y", "empty/"), "", included=included, ignored=ignored)
    assert list(sent.below("")) == expected


def test_a_context_below_the_root_knows_nothing_of_what_is_above() -> None:
    sent = context(listed("top", "a/b/x", "a/y"), "a", included=None, ignored=("y",))
    assert list(sent.below("")) == ["b", "b/x"]


PATHS = st.lists(st.sampled_from(["a", "b", "a1/c", "b1/c/d", "a1/e", "c1/"]), max_size=6, unique=True)


@given(PATHS, st.sampled_from(["/*", "/*/c", "/a*", "/b1/*", "/[ab]", "/?1"]))
def test_what_a_pattern_means_exists_and_is_sorted(paths: list[str], pattern: str) -> None:
    files = listed(*paths)
    try:
        found = expand(files, pattern)
    except LookupFailedError:
        assert not any(path.startswith("b1/") for path in paths)
        return
    assert found == sorted(found)
    assert all(files.kind(path) is not None for path in found)


PATTERNS = st.lists(st.sampled_from(["a", "a1", "b1/c", "b1/c/d", "a1/*", "**/d", "!a1/e", "*", "c1", "b", "b1/c/"]), max_size=3)


@given(PATHS, st.none() | PATTERNS, PATTERNS)
def test_a_build_is_sent_every_entry_that_is_meant_and_the_directories_it_is_in(
    paths: list[str], included: list[str] | None, ignored: list[str]
) -> None:
    files = listed(*paths)
    include, ignore = PathPatterns.of(included or ()), PathPatterns.of(ignored)
    meant = [path for path in files.below("") if (included is None or include.matches(path)) and not ignore.matches(path)]
    sent = context(files, "", included=included, ignored=ignored)
    assert set(sent.below("")) == {"/".join(path.split("/")[:end]) for path in meant for end in range(1, path.count("/") + 2)}
