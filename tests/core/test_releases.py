"""Builds are released once they are made and all that they need is released: never before, and none is forgotten."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.build import Build, builds
from matrixbuild.core.releases import Releases, Unit
from tests.builders import arg, asking, cell, demand, read_by


def chain(needs: dict[str, list[str]]) -> tuple[Build, ...]:
    """One build a target; `needs` are targets by target."""
    here = cell()
    demands = [
        demand(name, here, args=[arg("NAME", name)], image=f"localhost:5000/{name}:1", needs=[(need, here) for need in needs[name]]) for name in needs
    ]
    return builds(demands, read_by(demands))


def names(found: tuple[Unit, ...]) -> list[str]:
    return [build.name for unit in found for build in unit]


def test_a_build_waits_for_what_it_needs() -> None:
    builds = chain({"base": [], "app": ["base"], "iso": ["app", "base"]})
    app, base, iso = builds
    releases = Releases(builds)
    assert names(releases.made("app")) == []
    assert names(releases.made("base")) == ["base"]
    assert names(releases.released((base,))) == ["app"]
    assert names(releases.made("iso")) == []
    assert (list(releases.held_back), releases.names, releases.complete) == ([app, iso], frozenset({"base"}), False)
    assert names(releases.released((app,))) == ["iso"]
    assert names(releases.released((iso,))) == []
    assert releases.complete


def test_what_is_not_among_them_keeps_nothing_back() -> None:
    app, _ = chain({"app": ["base"], "base": []})
    assert names(Releases([app]).made("app")) == ["app"]


def two_archs(needs: dict[str, list[str]]) -> tuple[Build, ...]:
    """Of each target an image for two architectures under one name; `needs` are (target[arch] -> target[arch]), joined as one likes."""
    demands = [
        asking(
            demand(name, cell(arch=arch), args=[arg("ARCH", f"{name} {arch}", "arch")], image=f"localhost:5000/{name}:1", needs=joined),
            index=("arch",),
            covered=frozenset({"arch"}),
        )
        for name in {each.partition("-")[0] for each in needs}
        for arch in ("amd64", "arm64")
        for joined in [[(need.partition("-")[0], cell(arch=need.partition("-")[2])) for need in needs.get(f"{name}-{arch}", [])]]
    ]
    return builds(demands, read_by(demands))


def test_the_images_of_an_index_are_released_together() -> None:
    made = two_archs({"app-amd64": ["base-amd64"], "base-amd64": []})
    app, base = made[:2], made[2:]
    releases = Releases(made)
    assert [releases.made(name) for name in ("app[arch=amd64]", "app[arch=arm64]", "base[arch=amd64]")] == [(), (), ()]
    assert releases.made("base[arch=arm64]") == (base,)
    assert releases.released(base) == (app,)
    assert releases.released(app) == ()
    assert releases.complete


def test_indexes_that_wait_for_each_others_images_are_released_together() -> None:
    made = two_archs({"a-amd64": ["b-arm64"], "b-amd64": ["a-arm64"]})
    releases = Releases(made)
    assert [releases.made(build.name) for build in made] == [(), (), (), (made,)]


@given(st.integers(1, 12), st.integers(0, 2**32), st.booleans())
def test_each_is_released_once_after_all_that_it_needs(count: int, seed: int, indexed: bool) -> None:
    chance = Random(seed)
    ends = ("-amd64", "-arm64") if indexed else ("",)
    needs_of = {
        f"b{number}{end}": [f"b{need}{chance.choice(ends)}" for need in range(number) if chance.random() < 0.3]
        for number in range(count)
        for end in ends
    }
    made = two_archs(needs_of) if indexed else chain(needs_of)
    needs = {build.name: {need for need, _ in build.needs} for build in made}
    releases = Releases(made)
    order: list[str] = []
    for build in chance.sample(made, len(made)):
        waiting = list(releases.made(build.name))
        for unit in waiting:
            for free in unit:
                assert needs[free.name] <= {*order, *(one.name for one in unit)}
            order += [free.name for free in unit]
            waiting += releases.released(unit)
    assert sorted(order) == sorted(needs)
    assert releases.complete
