"""An ignore file with one pattern that is not ASCII hides less than it says (seen with Earthly 0.8.16: `*.log` was copied)."""

from __future__ import annotations

import pytest

from tests.core.earthfile.linting import warned

EARTHFILE = """
    VERSION 0.8
    other:
        FROM alpine:3.20
        COPY +main/x (+main/y --Z=1) .
    main:
        FROM alpine:3.20
        COPY . /src
        COPY . /again
    """


def said(ignore: str, *, name: str = ".earthlyignore", text: str = EARTHFILE, path: str = "Earthfile") -> list[tuple[int, str, str]]:
    directory = path.removesuffix("Earthfile")
    return warned("ignore-not-ascii", text, {f"{directory}{name}": ignore}, path=path)


@pytest.mark.parametrize("name", [".earthlyignore", ".earthignore"])
@pytest.mark.parametrize("path", ["Earthfile", "deep/er/Earthfile"])
def test_it_is_told_at_the_first_copy_of_files_with_all_that_it_undoes(name: str, path: str) -> None:
    summary = f"'*.log', 'a/b' and 'müll' of {name} mean nothing to Earthly, as 'müll' is not ASCII: COPY takes what they should hide"
    assert said("# ä\n*.log\na/b\nplain.txt\nmüll\n", name=name, path=path) == [(7, summary, "write * for such letters: m*ll")]


def test_by_itself() -> None:
    summary = "'müll/日' of .earthlyignore means nothing to Earthly, as it is not ASCII: COPY takes what it should hide"
    assert said("müll/日\nplain.txt\n") == [(7, summary, "write * for such letters: m*ll/*")]


@pytest.mark.parametrize("ignore", ["", "*.log\na/b\n", "# müll\nx\n", "m*ll\n", "\ufeffx\n"])
def test_what_is_ascii_is_right(ignore: str) -> None:
    assert said(ignore) == []


def test_nothing_is_hidden_from_who_copies_no_files() -> None:
    assert said("müll\n", text=EARTHFILE.replace("COPY . /src", "RUN a").replace("COPY . /again", "RUN b")) == []
