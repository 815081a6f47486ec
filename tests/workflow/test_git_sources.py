"""A source in git is asked for no more often than it has to be, with real git: what a mirror has needs no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matrixbuild.adapters.git_mirror import Mirror
from matrixbuild.core.problems import UnusableError
from matrixbuild.workflow.git_sources import mirror_of, tree_at
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.sources import Fetch
from tests.projects import MANIFEST, small_project
from tests.repositories import Repository, repository

OFFLINE, ONLINE = Options(offline=True), Options()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of this test alone: what it lacks is asked for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    made = repository(tmp_path / "upstream", {"Earthfile": "VERSION 0.8\n", "bin/run": "#!/bin/sh\n"})
    made.commit("first")
    return made


def url(upstream: Repository) -> str:
    return f"file://{upstream.root}"


def seen(upstream: Repository, ref: str = "main") -> Mirror:
    found = mirror_of(url(upstream), ref, "", ONLINE, Fetch.UNSEEN)
    assert found is not None
    return found


def away(upstream: Repository) -> None:
    """From now on whoever asks the repository is told that there is none."""
    upstream.root.rename(upstream.root.with_name("gone"))


class TestMirror:
    @pytest.mark.parametrize("fetch", [Fetch.UNSEEN, Fetch.CURRENT])
    def test_what_was_never_seen_is_fetched(self, upstream: Repository, fetch: Fetch) -> None:
        found = mirror_of(url(upstream), "main", "", ONLINE, fetch)
        assert found is not None
        assert found.resolve("main") == upstream.git("rev-parse", "HEAD")

    def test_nothing_is_where_nothing_may_be_fetched(self, upstream: Repository, cache: Path) -> None:
        assert mirror_of(url(upstream), "main", "", ONLINE, Fetch.NEVER) is None
        assert not cache.exists()

    @pytest.mark.parametrize("options", [ONLINE, OFFLINE])
    @pytest.mark.parametrize("fetch", [Fetch.NEVER, Fetch.UNSEEN])
    def test_a_ref_that_was_seen_stays_what_it_was(self, upstream: Repository, options: Options, fetch: Fetch) -> None:
        before = seen(upstream).resolve("main")
        upstream.commit("second")
        away(upstream)
        found = mirror_of(url(upstream), "main", "", options, fetch)
        assert found is not None
        assert found.resolve("main") == before

    def test_who_wants_it_current_has_it_fetched_again(self, upstream: Repository) -> None:
        seen(upstream)
        second = upstream.commit("second")
        found = mirror_of(url(upstream), "main", "", ONLINE, Fetch.CURRENT)
        assert found is not None
        assert found.resolve("main") == second

    @pytest.mark.parametrize("fetch", list(Fetch))
    def test_a_pinned_commit_that_is_there_is_never_asked_for(self, upstream: Repository, fetch: Fetch) -> None:
        commit = seen(upstream).resolve("main")
        away(upstream)
        found = mirror_of(url(upstream), "main", commit, ONLINE, fetch)
        assert found is not None
        assert found.has(commit)

    def test_a_pinned_commit_that_is_not_there_is_fetched(self, upstream: Repository) -> None:
        seen(upstream)
        second = upstream.commit("second")
        found = mirror_of(url(upstream), "main", second, ONLINE, Fetch.UNSEEN)
        assert found is not None
        assert found.has(second)

    @pytest.mark.parametrize("fetch", list(Fetch))
    @pytest.mark.parametrize("pinned", [False, True])
    def test_offline_the_command_that_would_fetch_is_named(self, upstream: Repository, fetch: Fetch, pinned: bool) -> None:
        commit = upstream.git("rev-parse", "HEAD") if pinned else ""
        with pytest.raises(UnusableError) as caught:
            mirror_of(url(upstream), "main", commit, OFFLINE, fetch)
        (problem,) = caught.value.problems
        assert problem.summary == f"{url(upstream)} at main is not in the cache, and --offline forbids to fetch it"
        assert problem.hint == (
            f"run the same command without --offline once: it does `git fetch {url(upstream)} {commit or 'main'}` into the cache; "
            "or give a checkout with --source"
        )

    def test_offline_a_ref_is_not_asked_for_anew(self, upstream: Repository) -> None:
        before = seen(upstream).resolve("main")
        upstream.commit("second")
        found = mirror_of(url(upstream), "main", "", OFFLINE, Fetch.CURRENT)
        assert found is not None
        assert found.resolve("main") == before

    def test_a_login_in_the_address_is_in_no_message(self) -> None:
        with pytest.raises(UnusableError) as caught:
            mirror_of("https://me:secret@git.example.com/x.git", "main", "", OFFLINE, Fetch.UNSEEN)
        (problem,) = caught.value.problems
        assert problem.summary == "https://git.example.com/x.git at main is not in the cache, and --offline forbids to fetch it"
        assert "secret" not in problem.hint


class TestTree:
    def test_it_is_the_files_of_the_commit_whatever_came_after(self, upstream: Repository) -> None:
        first = upstream.git("rev-parse", "HEAD")
        upstream.write({"Earthfile": "VERSION 0.7\n", "more": "1\n"})
        second = upstream.commit("second")
        found = seen(upstream)
        trees = {commit: tree_at(found, commit, "main") for commit in (first, second)}
        assert {commit: tree.text("Earthfile") for commit, tree in trees.items()} == {first: "VERSION 0.8\n", second: "VERSION 0.7\n"}
        assert sorted(trees[first].listing.entries) == ["Earthfile", "bin", "bin/run"]
        assert str(trees[first].root) == f"file:{upstream.root}@main"

    @pytest.mark.parametrize("lose", [lambda one: one.git("tag", "--delete", "v1"), away])
    def test_a_commit_that_the_mirror_has_needs_no_repository(self, upstream: Repository, lose: Callable[[Repository], object]) -> None:
        upstream.git("tag", "v1")
        commit = seen(upstream, "v1").resolve("v1")
        lose(upstream)
        assert tree_at(seen(upstream, "main"), commit, "v1").text("Earthfile") == "VERSION 0.8\n"

    def test_a_commit_that_only_its_repository_has_is_fetched(self, upstream: Repository) -> None:
        found = seen(upstream)
        upstream.write({"Earthfile": "VERSION 0.7\n"})
        assert tree_at(found, upstream.commit("second"), "main").text("Earthfile") == "VERSION 0.7\n"

    def test_one_that_was_rewritten_away_is_told_with_what_to_do(self, upstream: Repository) -> None:
        found = seen(upstream)
        with pytest.raises(UnusableError) as caught:
            tree_at(found, "0123456789ab" + "0" * 28, "v4.9.38")
        (problem,) = caught.value.problems
        assert problem.summary == f"{url(upstream)} no longer has the commit 0123456789ab, which the lock pins for v4.9.38"
        assert problem.hint == "its history was rewritten: `matrixbuild lock update --source` pins what is there now"


class TestPlace:
    """Where the manifest names a repository is where what is wrong with it is told."""

    def told(self, tmp_path: Path, source: str) -> str:
        manifest = MANIFEST.replace("source: {path: src}", f"source:\n    {source}")
        ended = small_project(tmp_path / "project", manifest=manifest, files={}).run("plan", "small.yaml")
        assert ended.out == ""
        return ended.err

    def test_a_ref_that_is_not_there(self, upstream: Repository, tmp_path: Path) -> None:
        upstream.git("tag", "v4.9.38")
        assert self.told(tmp_path, f"git: {url(upstream)}\n    ref: v4.9.83") == (
            f"small.yaml:7:10: error: {url(upstream)} has no branch, tag or commit 'v4.9.83'\n"
            "  7 |     ref: v4.9.83\n"
            "    |          ^^^^^^^\n"
            "    = hint: did you mean 'v4.9.38'?\n"
        )

    def test_a_repository_that_is_not_there(self, tmp_path: Path) -> None:
        assert self.told(tmp_path, "git: file:///no/where\n    ref: main") == (
            "small.yaml:6:10: error: git fetch file:///no/where failed: '/no/where' does not appear to be a git repository\n"
            "  6 |     git: file:///no/where\n"
            "    |          ^^^^^^^^^^^^^^^^\n"
            "    = hint: check the address and the network; git must be able to log in without asking (a credential helper, an SSH key)\n"
        )

    @pytest.mark.parametrize("ref", [", ref: main}", "\n    , ref: main}"])
    def test_a_line_with_a_login_in_it_is_not_shown(self, tmp_path: Path, ref: str) -> None:
        told = self.told(tmp_path, "{git: https://me:secretword@127.0.0.1:1/x.git" + ref)
        assert told.startswith("small.yaml:6:11: error: git fetch https://127.0.0.1:1/x.git failed: ")
        assert "secretword" not in told
        assert [line.split(":")[0] for line in told.splitlines()] == ["small.yaml", "    = hint"]
