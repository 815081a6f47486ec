"""A mirror is fetched once, whole, by whoever comes first, and needs no network for what it has."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrixbuild.adapters.git_mirror import cache_directory, mirror
from matrixbuild.adapters.git_tree import git_tree, objects
from matrixbuild.core.problems import InvalidError, UnusableError
from tests.repositories import Repository, repository


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    return repository(tmp_path / "upstream", {"Earthfile": "VERSION 0.8\n"})


def test_refs_are_resolved(upstream: Repository, tmp_path: Path) -> None:
    first = upstream.commit()
    upstream.git("tag", "--annotate", "--message", "one", "v1")
    upstream.git("branch", "release/1")
    upstream.write({"x": ""})
    second = upstream.commit()
    found = mirror(tmp_path / "cache", f"file://{upstream.root}")
    assert [found.resolve(ref) for ref in ("main", "v1", "release/1", first)] == [second, first, first, first]
    for ref in ("nope", first[:12], "HEAD~1", "0" * 40):
        with pytest.raises(InvalidError, match=f"file://{upstream.root} has no branch, tag or commit {ref!r}"):
            found.resolve(ref)


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("v4.9.39", "did you mean 'v4.9.38'?"),
        ("Main", "did you mean 'main'?"),
        ("release-4", "did you mean 'release/4'?"),
        ("HEAD~1", "a commit has to be written in full"),
        ("0123abc", "a commit has to be written in full"),
    ],
)
def test_a_ref_that_is_not_there_comes_with_what_was_probably_meant(upstream: Repository, tmp_path: Path, ref: str, hint: str) -> None:
    upstream.commit()
    upstream.git("tag", "v4.9.38")
    upstream.git("branch", "release/4")
    with pytest.raises(InvalidError) as caught:
        mirror(tmp_path / "cache", f"file://{upstream.root}").resolve(ref)
    assert [problem.hint for problem in caught.value.problems] == [hint]


def test_a_branch_and_a_tag_of_one_name(upstream: Repository, tmp_path: Path) -> None:
    upstream.commit()
    upstream.git("tag", "v1")
    upstream.git("branch", "same")
    upstream.git("tag", "same")
    upstream.git("checkout", "--quiet", "-b", "v1")
    upstream.write({"x": ""})
    first = upstream.git("rev-parse", "main")
    upstream.commit()
    found = mirror(tmp_path / "cache", str(upstream.root))
    assert found.resolve("same") == first
    with pytest.raises(InvalidError, match=r"'v1' is a branch and a tag of .*, and they differ"):
        found.resolve("v1")


def test_a_mirror_follows_and_forgets(upstream: Repository, tmp_path: Path) -> None:
    upstream.commit()
    upstream.git("branch", "gone")
    url = f"file://{upstream.root}"
    mirror(tmp_path / "cache", url)
    upstream.write({"x": ""})
    second = upstream.commit("rewritten")
    upstream.git("branch", "--delete", "gone")
    upstream.git("tag", "v2")
    found = mirror(tmp_path / "cache", url)
    assert [found.resolve(ref) for ref in ("main", "v2")] == [second, second]
    with pytest.raises(InvalidError):
        found.resolve("gone")


def test_what_is_there_needs_no_network(upstream: Repository, tmp_path: Path) -> None:
    first = upstream.commit()
    url = f"file://{upstream.root}"
    mirror(tmp_path / "cache", url)
    shutil.rmtree(upstream.root)
    found = mirror(tmp_path / "cache", url, commit=first)
    assert found.has(first)
    assert found.resolve(first) == first
    with objects(found.git) as store:
        assert git_tree(store, found.git, first, root=tmp_path).text("Earthfile") == "VERSION 0.8\n"


def test_a_fetch_that_fails_is_named_and_leaves_nothing_half(upstream: Repository, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/nowhere"
    with pytest.raises(UnusableError) as caught:
        mirror(tmp_path / "cache", url)
    (problem,) = caught.value.problems
    assert problem.summary == f"git fetch {url} failed: '{tmp_path}/nowhere' does not appear to be a git repository"
    with pytest.raises(UnusableError):
        mirror(tmp_path / "cache", url)
    assert list((tmp_path / "cache/git").glob("*.git")) == []


def test_no_login_is_in_a_message(tmp_path: Path) -> None:
    url = "https://someone:hunter2@127.0.0.1:1/x.git"
    with pytest.raises(UnusableError) as caught:
        mirror(tmp_path / "cache", url)
    told = f"{caught.value}{caught.value.problems[0].hint}"
    assert "git fetch https://127.0.0.1:1/x.git failed: " in told
    assert "hunter2" not in told
    assert "someone" not in told


def test_a_killed_clone_is_in_nobodys_way(upstream: Repository, tmp_path: Path) -> None:
    first = upstream.commit()
    url = f"file://{upstream.root}"
    found = mirror(tmp_path / "cache", url)
    found.directory.rename(found.directory.with_suffix(".new"))
    (found.directory.with_suffix(".new") / "HEAD").unlink()
    assert mirror(tmp_path / "cache", url).resolve("main") == first


def test_several_at_once(upstream: Repository, tmp_path: Path) -> None:
    first = upstream.commit()
    url = f"file://{upstream.root}"
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: mirror(tmp_path / "cache", url), range(4)))
    assert [each.resolve("main") for each in found] == [first] * 4
    assert [path.suffix for path in sorted((tmp_path / "cache/git").iterdir())] == [".git", ".lock"]


def test_two_urls_are_two_mirrors(upstream: Repository, tmp_path: Path) -> None:
    upstream.commit()
    one, other = (mirror(tmp_path / "cache", url) for url in (str(upstream.root), f"file://{upstream.root}"))
    assert one.directory != other.directory


def test_a_cache_that_cannot_be_written(upstream: Repository, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(UnusableError, match=r"cannot use the cache .*cache/git: Not a directory"):
        mirror(tmp_path / "cache", str(upstream.root))


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        ({"XDG_CACHE_HOME": "/var/c", "HOME": "/h"}, "/var/c/matrixbuild"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/matrixbuild"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/matrixbuild"),
    ],
)
def test_where_the_cache_is(environment: dict[str, str], directory: str) -> None:
    assert cache_directory(environment) == Path(directory)
