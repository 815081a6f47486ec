"""Texts of references, and where they lead."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.references import (
    Reference,
    ReferenceProblem,
    Where,
    import_alias,
    parse_artifact,
    parse_function,
    parse_target,
    resolved,
)


@pytest.mark.parametrize(
    ("text", "where", "path", "name"),
    [
        ("+t", Where.HERE, "", "t"),
        ("./+t", Where.HERE, "", "t"),
        ("./d+t", Where.DIRECTORY, "d", "t"),
        ("../d/./e+t", Where.DIRECTORY, "../d/e", "t"),
        ("/abs+t", Where.DIRECTORY, "/abs", "t"),
        ("~/d+t", Where.DIRECTORY, "~/d", "t"),
        (r"./a\+b+t", Where.DIRECTORY, "a+b", "t"),
        ("alias+t-1.x", Where.ALIAS, "alias", "t-1.x"),
        ("github.com/o/r:v1+t", Where.REMOTE, "github.com/o/r:v1", "t"),
    ],
)
def test_references(text: str, where: Where, path: str, name: str) -> None:
    assert parse_target(text) == Reference(where=where, path=path, name=name)


def test_artifacts() -> None:
    assert parse_artifact("./d+t/a/*.txt") == (Reference(where=Where.DIRECTORY, path="d", name="t"), "/a/*.txt")


@pytest.mark.parametrize("text", ["a.txt", "./d/e", "+t", "+T/x", "a+b+c/d"])
def test_what_is_no_artifact(text: str) -> None:
    with pytest.raises(ReferenceProblem):
        parse_artifact(text)


def test_functions_are_upper_case() -> None:
    assert parse_function("./d+DO_IT") == Reference(where=Where.DIRECTORY, path="d", name="DO_IT")
    with pytest.raises(ReferenceProblem) as caught:
        parse_function("+t")
    assert str(caught.value) == "'t' cannot be referred to: a function's name is an upper-case letter, then upper-case letters, digits, '.' and '_'"


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("t", "'t' is not a reference such as +target or ./directory+target"),
        ("+a+b", "'+a+b' is not a reference such as +target or ./directory+target"),
        ("+T", "'T' cannot be referred to: an Earthly target's name is a lower-case letter, then letters, digits, '.' and '-'"),
        ("+t\\", "'+t\\\\' ends with a backslash"),
    ],
)
def test_what_is_no_reference(text: str, summary: str) -> None:
    with pytest.raises(ReferenceProblem) as caught:
        parse_target(text)
    assert str(caught.value) == summary


@pytest.mark.parametrize(("directory", "path", "expected"), [("", "a", "a"), ("a", "..", ""), ("a/b", "../c", "a/c"), ("", ".", "")])
def test_where_a_path_leads(directory: str, path: str, expected: str) -> None:
    assert resolved(directory, path) == expected


@pytest.mark.parametrize("path", ["..", "../x", "/abs", "~/d"])
def test_nothing_leads_out_of_the_checkout(path: str) -> None:
    with pytest.raises(ReferenceProblem) as caught:
        resolved("", path)
    assert str(caught.value) == f"{path!r} leads out of the checkout"


@pytest.mark.parametrize(("path", "alias", "expected"), [("sub", "", "sub"), ("a/b", "", "b"), ("..", "up", "up")])
def test_names_of_imports(path: str, alias: str, expected: str) -> None:
    assert import_alias(path, alias) == expected


@pytest.mark.parametrize(
    ("path", "alias", "summary"),
    [
        ("..", "", "IMPORT .. needs AS: its path does not end with a name"),
        ("", "x", "only another directory, such as ./directory, can be imported"),
        ("a", "x/y", "'x/y' cannot be the name of an import: it holds a '/' or ':'"),
    ],
)
def test_imports_that_have_no_name(path: str, alias: str, summary: str) -> None:
    with pytest.raises(ReferenceProblem) as caught:
        import_alias(path, alias)
    assert str(caught.value) == summary
