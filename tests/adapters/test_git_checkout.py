"""A commit as a directory: as git would check it out, and without a trace in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.git_checkout import checked_out
from matrixbuild.core.problems import UnusableError
from tests.repositories import repository


def test_the_files_are_those_of_the_commit(tmp_path: Path) -> None:
    made = repository(tmp_path / "r", {"a": "1\n", "deep er/b\n": "2\n", ".gitattributes": "a export-ignore\n"})
    (made.root / "run").write_text("#!/bin/sh\n")
    (made.root / "run").chmod(0o755)
    (made.root / "link").symlink_to("a")
    old = made.commit()
    made.write({"a": "other\n", "new": "3\n"})
    made.commit()
    made.write({"a": "not committed\n", "untracked": "4\n"})
    index, status = (made.root / ".git" / "index").read_bytes(), made.git("status", "--porcelain")
    with checked_out(made.root, old) as tree:
        found = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir()}
        assert found == {"a", "deep er/b\n", ".gitattributes", "run", "link", ".git"}
        assert (tree / "a").read_text() == "1\n"
        assert (tree / "run").stat().st_mode & 0o111
        assert (tree / "link").is_symlink()
        assert (tree / ".git").read_text() == ""
    assert not tree.exists()
    assert (made.root / ".git" / "index").read_bytes() == index
    assert made.git("status", "--porcelain") == status


def test_neither_hooks_nor_a_sparse_checkout_have_a_say(tmp_path: Path) -> None:
    made = repository(tmp_path / "r", {"a/1": "1\n", "b/2": "2\n"})
    commit = made.commit()
    hook = made.root / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    made.git("sparse-checkout", "set", "a")
    (tmp_path / "ran").unlink(missing_ok=True)
    with checked_out(made.root, commit) as tree:
        assert (tree / "b" / "2").read_text() == "2\n"
    assert not (tmp_path / "ran").exists()


def test_line_endings_are_those_of_a_checkout(tmp_path: Path) -> None:
    made = repository(tmp_path / "r", {".gitattributes": "*.bat eol=crlf\n", "a.bat": "one\r\n"})
    with checked_out(made.root, made.commit()) as tree:
        assert (tree / "a.bat").read_bytes() == b"one\r\n"


def test_a_submodule_is_an_empty_directory(tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner", {"a": "1\n"})
    inner.commit()
    outer = repository(tmp_path / "outer", {"b": "2\n"})
    outer.git("submodule", "add", "--quiet", str(inner.root), "sub")
    with checked_out(outer.root, outer.commit()) as tree:
        assert list((tree / "sub").iterdir()) == []


def test_what_git_says_is_told(tmp_path: Path) -> None:
    made = repository(tmp_path / "r", {"a": "1\n"})
    made.commit()
    with pytest.raises(UnusableError) as caught, checked_out(made.root, "f" * 40):
        pass
    (problem,) = caught.value.problems
    assert problem.summary == f"git cannot check out ffffffffffff: failed to unpack tree object {'f' * 40}"
    assert problem.hint == "run `git checkout` of it in a clone to see more"
