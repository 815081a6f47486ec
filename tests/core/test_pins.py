"""Pins: what an apply goes by, what it keeps, what a lock lacks; and that a generation changes keys and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.build import builds
from matrixbuild.core.demand import Demand
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.lock import Picks, Pins
from matrixbuild.core.pins import EVERYTHING, NOTHING, Kept, Parts, added, answers, carried, kept, remembered, with_token, without
from tests.builders import arg, cell, demand, digest, lock_of, read_by
from tests.core.test_build import matrices

GIT: Pairs = (("git", "https://example.com/os.git"), ("ref", "main"))


def pins(
    commit: str = "",
    *,
    engine: str = "embedded/1",
    images: Mapping[str, str] | None = None,
    versions: Mapping[str, tuple[str, ...]] | None = None,
    generations: Mapping[str, str] | None = None,
    source: Pairs = GIT,
) -> Pins:
    picks: tuple[tuple[str, Picks], ...] = (("kubernetes", tuple(sorted(versions.items()))),) if versions else ()
    return Pins(
        source=((("commit", commit), *source) if commit else source),
        engine=engine,
        images=tuple(sorted((images or {}).items())),
        versions=picks,
        generations=tuple(sorted((generations or {}).items())),
    )


class TestRemembered:
    def test_without_a_lock_what_was_kept_counts_and_without_either_nothing(self) -> None:
        assert remembered(None, None, source=GIT) is None
        assert remembered(None, Kept(pins=pins("a")), source=GIT) == pins("a")
        assert remembered(pins("a"), None, source=GIT) == pins("a")

    def test_the_lock_goes_before_what_was_kept_which_adds(self) -> None:
        lock = pins("a", images={"alpine": digest("1")}, versions={"k3s 1.30.x": ("1.30.1",)})
        found = pins("b", images={"alpine": digest("2"), "debian": digest("3")}, versions={"k3s 1.30.x": ("1.30.2",), "k3s 1.31.x": ("1.31.1",)})
        assert remembered(lock, Kept(pins=found), source=GIT) == pins(
            "a",
            images={"alpine": digest("1"), "debian": digest("3")},
            versions={"k3s 1.30.x": ("1.30.1",), "k3s 1.31.x": ("1.31.1",)},
        )

    def test_of_two_commits_the_one_that_answers_the_manifest_counts(self) -> None:
        other: Pairs = (("git", "https://example.com/os.git"), ("ref", "next"))
        found = remembered(pins("a"), Kept(pins=pins("b", source=other)), source=other)
        assert found == pins("b", source=other)
        assert remembered(pins("a"), Kept(pins=pins("b", source=other)), source=GIT) == pins("a")

    def test_a_drawn_token_counts_until_the_lock_has_another_one_in_its_place(self) -> None:
        lock = pins("a", generations={"iso": "1", "image": "1"})
        drawn = Kept(pins=pins("a", generations={"iso": "2", "new": "2"}), over=(("iso", "1"),))
        found = remembered(lock, drawn, source=GIT)
        assert found == pins("a", generations={"iso": "2", "image": "1", "new": "2"})
        moved = pins("a", generations={"iso": "3", "new": "3"})
        assert remembered(moved, drawn, source=GIT) == moved


class TestKept:
    def test_nothing_is_kept_that_the_lock_has(self) -> None:
        held = pins("a", images={"alpine": digest("1"), "debian": digest("1")}, generations={"iso": "1"})
        assert kept(held, held) is None
        assert kept(held, pins("a")) is None

    def test_drawn_tokens_are_kept_with_those_they_take_the_place_of(self) -> None:
        lock = pins("a", generations={"iso": "1", "image": "1"})
        assert kept(lock, pins("a", generations={"iso": "2", "image": "1", "new": "2"})) == Kept(
            pins=pins("a", generations={"iso": "2", "new": "2"}), over=(("iso", "1"),)
        )

    @given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12")), st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12")))
    def test_what_was_kept_is_what_is_remembered(self, before: dict[str, str], drawn: dict[str, str]) -> None:
        lock, after = pins("a", generations=before), pins("a", generations={**before, **drawn})
        assert remembered(lock, kept(lock, after), source=GIT) == after


def test_a_pin_answers_its_own_repository_and_ref() -> None:
    assert answers(pins("a").source, GIT)
    assert not answers(GIT, GIT)
    assert not answers(pins("a").source, (("git", "https://example.com/os.git"), ("ref", "next")))
    assert not answers((("path", "x"),), ())


def test_what_moves_is_left_out() -> None:
    held = pins("a", images={"alpine": digest("1")}, versions={"k3s 1.30.x": ("1.30.1",)}, generations={"iso": "1"})
    assert without(held, Parts()) == held
    assert without(held, EVERYTHING) == dataclasses.replace(NOTHING, generations=(("iso", "1"),))
    assert without(held, Parts(images=True)) == dataclasses.replace(held, images=())
    assert without(held, Parts(versions=True)) == dataclasses.replace(held, versions=())
    assert without(held, Parts(source=True)) == dataclasses.replace(held, source=())


def test_everything_that_a_lock_lacks_is_named() -> None:
    lock = pins("a", images={"alpine": digest("1")}, versions={"k3s 1.30.x": ("1.30.1",)}, generations={"iso": "1"})
    assert list(added(lock, lock)) == []
    assert list(added(lock, pins("a"))) == []
    after = pins(
        "b",
        engine="earthly/0.8",
        images={"alpine": digest("2")},
        versions={"k3s 1.30.x": ("1.30.1",), "k3s latest 1": ("1.31.1",)},
        generations={"iso": "2"},
    )
    assert list(added(lock, after, ["debian", "alpine"])) == [
        "the commit of https://example.com/os.git at main",
        "the engine earthly/0.8",
        "the kubernetes versions of `k3s latest 1`",
        "the digest of the base image alpine",
        "the digest of the base image debian",
        "the generation of iso",
    ]
    assert list(added(None, Pins(source=(("path", "x"),), engine="embedded/1"))) == ["the engine embedded/1"]


class TestCarried:
    def test_a_token_stays_with_its_build_and_goes_with_it(self) -> None:
        (made,) = builds([demand("iso")], read_by([demand("iso")]))
        assert carried((("gone", "1"), ("iso", "2")), [made], None) == (("iso", "2"),)

    def test_a_token_goes_to_the_builds_that_took_over_the_cells(self) -> None:
        together = [demand("iso", cell(k8s=k8s)) for k8s in "12"]
        apart = [dataclasses.replace(each, args=(arg("K8S", each.cell["k8s"].text, "k8s"),)) for each in together]
        lock = lock_of(builds(together, read_by(together)))
        made = builds(apart, read_by(apart))
        assert carried((("iso", "1"),), made, lock) == (("iso[k8s=1]", "1"), ("iso[k8s=2]", "1"))
        assert carried((("iso", "1"), ("iso[k8s=2]", "2")), made, lock) == (("iso[k8s=1]", "1"), ("iso[k8s=2]", "2"))


@settings(deadline=None)
@given(matrices(), st.data())
def test_a_generation_gives_its_builds_and_what_needs_them_other_keys_and_no_other_names(
    matrix: tuple[list[Demand], dict[str, str]], data: st.DataObject
) -> None:
    demands, files = matrix
    readings = read_by(demands, files=files)
    plain = {build.name: build for build in builds(demands, readings)}
    forced = frozenset(data.draw(st.sets(st.sampled_from(sorted(plain)))))
    found = {build.name: build for build in builds(demands, readings, generations=dict(with_token((), forced, "token")))}
    assert [(name, build.cells) for name, build in found.items()] == [(name, build.cells) for name, build in plain.items()]
    reached = {name for name, build in plain.items() if name in forced or forced & {need for need, _ in build.needs}}
    assert {name for name in found if found[name].key != plain[name].key} == reached
    assert {name for name, build in found.items() if build.inputs.generation == "token"} == forced
    assert {name: [need for need, _ in build.needs] for name, build in found.items()} == {
        name: [need for need, _ in build.needs] for name, build in plain.items()
    }
