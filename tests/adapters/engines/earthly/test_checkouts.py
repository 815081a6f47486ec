"""What Earthly builds from: a directory for each content, with a generation's token in its Earthfiles, and none of a secret left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.earthly.checkouts import PRIVATE, Checkout, Checkouts
from matrixbuild.adapters.git import Git
from matrixbuild.adapters.git_tree import absent, git_tree, objects
from matrixbuild.adapters.overlay import LocalFile, Overlay, SecretFile
from matrixbuild.adapters.source import SourceChangedError, snapshot
from matrixbuild.adapters.sources import Source
from matrixbuild.adapters.state import WORK_DIRECTORY, held_state
from matrixbuild.core.earthfile.generation import NAME
from matrixbuild.core.problems import Place, Problem, Severity
from tests.repositories import repository

TOKEN = "0123456789abcdef0123"
ARG, GLOBAL = f"ARG {NAME}={TOKEN}\n", f"ARG --global {NAME}={TOKEN}\n"
FILES = {
    "Earthfile": "VERSION 0.6\nFROM alpine\nmain:\n    FROM DOCKERFILE -f sub/image.dockerfile sub\n    RUN x\n",
    "lib/Earthfile": "VERSION 0.8\nF:\n    FUNCTION\n    RUN y\n",
    "broken/Earthfile": "VERSION 0.8\nmain:\n    NONSENSE\n",
    "sub/image.dockerfile": "FROM alpine\nRUN z\n",
    "sub/Dockerfile": "FROM alpine\nRUN other\n",
    "script.sh": "#!/bin/sh\n",
}
VARIABLE = "MATRIXBUILD_TEST_SECRET"


def laid(root: Path, files: Mapping[str, str] = FILES) -> Path:
    repository(root, files)
    return root


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return snapshot(laid(tmp_path / "source"), named="source")


@pytest.fixture
def run(tmp_path: Path, source: Source) -> Iterator[Checkouts]:
    with checkouts(tmp_path, lambda _: source) as found:
        yield found


def checkouts(tmp_path: Path, source: Callable[[tuple[int, ...]], Source], hidden: frozenset[str] = frozenset()) -> Checkouts:
    return Checkouts(source, hidden=lambda variant: hidden if variant else frozenset(), cache=tmp_path / "cache", private=tmp_path / "work")


def texts(found: Checkout) -> dict[str, str]:
    return {str(path.relative_to(found.path)): path.read_text() for path in found.path.rglob("*") if path.is_file()}


def test_it_is_the_source_without_git(run: Checkouts) -> None:
    found = run.of(())
    assert texts(found) == FILES
    assert found.path.is_absolute()
    assert found.foreign == ()
    assert run.of(()) is found


def test_equal_contents_have_one_path_however_they_are_kept(tmp_path: Path, source: Source, run: Checkouts) -> None:
    made = repository(tmp_path / "other", FILES)
    commit = made.commit()
    git = Git(directory=made.root)
    with objects(git) as held, checkouts(tmp_path, lambda _: git_tree(held, git, commit, root=made.root)) as other:
        found = other.of(())
        assert found.path == run.of(()).path
    with checkouts(tmp_path, lambda _: snapshot(laid(tmp_path / "third", {**FILES, "script.sh": "#!/bin/bash\n"}), named="third")) as other:
        assert other.of(()).path != run.of(()).path


def test_a_mode_is_content_too(tmp_path: Path, run: Checkouts) -> None:
    root = laid(tmp_path / "other")
    (root / "script.sh").chmod(0o755)
    with checkouts(tmp_path, lambda _: snapshot(root, named="other")) as other:
        assert other.of(()).path != run.of(()).path


def test_a_file_that_changed_after_the_plan_stops_the_build(tmp_path: Path) -> None:
    root = laid(tmp_path / "source")
    found = snapshot(root, named="source")
    found.fingerprint("script.sh")
    (root / "script.sh").write_text("#!/bin/sh\nexit 1\n")
    with checkouts(tmp_path, lambda _: found) as run, pytest.raises(SourceChangedError, match=r"script\.sh of the source changed during the run"):
        run.of(())


class TestGenerations:
    def test_the_token_is_in_every_earthfile_and_in_the_dockerfiles_that_they_read(self, run: Checkouts) -> None:
        found = run.of((), TOKEN)
        assert texts(found) == {
            **FILES,
            "Earthfile": FILES["Earthfile"].replace("0.6\n", f"0.6\n{ARG}"),
            "lib/Earthfile": FILES["lib/Earthfile"].replace("0.8\n", f"0.8\n{GLOBAL}"),
            "broken/Earthfile": FILES["broken/Earthfile"].replace("0.8\n", f"0.8\n{GLOBAL}"),
            "sub/image.dockerfile": f"FROM alpine\n{ARG}RUN z\n",
        }
        assert found.path not in (run.of(()).path, run.of((), "another").path)
        assert run.of((), TOKEN) is found

    def test_lines_are_the_authors(self, run: Checkouts) -> None:
        found = run.of((), TOKEN)
        told = [("Earthfile", 6), ("sub/image.dockerfile", 3), ("script.sh", 3), ("nowhere", 3)]
        assert [found.line(file, line) for file, line in told] == [5, 2, 3, 3]
        assert run.of(()).line("Earthfile", 6) == 6

    def test_what_it_does_not_reach_is_said(self, tmp_path: Path) -> None:
        text = "VERSION 0.8\nmain:\n    FROM github.com/a/b:v1+t\n"
        source = snapshot(laid(tmp_path / "source", {"sub/Earthfile": text}), named="source")
        with checkouts(tmp_path, lambda _: source) as run:
            line = "    FROM github.com/a/b:v1+t"
            assert run.of((), TOKEN).foreign == (Place(file="sub/Earthfile", line=3, column=5, text=line, width=4),)
            assert run.of(()).foreign == ()

    def test_a_dockerfile_that_is_built_by_itself_has_it_too(self, tmp_path: Path) -> None:
        source = snapshot(laid(tmp_path / "source"), named="source")
        cache, private = tmp_path / "cache", tmp_path / "work"
        with Checkouts(lambda _: source, hidden=lambda _: frozenset(), cache=cache, private=private, dockerfiles=["sub/Dockerfile"]) as run:
            assert texts(run.of((), TOKEN))["sub/Dockerfile"] == f"FROM alpine\n{ARG}RUN other\n"

    def test_where_any_file_may_be_a_dockerfile_only_dockerfiles_have_it(self, tmp_path: Path) -> None:
        files = {
            "Earthfile": "VERSION 0.8\nmain:\n    ARG X\n    FROM DOCKERFILE -f $X .\n",
            "any": "FROM alpine\nRUN x\n",
            "module.py": "from os import path\n",
            "text": "from here to there\n",
            "large": "FROM alpine\n" + "#\n" * (1 << 19),
        }
        source = snapshot(laid(tmp_path / "source", files), named="source")
        (source.root / "link").symlink_to("any")
        with checkouts(tmp_path, lambda _: source) as run:
            found = texts(run.of((), TOKEN))
        assert {path for path in files if found[path] != files[path]} == {"Earthfile", "any"}
        assert found["any"] == f"FROM alpine\n{ARG}RUN x\n"


@pytest.fixture
def secret(tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[int, ...]], Source]:
    monkeypatch.setenv(VARIABLE, "hunter2\n")
    layer = SecretFile(path="user-data", name=VARIABLE, version="1", place=Place(file="m.yaml", line=1))
    return lambda variant: Overlay(source, [layer], reveal=True) if variant else source


HIDDEN = frozenset({"user-data"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shorter:
    """An Earthfile whose second line is gone."""

    text: str = "VERSION 0.6\nmain:\n    FROM DOCKERFILE -f sub/image.dockerfile sub\n    RUN x\n"

    def original(self, line: int) -> int:
        return line if line == 1 else line + 1


class TestNarrowing:
    @pytest.fixture
    def narrowed(self, tmp_path: Path, source: Source) -> Iterator[Checkouts]:
        cache, private = tmp_path / "cache", tmp_path / "work"
        texts = {(): {}, (0,): {"Earthfile": Shorter()}}
        with Checkouts(lambda _: source, hidden=lambda _: frozenset(), cache=cache, private=private, narrowed=lambda variant: texts[variant]) as run:
            yield run

    def test_the_text_is_in_the_checkout_of_its_variant_alone(self, narrowed: Checkouts, source: Source) -> None:
        assert texts(narrowed.of(())) == FILES
        assert texts(narrowed.of((0,))) == {**FILES, "Earthfile": Shorter().text}
        assert narrowed.of(()).path != narrowed.of((0,)).path
        assert (source.root / "Earthfile").read_text() == FILES["Earthfile"]

    def test_the_token_comes_into_the_text_and_lines_are_the_authors(self, narrowed: Checkouts) -> None:
        found = narrowed.of((0,), TOKEN)
        assert texts(found)["Earthfile"] == Shorter().text.replace("main:", f"{ARG}main:")
        told = {number: found.line("Earthfile", number) for number, _ in enumerate(texts(found)["Earthfile"].splitlines(), 1)}
        lines = FILES["Earthfile"].splitlines()
        assert [lines[told[number] - 1] for number in (1, 3, 5)] == ["VERSION 0.6", "main:", "    RUN x"]
        assert narrowed.of((0,)).line("Earthfile", 4) == 5


class TestSecrets:
    def test_they_are_in_a_private_checkout_that_goes_with_the_run(self, tmp_path: Path, secret: Callable[[tuple[int, ...]], Source]) -> None:
        with checkouts(tmp_path, secret, HIDDEN) as run:
            found = run.of((0,))
            assert texts(found) == {**FILES, "user-data": "hunter2\n"}
            assert (found.secrets, run.of(()).secrets) == ((("user-data", "hunter2\n"),), ())
            assert "hunter2" not in repr(found)
            assert found.path.is_relative_to(tmp_path / "work" / PRIVATE)
            assert stat.S_IMODE((tmp_path / "work" / PRIVATE).stat().st_mode) == 0o700
            assert run.of(()).path.is_relative_to(tmp_path / "cache")
        assert not (tmp_path / "work" / PRIVATE).exists()
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]

    def test_one_that_is_all_but_empty_has_nothing_to_hide(
        self, tmp_path: Path, secret: Callable[[tuple[int, ...]], Source], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLE, " a\n")
        with checkouts(tmp_path, secret, HIDDEN) as run:
            assert run.of((0,)).secrets == ()

    def test_a_new_content_under_the_same_version_is_what_is_built(
        self, tmp_path: Path, secret: Callable[[tuple[int, ...]], Source], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        left = checkouts(tmp_path, secret, HIDDEN)
        before = left.of((0,)).path
        monkeypatch.setenv(VARIABLE, "other")
        with checkouts(tmp_path, secret, HIDDEN) as run:
            found = run.of((0,))
            assert found.path == before
            assert (found.path / "user-data").read_text() == "other"
        left.close()

    def test_the_next_run_removes_what_a_killed_one_left(self, tmp_path: Path) -> None:
        program = [sys.executable, "-c", KILLED, str(laid(tmp_path / "source")), str(tmp_path)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env={**os.environ, VARIABLE: "hunter2"}) as other:
            assert other.stdout is not None
            path = Path(other.stdout.readline().strip())
            other.send_signal(signal.SIGKILL)
        assert (path / "user-data").read_text() == "hunter2"
        with held_state(tmp_path, "edge", tmp_path / "edge.yaml") as state:
            assert path.is_relative_to(state / WORK_DIRECTORY)
            assert not path.exists()


KILLED = f"""
import sys, time
from pathlib import Path
from matrixbuild.adapters.engines.earthly.checkouts import Checkouts
from matrixbuild.adapters.overlay import Overlay, SecretFile
from matrixbuild.adapters.source import snapshot
from matrixbuild.adapters.state import WORK_DIRECTORY, held_state
from matrixbuild.core.problems import Place
source, root = map(Path, sys.argv[1:])
layer = SecretFile(path="user-data", name="{VARIABLE}", version="1", place=Place(file="m.yaml", line=1))
with held_state(root, "edge", root / "edge.yaml") as state:
    found = Checkouts(
        lambda _: Overlay(snapshot(source, named="source"), [layer], reveal=True),
        hidden=lambda _: frozenset({{"user-data"}}),
        cache=root / "cache",
        private=state / WORK_DIRECTORY,
    )
    print(found.of((0,)).path, flush=True)
    time.sleep(60)
"""


def test_files_that_a_commit_names_and_does_not_hold(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"
    inner = repository(tmp_path / "inner", {"x": ""})
    inner.commit()
    made = repository(tmp_path / "outer", {**FILES, "big.iso": pointer})
    made.git("submodule", "--quiet", "add", str(inner.root), "sub/module")
    commit = made.commit()
    git = Git(directory=made.root)
    with objects(git) as held:
        tree = git_tree(held, git, commit, root=made.root)
        layer = LocalFile(made.root / "script.sh", to="more.sh")
        with checkouts(tmp_path, lambda _: Overlay(tree.checked_out(), [layer])) as run:
            found = run.of(())
            assert (found.path / "big.iso").read_text() == pointer
            assert list((found.path / "sub/module").iterdir()) == []
        hint = "where builds need it, clone the repository with all of it, and give that directory as source.path or with --source"
        assert absent(tree) == tuple(
            Problem(summary=summary, hint=hint, code="absent", severity=Severity.WARNING)
            for summary in (
                "sub/module is a submodule: builds find an empty directory in its place",
                "big.iso is kept by Git LFS: builds find a pointer in its place",
            )
        )
