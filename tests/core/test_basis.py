"""What a plan was made from, and what of it has moved since."""

from __future__ import annotations

import dataclasses

import pytest

from matrixbuild.core.basis import STAND_IN, Basis, lock_digest, moved, shown_pins, source_digest
from matrixbuild.core.build import Build
from matrixbuild.core.documents import DocumentError
from matrixbuild.core.lock import Pins
from tests.builders import build, cell, digest, lock_of
from tests.plans import basis

GIT = (("commit", "a" * 40), ("git", "https://example.com/c.git"), ("ref", "v1"))


def pins(**fields: object) -> Pins:
    return Pins(**{"source": GIT, "engine": "earthly/0.8", **fields})  # type: ignore[arg-type]


def test_it_reads_what_it_writes() -> None:
    full = basis(
        pins=pins(images=(("ubuntu:24.04", digest("u")),), versions=(("k8s", (("1.x", ("1.2",)),)),), generations=(("p", "g"),)),
        lock=digest("lock"),
        sets=(("tag", "x"),),
        selector="os=a",
        overwrite=("r/p:1",),
    )
    assert Basis.from_dict(full.to_dict()) == full
    assert Basis.from_dict(basis().to_dict()) == basis()
    assert set(basis().to_dict()) == {"manifest", "content", "pins", "source"}


def test_where_the_manifest_is_does_not_count() -> None:
    assert basis(manifest="a.yaml").identity == basis(manifest="m/a.yaml").identity
    assert basis(content=digest("other")).identity != basis().identity


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../m.yaml", "a/../../m.yaml", "a//m.yaml", "./m.yaml", "a\0", "a\\b"])
def test_a_path_that_leads_out_of_the_project_is_none(path: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Basis.from_dict(basis().to_dict() | {"manifest": path})
    assert str(caught.value) == f"Unexpected value {path!r} (expected a path from the project's root) in 'manifest'"


THEN = basis(pins=pins(images=(("a", digest("1")), ("b", digest("1"))), versions=(("k8s", (("1.x", ("1.2",)),)),)), lock=digest("lock"))


def test_nothing_has_moved() -> None:
    assert moved(THEN, THEN, to_pin=()) == ()


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"content": digest("other")}, "the manifest manifests/edge.yaml comes to something else now"),
        ({"source": digest("other")}, "files of the source that builds read are others now"),
        ({"lock": digest("other")}, "the lock has other builds now"),
        ({"lock": ""}, "the lock is gone"),
        (
            {"pins": dataclasses.replace(THEN.pins, source=(("commit", "b" * 40), *GIT[1:]))},
            "the source is v1 of https://example.com/c.git (bbbbbbbbbbbb) now, and was v1 of https://example.com/c.git (aaaaaaaaaaaa)",
        ),
        (
            {"pins": dataclasses.replace(THEN.pins, source=STAND_IN)},
            "the source is a directory given with --source now, and was v1 of https://example.com/c.git (aaaaaaaaaaaa)",
        ),
        ({"pins": dataclasses.replace(THEN.pins, engine="embedded/1")}, "the engine is embedded/1 now, and was earthly/0.8"),
        (
            {"pins": dataclasses.replace(THEN.pins, images=(("a", digest("1")), ("b", digest("2"))))},
            "the pin of the base image b has moved",
        ),
        ({"pins": dataclasses.replace(THEN.pins, images=(("a", digest("1")),))}, "the pin of the base image b has moved"),
        ({"pins": dataclasses.replace(THEN.pins, versions=())}, "the versions pinned for k8s have moved"),
        ({"pins": dataclasses.replace(THEN.pins, generations=(("p", "g"),))}, "the generation of p has moved"),
    ],
)
def test_what_has_moved_is_said(now: dict[str, object], told: str) -> None:
    assert moved(THEN, dataclasses.replace(THEN, **now), to_pin=()) == (told,)  # type: ignore[arg-type]


def test_a_lock_that_appears() -> None:
    assert moved(basis(), basis(lock=digest("lock")), to_pin=()) == ("there is a lock now",)


def test_an_image_that_was_to_be_pinned_may_get_its_pin() -> None:
    more = dataclasses.replace(THEN, pins=dataclasses.replace(THEN.pins, images=(*THEN.pins.images, ("c", digest("c")))))
    assert moved(THEN, more, to_pin=["c"]) == ()
    assert moved(THEN, more, to_pin=[]) == ("the pin of the base image c has moved",)
    # One that it had already may not get another.
    other = dataclasses.replace(THEN, pins=dataclasses.replace(THEN.pins, images=(("a", digest("2")), ("b", digest("1")))))
    assert moved(THEN, other, to_pin=["a"]) == ("the pin of the base image a has moved",)


def test_everything_is_told_at_once() -> None:
    assert len(moved(THEN, basis(content=digest("x"), source=digest("x"), pins=pins(engine="x")), to_pin=())) == 7


def made(os: str, content: str, value: str = "1") -> Build:
    return build(at=cell(os=os), files={"motd": content}, value=value)


def test_the_source_is_what_builds_read_of_it() -> None:
    found = [made("a", "1"), made("b", "2")]
    assert source_digest(found) == source_digest(found[::-1])
    assert source_digest(found) != source_digest([found[0]])
    assert source_digest([made("a", "1")]) == source_digest([made("a", "1", value="2")])
    assert source_digest([made("a", "1")]) != source_digest([made("a", "3")])
    # The same file for builds that see another variant of the source is another one.
    assert source_digest([made("a", "1")]) != source_digest([dataclasses.replace(made("a", "1"), variant=(0,))])


def test_the_lock_is_what_it_says_of_builds() -> None:
    lock = lock_of([made("a", "1")])
    assert lock_digest(None) == ""
    assert lock_digest(lock) == lock_digest(dataclasses.replace(lock, pins=pins()))
    assert lock_digest(lock) != lock_digest(lock_of([made("a", "2")]))


def test_the_directory_of_a_command_line_is_nobody_elses_business() -> None:
    given = pins(source=(("path", "/somewhere"),))
    assert shown_pins(given, stands_in=True).source == STAND_IN
    assert shown_pins(given, stands_in=False) == given
    assert basis(pins=shown_pins(given, stands_in=True)).stands_in
    assert not basis().stands_in
