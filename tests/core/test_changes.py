"""Why a build is built again: each kind of change by name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from matrixbuild.core.build import Build
from matrixbuild.core.changes import Change, Reason, Why, artifact_changes, reasons
from matrixbuild.core.demand import need_token
from matrixbuild.core.inputs import Inputs
from matrixbuild.core.lock import LockedArtifact, LockedBuild
from tests.builders import build, digest, lock_of

OLD = Inputs(
    target=digest("commands"),
    args=(("BASE", need_token("base", digest("base"))), ("VERSION", "1")),
    files=(("overlay/gone", "a"), ("overlay/motd", "b")),
    needs=(("base", digest("base")),),
    bases=(("alpine:3.20", digest("alpine")), ("ubuntu:22.04", "")),
)


def told(engine: str = "embedded/1", **changed: Any) -> tuple[Reason, ...]:
    """The reasons after these fields of OLD changed."""
    made = dataclasses.replace(build(), inputs=OLD)
    (entry,) = (entry for _, entry in lock_of([made]).builds)
    after = dataclasses.replace(OLD, **changed)
    return reasons(dataclasses.replace(made, key=digest("other"), needs=after.needs, inputs=after), entry, engine=engine)


def changed(*changes: Change) -> tuple[Reason, ...]:
    return (Reason(why=Why.CHANGED, changes=changes),)


def test_args_are_told_by_name() -> None:
    args = (("BASE", need_token("base", digest("base"))), ("NEW", "1"))
    assert told(args=args) == changed(Change(field="args", name="NEW", how="added"), Change(field="args", name="VERSION", how="removed"))
    assert told(args=(OLD.args[0], ("VERSION", "2"))) == changed(Change(field="args", name="VERSION"))


def test_files_are_told_by_path() -> None:
    files = (("overlay/motd", "c"), ("overlay/new", "d"))
    assert told(files=files) == changed(
        Change(field="files", name="overlay/gone", how="removed"),
        Change(field="files", name="overlay/motd"),
        Change(field="files", name="overlay/new", how="added"),
    )


def test_commands_and_engine_are_told() -> None:
    assert told(target=digest("other")) == changed(Change(field="commands"))
    assert told("embedded/0") == changed(Change(field="engine"))


def test_a_base_image_that_moved_is_a_reason_of_its_own() -> None:
    bases = (("alpine:3.20", digest("newer")), ("ubuntu:22.04", ""))
    assert told(bases=bases) == (Reason(why=Why.BASE_MOVED, ref="alpine:3.20", old=digest("alpine"), new=digest("newer")),)


def test_a_base_image_that_is_another_one_or_pinned_now_is_a_change() -> None:
    bases = (("debian:13", ""), ("ubuntu:22.04", digest("ubuntu")))
    assert told(bases=bases) == changed(
        Change(field="bases", name="alpine:3.20", how="removed"),
        Change(field="bases", name="debian:13", how="added"),
        Change(field="bases", name="ubuntu:22.04"),
    )


def test_a_need_with_another_key_is_told_by_its_name_and_not_as_an_arg() -> None:
    args = (("BASE", need_token("base", digest("newer"))), ("VERSION", "1"))
    assert told(args=args, needs=(("base", digest("newer")),)) == (Reason(why=Why.NEED_CHANGED, build="base"),)


def test_a_need_more_or_less_is_a_change() -> None:
    args = (("BASE", need_token("other", digest("base"))), ("VERSION", "1"))
    assert told(args=args, needs=(("other", digest("base")),)) == changed(
        Change(field="args", name="BASE"), Change(field="needs", name="base", how="removed"), Change(field="needs", name="other", how="added")
    )


def test_several_kinds_are_told_together() -> None:
    found = told(target=digest("other"), needs=(("base", digest("newer")),), bases=(("alpine:3.20", digest("newer")), ("ubuntu:22.04", "")))
    assert [reason.why for reason in found] == [Why.CHANGED, Why.NEED_CHANGED, Why.BASE_MOVED]


def test_a_key_that_differs_in_nothing_recorded_has_a_reason_too() -> None:
    assert told() == changed(Change(field="keyVersion"))


@pytest.mark.parametrize(("before", "after"), [({"/a": "a.iso"}, {"/b": "a.iso"}), ({"/a": "a.iso"}, {"/a": "a.iso", "/b": "b.iso"})])
def test_artifacts_taken_from_elsewhere_are_a_change(before: dict[str, str], after: dict[str, str]) -> None:
    (entry,) = (entry for _, entry in lock_of([build(artifacts=before)]).builds)
    now: Build = build(artifacts=after)
    (reason,) = reasons(now, entry, engine="embedded/1")
    assert {change.field for change in reason.changes} == {"artifacts"}


def locked_files(made: Build, *files: str) -> LockedBuild:
    (entry,) = (entry for _, entry in lock_of([made]).builds)
    return dataclasses.replace(entry, artifacts=tuple((file, LockedArtifact(sha256=digest(file)[7:], size=1)) for file in files))


@pytest.mark.parametrize("files", [("tree/1", "tree/sub/2"), ()])
def test_a_directory_is_locked_file_by_file_and_has_not_changed(files: tuple[str, ...]) -> None:
    made = build(artifacts={"/tree": "tree"})
    assert artifact_changes(made, locked_files(made, *files)) == []


def test_a_directory_called_otherwise_has_changed() -> None:
    made = build(artifacts={"/tree": "new"})
    assert artifact_changes(made, locked_files(made, "tree/1", "tree/sub/2")) == [
        Change(field="artifacts", name="new", how="added"),
        Change(field="artifacts", name="tree/1", how="removed"),
        Change(field="artifacts", name="tree/sub/2", how="removed"),
    ]


def test_a_reason_as_data() -> None:
    assert [reason.to_dict() for reason in told(args=OLD.args[:1], needs=(("base", digest("newer")),))] == [
        {"kind": "changed", "changes": [{"field": "args", "name": "VERSION", "how": "removed"}]},
        {"kind": "need-changed", "build": "base"},
    ]


def test_a_token_that_is_new_or_another_one_is_told_as_asked_for() -> None:
    forced = Reason(why=Why.FORCED)
    assert told(generation="1") == (forced,)
    assert told(generation="1", target=digest("other")) == (forced, *changed(Change(field="commands")))


def test_a_token_that_is_gone_is_a_change() -> None:
    made = dataclasses.replace(build(), inputs=dataclasses.replace(OLD, generation="1"))
    (entry,) = (entry for _, entry in lock_of([made]).builds)
    after = dataclasses.replace(made, key=digest("other"), needs=OLD.needs, inputs=OLD)
    assert reasons(after, entry, engine="embedded/1") == changed(Change(field="generation", how="removed"))
    same = dataclasses.replace(made, key=digest("other"), needs=OLD.needs, inputs=dataclasses.replace(OLD, generation="1", target=digest("other")))
    assert reasons(same, entry, engine="embedded/1") == changed(Change(field="commands"))
