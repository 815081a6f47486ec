"""A cache that is not whole and intact is none, and one that cannot be written is no error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matrixbuild.adapters.cache_file import cache_file, read_cache, write_cache

CONTENT = {"a/b": [1, 2, "sha256:x"], "\udcff": []}


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    file = cache_file(tmp_path, "some")
    write_cache(file, "form/1", CONTENT)
    assert read_cache(file, "form/1") == CONTENT
    assert (tmp_path / ".matrixbuild" / ".gitignore").read_text() == "*\n"
    assert [path.name for path in file.parent.iterdir()] == ["some.json"]


def test_another_form_is_as_good_as_nothing(tmp_path: Path) -> None:
    file = cache_file(tmp_path, "some")
    write_cache(file, "form/1", CONTENT)
    assert read_cache(file, "form/2") == {}
    assert read_cache(cache_file(tmp_path, "other"), "form/1") == {}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, data: st.DataObject) -> None:
    file = cache_file(tmp_path, "some")
    write_cache(file, "form/1", CONTENT)
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = data.draw(st.sampled_from([whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole[at:] if at else b"", whole + b"x"]))
    file.write_bytes(broken)
    assert read_cache(file, "form/1") == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_project_that_may_only_be_read_keeps_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    write_cache(cache_file(tmp_path, "some"), "form/1", CONTENT)
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o700)


def test_where_a_file_is_in_the_way_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".matrixbuild").write_text("")
    write_cache(cache_file(tmp_path, "some"), "form/1", CONTENT)
    assert read_cache(cache_file(tmp_path, "some"), "form/1") == {}
