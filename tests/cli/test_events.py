"""`--events`, `--junit`, `status`, `logs` and `cancel` on a small project."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from matrixbuild.cli.show_junit import junit_of_problems
from matrixbuild.core.problems import Problem
from tests.checkout import ROOT
from tests.projects import MANIFEST, SmallProject, small_project

NOTHING = "the artifact /notes.txt matches nothing"


def schema(name: str) -> Any:
    found = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(found)


def events(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for event in found:
        schema("events").validate(event)
    return found


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path / "one", manifest=f"{MANIFEST}  schedule: {{limits: {{cpu: 1}}, retry: {{attempts: 1}}}}\n")


def broken(project: SmallProject) -> None:
    earthfile = project.root / "src" / "Earthfile"
    earthfile.write_text(earthfile.read_text().replace("    SAVE ARTIFACT /notes.txt\n", ""))


class TestEvents:
    def test_everything_that_happens_is_a_line(self, project: SmallProject) -> None:
        assert project.run("apply", "small.yaml", "--events", "events").code == 0
        found = events(project.root / "events")
        kinds = [event["event"] for event in found]
        assert kinds[:2] == ["run-started", "plan"]
        assert kinds[-2:] == ["lock-written", "run-ended"]
        assert {kind: kinds.count(kind) for kind in set(kinds[2:-2])} == {"build-started": 6, "build-finished": 6, "tag-published": 4}
        assert found[-1] | {"at": "", "seconds": 0} == {"event": "run-ended", "run": 1, "exit": 0, "builds": {"built": 6}, "at": "", "seconds": 0}
        assert {event["ref"]: event["digest"] for event in found if event["event"] == "tag-published"} == project.digests()

    def test_a_failure_and_what_it_stops(self, project: SmallProject) -> None:
        project.manifest.write_text(project.manifest.read_text().replace("earthly: +image\n", "earthly: +image\n      needs: [notes]\n"))
        broken(project)
        assert project.run("apply", "small.yaml", "--events", "events").code == 4
        found = events(project.root / "events")
        failed = {event["build"]: event for event in found if event["event"] == "build-failed"}
        skipped = {event["build"]: event["because"] for event in found if event["event"] == "build-skipped"}
        assert set(failed) == {"notes[os=jammy]", "notes[os=noble]"}
        assert {(event["givenUp"], event["failure"]["kind"], event["failure"]["summary"]) for event in failed.values()} == {("kind", "syntax", NOTHING)}
        assert len(skipped) == 4
        assert set(skipped.values()) == set(failed)
        assert (found[-1]["exit"], found[-1]["builds"]) == (4, {"failed": 2, "skipped": 4})

    def test_an_error_ends_the_file_too(self, project: SmallProject) -> None:
        project.manifest.write_text(project.manifest.read_text().replace("+image", "+imagine"))
        assert project.run("apply", "small.yaml", "--events", "events", "--junit", "junit.xml").code == 3
        found = events(project.root / "events")
        assert [event["event"] for event in found] == ["run-started", "run-ended"]
        assert found[-1]["exit"] == 3
        assert "imagine" in found[-1]["problems"][0]
        suites = ET.parse(project.root / "junit.xml").getroot()
        assert (suites.get("tests"), suites.get("errors")) == ("1", "1")

    def test_stdout_is_theirs_alone(self, project: SmallProject) -> None:
        ended = project.run("apply", "small.yaml", "--events", "-")
        assert ended.code == 0
        assert [json.loads(line)["event"] for line in ended.out.splitlines()][-1] == "run-ended"
        assert "6 built, 0 as they were" in ended.err
        assert project.run("apply", "small.yaml", "--events", "-", "--format", "json").code == 64

    def test_a_file_that_cannot_be_written(self, project: SmallProject) -> None:
        ended = project.run("apply", "small.yaml", "--events", "no/such/directory")
        assert ended.code == 8
        assert "error: cannot write the events no/such/directory: No such file or directory\n" in ended.err
        ended = project.run("apply", "small.yaml", "--events", "/dev/full")
        assert ended.code == 8
        assert "error: cannot write the events /dev/full: No space left on device\n" in ended.err


class TestJUnit:
    def test_a_case_for_each_target_and_cell(self, project: SmallProject) -> None:
        broken(project)
        assert project.run("apply", "small.yaml", "--junit", "junit.xml").code == 4
        suite = ET.parse(project.root / "junit.xml").getroot()[0]
        assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {"tests": "8", "failures": "4", "errors": "0", "skipped": "0"}
        failed = [case for case in suite if case.find("failure") is not None]
        assert {(case.get("classname"), case.get("name")) for case in failed} == {("notes", f"fips={fips},os={os}") for fips in ("false", "true") for os in ("jammy", "noble")}
        failure = failed[0].find("failure")
        assert failure is not None
        assert (failure.get("message"), failure.get("type")) == (NOTHING, "syntax")
        assert (failure.text or "").startswith(f"notes[os=jammy]\n{NOTHING}\nhint: ")

    @pytest.mark.parametrize("letter", ["\x1b", "\x00", "\ufffe", "\ud800", "]]>", "<&\"'", "\r\n\t", "\U0001f600"])
    def test_any_text_is_xml(self, letter: str) -> None:
        text = junit_of_problems(f"name {letter}", [Problem(summary=f"summary {letter}", code=letter)])
        suites = ET.fromstring(text.encode("utf-8"))
        kept = letter if letter in ("]]>", "<&\"'", "\U0001f600") else "\r\n\t" if letter == "\r\n\t" else "\ufffd"
        assert suites.get("name") == f"name {kept}"

    def test_what_was_as_it_was_passes(self, project: SmallProject) -> None:
        project.apply()
        assert project.run("apply", "small.yaml", "--junit", "junit.xml").code == 0
        suite = ET.parse(project.root / "junit.xml").getroot()[0]
        assert {key: suite.get(key) for key in ("tests", "failures", "time")} == {"tests": "8", "failures": "0", "time": "0.000"}


class TestStatus:
    def test_nothing(self, project: SmallProject) -> None:
        ended = project.run("status")
        assert (ended.code, ended.out, ended.err) == (0, "", "nothing was applied here yet\n")

    def test_a_run(self, project: SmallProject) -> None:
        broken(project)
        project.run("apply", "small.yaml")
        ended = project.run("status", "--format", "json")
        found = ended.json()
        schema("status").validate(found)
        (state,) = found["states"]
        assert (state["name"], state["manifest"], state["running"], state["shown"]) == ("small", "small.yaml", None, 1)
        assert [(run["number"], run["exit"], run["how"], run["toBuild"]) for run in state["runs"]] == [(1, 4, "some builds failed", 6)]
        states = {build["name"]: build["state"] for build in state["builds"]}
        assert sorted(states.values()) == ["built"] * 4 + ["failed"] * 2
        text = project.run("status").out
        assert re.search(r"^  run 1    \S+ \S+  some builds failed, \d+\.\d s$", text, re.MULTILINE)
        assert "  builds of run 1: 4 built, 2 failed\n" in text
        assert re.search(r"^    notes\[os=jammy\] +failed +attempt 1  \d\.\d\d s  syntax: ", text, re.MULTILINE)

    def test_a_run_there_is_not(self, project: SmallProject) -> None:
        project.apply()
        ended = project.run("status", "7")
        assert (ended.code, ended.err) == (3, "error: there is no run 7 of small\n  hint: `matrixbuild status` shows the last ones\n")
        ended = project.run("status", "--name", "smal")
        assert (ended.code, ended.err) == (3, "error: nothing has run here under the name 'smal'\n  hint: did you mean 'small'?\n")

    def test_it_is_found_from_below(self, project: SmallProject) -> None:
        project.apply()
        deeper = SmallProject(root=project.root / "src")
        assert deeper.run("status").out == project.run("status").out


class TestLogs:
    def test_what_a_build_did(self, project: SmallProject) -> None:
        project.apply()
        said = project.run("logs", "image[fips=true,os=noble]").out.splitlines()
        assert said[:-1] == ["VERSION 0.8", "ARG OS", "ARG FIPS", "FROM scratch", "COPY common /etc/common", "COPY $OS.conf /etc/os.conf", "LABEL fips = $FIPS"]
        assert said[-1].startswith("pushed oci-layout:registry/noble:mb-")
        assert project.run("logs", "image[fips=true,os=noble]", "--grep", "^COPY .*common").out == "COPY common /etc/common\n"
        assert project.run("logs", "image[fips=true,os=noble]", "-f").out.splitlines() == said

    def test_what_failed(self, project: SmallProject) -> None:
        broken(project)
        project.run("apply", "small.yaml")
        said = project.run("logs", "--failed").out
        assert "==> notes[os=jammy], run 1, attempt 1 <==\n" in said
        assert said.count(f"{NOTHING}\n") == 2
        directory = next((project.root / ".matrixbuild" / "small" / "runs" / "1").glob("notes-os-jammy-*")) / "1"
        assert (directory / "exit").read_text() == "1\n"
        assert json.loads((directory / "class.json").read_text())["class"] == "syntax"
        assert json.loads((directory / "command").read_text())[-2:] == ["+notes", "--OS=jammy"]

    def test_mistakes(self, project: SmallProject) -> None:
        project.apply()
        ended = project.run("logs", "notes[os=jamy]")
        assert (ended.code, ended.err) == (3, "error: no attempt of a build 'notes[os=jamy]' is known here\n  hint: did you mean 'notes[os=jammy]'?\n")
        assert project.run("logs").code == 64
        ended = project.run("logs", "notes[os=jammy]", "--grep", "(")
        assert ended.code == 64
        assert "--grep '(' is no regular expression" in ended.err


def test_the_programs_log(project: SmallProject) -> None:
    project.apply()
    project.apply()
    lines = (project.root / ".matrixbuild" / "small" / "log" / "matrixbuild.log").read_text().splitlines()
    assert all(re.match(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z {os.getpid()} ", line) for line in lines)
    assert [line.split(" ", 2)[2] for line in lines if "started by" in line] == [f"run {run} of small.yaml started by process {os.getpid()}" for run in (1, 2)]


def test_a_log_that_cannot_be_written_is_told_and_the_run_goes_on(project: SmallProject) -> None:
    (project.root / ".matrixbuild" / "small").mkdir(parents=True)
    (project.root / ".matrixbuild" / "small" / "log").write_text("a file, of all things")
    ended = project.run("apply", "small.yaml")
    assert ended.code == 0
    assert "warning: cannot write the log " in ended.err


def test_a_large_log_is_rotated_and_packed(project: SmallProject) -> None:
    project.apply()
    log = project.root / ".matrixbuild" / "small" / "log" / "matrixbuild.log"
    log.write_bytes(b"x" * 1023 + b"\n" + b"y" * (10 * 1024 * 1024))
    project.apply()
    assert log.stat().st_size < 10_000
    with gzip.open(log.with_name("matrixbuild.log.1.gz"), "rb") as packed:
        assert packed.read(3) == b"xxx"


SLOW = """
import sys, time
from matrixbuild.adapters.engines.embedded.engine import EmbeddedEngine
from matrixbuild.cli.main import main
built = EmbeddedEngine.build
def slow(self, order):
    print("building", flush=True, file=sys.stderr)
    time.sleep(0.5)
    return built(self, order)
EmbeddedEngine.build = slow
sys.exit(main(["apply", "small.yaml"]))
"""


class TestCancel:
    def test_nothing_runs(self, project: SmallProject) -> None:
        project.apply()
        for words in (("cancel",), ("cancel", "small.yaml")):
            ended = project.run(*words)
            assert (ended.code, ended.err) == (0, "nothing runs here\n")

    def test_a_run_is_stopped_and_the_next_goes_on(self, project: SmallProject) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        child = subprocess.Popen([sys.executable, "-c", SLOW], cwd=project.root, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stderr is not None
        while child.stderr.readline() != "building\n":
            assert child.poll() is None
        running = project.run("status", "--format", "json").json()["states"][0]
        assert running["running"]["pid"] == child.pid
        assert running["runs"][0]["how"] == "runs"
        ended = project.run("cancel")
        assert ended.code == 0, ended.err
        assert f"small: process {child.pid} has stopped\n" in ended.err
        child.communicate(timeout=60)
        assert child.returncode == 143
        assert project.run("status").out.splitlines()[2].endswith(" s")
        assert "terminated" in project.run("status").out
        project.apply()
        assert len(project.digests()) == 4

    def test_a_run_that_was_killed_is_told_as_such(self, project: SmallProject) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        child = subprocess.Popen([sys.executable, "-c", SLOW], cwd=project.root, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stderr is not None
        while child.stderr.readline() != "building\n":
            assert child.poll() is None
        time.sleep(0.1)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=60)
        found = project.run("status", "--format", "json").json()["states"][0]
        schema("status").validate({"statusVersion": 1, "states": [found]})
        assert (found["running"], found["runs"][0]["how"], found["builds"][0]["state"]) == (None, "killed", "killed")
        assert project.run("cancel").err == "nothing runs here\n"
        ended = project.run("apply", "small.yaml")
        assert ended.code == 0
        assert f"run 2 goes on from run 1, which was killed (process {child.pid}) with 0 of 6 builds built\n" in ended.err
