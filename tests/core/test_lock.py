"""The lock as a document: its exact form, the way back, what is refused, and that the published schema says the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from matrixbuild.core.documents import DocumentError
from matrixbuild.core.inputs import Inputs
from matrixbuild.core.lock import Lock, LockedArtifact, LockedBuild, LockedImage, NewerLockError, Pins
from tests.builders import digest

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "lock.schema.json").read_text())
NAME = "installer[os=ubuntu-22.04]"


def document() -> dict[str, Any]:
    return {
        "lockVersion": 1,
        "name": "edge-release",
        "pins": {"source": {"path": "../edge"}, "engine": "embedded/1", "images": {"ubuntu:22.04": digest("ubuntu")}},
        "builds": {
            NAME: {
                "key": digest("key"),
                "inputs": {
                    "target": digest("commands"),
                    "args": {"VERSION": "1"},
                    "files": {"overlay/motd": digest("motd")},
                    "needs": {"base": digest("base")},
                    "bases": {"alpine:3.20": "", "ubuntu:22.04": digest("ubuntu")},
                    "generation": "0123456789abcdef0123",
                },
                "commit": "c" * 40,
                "image": {"digest": digest("image"), "mediaType": "application/json", "size": 7, "platforms": {"linux/amd64": digest("image")}},
                "opaque": ["time"],
                "cells": {"fips=true,os=ubuntu-22.04": ["localhost:5000/edge:1"]},
                "artifacts": {"edge.iso": {"sha256": "0" * 64, "size": 0}},
            }
        },
        "indexes": {
            "localhost:5000/edge:1": {
                "digest": digest("index"),
                "mediaType": "application/json",
                "size": 9,
                "platforms": {"linux/amd64": digest("image"), "linux/arm64": digest("other")},
            }
        },
    }


def test_a_lock_is_read_into_values() -> None:
    lock = Lock.from_dict(document())
    assert lock == Lock(
        name="edge-release",
        pins=Pins(source=(("path", "../edge"),), engine="embedded/1", images=(("ubuntu:22.04", digest("ubuntu")),)),
        builds=(
            (
                NAME,
                LockedBuild(
                    key=digest("key"),
                    inputs=Inputs(
                        target=digest("commands"),
                        args=(("VERSION", "1"),),
                        files=(("overlay/motd", digest("motd")),),
                        needs=(("base", digest("base")),),
                        bases=(("alpine:3.20", ""), ("ubuntu:22.04", digest("ubuntu"))),
                        generation="0123456789abcdef0123",
                    ),
                    image=LockedImage(digest=digest("image"), media_type="application/json", size=7, platforms=(("linux/amd64", digest("image")),)),
                    cells=(("fips=true,os=ubuntu-22.04", ("localhost:5000/edge:1",)),),
                    artifacts=(("edge.iso", LockedArtifact(sha256="0" * 64, size=0)),),
                    opaque=("time",),
                    commit="c" * 40,
                ),
            ),
        ),
        indexes=(
            (
                "localhost:5000/edge:1",
                LockedImage(
                    digest=digest("index"),
                    media_type="application/json",
                    size=9,
                    platforms=(("linux/amd64", digest("image")), ("linux/arm64", digest("other"))),
                ),
            ),
        ),
    )
    assert lock.to_dict() == document()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["builds", NAME, "image", "size"], True, "Unexpected type bool (expected int) in 'builds[installer[os=ubuntu-22.04]].image.size'"),
        (
            ["builds", NAME, "key"],
            "sha256:1",
            "Unexpected value 'sha256:1' (expected sha256:<64 hex digits>) in 'builds[installer[os=ubuntu-22.04]].key'",
        ),
        (
            ["builds", NAME, "cells", "fips=true,os=ubuntu-22.04"],
            [1],
            "Unexpected type int (expected str) in 'builds[installer[os=ubuntu-22.04]].cells[fips=true,os=ubuntu-22.04][0]'",
        ),
        (
            ["builds", NAME, "artifacts", "edge.iso", "size"],
            -1,
            "Unexpected value -1 (expected at least 0) in 'builds[installer[os=ubuntu-22.04]].artifacts[edge.iso].size'",
        ),
        (["pins", "engin"], "x", "Unknown field (did you mean 'engine'?) in 'pins.engin'"),
        (["pins", "source"], {}, "Expected one of the fields path and git in 'pins.source'"),
        (["lockVersion"], "1", "Unexpected type str (expected int) in 'lockVersion'"),
        (["lockVersion"], 0, "Unexpected value 0 (expected 1) in 'lockVersion'"),
        (
            ["builds", NAME, "opaque"],
            ["luck"],
            "Unexpected value 'luck' (expected inputs, time or values) in 'builds[installer[os=ubuntu-22.04]].opaque[0]'",
        ),
        (["name"], None, "Unexpected type NoneType (expected str) in 'name'"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(path: list[str], value: object, message: str) -> None:
    broken = document()
    _put(broken, path, value)
    with pytest.raises(DocumentError) as raised:
        Lock.from_dict(broken)
    assert str(raised.value) == message


def test_a_lock_of_a_time_before_all_this_was_recorded_is_read_and_stays_as_it_was() -> None:
    old = document()
    del old["builds"][NAME]["opaque"], old["builds"][NAME]["commit"], old["builds"][NAME]["inputs"]["generation"]
    found = dict(Lock.from_dict(old).builds)[NAME]
    assert (found.opaque, found.commit, found.inputs.generation) == ((), "", "")
    assert Lock.from_dict(old).to_dict() == old


def test_a_missing_field_is_told() -> None:
    broken = document()
    del broken["builds"][NAME]["inputs"]
    with pytest.raises(DocumentError) as raised:
        Lock.from_dict(broken)
    assert str(raised.value) == "Missing required field in 'builds[installer[os=ubuntu-22.04]].inputs'"


@pytest.mark.parametrize("value", [[], "lock", None, 1])
def test_another_document_is_no_lock(value: object) -> None:
    with pytest.raises(DocumentError, match="Unexpected type"):
        Lock.from_dict(value)


def test_a_newer_version_is_refused_before_anything_else_is_looked_at() -> None:
    with pytest.raises(NewerLockError) as raised:
        Lock.from_dict({"lockVersion": 2, "whatever": []})
    assert str(raised.value) == "lockVersion 2 is of a newer matrixbuild than this one, which knows 1"


DIGESTS = st.integers(0, 9).map(lambda number: digest(str(number)))
PAIRS = st.dictionaries(st.text(max_size=5), DIGESTS, max_size=3).map(lambda found: tuple(sorted(found.items())))
LOCKS = st.builds(
    Lock,
    name=st.text(),
    pins=st.builds(Pins, source=st.just((("path", ".."),)), engine=st.text(), images=PAIRS),
    builds=st.dictionaries(
        st.text(max_size=5),
        st.builds(
            LockedBuild,
            key=DIGESTS,
            inputs=st.builds(Inputs, target=DIGESTS, args=PAIRS, files=PAIRS, needs=PAIRS, bases=PAIRS),
            image=st.none() | st.builds(LockedImage, digest=DIGESTS, media_type=st.text(), size=st.integers(0, 2**63), platforms=PAIRS),
            cells=st.dictionaries(st.text(max_size=5), st.lists(st.text(), max_size=2).map(tuple), max_size=2).map(
                lambda found: tuple(sorted(found.items()))
            ),
            artifacts=st.dictionaries(
                st.text(max_size=5), st.builds(LockedArtifact, sha256=DIGESTS.map(lambda text: text[7:]), size=st.integers(0)), max_size=2
            ).map(lambda found: tuple(sorted(found.items()))),
            opaque=st.sets(st.sampled_from(["inputs", "time", "values"])).map(lambda found: tuple(sorted(found))),
            narrowed=st.booleans(),
        ),
        max_size=3,
    ).map(lambda found: tuple(sorted(found.items()))),
)


@settings(deadline=None)
@given(LOCKS)
def test_from_dict_undoes_to_dict_and_the_schema_agrees(lock: Lock) -> None:
    assert Lock.from_dict(lock.to_dict()) == lock
    Draft202012Validator(SCHEMA).validate(lock.to_dict())


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, child in children for below in _paths(child, (*path, key)))]


def _put(document: Any, path: list[Any] | tuple[Any, ...], value: object) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


ODD_VALUES: list[object] = [None, True, -1, 0, 1, 2, "", "x", digest(), "0" * 64, [], ["x"], [1], {}, {"x": "y"}]


def _accepted(value: object) -> bool:
    try:
        Lock.from_dict(value)
    except DocumentError:
        return False
    return True


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(_paths(document())[1:]), st.sampled_from(ODD_VALUES))
def test_schema_and_reader_accept_and_refuse_the_same_mutated_documents(path: tuple[str | int, ...], value: object) -> None:
    mutated: Any = copy.deepcopy(document())
    _put(mutated, path, copy.deepcopy(value))
    assert _accepted(mutated) == Draft202012Validator(SCHEMA).is_valid(mutated)


def test_every_property_of_the_schema_is_described() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert [path for path in _properties(SCHEMA) if not path[1]] == []


def _properties(schema: Any) -> list[tuple[str, str]]:
    own = [(name, each.get("description", "")) for name, each in schema.get("properties", {}).items()]
    children = [each for key in ("properties", "$defs") for each in schema.get(key, {}).values()]
    children += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    return [*own, *(found for child in children for found in _properties(child))]
