from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.text_files import MAX_BYTES, read_text, write_new, write_over
from matrixbuild.core.problems import RefusedError, UnusableError
from tests.manifest_texts import told


class TestRead:
    def test_a_file_or_none(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("é\n")
        assert (read_text(tmp_path / "a"), read_text(tmp_path / "b")) == ("é\n", None)

    def test_what_is_no_text_of_a_sensible_size(self, tmp_path: Path) -> None:
        (tmp_path / "big").write_bytes(b"x" * (MAX_BYTES + 1))
        (tmp_path / "odd").write_bytes(b"\xff")
        for name, problem in (
            ("big", f"{tmp_path}/big is larger than 4 MiB (it cannot be what it is taken for)"),
            ("odd", f"{tmp_path}/odd is not UTF-8 text (save it as UTF-8)"),
            ("", f"{tmp_path} cannot be read: Is a directory (check its permissions)"),
        ):
            with pytest.raises(UnusableError) as caught:
                read_text(tmp_path / name)
            assert told(caught.value.problems) == [problem]


class TestWrite:
    def test_a_new_file_and_its_directories(self, tmp_path: Path) -> None:
        write_new(tmp_path / "a/b/c", "x\n")
        assert (tmp_path / "a/b/c").read_bytes() == b"x\n"

    @pytest.mark.parametrize("kind", ["file", "directory", "link"])
    def test_what_is_there_stays(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "there"
        if kind == "file":
            path.write_text("mine")
        elif kind == "directory":
            path.mkdir()
        else:
            path.symlink_to("nowhere")
        with pytest.raises(RefusedError) as caught:
            write_new(path, "x")
        assert told(caught.value.problems) == [f"{path} is there already (name another file: nothing that is there is overwritten)"]
        assert kind != "file" or path.read_text() == "mine"
        assert not (tmp_path / "nowhere").exists()

    def test_a_file_in_the_way_of_its_directory(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("")
        with pytest.raises(RefusedError) as caught:
            write_new(tmp_path / "a/b", "x")
        assert told(caught.value.problems) == [f"{tmp_path}/a is there already (name another file: nothing that is there is overwritten)"]

    def test_where_nothing_can_be_written(self) -> None:
        with pytest.raises(UnusableError) as caught:
            write_new(Path("/proc/nobody.yaml"), "x")
        assert told(caught.value.problems)[0].startswith("cannot write /proc/nobody.yaml: ")


def test_a_file_that_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old\n")
    (tmp_path / "link").symlink_to("there")
    write_over(tmp_path / "link", "new \udcff\n")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "new \\udcff\n"
    with pytest.raises(UnusableError) as caught:
        write_over(tmp_path / "none" / "file", "new\n")
    (problem,) = caught.value.problems
    assert (problem.summary, problem.hint) == (
        f"cannot write {tmp_path}/none/file: No such file or directory",
        "check its directory, its permissions and the space left",
    )
