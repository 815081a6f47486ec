"""Builds are released once they are made and all that they need is released: never before, and none is forgotten."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.build import Build, builds
from matrixbuild.core.releases import Releases
from tests.builders import arg, cell, demand, read_by


def chain(needs: dict[str, list[str]]) -> tuple[Build, ...]:
    """One build a target; `needs` are targets by target."""
    here = cell()
    demands = [demand(name, here, args=[arg("NAME", name)], image=f"localhost:5000/{name}:1", needs=[(need, here) for need in needs[name]]) for name in needs]
    return builds(demands, read_by(demands))


def names(found: tuple[Build, ...]) -> list[str]:
    return [build.name for build in found]


def test_a_build_waits_for_what_it_needs() -> None:
    releases = Releases(chain({"base": [], "app": ["base"], "iso": ["app", "base"]}))
    assert names(releases.made("app")) == []
    assert names(releases.made("base")) == ["base"]
    assert names(releases.released("base")) == ["app"]
    assert names(releases.made("iso")) == []
    assert (names(releases.held_back), releases.names, releases.complete) == (["app", "iso"], frozenset({"base"}), False)
    assert names(releases.released("app")) == ["iso"]
    assert names(releases.released("iso")) == []
    assert releases.complete


def test_what_is_not_among_them_keeps_nothing_back() -> None:
    app, _ = chain({"app": ["base"], "base": []})
    assert names(Releases([app]).made("app")) == ["app"]


@given(st.integers(1, 12), st.integers(0, 2**32))
def test_each_is_released_once_after_all_that_it_needs(count: int, seed: int) -> None:
    chance = Random(seed)
    made = chain({f"b{number}": [f"b{need}" for need in range(number) if chance.random() < 0.3] for number in range(count)})
    needs = {build.name: {need for need, _ in build.needs} for build in made}
    releases = Releases(made)
    order: list[str] = []
    for build in chance.sample(made, len(made)):
        waiting = list(releases.made(build.name))
        for free in waiting:
            assert needs[free.name] <= set(order)
            order.append(free.name)
            waiting += releases.released(free.name)
    assert sorted(order) == sorted(needs)
    assert releases.complete
