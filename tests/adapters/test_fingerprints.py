"""A digest that was kept is never stale, whatever is done to files between two processes."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.adapters.fingerprints import Fingerprints
from matrixbuild.adapters.source import Snapshot, SourceChangedError, snapshot
from matrixbuild.core.listing import Kind

EXAMPLES = 2_000 if os.environ.get("MATRIXBUILD_SOAK") else 60
NAMES = ("a", "b", "sub/c")


def later() -> int:
    """A moment at which everything that was written until now counts as settled."""
    return time.time_ns() + 3_600_000_000_000


def looked_at(root: Path, project: Path, *, began: int | None = None) -> Snapshot:
    """A process that takes every fingerprint and keeps what it may; `began`: when it thinks it is."""
    found = Snapshot(root, known=Fingerprints(root, project, began=later() if began is None else began, worth=1))
    for path in found.listing.entries:
        found.fingerprint(path)
    found.remember()
    return found


def fingerprints(found: Snapshot) -> dict[str, str]:
    return {path: found.fingerprint(path) for path in found.listing.entries}


def tick(root: Path) -> None:
    """Wait for the filesystem's clock to go on: within its grain, only the rule about young files helps."""
    with tempfile.NamedTemporaryFile(dir=root.parent) as probe:
        before = os.fstat(probe.fileno()).st_ctime_ns
        for number in itertools.count():
            os.fchmod(probe.fileno(), 0o600 + number % 2)
            if os.fstat(probe.fileno()).st_ctime_ns != before:
                return


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def write_and_restore_times(path: Path, text: str) -> None:
    before = path.stat() if path.exists() else None
    write(path, text)
    if before:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    beside = path.parent.parent / "beside"
    beside.write_text(text)
    if path.exists():
        os.utime(beside, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    beside.replace(path)


def swap(path: Path, text: str) -> None:
    other = path.parent.parent / "a" if path.name != "a" else path.parent / "b"
    if path.exists() and other.exists():
        kept = path.parent / "kept"
        path.replace(kept)
        other.replace(path)
        kept.replace(other)


def link(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(text)


def unlink(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)


def set_mode(path: Path, text: str) -> None:
    if path.exists() and not path.is_symlink():
        path.chmod(0o755 if text == "one" else 0o644)


steps = st.tuples(
    st.sampled_from([write, write, write_and_restore_times, write_and_restore_times, replace, swap, link, unlink, set_mode]),
    st.sampled_from(NAMES),
    st.sampled_from(["one", "two", "longer"]),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(rounds=st.lists(st.lists(steps, max_size=4), min_size=2, max_size=6))
def test_a_kept_digest_is_never_stale(rounds: list[list[tuple[Callable[[Path, str], None], str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root, project = Path(directory, "src"), Path(directory, "project")
        project.mkdir()
        (root / "sub").mkdir(parents=True)
        for changes in rounds:
            for change, name, text in changes:
                if not (root / name).is_symlink() or change in (link, unlink):
                    change(root / name, text)
            tick(root)
            assert fingerprints(looked_at(root, project)) == fingerprints(Snapshot(root))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path / "src" / "a", "one")
    return tmp_path / "src"


def test_what_was_kept_is_not_read_again(tree: Path, tmp_path: Path) -> None:
    looked_at(tree, tmp_path)
    found = Snapshot(tree, known=Fingerprints(tree, tmp_path))
    (tree / "a").unlink()
    assert found.fingerprint("a")


def test_a_file_that_may_have_changed_within_the_clocks_grain_is_not_kept(tree: Path, tmp_path: Path) -> None:
    looked_at(tree, tmp_path, began=(tree / "a").stat().st_ctime_ns + 1_900_000_000)
    state = Snapshot(tree)._states["a"]
    assert Fingerprints(tree, tmp_path).digest("a", state) is None
    looked_at(tree, tmp_path, began=(tree / "a").stat().st_ctime_ns + 2_100_000_000)
    assert Fingerprints(tree, tmp_path).digest("a", state)


def test_an_old_mtime_makes_no_file_old(tree: Path, tmp_path: Path) -> None:
    os.utime(tree / "a", (1, 1))
    found = snapshot(tree, named="src", project=tmp_path)
    found.fingerprint("a")
    found.remember()
    assert Fingerprints(tree, tmp_path).digest("a", found._states["a"]) is None


def test_little_is_not_worth_a_file(tree: Path, tmp_path: Path) -> None:
    found = Snapshot(tree, known=Fingerprints(tree, tmp_path, began=later()))
    found.fingerprint("a")
    found.remember()
    assert [path.name for path in tmp_path.iterdir()] == ["src"]


def test_files_that_are_gone_are_forgotten(tree: Path, tmp_path: Path) -> None:
    write(tree / "b", "two")
    state = looked_at(tree, tmp_path)._states["b"]
    (tree / "b").unlink()
    write(tree / "c", "three")
    looked_at(tree, tmp_path)
    assert Fingerprints(tree, tmp_path).digest("b", state) is None


def test_two_sources_of_a_project_do_not_know_of_each_other(tree: Path, tmp_path: Path) -> None:
    state = looked_at(tree, tmp_path)._states["a"]
    assert Fingerprints(tree.parent, tmp_path).digest("a", state) is None


def test_a_build_that_reads_other_bytes_than_were_planned_stops_and_the_next_run_reads_them(tree: Path, tmp_path: Path) -> None:
    looked_at(tree, tmp_path)
    found = Snapshot(tree, known=Fingerprints(tree, tmp_path, began=later(), worth=1))
    found.fingerprint("a")
    write(tree / "a", "two")
    with pytest.raises(SourceChangedError) as caught:
        found.open("a")
    assert str(caught.value) == "a of the source changed during the run"
    assert fingerprints(Snapshot(tree, known=Fingerprints(tree, tmp_path))) == fingerprints(Snapshot(tree))


def test_a_digest_that_proves_wrong_stops_one_run_only(tree: Path, tmp_path: Path) -> None:
    wrong = Fingerprints(tree, tmp_path, began=later(), worth=1)
    state = Snapshot(tree)._states["a"]
    wrong.learn("a", state, state, "sha256:wrong")
    wrong.save({"a"})
    planned = Snapshot(tree, known=Fingerprints(tree, tmp_path))
    planned.fingerprint("a")
    with pytest.raises(SourceChangedError):
        planned.open("a")
    again = Snapshot(tree, known=Fingerprints(tree, tmp_path))
    assert again.fingerprint("a") == Snapshot(tree).fingerprint("a")
    assert again.open("a") == b"one"


def test_what_is_opened_first_counts_and_not_what_was_kept(tree: Path, tmp_path: Path) -> None:
    looked_at(tree, tmp_path)
    found = Snapshot(tree, known=Fingerprints(tree, tmp_path))
    write(tree / "a", "two")
    assert found.open("a") == b"two"
    assert found.fingerprint("a") == Snapshot(tree).fingerprint("a")


def test_a_link_has_no_digest_to_keep(tree: Path, tmp_path: Path) -> None:
    link(tree / "l", "a")
    assert looked_at(tree, tmp_path).listing.entries["l"].kind is Kind.SYMLINK
