"""Git is asked for commits and differences, and leaves the repository as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.git import Git, Place, changed, environment, merge_base, place, resolve, tracked, untracked, without_login
from matrixbuild.core.problems import InvalidError, UnusableError
from tests.repositories import Repository, repository


@pytest.fixture
def made(tmp_path: Path) -> Repository:
    return repository(tmp_path / "r", {"src/a": "1", "src/b": "1", "other": "1"})


def problem(error: pytest.ExceptionInfo[InvalidError] | pytest.ExceptionInfo[UnusableError]) -> tuple[str, str]:
    (found,) = error.value.problems
    return found.summary, found.hint


def test_where_a_directory_is_in_its_repository(made: Repository) -> None:
    assert place(made.root / "src") == Place(directory=made.root / "src", root=made.root, prefix="src/")
    assert place(made.root) == Place(directory=made.root, root=made.root, prefix="")


def test_a_directory_in_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as caught:
        place(tmp_path)
    assert problem(caught) == (f"{tmp_path} is in no git repository", "name the changed files instead of a range")


def test_a_revision_is_resolved_to_a_commit(made: Repository) -> None:
    first = made.commit()
    made.git("tag", "--annotate", "--message", "one", "v1")
    made.write({"src/a": "2"})
    second = made.commit()
    git = Git(directory=made.root)
    assert [resolve(git, word) for word in ("main", "HEAD~1", "v1", first[:8], second)] == [second, first, first, first, second]


@pytest.mark.parametrize("word", ["nope", "--all", "", "v1 v2", "HEAD:src/a"])
def test_what_names_no_commit(made: Repository, word: str) -> None:
    made.commit()
    with pytest.raises(InvalidError) as caught:
        resolve(Git(directory=made.root), word)
    assert problem(caught) == (f"git knows no commit {word!r} in {made.root}", "a branch, a tag or a commit that this clone has")


def test_a_shallow_clone_is_said_to_be_one(made: Repository, tmp_path: Path) -> None:
    first = made.commit()
    made.write({"src/a": "2"})
    made.commit()
    made.git("clone", "--quiet", "--depth=1", f"file://{made.root}", str(tmp_path / "shallow"))
    with pytest.raises(InvalidError) as caught:
        resolve(Git(directory=tmp_path / "shallow"), first)
    assert problem(caught)[1] == "this clone is shallow: `git fetch --unshallow` gets the rest"


def test_where_two_histories_part(made: Repository) -> None:
    base = made.commit()
    made.git("checkout", "--quiet", "-b", "side")
    made.write({"src/a": "side"})
    side = made.commit()
    made.git("checkout", "--quiet", "main")
    made.write({"src/b": "main"})
    main = made.commit()
    assert merge_base(Git(directory=made.root), main, side) == base
    made.git("checkout", "--quiet", "--orphan", "alone")
    alone = made.commit()
    with pytest.raises(InvalidError) as caught:
        merge_base(Git(directory=made.root), main, alone)
    assert problem(caught)[0] == f"{main[:12]} and {alone[:12]} have no commit in common"


def test_what_differs_below_a_directory(made: Repository) -> None:
    first = made.commit()
    made.git("mv", "src/a", "src/renamed")
    (made.root / "src/b").chmod(0o755)
    made.write({"other": "2"})
    second = made.commit()
    made.write({"src/renamed": "uncommitted", "src/new": "", "src/\x80\n": "", "src/.gitignore": "ignored\n", "src/ignored": ""})
    git = Git(directory=made.root / "src")
    assert changed(git, first, second) == ("a", "b", "renamed")
    assert changed(git, second) == ("renamed",)
    assert untracked(git) == (".gitignore", "new", "\x80\n")
    assert tracked(git) == {"b": False, "renamed": False}


def test_files_that_git_was_told_not_to_look_at(made: Repository) -> None:
    made.commit()
    made.git("update-index", "--assume-unchanged", "src/a")
    made.git("update-index", "--skip-worktree", "src/b")
    assert tracked(Git(directory=made.root)) == {"other": False, "src/a": True, "src/b": True}


def test_names_that_are_no_utf8_come_back_as_they_are(made: Repository) -> None:
    name = b"\xff\xfe".decode("utf-8", "surrogateescape")
    (made.root / "src" / name).write_text("")
    first = made.commit()
    (made.root / "src" / name).unlink()
    assert changed(Git(directory=made.root / "src"), first) == (name,)


def test_nothing_points_git_elsewhere_or_makes_it_ask() -> None:
    found = environment({"PATH": "/bin", "GIT_DIR": "/elsewhere", "GIT_INDEX_FILE": "x", "LC_ALL": "de"})
    assert found == {
        "PATH": "/bin",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }


def test_looking_writes_nothing(made: Repository) -> None:
    first = made.commit()
    index = made.root / ".git/index"
    before = index.read_bytes()
    (made.root / "src/a").touch()
    assert changed(Git(directory=made.root), first) == ()
    assert index.read_bytes() == before


def test_without_git(made: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnusableError) as caught:
        place(made.root)
    assert problem(caught) == ("git is not installed", "install it, or name the changed files instead of a range")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("unable to access 'https://me:secret@example.com/x.git/'", "unable to access 'https://example.com/x.git/'"),
        ("ssh://token@example.com/x", "ssh://example.com/x"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_logins_are_taken_out(text: str, shown: str) -> None:
    assert without_login(text) == shown
