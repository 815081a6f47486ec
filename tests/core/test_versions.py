from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.versions import Scheme, VersionRange, is_range, is_version, latest, parse_range, sorted_versions
from tests.core.npm_ranges import MALFORMED, MATCHES, VERSIONS

SEMVER, DOTTED = Scheme.SEMVER, Scheme.DOTTED
OS_VERSIONS = ("9", "9.4", "15.6", "20.04", "22", "22.4", "22.04", "22.10", "24.04", "v0.5.1", "leap-15.6", "")

versions = st.builds("{}.{}.{}{}".format, *[st.integers(0, 12)] * 3, st.sampled_from(["", "", "-rc.1", "-rc.10", "-alpha"]))
dotted = st.lists(st.integers(0, 30), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
texts = st.one_of(versions, dotted, st.sampled_from(["leap-15.6", "", "latest", "v1.2.3", "01.2.3", "22.04"]))


def matched(text: str, candidates: tuple[str, ...] | list[str], scheme: Scheme) -> list[str]:
    within = parse_range(text, scheme)
    return [version for version in candidates if within.matches(version)]


def refused(text: str, scheme: Scheme) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_range(text, scheme)
    return str(caught.value)


class TestIsRange:
    @pytest.mark.parametrize(
        "text",
        [
            "1.34.x",
            "1.34.X",
            "1.34.*",
            "22.x",
            "x",
            "*",
            ">=1.33",
            "~1.33.4",
            "^1.2",
            "!=1",
            "=22.04",
            "1.33 - 1.35",
            ">=1.33 <1.35 || 1.36.x",
            "1||2",
            "v1.x",
        ],
    )
    def test_a_range(self, text: str) -> None:
        assert is_range(text)

    @pytest.mark.parametrize(
        "text",
        ["1.34.2", "1.34", "22.04", "v0.5.1", "leap-15.6", "opensuse-*", "k3s-1.3?.*", "1.3?.x", "1.2.x86", "1.34.0-x", "a - b", "ubuntu x", "", " "],
    )
    def test_no_range(self, text: str) -> None:
        assert not is_range(text)


class TestSemver:
    @pytest.mark.parametrize("text", MATCHES)
    def test_as_npm(self, text: str) -> None:
        assert " ".join(matched(text, VERSIONS, SEMVER)) == MATCHES[text]

    @pytest.mark.parametrize("text", MALFORMED)
    def test_malformed_as_npm(self, text: str) -> None:
        assert refused(text, SEMVER).startswith(f"{text!r} is no range of versions: npm's semver does not know ")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (">=1.33 || foo", "'>=1.33 || foo' is no range of versions: npm's semver does not know 'foo'"),
            (">=1.33, <1.35", "'>=1.33, <1.35' is no range of versions: bounds are separated by spaces, not by commas"),
            ("1.33.x ||", "'1.33.x ||' is no range of versions: nothing stands beside ||"),
            ("1.33.x || || 1.34.x", "'1.33.x || || 1.34.x' is no range of versions: nothing stands beside ||"),
            ("1.x.4", "'1.x.4' is no range of versions: a number stands after an x"),
            (">=x.1", "'>=x.1' is no range of versions: a number stands after an x"),
            ("!=1.33.4", "'!=1.33.4' is no range of versions: it has no operator !, write not: {...} around what is not meant"),
            (" ", "' ' is no range of versions: it is empty"),
            (">=\u0661.33", "'>=\u0661.33' is no range of versions: it has characters that no version has"),
            (">" * 257, "the range '>>>>>>>>>>>>>>>>>>>>'... is longer than 256 characters"),
        ],
    )
    def test_malformed(self, text: str, message: str) -> None:
        assert refused(text, SEMVER) == message

    @pytest.mark.parametrize(
        "version", ["1.33", "latest", "", "=1.33.4", " 1.33.4", "1.33.4\n", "1.33.04", "1.33.4.5", "\u0661.33.4", "1.33." + "4" * 300]
    )
    def test_what_is_no_version_is_in_no_range(self, version: str) -> None:
        assert not is_version(version, SEMVER)
        assert not parse_range("*", SEMVER).matches(version)

    def test_a_run_of_blanks_costs_nothing(self) -> None:
        """Without care the library takes ten seconds for this one."""
        assert "does not know '1 -'" in refused("1" + " " * 250 + "-", SEMVER)

    def test_a_range_is_its_text_and_scheme(self) -> None:
        same = VersionRange(text="1.x", scheme=SEMVER, test=lambda _: False)
        assert parse_range("1.x", SEMVER) == same != parse_range("1.x", DOTTED)


class TestDotted:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (">=22.04", "22.4 22.04 22.10 24.04"),
            (">22.04", "22.10 24.04"),
            ("<=22.04", "9 9.4 15.6 20.04 22 22.4 22.04 v0.5.1"),
            ("<22", "9 9.4 15.6 20.04 v0.5.1"),
            ("<24", "9 9.4 15.6 20.04 22 22.4 22.04 22.10 v0.5.1"),
            ("<=22", "9 9.4 15.6 20.04 22 22.4 22.04 22.10 v0.5.1"),
            (">22", "24.04"),
            ("22.x", "22 22.4 22.04 22.10"),
            ("22.*", "22 22.4 22.04 22.10"),
            ("22.04", "22.04"),
            ("=22.4", "22.4"),
            (">=9.0 <10", "9 9.4"),
            ("20.04 - 22.04", "20.04 22 22.4 22.04"),
            ("20.x - 22.x", "20.04 22 22.4 22.04 22.10"),
            ("9.x || >= 24", "9 9.4 24.04"),
            ("v0.x", "v0.5.1"),
            ("*", "9 9.4 15.6 20.04 22 22.4 22.04 22.10 24.04 v0.5.1"),
            ("<*", ""),
        ],
    )
    def test_numbers(self, text: str, expected: str) -> None:
        assert " ".join(matched(text, OS_VERSIONS, DOTTED)) == expected

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("leap-15.6", "leap-15.6"),
            (">=22.04 foo", "foo"),
            ("^22", "^22"),
            ("22.04 -24.04", "-24.04"),
            (">=", ">="),
            ("22.04-24.04", "22.04-24.04"),
        ],
    )
    def test_malformed(self, text: str, part: str) -> None:
        assert refused(text, DOTTED) == f"{text!r} is no range of versions: {part!r} is no dotted number with or without <, <=, >, >= or ="


class TestOrder:
    def test_semver(self) -> None:
        shuffled = ["1.33.10", "2.0.0", "v1.33.9", "1.33.9", "latest", "1.33", "1.9", "2.0.0-rc.10", "2.0.0-rc.9", "2.0.0-rc", "2.0.0-1"]
        ordered = ("latest", "1.9", "1.33", "1.33.9", "v1.33.9", "1.33.10", "2.0.0-1", "2.0.0-rc", "2.0.0-rc.9", "2.0.0-rc.10", "2.0.0")
        assert sorted_versions(shuffled, SEMVER) == ordered

    def test_dotted(self) -> None:
        assert sorted_versions(reversed(OS_VERSIONS), DOTTED) == (
            "",
            "leap-15.6",
            "v0.5.1",
            "9",
            "9.4",
            "15.6",
            "20.04",
            "22",
            "22.04",
            "22.4",
            "22.10",
            "24.04",
        )

    @given(st.lists(texts), st.sampled_from(Scheme), st.randoms(use_true_random=False))
    def test_the_order_of_the_input_is_of_no_matter(self, found: list[str], scheme: Scheme, random: object) -> None:
        mixed = sorted(found, key=lambda _: random.random())  # type: ignore[attr-defined]
        assert sorted_versions(mixed, scheme) == sorted_versions(found, scheme)

    @given(versions, versions)
    def test_it_is_the_order_of_the_ranges(self, one: str, other: str) -> None:
        newer = f">{one}"
        if "-" not in one + other and parse_range(newer, SEMVER).matches(other):
            assert sorted_versions([other, one], SEMVER) == (one, other)


class TestLatest:
    CATALOG = ("1.34.2", "1.32.1", "1.33.9", "1.33.10", "1.34.10", "1.35.0-rc.1", "nightly")

    @pytest.mark.parametrize(
        ("count", "of", "expected"),
        [
            (1, None, "1.34.10"),
            (2, None, "1.33.10 1.34.10"),
            (9, None, "1.32.1 1.33.10 1.34.10"),
            (1, "1.33.x", "1.33.10"),
            (2, "<1.34.10", "1.33.10 1.34.2"),
            (1, ">=1.35.0-rc.0", "1.35.0-rc.1"),
            (1, ">=1.36", ""),
        ],
    )
    def test_semver(self, count: int, of: str | None, expected: str) -> None:
        assert " ".join(latest(self.CATALOG, count, SEMVER, parse_range(of, SEMVER) if of else None)) == expected

    def test_dotted(self) -> None:
        assert latest(OS_VERSIONS, 2, DOTTED) == ("22.10", "24.04")
        assert latest(OS_VERSIONS, 1, DOTTED, parse_range("<24", DOTTED)) == ("22.10",)
        assert latest(("9.4.1", "9.4.2", "9"), 2, DOTTED) == ("9", "9.4.2")

    def test_none_is_no_count(self) -> None:
        with pytest.raises(ValueError, match="the latest 0 versions are none"):
            latest(self.CATALOG, 0, SEMVER)

    @given(st.lists(texts), st.integers(1, 4), st.sampled_from(Scheme))
    def test_they_are_some_of_the_catalog_one_a_minor_and_nothing_newer_is_left_out(self, found: list[str], count: int, scheme: Scheme) -> None:
        chosen = latest(found, count, scheme)
        assert set(chosen) <= set(found)
        assert len(chosen) <= count
        assert sorted_versions(chosen, scheme) == chosen
        in_question = sorted_versions([version for version in found if parse_range("*", scheme).matches(version)], scheme)
        assert chosen[-1:] == in_question[-1:]


def test_a_program_without_ranges_never_loads_the_library() -> None:
    asked = "import sys; from matrixbuild.core import versions; versions.is_range('1.x'); print('nodesemver' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "False\n"
