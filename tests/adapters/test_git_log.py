"""What happened between two commits, asked of a repository without a worktree."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.git_log import Log, log_between, paths_between
from matrixbuild.adapters.git_mirror import Mirror, mirror
from matrixbuild.core.problems import UnusableError
from tests.repositories import Repository, repository


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    return repository(tmp_path / "upstream", {"a": "", "b/ü": ""})


def mirrored(upstream: Repository, tmp_path: Path) -> Mirror:
    return mirror(tmp_path / "cache", f"file://{upstream.root}")


def test_commits_and_paths(upstream: Repository, tmp_path: Path) -> None:
    first = upstream.commit("one")
    upstream.write({"a": "1"})
    second = upstream.commit("two\n\nwith a body")
    upstream.write({"b/ü": "1", "c d": ""})
    third = upstream.commit("three")
    git = mirrored(upstream, tmp_path).git
    assert log_between(git, first, third, most=5) == Log(commits=((third, "three"), (second, "two")), count=2, rewritten=False)
    assert log_between(git, first, third, most=1) == Log(commits=((third, "three"),), count=2, rewritten=False)
    assert log_between(git, third, first, most=5) == Log(commits=(), count=0, rewritten=True)
    assert paths_between(git, first, third) == ("a", "b/ü", "c d")
    assert paths_between(git, third, third) == ()


def test_a_moved_file_is_two_paths(upstream: Repository, tmp_path: Path) -> None:
    upstream.write({"a": "some text\n" * 20})
    first = upstream.commit()
    upstream.git("mv", "a", "z")
    second = upstream.commit()
    assert paths_between(mirrored(upstream, tmp_path).git, first, second) == ("a", "z")


def test_a_commit_that_is_not_there(upstream: Repository, tmp_path: Path) -> None:
    first = upstream.commit()
    found = mirrored(upstream, tmp_path)
    with pytest.raises(UnusableError, match="git log failed in"):
        log_between(found.git, "0" * 40, first, most=1)
