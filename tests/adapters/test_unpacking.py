"""What is packed in a file comes out, as far as it can be had."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

from matrixbuild.adapters.unpacking import MOST, unpacked


def test_only_files_of_an_archive_are_in_it() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, kind in (("directory", tarfile.DIRTYPE), ("link", tarfile.SYMTYPE), ("file", tarfile.REGTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, "file" if kind == tarfile.SYMTYPE else "", 4 if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(b"text"))
    assert list(unpacked(made.getvalue())) == [b"text"]
    assert list(unpacked(gzip.compress(made.getvalue()))) == [made.getvalue(), b"text"]


@pytest.mark.parametrize("data", [b"", b"text", b"BZ", b"\x1f\x8b", b"PK\x03\x04", b"\0" * 257 + b"ustar" + b"\1" * 300])
def test_what_is_not_packed_gives_nothing(data: bytes) -> None:
    assert b"".join(unpacked(data)) == b""


def test_of_what_grows_without_end_the_beginning_counts() -> None:
    (found,) = unpacked(gzip.compress(b"\0" * (MOST + (1 << 20)), compresslevel=1))
    assert len(found) == MOST


def test_a_member_that_needs_a_password_gives_nothing() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as found:
        found.writestr("x", b"text")
    data = bytearray(made.getvalue())
    for magic, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + flags] |= 1
    assert list(unpacked(bytes(data))) == []
