"""What a result must have to stand for a build, and how a run is told to go on from another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.documents import DocumentError
from matrixbuild.core.happenings import RunStarted
from matrixbuild.core.journal import RunRecord, answers, output_from_dict, output_to_dict
from matrixbuild.core.lock import LockedArtifact, LockedImage
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.names import ImageName
from tests.builders import build

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
IMAGES = st.builds(
    LockedImage,
    digest=DIGESTS.map("sha256:{}".format),
    media_type=st.text(max_size=9),
    size=st.integers(0, 2**40),
    platforms=DIGESTS.map(lambda text: (("linux/amd64", f"sha256:{text}"),)),
)
ARTIFACTS = st.dictionaries(st.text(min_size=1, max_size=9), st.builds(LockedArtifact, sha256=DIGESTS, size=st.integers(0, 2**40)), max_size=3)
OUTPUTS = st.builds(Output, image=st.none() | IMAGES, artifacts=ARTIFACTS.map(lambda found: tuple(sorted(found.items()))))
FILE = LockedArtifact(sha256="a" * 64, size=1)


@given(OUTPUTS)
def test_an_output_comes_back_as_it_was(output: Output) -> None:
    assert output_from_dict(output_to_dict(output)) == output


def test_something_else_is_no_output() -> None:
    with pytest.raises(DocumentError):
        output_from_dict({"image": {"digest": "latest"}, "artifacts": {}})


@pytest.mark.parametrize(
    ("names", "files", "answer"),
    [
        ((), (), True),
        (("a.iso",), ("a.iso",), True),
        (("iso",), ("iso/boot", "iso/grub.cfg"), True),
        (("a.iso",), (), False),
        ((), ("a.iso",), False),
        (("b.iso",), ("a.iso",), False),
        (("a.iso", "b.iso"), ("a.iso",), False),
        (("iso",), ("iso.txt",), False),
    ],
)
def test_a_result_is_all_that_a_build_is_to_leave(names: tuple[str, ...], files: tuple[str, ...], answer: bool) -> None:
    wanted = replace(build("a"), image=None, artifacts=tuple((f"/{name}", name) for name in names))
    assert answers(wanted, Output(artifacts=tuple((file, FILE) for file in files))) is answer


def test_a_result_without_its_image_is_none() -> None:
    wanted = replace(build("a"), image=ImageName.parse("localhost:5000/a:1"))
    assert not answers(wanted, Output())


RUN = RunRecord(number=3, pid=77, started=1.0, builds=9)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (RUN, "goes on from run 3, which was killed (process 77) with 4 of 9 builds built"),
        (replace(RUN, exit=130), "goes on from run 3, which was interrupted (process 77) with 4 of 9 builds built"),
        (replace(RUN, exit=143, builds=None), "goes on from run 3, which was terminated (process 77) with 4 builds built"),
        (None, ""),
    ],
)
def test_what_a_run_goes_on_from(after: RunRecord | None, told: str) -> None:
    assert RunStarted(run=4, manifest="a.yaml", pid=78, after=after, built=4).going_on == told


@pytest.mark.parametrize(("exit_code", "stopped"), [(None, True), (130, True), (143, True), (0, False), (4, False), (8, False)])
def test_which_runs_were_stopped(exit_code: int | None, stopped: bool) -> None:
    assert replace(RUN, exit=exit_code).stopped is stopped
