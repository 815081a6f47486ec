"""Laws of the parser: it never fails but with a place, and blanks between words change nothing."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.parser import parse

_PIECES = ["\n", "\n  ", "\r\n", "\t", " ", "\\", "\\\n", "#", '"', "'", "$(", ")", "(", "=", "[", "]", ",", "a", "A", "1", "main:", "FN:", "--x"]
_PIECES += ["VERSION 0.8\n", "RUN ", "ARG ", "ENV ", "LET ", "LABEL ", "CMD "]
_PIECES += ["IF ", "ELSE\n", "ELSE IF ", "END\n", "FOR ", "WAIT\n", "TRY\n", "WITH DOCKER\n"]
_LIKE_AN_EARTHFILE = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)
_WORDS = st.lists(st.text(alphabet="ab-./:+$[]{}@é", min_size=1, max_size=8).filter(lambda word: "$(" not in word), min_size=1, max_size=6)
_GAPS = st.sampled_from([" ", "\t", "\\\n", "\\ \n", "\\ # c\n", "\\\n# it's c\n", "\\\n\n \n"])
_BETWEEN = st.lists(_GAPS, max_size=4).map("".join).map(lambda text: " " + text)


def refusal(text: str) -> EarthfileError | None:
    try:
        parse(text, file="Earthfile")
    except EarthfileError as error:
        return error
    return None


@given(st.one_of(st.text(), _LIKE_AN_EARTHFILE))
@example("\\")
@example("main:\n  IF\n\tEND")
def test_nothing_but_a_located_error_is_ever_raised(text: str) -> None:
    error = refusal(text)
    if error:
        assert error.place is not None
        line = text.split("\n")[error.place.line - 1]
        assert error.place.text == line.removesuffix("\r")
        assert 1 <= error.place.column <= len(line) + 1
        assert error.hint


@given(_WORDS, st.data())
def test_blanks_and_continuations_between_words_change_nothing(words: list[str], data: st.DataObject) -> None:
    text = "main:\n  COPY" + "".join(data.draw(_BETWEEN) + word for word in words) + "\n  RUN b\n"
    copied, ran = parse(text, file="Earthfile").targets[0].body
    assert isinstance(copied, syntax.Command)
    assert list(copied.args) == words
    assert isinstance(ran, syntax.Command)


@given(_WORDS, st.sampled_from([" ", "  ", "\t", "    "]), st.sampled_from(["\n", "\r\n"]))
def test_indentation_and_line_ends_change_nothing(words: list[str], indentation: str, ending: str) -> None:
    lines = ["main:", *(f"{indentation}COPY {word} # c" for word in words), "other:"]
    first, second = parse(ending.join(lines), file="Earthfile").targets
    assert [statement.args for statement in first.body if isinstance(statement, syntax.Command)] == [(word,) for word in words]
    assert (second.name, second.body) == ("other", ())
