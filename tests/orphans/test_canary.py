"""A secret that builds print in every way is in no file, no output and no process's arguments."""

from __future__ import annotations

import base64
import json
import urllib.parse
import uuid
from pathlib import Path

import pytest

from tests.orphans.world import release, start
from tests.processes import PROC, marked
from tests.projects import SmallProject

CANARY = 'canary/7?+x "Ö&ü" 51c0ffee'
PROGRAM = """
import base64, json, os, sys, time, urllib.parse
token = os.environ["TOKEN"]
for text in (token, json.dumps(token), base64.b64encode(f"user:{token}".encode()).decode(), urllib.parse.quote(token, safe="")):
    for stream in (sys.stdout, sys.stderr):
        print("it is", text, file=stream, flush=True)
for byte in token.encode():
    os.write(1, bytes([byte])); os.write(2, bytes([byte])); time.sleep(0.002)
time.sleep(0.5)
sys.exit(f"failed with {token}" if sys.argv[1].startswith("notes-n-3-") else 0)
"""
SCRIPT = f"exec python3 -c '{PROGRAM}' \"$1\""
FORMS = (
    CANARY.encode(),
    json.dumps(CANARY)[1:-1].encode(),
    json.dumps(CANARY, ensure_ascii=False)[1:-1].encode(),
    urllib.parse.quote(CANARY, safe="").encode(),
    # As JSON within JSON, and what is unmistakable of it in any form.
    json.dumps(json.dumps(CANARY))[3:-3].encode(),
    b"51c0ffee",
    *(base64.b64encode(bytes(before) + CANARY.encode())[4:-4] for before in range(3)),
)


def leaks(data: bytes) -> list[bytes]:
    return [form for form in FORMS if form in data]


def arguments() -> bytes:
    found = b""
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            try:
                found += (entry / "cmdline").read_bytes()
            except OSError:
                continue
    return found


def watched(project: SmallProject, *words: str, bug: str = "") -> tuple[int, bytes]:
    """An apply whose processes are looked at as long as it runs: its exit code, and all it said."""
    mark = f"child-{uuid.uuid4().hex}"
    process = start(project, *words, script=SCRIPT, mark=mark, grace=0.5, token=CANARY, bug=bug)
    looks = 0
    while process.poll() is None:
        seen, running = arguments(), bool(marked(mark))
        looks += running
        assert not leaks(seen)
    out, err = process.communicate()
    assert looks or bug in ("ready", "told") or not PROC.is_dir()
    return process.returncode, out + err


def leaking(root: Path) -> dict[str, list[bytes]]:
    """The files that give the secret away: journal, events, logs, lock, plan, JUnit, images, whatever there is."""
    return {str(path): found for path in root.rglob("*") if path.is_file() and (found := leaks(path.read_bytes()))}


def test_a_secret_is_seen_nowhere(tmp_path: Path) -> None:
    project = release(tmp_path, builds=8)
    code, said = watched(project, "--events", "events.ndjson", "--junit", "junit.xml")
    assert code == 4, said
    assert not leaks(said), said
    assert not leaking(project.root)
    # It was there to be seen.
    (log,) = project.root.glob(".matrixbuild/small/runs/1/notes-n-3-*/1")
    assert log.stat().st_mode & 0o777 == 0o700
    assert (log / "stdout").read_text().splitlines()[:2] == ["it is ***", 'it is "***"']
    assert (log / "stderr").read_text().count("***") >= 6
    assert "failed with ***" in (log / "class.json").read_text()
    assert "failed with ***" in (project.root / "events.ndjson").read_text()
    assert "failed with ***" in (project.root / "junit.xml").read_text()


def test_a_lock_and_a_plan_have_nothing_of_it(tmp_path: Path) -> None:
    project = release(tmp_path, builds=5, mode="each")
    assert project.run("plan", "small.yaml", "-o", "saved-plan").code == 0
    code, said = watched(project, "--events", "events.ndjson", "--junit", "junit.xml", "--format", "json")
    assert code == 4, said
    assert not leaks(said), said
    assert len(json.loads(project.lock.read_text())["builds"]) == 4
    assert not leaking(project.root)


@pytest.mark.parametrize(
    ("bug", "code", "shown"),
    [
        ("build", 4, b"LookupError: nobody knows ***, "),
        ("ready", 1, b"LookupError: nobody knows ***, "),
        ("thread", 0, b"LookupError: nobody knows ***, "),
        ("told", 8, b"error: nobody takes ***, "),
        ("failed", 4, b"no luck with ***, "),
    ],
)
def test_an_exception_that_quotes_it_tells_nothing_of_it(tmp_path: Path, bug: str, code: int, shown: bytes) -> None:
    project = release(tmp_path, builds=2)
    ended, said = watched(project, "--events", "events.ndjson", "--junit", "junit.xml", bug=bug)
    assert ended == code, said
    assert (b"Traceback" in said) is (bug in ("ready", "thread"))
    assert (b"ZeroDivisionError" in said) is (bug in ("ready", "thread"))
    assert shown in said
    assert not leaks(said), said
    assert not leaking(project.root)
    # It was told there as well.
    for name in ("events.ndjson", "junit.xml") if bug in ("build", "told", "failed") else ():
        assert "***" in (project.root / name).read_text()
    if bug == "failed":
        assert [path.read_text().count("***") > 0 for path in project.root.glob(".matrixbuild/small/runs/1/*/1/class.json")] == [True, True]
        assert "***" in (project.root / ".matrixbuild/small/log/matrixbuild.log").read_text()
