"""What a program with Earthly's command line writes of a build while it runs and at its end: the same of the doubles and of the real ones."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path
from typing import Any

from tests.contract.programs import Outcome, Subject, folder
from tests.processes import until

RECIPE = """\
VERSION 0.8
FROM {registry}/base:2
main:
  ARG K
  COPY f.txt /f-{mark}
  RUN echo {mark} $K
  SAVE IMAGE --push {name}
"""


def built(subject: Subject, tmp_path: Path) -> tuple[Outcome, Outcome, str]:
    """The same build twice, and the text that only its RUN holds."""
    mark = uuid.uuid4().hex
    checkout = folder(tmp_path / "checkout", RECIPE.format(registry=subject.registry, mark=mark, name=subject.name()), f_txt=mark)
    first, second = (subject.call("--push", "--no-output", "+main", "--K=7", cwd=checkout) for _ in range(2))
    assert (first.rc, second.rc) == (0, 0), first.err + second.err
    return first, second, mark


def test_the_run_manifest_names_targets_and_commands(subject: Subject, tmp_path: Path) -> None:
    first, _, mark = built(subject, tmp_path)
    manifest = first.manifest
    assert manifest is not None
    assert (manifest["status"], manifest["failure"]) == ("RUN_STATUS_SUCCESS", None)
    main = manifest["targets"][manifest["mainTargetId"]]
    told = {name: main[name] for name in ("name", "canonicalName", "localPath", "overrideArgs", "status", "runner")}
    assert told == {
        "name": "+main",
        "canonicalName": "+main",
        "localPath": ".",
        "overrideArgs": ["K=7"],
        "status": "RUN_STATUS_SUCCESS",
        "runner": f"bk:{subject.address}",
    }
    assert {target["name"] for target in manifest["targets"].values()} == {"+main", "+base"}
    run = first.command(f"RUN echo {mark} $K")
    assert (run["targetId"], run["category"], run["platform"], run["status"]) == (
        manifest["mainTargetId"],
        "+main",
        "linux/amd64",
        "RUN_STATUS_SUCCESS",
    )
    assert (run["sourceLocation"]["file"], run["sourceLocation"]["startLine"]) == ("Earthfile", 6)
    assert {"FROM +base", f"COPY f.txt /f-{mark}", "exporting outputs"} <= {command["name"] for command in manifest["commands"].values()}
    assert all(int(manifest[name]) > 1_600_000_000_000_000_000 for name in ("createdAtUnixNanos", "startedAtUnixNanos", "endedAtUnixNanos"))


def test_what_was_built_before_comes_from_the_cache(subject: Subject, tmp_path: Path) -> None:
    first, second, mark = built(subject, tmp_path)
    for command in (f"RUN echo {mark} $K", f"COPY f.txt /f-{mark}"):
        assert (first.command(command)["isCached"], second.command(command)["isCached"]) == (False, True)
        assert f"+main | *cached* --> {command}" not in first.err
        assert f"+main | *cached* --> {command}" in second.err
    assert (f"| {mark} 7" in first.err, f"| {mark} 7" in second.err) == (True, False)


def test_a_step_that_wants_no_cache_and_what_follows_it_runs_each_time(subject: Subject, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    steps = f"  RUN echo {mark} 1\n  RUN --no-cache echo {mark} 2\n  RUN echo {mark} 3\n"
    checkout = folder(tmp_path / "checkout", f"VERSION 0.8\nFROM {subject.registry}/base:2\nmain:\n{steps}")
    assert subject.call("--no-output", "+main", cwd=checkout).rc == 0
    second = subject.call("--no-output", "+main", cwd=checkout)
    cached = [second.command(name)["isCached"] for name in (f"RUN echo {mark} 1", f"RUN --no-cache echo {mark} 2", f"RUN echo {mark} 3")]
    assert cached == [True, False, False]


def test_another_value_of_an_active_arg_is_another_step(subject: Subject, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    recipe = f"VERSION 0.8\nFROM {subject.registry}/base:2\nmain:\n  RUN echo {mark} before\n  ARG K\n  RUN echo {mark} after\n"
    checkout = folder(tmp_path / "checkout", recipe)
    assert subject.call("--no-output", "+main", "--K=1", cwd=checkout).rc == 0
    second = subject.call("--no-output", "+main", "--K=2", cwd=checkout)
    assert [second.command(f"RUN echo {mark} {when}")["isCached"] for when in ("before", "after")] == [True, False]


def test_the_stream_tells_a_build_from_its_begin_to_its_end(subject: Subject, tmp_path: Path) -> None:
    first, _, mark = built(subject, tmp_path)
    assert all(set(record) < {"deltaManifest", "deltaLog", "deltaFormattedLog"} and len(record) == 1 for record in first.stream)
    deltas = [record["deltaManifest"]["fields"] for record in first.stream if "deltaManifest" in record]
    assert deltas[0]["status"] == "RUN_STATUS_IN_PROGRESS"
    assert (deltas[-1]["status"], "endedAtUnixNanos" in deltas[-1]) == ("RUN_STATUS_SUCCESS", True)
    statuses = [fields["status"] for fields in _of(deltas, first, f"RUN echo {mark} $K") if "status" in fields]
    assert statuses == ["RUN_STATUS_IN_PROGRESS", "RUN_STATUS_SUCCESS"]
    logs = [record["deltaLog"] for record in first.stream if "deltaLog" in record]
    said = [log for log in logs if base64.b64decode(log["data"]) == f"{mark} 7\n".encode()]
    assert [(log["stream"], log["commandId"] in first.manifest["commands"]) for log in said if first.manifest] == [(1, True)]
    console = "".join(base64.b64decode(text["data"]).decode() for record in first.stream if (text := _formatted(record)))
    assert console in first.err


def test_the_stream_is_behind_a_running_step_by_nothing(subject: Subject, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    checkout = folder(tmp_path / "checkout", f"VERSION 0.8\nFROM {subject.registry}/base:2\nmain:\n  RUN echo {mark}; sleep 60\n")
    running = subject.start("--no-output", "+main", cwd=checkout)
    until(lambda: base64.b64encode(f"{mark}\n".encode()).decode() in running.streamed())
    until(lambda: '"stream":99' in running.streamed().replace(" ", ""))
    assert running.process.poll() is None
    running.process.terminate()
    assert running.ended().rc == 2


def _of(deltas: list[dict[str, Any]], done: Outcome, name: str) -> list[dict[str, Any]]:
    """What the stream says of the command with this name."""
    assert done.manifest is not None
    (command,) = [key for key, told in done.manifest["commands"].items() if told["name"] == name]
    return [fields["commands"][command] for fields in deltas if command in fields.get("commands", {})]


def _formatted(record: dict[str, Any]) -> dict[str, Any]:
    text: dict[str, Any] = record.get("deltaFormattedLog", {})
    return text if text.get("targetId") == "_full" else {}
