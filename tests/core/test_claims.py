from __future__ import annotations

from matrixbuild.core.claims import Claim, Claimant, conflicts
from matrixbuild.core.problems import Place
from tests.manifest_texts import told


def at(file: str, line: int) -> Place:
    return Place(file=file, line=line, column=3, text="  tag", width=3)


def claimant(file: str, *refs: str, name: str = "", project: str = "p", tag_file: str = "") -> Claimant:
    images = tuple(Claim(ref=f"full/{ref}", shown=ref, place=at(tag_file or file, 9)) for ref in refs)
    return Claimant(file=file, name=name or file, name_place=at(file, 2), project=project, images=images)


def problems(*claimants: Claimant) -> list[str]:
    return told(conflicts(claimants))


def test_nothing_in_common() -> None:
    assert problems(claimant("a", "x:1", "x:2"), claimant("b", "x:3")) == []
    assert problems() == []


def test_one_manifest_may_have_a_name_twice() -> None:
    """Two of its targets or cells that would collide are told when it is planned."""
    assert problems(claimant("a", "x:1", "x:1")) == []


def test_one_problem_for_each_two_manifests() -> None:
    assert problems(claimant("a", "x:1", "x:2", "x:3"), claimant("b", "x:3", "x:2", "x:2"), claimant("c", "x:3")) == [
        "b:9:3: a and b would both publish x:2, and 1 more like it [tag] (the other tag is at a:9:3: give one of them another tag or registry)",
        "c:9:3: a and c would both publish x:3 [tag] (the other tag is at a:9:3: give one of them another tag or registry)",
    ]


def test_a_tag_that_both_inherit() -> None:
    assert problems(claimant("a", "x:1", tag_file="common"), claimant("b", "x:1", tag_file="common")) == [
        (
            "common:9:3: a and b would both publish x:1 [tag] "
            "(they have the tag in common: give one of them another registry, or a var of its own that the tag shows)"
        )
    ]


def test_one_state_for_two() -> None:
    assert problems(claimant("a", name="edge"), claimant("b", name="edge"), claimant("c", name="edge", project="q")) == [
        "b:2:3: a and b are both called 'edge', and would share .matrixbuild/edge [tag] (the other name is at a:2:3: give one of them another)"
    ]
