from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matrixbuild.core.masking import MASK, NOTHING, Masking, masking
from matrixbuild.core.problems import UnusableError
from tests.splits import pieces, splits

CANARY = "canary/7?s+Öme &thing~"
PEM = "-----BEGIN KEY-----\nMIIEvQIBADAN\nab\nBgkqhkiG9w0B\n-----END KEY-----\n"

ENCODERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "json utf-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "path": urllib.parse.quote,
    "form": urllib.parse.quote_plus,
    "javascript": lambda text: urllib.parse.quote(text, safe="!'()*"),
    "small hex": lambda text: re.sub("%..", lambda found: found.group().lower(), urllib.parse.quote(text, safe="")),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


def whole(patterns: list[bytes], data: bytes) -> bytes:
    """The definition: a byte is masked where a pattern covers it, a run of masked bytes is one mask."""
    covered = [False] * len(data)
    for pattern in patterns:
        for start in range(len(data) - len(pattern) + 1):
            if data.startswith(pattern, start):
                covered[start : start + len(pattern)] = [True] * len(pattern)
    out = b""
    for index, byte in enumerate(data):
        if not covered[index]:
            out += bytes([byte])
        elif index == 0 or not covered[index - 1]:
            out += MASK
    return out


def streamed(masked: Masking, chunks: list[bytes]) -> bytes:
    stream = masked.stream()
    return b"".join([*(stream.feed(chunk) for chunk in chunks), stream.finish()])


def test_a_secret_is_masked_and_all_else_stays() -> None:
    assert masking((("TOKEN", "canary"),)).masked(b"a canary, canaries, can ary\n") == b"a ***, canaries, can ary\n"


def test_without_secrets_nothing_changes_or_waits() -> None:
    assert NOTHING.stream().feed(b"anything") == b"anything"


def test_secrets_that_overlap_are_one_mask() -> None:
    assert Masking([b"abcd", b"cdef"]).masked(b"xabcdefy") == b"x***y"
    assert Masking([b"abcd", b"bc"]).masked(b"xabcdy bc") == b"x***y ***"
    assert Masking([b"abcd"]).masked(b"abcdabcd") == b"***"


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_secret_may_be_split_anywhere(cut: int) -> None:
    assert streamed(Masking([b"secret"]), [b"x" + b"secret"[:cut], b"secret"[cut:] + b"y"]) == b"x***y"


def test_only_what_may_begin_a_secret_is_held_back() -> None:
    stream = masking((("TOKEN", "canary"),)).stream()
    assert stream.feed(b"who? ") == b"who? "
    assert stream.feed(b"can") == b""
    assert stream.feed(b"t\n") == b"cant\n"


def test_what_runs_on_for_ever_is_not_held() -> None:
    stream = Masking([b"aaaa"]).stream()
    assert stream.feed(b"aaaaa") == MASK
    assert [stream.feed(b"a" * 10) for _ in range(100)] == [b""] * 100
    assert stream.feed(b"b") == b"b"


@given(st.lists(st.text("abc", min_size=1, max_size=6), max_size=4), st.text("abc", max_size=40), splits)
@example(["aab", "abab"], "aababab", [3, 5])
def test_a_stream_is_masked_as_the_whole_is(patterns: list[str], text: str, cuts: list[int]) -> None:
    known, data = [pattern.encode() for pattern in patterns], text.encode()
    assert streamed(Masking(known), pieces(data, cuts)) == whole(known, data)


@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=4), st.text("abc", max_size=40))
def test_less_than_the_longest_pattern_is_held_back(patterns: list[str], text: str) -> None:
    masked = Masking(pattern.encode() for pattern in patterns)
    stream = masked.stream()
    longest = max(map(len, patterns))
    for index in range(len(text)):
        stream.feed(text[index : index + 1].encode())
        assert len(stream._held) < longest


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_secret_is_masked_in_every_encoding(encoder: str) -> None:
    encoded = ENCODERS[encoder](CANARY)
    left = masking((("TOKEN", CANARY),)).masked(f"<{encoded}>".encode())
    assert left == b"<***>"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("after", [b"", b":", b"::", b":::"])
@pytest.mark.parametrize("before", [b"", b"u", b"us", b"use", b"user:"])
def test_base64_of_more_than_the_secret_is_masked_too(before: bytes, after: bytes, encode: Callable[[bytes], bytes]) -> None:
    left = masking((("TOKEN", CANARY),)).masked(encode(before + CANARY.encode() + after))
    assert left.count(MASK) == 1
    # What stays is what the bytes around it decide, and with the secret's first and last one the two characters beside it.
    assert len(left) - len(MASK) <= len(encode(before)) + len(encode(after)) + 4
    assert CANARY.encode()[1:-1] not in base64.urlsafe_b64decode(left.replace(MASK, b"").rstrip(b"=").ljust(40, b"A"))


@pytest.mark.parametrize("width", [64, 76])
def test_base64_in_lines_is_masked(width: int) -> None:
    secret = "".join(map(chr, range(33, 127))) * 2
    text = base64.b64encode(secret.encode())
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    assert masking((("KEY", secret),)).masked(b"\n".join(lines)) == b"\n".join([MASK] * len(lines))


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    masked = masking((("KEY", PEM),))
    assert masked.masked(PEM.encode()) == b"***\n"
    assert masked.masked(PEM.replace("\n", "\r\n").encode()) == b"***\r\n"
    assert masked.masked("\n".join(f"| {line}" for line in PEM.splitlines()).encode()) == b"| ***\n| ***\n| ab\n| ***\n| ***"
    assert masked.masked(json.dumps({"key": PEM}).encode()) == rb'{"key": "***\n"}'


def test_white_space_around_a_secret_is_none_of_it() -> None:
    assert masking((("TOKEN", " canary\n"),)).masked(b"it is canary.") == b"it is ***."


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: len(text.strip()) >= 4), st.sampled_from(sorted(ENCODERS)), splits)
def test_no_secret_survives(secret: str, encoder: str, cuts: list[int]) -> None:
    text = ENCODERS[encoder](secret.strip())
    # A part of a secret is one only from a certain length on: a word of it may well be elsewhere.
    shown = streamed(masking((("TOKEN", secret),)), pieces(f"({text})".encode(), cuts))
    assert text.encode() not in shown.replace(MASK, b"")
    assert shown == masking((("TOKEN", secret),)).masked(f"({text})".encode())


def test_bytes_that_are_no_text_are_masked_as_the_environment_gave_them() -> None:
    assert masking((("TOKEN", b"caf\xe9-canary".decode(errors="surrogateescape")),)).masked(b"<caf\xe9-canary>") == b"<***>"


def test_what_the_program_says_itself_is_masked() -> None:
    assert masking((("TOKEN", "canary"),)).text("the canary ö") == "the *** ö"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "the secret 'PIN' is empty, so it cannot be masked where it is printed"),
        (" x\n", "the secret 'PIN' has 1 character, so it cannot be masked where it is printed"),
        ("123", "the secret 'PIN' has 3 characters, so it cannot be masked where it is printed"),
    ],
)
def test_what_is_too_short_to_be_masked_is_refused(value: str, told: str) -> None:
    with pytest.raises(UnusableError) as caught:
        masking((("TOKEN", "long enough"), ("PIN", value)))
    (problem,) = caught.value.problems
    assert str(problem) == told
    assert problem.hint == "give it a value of at least 4 characters"
    assert problem.code == "secret-short"
