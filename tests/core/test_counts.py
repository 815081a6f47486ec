from __future__ import annotations

from matrixbuild.core.counts import counted


def test_one_many_and_a_plural_of_its_own() -> None:
    assert (counted(0, "cell"), counted(1, "cell"), counted(2691, "cell")) == ("0 cells", "1 cell", "2,691 cells")
    assert (counted(1, "repository", "repositories"), counted(2, "repository", "repositories")) == ("1 repository", "2 repositories")
