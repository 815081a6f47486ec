"""`apply` as a person sees it: lines while it goes, a summary when it went well, a report when it did not."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from matrixbuild.cli.show_progress import Progress
from matrixbuild.core.events import Report, State
from matrixbuild.core.failure import Failure, FailureKind
from tests.projects import EARTHFILE, FILES, MANIFEST, SmallProject, small_project

TIMES = re.compile(r"\d+\.\d+ s")


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path)


def shown(text: str) -> str:
    return re.sub(r"sha256:[0-9a-f]{12}", "sha256:...", TIMES.sub("0.0 s", text))


def test_the_summary_tells_what_was_built_where_and_what_to_try(project: SmallProject) -> None:
    ended = project.run("apply", "small.yaml")
    assert ended.code == 0
    out = re.sub(r"\S*(matrixbuild|python\S* -m matrixbuild) (plan|list)", r"matrixbuild \2", shown(ended.out))
    assert re.sub(r"notes-os-(\w+)-[0-9a-f]{8}", r"notes-os-\1-HEX", out) == """\
small: 6 built, 0 as they were, 4 image names given, in 0.0 s

Images     4 in 2 repositories
  oci-layout:registry/jammy
    1       sha256:...  new
    1-fips  sha256:...  new
  oci-layout:registry/noble
    1       sha256:...  new
    1-fips  sha256:...  new

Artifacts  2 below out/
  notes-os-jammy-HEX/notes-jammy.txt
  notes-os-noble-HEX/notes-noble.txt

Lock       small.lock.json

Next
  look at an image     skopeo inspect oci:registry:jammy:1
  change a file        edit one below src/, then matrixbuild plan small.yaml
  see every cell       matrixbuild list small.yaml
"""


def test_lines_tell_each_build_as_it_ends(project: SmallProject) -> None:
    lines = project.run("apply", "small.yaml").err.splitlines()
    assert lines[0] == "small: 4 cells, 8 builds, 6 after deduplication: 6 to build, 0 as they were"
    assert [shown(line)[:16] for line in lines[1:]] == [f"[{number}/6]  built    " for number in range(1, 7)]
    again = project.run("apply", "small.yaml")
    assert again.err == "small: 4 cells, 8 builds, 6 after deduplication: 0 to build, 6 as they were\n"
    assert "Lock       small.lock.json (unchanged)" in again.out


def test_json_ends_with_cell_and_digest(project: SmallProject) -> None:
    found = project.run("apply", "small.yaml", "--format", "json").json()
    assert found["published"] is True
    assert found["images"]["image[fips=true,os=noble]"] == {"oci-layout:registry/noble:1-fips": project.digests()["oci-layout:registry/noble:1-fips"]}


COPIES = "    COPY common /etc/common\n    COPY $OS.conf /etc/os.conf\n"
WITHOUT_FILES = {**FILES, "src/Earthfile": EARTHFILE.replace(COPIES, "")}
"""Images of no files: no registry takes them, which only the build can find out."""


def report(err: str) -> str:
    return re.sub(r"(then|replay:  ) \S.* apply", r"\1 matrixbuild apply", err.partition("\n\n")[2])


def test_a_failure_is_told_once_with_its_builds_and_nothing_is_published(tmp_path: Path) -> None:
    project = small_project(tmp_path, files=WITHOUT_FILES)
    ended = project.run("apply", "small.yaml")
    assert ended.code == 4
    assert report(ended.err) == """\
2 failures, 1 cause: the image of +image has no layers, and such an image cannot be pushed
  image[fips=false]
  image[fips=true]
  hint: copy at least one file into it

registry: 2 built, 2 failed; 0 published, the lock is as it was
replay:   matrixbuild apply small.yaml -l fips=false,os=jammy
next:     mend the cause, then matrixbuild apply small.yaml
"""
    assert not project.lock.exists()


def test_what_needs_a_failed_build_is_skipped(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("      earthly: +notes\n", "      earthly: +notes\n      needs: [image]\n")
    ended = small_project(tmp_path, files=WITHOUT_FILES, manifest=manifest).run("apply", "small.yaml")
    assert ended.code == 4
    assert "  (needs image[fips=false])\n" in ended.err
    assert "registry: 2 failed, 4 skipped; 0 published, the lock is as it was\n" in ended.err


def test_a_directory_that_is_no_layout_is_never_written_into(project: SmallProject) -> None:
    (project.root / "registry").mkdir()
    (project.root / "registry" / "stranger").write_text("not a layout\n")
    ended = project.run("apply", "small.yaml")
    assert ended.code == 8
    assert [path.name for path in (project.root / "registry").iterdir()] == ["stranger"]


def test_a_rest_and_a_skip_are_lines_of_their_own() -> None:
    clock = iter([0.0, 1.5])
    stream = io.StringIO()
    progress = Progress(stream, clock=lambda: next(clock))
    failure = Failure(kind=FailureKind.NETWORK, summary="connection reset")
    progress.report(Report(build="a", state=State.RUNNING, attempt=1), None)
    progress.report(Report(build="a", state=State.RESTING, attempt=1, failure=failure, wait=5.0), None)
    progress.report(Report(build="a", state=State.BUILT, attempt=2), None)
    progress.report(Report(build="b", state=State.FAILED, attempt=3, failure=failure), None)
    progress.report(Report(build="c", state=State.SKIPPED, because="b"), None)
    assert stream.getvalue() == """\
           again    a in 5.0 s, after attempt 1: connection reset
[1/0]  built    a  1.50 s
[2/0]  failed   b: connection reset
[3/0]  skipped  c  (needs b)
"""


HOLDING = """
import sys, time
from pathlib import Path
from matrixbuild.adapters.engines.embedded.engine import EmbeddedEngine
from matrixbuild.cli.main import main
built = EmbeddedEngine.build
def slow(self, order):
    print("building", flush=True, file=sys.stderr)
    time.sleep(1)
    return built(self, order)
EmbeddedEngine.build = slow
sys.exit(main(["apply", "small.yaml"]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_the_next_one_goes_on(project: SmallProject, number: signal.Signals, code: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen([sys.executable, "-c", HOLDING], cwd=project.root, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stderr is not None
    while child.stderr.readline() != "building\n":
        assert child.poll() is None
    time.sleep(0.1)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == code, err
    assert "Traceback" not in err
    assert not project.lock.exists()
    how = "interrupted" if code == 130 else "terminated"
    ended = project.run("apply", "small.yaml")
    assert re.search(rf"^run 2 goes on from run 1, which was {how} \(process {child.pid}\) with \d of 6 builds built$", ended.err, re.MULTILINE), ended.err
    assert len(json.loads(project.lock.read_text())["builds"]) == 6


def test_a_second_apply_is_told_who_holds_the_state(project: SmallProject) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen([sys.executable, "-c", HOLDING], cwd=project.root, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stderr is not None
    while child.stderr.readline() != "building\n":
        assert child.poll() is None
    ended = project.run("apply", "small.yaml")
    child.communicate(timeout=60)
    assert ended.code == 7
    assert f"another run (process {child.pid}, since " in ended.err


@pytest.mark.parametrize("verb", ["plan", "apply", "list", "validate"])
def test_what_a_rule_remarks_is_told_by_every_verb(tmp_path: Path, verb: str) -> None:
    rule = "  rules:\n    - {name: pilot, when: {fips: true}, warn: {os: noble}, reason: not certified yet}\n  targets:\n"
    ended = small_project(tmp_path, manifest=MANIFEST.replace("  targets:\n", rule, 1)).run(verb, "small.yaml")
    assert ended.code == 0
    assert "warning: " in ended.err
    assert "not certified yet" in ended.err
