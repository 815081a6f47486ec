from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matrixbuild.adapters.capped_file import CappedFile
from tests.splits import pieces, splits


def written(path: Path, chunks: list[bytes], *, head: int, tail: int) -> bytes:
    path.unlink(missing_ok=True)
    file = CappedFile(path, head=head, tail=tail)
    for chunk in chunks:
        file.write(chunk)
    file.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    return path.read_bytes()


def test_what_fits_is_there_at_once(tmp_path: Path) -> None:
    file = CappedFile(tmp_path / "stdout")
    file.write(b"one\n")
    assert (tmp_path / "stdout").read_bytes() == b"one\n"
    file.close()


def test_it_is_added_to(tmp_path: Path) -> None:
    (tmp_path / "stdout").write_bytes(b"before\n")
    file = CappedFile(tmp_path / "stdout")
    file.write(b"after\n")
    file.close()
    assert (tmp_path / "stdout").read_bytes() == b"before\nafter\n"


def test_of_too_much_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    text = bytes(range(65, 91)) * 4
    found = written(tmp_path / "stdout", [text], head=10, tail=8)
    assert found == b"ABCDEFGHIJ\n[matrixbuild: 88 bytes left out]\nUVWXYZ"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), splits, st.integers(0, 20), st.integers(2, 20))
def test_nothing_is_left_out_unsaid(tmp_path: Path, text: bytes, cuts: list[int], head: int, tail: int) -> None:
    found = written(tmp_path / "stdout", pieces(text, cuts), head=head, tail=tail)
    if found != text:
        end = len(found) - found.rindex(b"left out]\n") - len(b"left out]\n")
        assert found == text[:head] + b"\n[matrixbuild: %d bytes left out]\n" % (len(text) - head - end) + text[len(text) - end :]
        assert end <= tail
        assert len(text) > head + tail // 2
