"""How often Earthly targets are made for builds that share them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.documents import DocumentError
from matrixbuild.core.shared_work import Going, SharedWork, Stage, shared_work

BASE = Stage(target="+base-image", turn=0, narrow=frozenset({"OS"}), wide=frozenset({"OS", "K8S"}), commands=15)
IMAGE = Stage(target="+image", turn=0, narrow=frozenset({"OS", "K8S"}), wide=frozenset({"OS", "K8S"}), commands=4)


def going(os: str, k8s: str, *stages: Stage, apart: object = ()) -> Going:
    return Going(name=f"image[{os},{k8s},{apart}]", args={"OS": os, "K8S": k8s}, apart=apart, stages=stages)


def test_what_does_not_depend_on_an_arg_is_made_once_for_all_its_values() -> None:
    builds = [going(os, k8s, BASE, IMAGE) for os in ("22.04", "24.04") for k8s in ("1.33", "1.34", "1.35")]
    assert shared_work(builds) == (
        SharedWork(target="+base-image", builds=6, times=2, unshared=6, commands=15),
        SharedWork(target="+image", builds=6, times=6, unshared=6, commands=4),
    )
    assert [work.saved for work in shared_work(builds)] == [60, 0]


def test_other_files_and_other_generations_share_nothing() -> None:
    builds = [going("22.04", "1.33", BASE, apart=token) for token in ("", "a", "b")]
    assert shared_work(builds) == (SharedWork(target="+base-image", builds=3, times=3, unshared=3, commands=15),)


def test_a_target_that_is_called_twice_is_made_twice() -> None:
    again = Stage(target="+base-image", turn=1, narrow=BASE.narrow, wide=BASE.wide, commands=15)
    found = shared_work([going("22.04", k8s, BASE, again) for k8s in ("1.33", "1.34")])
    assert found == (SharedWork(target="+base-image", builds=2, times=2, unshared=4, commands=15),)


def test_a_target_without_commands_is_no_work() -> None:
    assert shared_work([going("22.04", "1.33", Stage(target="+files", turn=0, narrow=frozenset(), wide=frozenset(), commands=0))]) == ()


VALUES = st.sampled_from(["a", "b", "c"])


@given(builds=st.lists(st.tuples(VALUES, VALUES, st.sampled_from(["", "token"])), unique=True))
def test_sharing_never_makes_more_and_never_fewer_than_there_are_values(builds: list[tuple[str, str, str]]) -> None:
    for work in shared_work(going(os, k8s, BASE, IMAGE, apart=apart) for os, k8s, apart in builds):
        assert 1 <= work.times <= work.unshared <= work.builds == len(builds)
        different = {(os, apart) if work.target == "+base-image" else (os, k8s, apart) for os, k8s, apart in builds}
        assert work.times == len(different)


def test_it_is_read_as_it_was_written() -> None:
    work = SharedWork(target="+base-image", builds=12, times=1, unshared=12, commands=15)
    assert SharedWork.from_dict(work.to_dict()) == work
    learned = replace(work, seconds=7800.25)
    assert learned.to_dict() == {**work.to_dict(), "seconds": 7800.25}
    assert SharedWork.from_dict(learned.to_dict()) == learned
    with pytest.raises(DocumentError):
        SharedWork.from_dict({**work.to_dict(), "times": "1"})
