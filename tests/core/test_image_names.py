"""Final image names: what appears, moves and stays, and what must not move."""

from __future__ import annotations

from matrixbuild.core.build import Build, builds
from matrixbuild.core.cells import Cell
from matrixbuild.core.changes import Reason, Why
from matrixbuild.core.image_names import ImageAction, Keeping, PlannedImage, planned
from matrixbuild.core.lock import Lock
from matrixbuild.core.lock_merge import Holdings
from matrixbuild.core.problems import Problem
from tests.builders import arg, build, cell, demand, digest, lock_of, output, place, read_by

REF = "localhost:5000/p:1"


def release(value: str = "1", at: Cell | None = None, ref: str = REF) -> Build:
    return build("provider", at or cell(os="u"), value=value, image=ref)


def look(now: Build, before: Lock | None, **keeping: object) -> tuple[tuple[PlannedImage, ...], list[Problem]]:
    return planned([now], Holdings(before), Keeping(**keeping), whole=True)  # type: ignore[arg-type]


def locked(made: Build) -> str:
    image = output(made).image
    assert image
    return image.digest


def test_a_name_that_nothing_holds_is_created() -> None:
    now = release()
    assert look(now, None) == (
        (PlannedImage(ref=REF, action=ImageAction.CREATE, reason=Reason(why=Why.NEW), build="provider"),),
        [],
    )


def test_a_second_name_for_a_build_that_the_lock_holds_has_a_digest_already() -> None:
    before, now = release(), release(ref="localhost:5000/p:2")
    images, problems = look(now, lock_of([before]))
    assert problems == []
    assert images == (
        PlannedImage(ref=REF, action=ImageAction.LEAVE, reason=Reason(why=Why.GONE), build="", old=locked(before)),
        PlannedImage(ref="localhost:5000/p:2", action=ImageAction.CREATE, reason=Reason(why=Why.NEW), build="provider", new=locked(before)),
    )


def test_a_name_of_an_unchanged_build_is_left() -> None:
    now = release()
    image = PlannedImage(ref=REF, action=ImageAction.LEAVE, reason=Reason(why=Why.UNCHANGED), build="provider", old=locked(now), new=locked(now))
    assert look(now, lock_of([now])) == ((image,), [])


def test_a_mutable_name_moves_with_its_build() -> None:
    before, now = release(), release("2")
    image = PlannedImage(ref=REF, action=ImageAction.MOVE, reason=Reason(why=Why.CHANGED), build="provider", old=locked(before))
    assert look(now, lock_of([before]), mutable=True) == ((image,), [])


def test_an_immutable_name_of_another_key_is_refused() -> None:
    before, now = release(), release("2")
    assert look(now, lock_of([before]))[1] == [
        Problem(
            summary=f"{REF} is published ({locked(before)[:19]}), provider has changed since, and tags are immutable",
            place=place(),
            hint=f"give the release a new tag, or let this one move with --overwrite {REF} (all of them: publish.tags: mutable)",
            code="immutable-tag",
        )
    ]
    assert look(now, lock_of([before]), overwrite=frozenset({REF}))[1] == []


def test_a_name_of_another_cell_is_refused_even_where_tags_are_mutable() -> None:
    before, now = release(at=cell(k8s="1", os="u")), release("2", cell(k8s="2", os="u"))
    assert look(now, lock_of([before]), mutable=True)[1] == [
        Problem(
            summary=f"{REF} belongs to k8s=1,os=u in the lock, and provider would publish it for k8s=2,os=u",
            place=place(),
            hint=f"put k8s into the tag of provider, or let it go to another cell with --overwrite {REF}",
            code="ref-of-another-cell",
        )
    ]
    assert look(now, lock_of([before]), mutable=True, overwrite=frozenset({REF}))[1] == []


def test_an_axis_that_only_one_cell_names_counts_with_its_default_else_not_at_all() -> None:
    before, now = release(at=cell(os="u")), release("2", cell(fips=True, os="u"))
    assert look(now, lock_of([before]), mutable=True)[1] == []
    assert look(now, lock_of([before]), mutable=True, defaults={"fips": "true"})[1] == []
    (problem,) = look(now, lock_of([before]), mutable=True, defaults={"fips": "false"})[1]
    assert problem.code == "ref-of-another-cell"
    (problem,) = look(before, lock_of([now]), mutable=True, defaults={"fips": "false"})[1]
    assert problem.code == "ref-of-another-cell"


def test_a_build_that_gains_a_cell_keeps_its_name() -> None:
    def iso(value: str, *versions: str) -> Build:
        demands = [demand("iso", cell(k8s=k8s), args=[arg("VALUE", value)], image=REF) for k8s in versions]
        (made,) = builds(demands, read_by(demands))
        return made

    before = lock_of([iso("1", "1", "2")])
    assert look(iso("1", "1", "2", "3"), before)[1] == []
    assert look(iso("2", "2", "3"), before, mutable=True)[1] == []
    (problem,) = look(iso("2", "3"), before, mutable=True)[1]
    assert problem.code == "ref-of-another-cell"


def test_a_value_with_a_comma_is_one_value() -> None:
    before, now = release(at=cell(flags="a,b", os="u")), release("2", cell(flags="a,b", os="u"))
    assert look(now, lock_of([before]), mutable=True)[1] == []


def test_what_the_registry_says_counts_where_it_was_asked() -> None:
    now = release()
    lock = lock_of([now])
    (image,), problems = look(now, lock, tags={REF: None})
    assert (image.action, image.reason.why, image.old, image.new, problems) == (ImageAction.CREATE, Why.MISSING, "", locked(now), [])
    (image,), problems = look(now, lock, tags={REF: digest("else")}, mutable=True)
    assert (image.action, image.old, image.new, problems) == (ImageAction.MOVE, digest("else"), locked(now), [])
    assert look(now, lock, tags={REF: digest("else")})[1] == [
        Problem(
            summary=f"{REF} holds {digest('else')} in the registry, which is not what the lock says, and tags are immutable",
            place=place(),
            hint=f"find out who put it there; --overwrite {REF} gives it the digest of provider",
            code="tag-drifted",
        )
    ]


def test_a_name_that_no_lock_knows_is_left_where_it_holds_its_build_already() -> None:
    # A publish that died before the lock was written leaves exactly this, and must be able to go on.
    now = release()
    (image,), problems = look(now, None, tags={REF: digest("there")}, adopted={now.key: digest("there")})
    assert (image.action, image.new, problems) == (ImageAction.LEAVE, digest("there"), [])


def test_a_name_that_no_lock_knows_and_that_holds_something_else_is_refused() -> None:
    assert look(release(), None, tags={REF: digest("there")})[1] == [
        Problem(
            summary=f"{REF} holds {digest('there')} in the registry, which no lock of this manifest knows, and tags are immutable",
            place=place(),
            hint=f"find out who put it there; --overwrite {REF} gives it the digest of provider",
            code="tag-drifted",
        )
    ]
    (image,), problems = look(release(), None, tags={REF: digest("there")}, mutable=True)
    assert (image.action, image.old, problems) == (ImageAction.MOVE, digest("there"), [])
