"""Indexes: which builds they list, their bytes, and what is refused."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.build import Build, builds
from matrixbuild.core.demand import Demand
from matrixbuild.core.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.indexes import Child, incomplete, indexes, overlapping_platforms, rendered
from matrixbuild.core.lock import Lock, LockedImage
from matrixbuild.core.lock_merge import merge
from matrixbuild.core.names import ImageName, Platform
from matrixbuild.core.plan import plan
from matrixbuild.core.problems import InvalidError, Problem
from matrixbuild.core.registry import Descriptor
from tests.builders import arg, asking, build, cell, demand, digest, output, pins, place, read_by

REF = "localhost:5000/p:1"
INDEX = LockedImage(digest=digest("index"), media_type=OCI_INDEX, size=7)


def image(arch: str, *, ref: str = REF, target: str = "provider", index: tuple[str, ...] = ("arch",), value: str = "") -> Demand:
    made = demand(target, cell(arch=arch), args=[arg("ARCH", value or arch, "arch")], image=ref)
    return asking(made, index=index, covered=frozenset(index))


def made_of(*demands: Demand) -> tuple[Build, ...]:
    return builds(demands, read_by(demands))


def child(arch: str, *, media_type: str = OCI_MANIFEST, variant: str = "", build: str = "") -> Child:
    platform = Platform(architecture=arch, variant=variant)
    return Child(platform=platform, build=build or f"provider[arch={arch}]", manifest=Descriptor(media_type=media_type, digest=digest(arch), size=7))


def test_builds_that_share_the_name_of_an_index_are_its_children() -> None:
    made = made_of(image("arm64"), image("amd64"), image("amd64", ref="localhost:5000/q:1", target="other", index=()))
    (found,) = indexes(made)
    assert (str(found.ref), found.axes, found.names) == (REF, ("arch",), ("provider[arch=amd64]", "provider[arch=arm64]"))
    assert [str(one) for one in found.cells] == ["arch=amd64", "arch=arm64"]


def test_the_bytes_of_an_index() -> None:
    found = rendered([child("arm64", variant="v8"), child("amd64")])
    assert found.media_type == OCI_INDEX
    assert json.loads(found.data) == {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": digest("amd64"), "size": 7, "platform": {"os": "linux", "architecture": "amd64"}},
            {"mediaType": OCI_MANIFEST, "digest": digest("arm64"), "size": 7, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        ],
    }


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        ((DOCKER_MANIFEST, DOCKER_MANIFEST), DOCKER_LIST),
        ((DOCKER_MANIFEST, OCI_MANIFEST), OCI_INDEX),
        ((OCI_MANIFEST, OCI_MANIFEST), OCI_INDEX),
    ],
)
def test_it_is_of_dockers_kind_only_where_every_image_is(kinds: tuple[str, str], kind: str) -> None:
    found = rendered([child(arch, media_type=media_type) for arch, media_type in zip(("amd64", "arm64"), kinds, strict=True)])
    assert (found.media_type, json.loads(found.data)["mediaType"]) == (kind, kind)


@given(st.lists(st.sampled_from(["amd64", "arm64", "arm", "s390x", "riscv64"]), unique=True, min_size=1), st.integers(0, 2**32))
def test_the_order_of_images_changes_no_byte(archs: list[str], seed: int) -> None:
    children = [child(arch) for arch in archs]
    assert rendered(Random(seed).sample(children, len(children))) == rendered(children)


def test_two_images_of_one_platform_are_refused() -> None:
    (index,) = indexes(made_of(image("amd64"), image("arm64")))
    same = [child("amd64"), child("amd64", build="provider[arch=arm64]")]
    assert overlapping_platforms(index, same) == [
        Problem(
            summary=f"{REF} would list two images for linux/amd64: those of provider[arch=amd64] and provider[arch=arm64]",
            place=place(),
            hint="an index has one image a platform: build each for the platform that arch says, or take it out of `index`",
            code="index-overlap",
        )
    ]
    (problem,) = overlapping_platforms(index, [child("amd64"), child("amd64")])
    assert problem.summary == f"{REF} would list two images for linux/amd64: provider[arch=amd64] has both"
    assert overlapping_platforms(index, [child("arm", variant="v6"), child("arm", variant="v7")]) == []


def problems(*demands: Demand) -> list[Problem]:
    with pytest.raises(InvalidError) as raised:
        made_of(*demands)
    return list(raised.value.problems)


def test_one_build_for_two_values_of_an_index_is_refused() -> None:
    assert problems(image("amd64", value="same"), image("arm64", value="same")) == [
        Problem(
            summary=f"{REF} would list provider for amd64 and for arm64: it is one image, which arch does not change",
            place=place(),
            hint="take arch out of `index`, or give it to the build in an arg that the Earthly target uses",
            code="index-overlap",
        )
    ]


def test_a_name_that_is_an_index_for_one_target_and_an_image_for_another_is_refused() -> None:
    one, other = image("amd64", target="a"), image("amd64", target="b", index=())
    reading = read_by([one])[one.address]
    with pytest.raises(InvalidError) as raised:
        builds([one, other], {one.address: reading, other.address: reading})
    assert raised.value.problems == (
        Problem(
            summary=f"{REF} is an index over arch for the target a, and an image for b",
            place=place(),
            hint="give one of them another tag or repository, or both the same `index`",
            code="index-overlap",
        ),
    )


def test_an_image_may_have_a_name_of_its_own_and_be_listed_in_an_index() -> None:
    one, other = image("amd64", target="a"), image("amd64", ref="localhost:5000/own:1", target="b", index=())
    reading = read_by([one])[one.address]
    (made,) = builds([one, other], {one.address: reading, other.address: reading})
    assert {str(ref): made.index_of(ref) for ref in made.refs} == {REF: ("arch",), "localhost:5000/own:1": ()}


def test_an_index_of_which_only_a_part_is_selected() -> None:
    made = made_of(image("amd64"), image("arm64"))
    amd64, arm64 = made
    assert incomplete(indexes(made), {amd64.name}, {arm64.key}) == []
    assert incomplete(indexes(made), {amd64.name, arm64.name}, set()) == []
    assert incomplete(indexes(made), set(), set()) == []
    told = Problem(
        summary=f"{REF} lists the images of {amd64.name} and {arm64.name}, and {arm64.name} is neither selected nor built",
        place=place(),
        hint="select all values of arch",
        code="index-incomplete",
    )
    assert incomplete(indexes(made), {amd64.name}, {amd64.key}) == [told]
    with pytest.raises(InvalidError) as raised:
        plan(made, None, name="edge", engine="embedded/1", cells=2, demands=2, selected=frozenset({amd64.name}))
    assert raised.value.problems == (told,)
    held = merge(None, made, {each.key: output(each) for each in made}, name="edge", pins=pins(), indexes={REF: INDEX})
    done = plan(made, held, name="edge", engine="embedded/1", cells=2, demands=2, selected=frozenset({amd64.name}))
    assert [image.index for image in done.images] == [(amd64.name, arm64.name)]


def test_the_name_of_a_ref_is_not_an_index_elsewhere() -> None:
    (made,) = made_of(image("amd64"))
    assert made.index_of(ImageName.parse("localhost:5000/p:2")) == ()


def locked_after(*steps: tuple[Build, ...], indexed: bool = True) -> Lock | None:
    """The lock after these were published, one after the other, the first with an index."""
    held = None
    for nth, made in enumerate(steps):
        outputs = {each.key: output(each) for each in made}
        held = merge(held, made, outputs, name="edge", pins=pins(), indexes={REF: INDEX} if indexed and not nth else None)
    return held


def test_the_lock_keeps_an_index_as_long_as_a_build_has_its_name() -> None:
    two = made_of(image("amd64"), image("arm64"))
    held = locked_after(two)
    assert held is not None
    assert held.indexes == ((REF, INDEX),)
    assert merge(held, two, {}, name="edge", pins=pins()) == held
    assert merge(held, two, {}, name="edge", pins=pins(), tagged=False).indexes == ((REF, INDEX),)
    elsewhere = made_of(image("amd64", ref="localhost:5000/p:2"))
    assert merge(held, elsewhere, {}, name="edge", pins=pins()).indexes == ()
    own = (build("provider", cell(arch="amd64"), value="own", image=REF),)
    assert merge(held, own, {own[0].key: output(own[0])}, name="edge", pins=pins()).indexes == ()
