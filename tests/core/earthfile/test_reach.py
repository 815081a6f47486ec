"""Every file that FROM DOCKERFILE may read is named, and every way out of the repository."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.earthfile.reach import Named, dockerfiles, foreign

FILES = ("Dockerfile", "sub/Dockerfile", "sub/b/Dockerfile", "b/Dockerfile", "sub/my.dockerfile", "my.dockerfile", "xDockerfile")


def named(statement: str, directory: str = "sub") -> list[str]:
    """Which of FILES are named."""
    found = dockerfiles(parse(f"VERSION 0.8\nmain:\n  IF true\n    {statement}\n  END\n", file="Earthfile"), directory)
    return [path for path in FILES if any(each.matches(path) for each in found)]


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("FROM DOCKERFILE .", ["sub/Dockerfile"]),
        ("FROM DOCKERFILE ./b/", ["sub/b/Dockerfile"]),
        ("FROM DOCKERFILE ../b", ["b/Dockerfile"]),
        ("FROM DOCKERFILE --target x --build-arg Y=1 b --Z=2", ["sub/b/Dockerfile"]),
        ("FROM DOCKERFILE -f my.dockerfile b", ["sub/my.dockerfile"]),
        ("FROM DOCKERFILE -f=../my.dockerfile b", ["my.dockerfile"]),
        ("FROM DOCKERFILE $X", [path for path in FILES if path.endswith("/Dockerfile") or path == "Dockerfile"]),
        ("FROM DOCKERFILE $X/b", ["sub/b/Dockerfile", "b/Dockerfile"]),
        ("FROM DOCKERFILE a/$X/../b", ["sub/b/Dockerfile", "b/Dockerfile"]),
        ("FROM DOCKERFILE -f $X/./my.dockerfile b", ["sub/my.dockerfile", "my.dockerfile"]),
        ("FROM DOCKERFILE -f $X.dockerfile b", list(FILES)),
        ('FROM DOCKERFILE "$X"/b', list(FILES)),
        ("FROM DOCKERFILE +other/dir", list(FILES)),
        ("FROM DOCKERFILE -f +other/Dockerfile b", list(FILES)),
        ("FROM DOCKERFILE -f my.dockerfile +other/dir", ["sub/my.dockerfile"]),
        ("FROM DOCKERFILE --nonsense", list(FILES)),
        ("FROM alpine", []),
    ],
)
def test_which_dockerfiles_are_named(statement: str, wanted: list[str]) -> None:
    assert named(statement) == wanted


def test_those_of_the_root() -> None:
    assert named("FROM DOCKERFILE b", directory="") == ["b/Dockerfile"]


NAMES = st.sampled_from(["a", "b", ".", "..", "$X", "${Y}", "c$X", "Dockerfile", "d.e"])


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(st.sampled_from(["a", "b", "a/b", "..", ".", "a/..", "q"]), min_size=2, max_size=2))
def test_whatever_the_variables_hold_the_file_is_named(parts: list[str], values: list[str]) -> None:
    written = "/".join(parts)
    found = dockerfiles(parse(f"VERSION 0.8\nmain:\n  FROM DOCKERFILE -f {written} .\n", file="Earthfile"), "sub")
    really = posixpath.normpath(posixpath.join("sub", written.replace("${Y}", values[1]).replace("$X", values[0])))
    if not really.startswith(".."):
        assert any(each.matches(really) for each in found), (written, really, found)


def test_an_exact_file_is_not_another_of_that_name() -> None:
    assert not Named(path="Dockerfile", whole=True).matches("sub/Dockerfile")


@pytest.mark.parametrize(
    "statement",
    [
        "FROM github.com/a/b+t",
        "FROM github.com/a/b:v1+t --X=1",
        "BUILD --platform=linux/amd64 host:a/b+t",
        "COPY f (github.com/a/b+t/x --A=$(echo 1)) g",
        "COPY --dir github.com/a/b+t/x g",
        "DO git@github.com:a/b.git+F",
        "IMPORT github.com/a/b:v1 AS b",
        "IMPORT --allow-privileged github.com/a/b",
        "FROM DOCKERFILE -f github.com/a/b+t/Dockerfile .",
        "WITH DOCKER --load x=github.com/a/b+t\n      RUN y\n    END",
        "WITH DOCKER --load=github.com/a/b+t\n      RUN y\n    END",
        "BUILD $WHERE+t",
        'BUILD "$WHERE/x+t"',
    ],
)
def test_ways_out_of_the_repository(statement: str) -> None:
    found = foreign(parse(f"VERSION 0.8\nmain:\n  FROM alpine\n  FOR i IN a\n    {statement}\n  END\n", file="Earthfile"))
    assert [(place.file, place.line) for place in found] == [("Earthfile", 5)]


@pytest.mark.parametrize(
    "statement",
    [
        "FROM host:5000/a/b:c",
        "FROM +t",
        "BUILD +$T",
        "BUILD ./$D+t",
        "COPY ../lib+t/x /abs+t/y ~/home+t/z alias+t/x d",
        "COPY a\\+b c",
        "IMPORT ./lib",
        "IMPORT ../lib AS other",
        "RUN apk add g++ github.com/a/b+t",
        "SAVE IMAGE a/b+t",
        "FROM DOCKERFILE .",
    ],
)
def test_what_stays_in_it(statement: str) -> None:
    assert foreign(parse(f"VERSION 0.8\nmain:\n  FROM alpine\n  {statement}\n", file="Earthfile")) == ()
