"""The rules of COPY and ADD that are not seen in a whole Dockerfile (test_dockerfile.py)."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.dockerfile_copy import check_flags, copy_flags, destination
from matrixbuild.core.earthfile.dockerfile_text import Instruction, one
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.problems import Place


def instruction(text: str) -> Instruction:
    return one(text, place=Place(file="Dockerfile", line=2))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("x", "/w/x"), ("x/", "/w/x/"), ("", "/w/"), (".", "/w/"), ("./", "/w/"), ("/", "/"), ("/a/../b/", "/b/"), ("..", "/")],
)
def test_a_destination_is_a_directory_by_its_slash(path: str, expected: str) -> None:
    assert destination(path, ImageConfig(workdir="/w")) == expected


@pytest.mark.parametrize("text", ["COPY --from=a --link --chown=1 --chmod=7 --parents b c", "ADD --keep-git-dir --checksum=sha256:1 https://x.test/a b"])
def test_flags_of_earthlys_buildkit(text: str) -> None:
    check_flags(instruction(text))


@pytest.mark.parametrize(
    ("chmod", "partial", "mode", "link"),
    [("0755", False, 0o755, False), ("u+x", False, None, False), ("u+x", True, None, True), ("888", False, None, False), ("", False, None, True)],
)
def test_a_mode_that_is_no_octal_number_counts_for_nothing(chmod: str, partial: bool, mode: int | None, link: bool) -> None:
    flags = copy_flags(instruction(f"COPY --link --chmod={chmod} a b"), lambda word: word, partial=partial)
    assert (flags.chmod, flags.link) == (mode, link)
