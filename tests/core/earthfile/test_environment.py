"""What a shell text reads of its environment."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.environment import WHOLE, WHOLE_FLAGS, reads_everything

_WORDS = (
    "env envsubst printenv /environ /proc/self/env os.Environ env::vars env::var( process.env environ getenv( Getenv( .VARIABLES jq $ENV ENVIRON "
    "@ENV ENV. each ENV[ .fetch( $ENV{ export -p set declare typeset readonly local -x -n compgen -e -A variable eval \\$ '$' \"$\" $( ${ ${! $A "
    "if while ! then - -c -u -0 X=1 x 'x' \"y\" | ; && # ( ) [ ] { } ."
)

texts = st.lists(st.sampled_from([*_WORDS.split(), " ", " ", "\n"]), max_size=9).map("".join)


@given(texts)
def test_a_pattern_that_is_not_looked_for_would_not_be_found(text: str) -> None:
    for marks, pattern in WHOLE:
        assert not re.search(pattern, text, WHOLE_FLAGS) or any(mark in text for mark in marks)


@given(texts)
def test_a_comment_reads_nothing(text: str) -> None:
    line = text.replace("\n", " ")
    assert not reads_everything(f"# {line}")
    assert reads_everything(f"# {line}\n{text}") == reads_everything(f"\n{text}")
