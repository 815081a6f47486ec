"""Which file of the checkout a path of a copied tree comes from."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.decisions import Decisions
from matrixbuild.core.earthfile.evaluate import Call, Known
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.origins import context_file, lacks_shell
from matrixbuild.core.earthfile.recipe import Tree
from matrixbuild.core.earthfile.visits import Visits
from matrixbuild.core.earthfile.walk import Walk
from matrixbuild.core.problems import Place
from tests.core.earthfile.evaluating import evaluated, listing

FILES = {"f": "", "d/a": "", "d/sub/b": ""}


def tree(*commands: str) -> Tree:
    lines = "\n".join(f"  {command}" for command in commands)
    return evaluated(f"VERSION 0.8\nmain:\n  FROM scratch\n{lines}\n", files=FILES).image.tree


def origin(found: Tree, path: str) -> str:
    def enter(*_: object) -> None:
        raise AssertionError

    known = Known(listing=listing(FILES))
    decisions = Decisions()
    call, visits = Call(directory="", target="main"), Visits(upfront=True, decisions=decisions)
    walk = Walk(call=call, known=known, visits=visits, enter=enter, decisions=decisions)  # type: ignore[arg-type]
    return context_file(walk, found, path, Place(file="Earthfile", line=1))


@pytest.mark.parametrize(
    ("command", "path", "expected"),
    [
        ("COPY f /x", "/x", "f"),
        ("COPY f /x/", "/x/f", "f"),
        ("COPY d /x", "/x/sub/b", "d/sub/b"),
        ("COPY --dir d /x/", "/x/d/a", "d/a"),
        ("COPY d/* /x/", "/x/a", "d/a"),
        ("COPY d/s* /x/", "/x/sub/b", "d/sub/b"),
    ],
)
def test_copied_files(command: str, path: str, expected: str) -> None:
    assert origin(tree(command), path) == expected


def test_the_last_copy_counts() -> None:
    assert origin(tree("COPY f /x", "WORKDIR /w", "COPY d/a /x"), "/x") == "d/a"


def test_nothing_there() -> None:
    with pytest.raises(EarthfileError) as caught:
        origin(tree("COPY f /x"), "/y")
    assert str(caught.value) == "Earthfile:1:1: /y is not among the artifacts"


def test_a_tree_without_a_shell() -> None:
    assert lacks_shell(listing(FILES), tree("COPY f /x", "WORKDIR /bin"))
    assert not lacks_shell(listing(FILES), tree("COPY f /bin/sh"))
