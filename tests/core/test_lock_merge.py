"""The next lock: what was built is recorded, what was reused stays as it is, what failed keeps its entry, what is gone goes."""

from __future__ import annotations

import dataclasses

from matrixbuild.core.build import Build, builds
from matrixbuild.core.lock import Lock, LockedBuild
from matrixbuild.core.lock_merge import merge
from tests.builders import arg, cell, demand, lock_of, output, pins, read_by, reading


def matrix(values: dict[str, str], *, image: bool = True) -> tuple[Build, ...]:
    """One provider for each os with the value it uses; their installer, which uses none."""
    demands = [
        demand("provider", cell(os=os), args=[arg("VALUE", value), arg("OS", os, "os")], image=f"localhost:5000/p:{os}" if image else None)
        for os, value in values.items()
    ]
    demands += [demand("installer", cell(os=os), artifacts={"/a": "a.iso"}) for os in values]
    return builds(demands, read_by(demands))


def entries(lock: Lock) -> dict[str, LockedBuild]:
    return dict(lock.builds)


def test_everything_that_was_built_is_recorded() -> None:
    made = matrix({"u": "1", "v": "1"})
    lock = lock_of(made)
    assert (lock.name, lock.pins) == ("edge", pins())
    assert [name for name, _ in lock.builds] == ["installer", "provider[os=u]", "provider[os=v]"]
    installer, provider = made[0], made[1]
    assert entries(lock)["installer"] == LockedBuild(
        key=installer.key, inputs=installer.inputs, cells=(("os=u", ()), ("os=v", ())), artifacts=output(installer).artifacts
    )
    assert entries(lock)["provider[os=u]"] == LockedBuild(
        key=provider.key, inputs=provider.inputs, image=output(provider).image, cells=(("os=u", ("localhost:5000/p:u",)),)
    )


def test_what_is_reused_stays_and_what_is_gone_goes() -> None:
    before = lock_of(matrix({"u": "1", "v": "1", "w": "1"}))
    after = matrix({"u": "1", "v": "2"})
    rebuilt = next(each for each in after if each.name == "provider[os=v]")
    lock = merge(before, after, {rebuilt.key: output(rebuilt)}, name="edge", pins=pins())
    assert [name for name, _ in lock.builds] == ["installer", "provider[os=u]", "provider[os=v]"]
    assert entries(lock)["provider[os=u]"] == entries(before)["provider[os=u]"]
    assert entries(lock)["provider[os=v]"].image == output(rebuilt).image
    assert entries(lock)["installer"].artifacts == entries(before)["installer"].artifacts
    assert entries(lock)["installer"].cells == (("os=u", ()), ("os=v", ()))


def test_nothing_built_and_nothing_changed_gives_the_same_lock() -> None:
    made = matrix({"u": "1"})
    assert merge(lock_of(made), made, {}, name="edge", pins=pins()) == lock_of(made)


def test_a_build_that_failed_keeps_the_entry_it_had() -> None:
    before = lock_of(matrix({"u": "1", "v": "1"}))
    assert entries(merge(before, matrix({"u": "1", "v": "2"}), {}, name="edge", pins=pins())) == entries(before)


def test_a_build_that_failed_the_first_time_has_no_entry() -> None:
    assert merge(None, matrix({"u": "1"}), {}, name="edge", pins=pins()).builds == ()


def test_an_entry_whose_cells_were_taken_over_in_part_keeps_the_others() -> None:
    together = [demand("iso", cell(k8s=k8s), image=f"localhost:5000/iso:{k8s}") for k8s in ("1", "2")]
    before = lock_of(builds(together, read_by(together)))
    apart = [dataclasses.replace(each, args=(arg("K8S", each.cell["k8s"].text, "k8s"),)) for each in together]
    first, second = builds(apart, read_by(apart))
    lock = merge(before, (first, second), {first.key: output(first)}, name="edge", pins=pins())
    assert entries(lock)["iso[k8s=1]"].key == first.key
    assert entries(lock)["iso"] == dataclasses.replace(entries(before)["iso"], cells=(("k8s=2", ("localhost:5000/iso:2",)),))


def test_a_build_that_is_named_anew_is_the_same_entry() -> None:
    made = matrix({"u": "1"})
    renamed = tuple(dataclasses.replace(each, name=f"{each.target}[other=1]") for each in made)
    lock = merge(lock_of(made), renamed, {}, name="edge", pins=pins())
    assert [name for name, _ in lock.builds] == ["installer[other=1]", "provider[other=1]"]
    assert [entry for _, entry in lock.builds] == [entry for _, entry in lock_of(made).builds]


def test_with_a_selection_nothing_else_is_touched() -> None:
    before = lock_of(matrix({"u": "1", "v": "1", "w": "1"}))
    after = matrix({"u": "2", "v": "2"})
    outputs = {each.key: output(each) for each in after}
    lock = merge(before, after, outputs, name="edge", pins=pins(), selected=frozenset({"provider[os=u]"}))
    changed = {name for name, entry in lock.builds if entry != entries(before).get(name)}
    assert (set(entries(lock)), changed) == (set(entries(before)), {"provider[os=u]"})


def test_without_tags_only_those_that_the_lock_holds_already_are_recorded() -> None:
    made = matrix({"u": "1"})
    first = merge(None, made, {each.key: output(each) for each in made}, name="edge", pins=pins(), tagged=False)
    assert entries(first)["provider[os=u]"].cells == (("os=u", ()),)
    assert merge(lock_of(made), made, {}, name="edge", pins=pins(), tagged=False) == lock_of(made)


def test_what_is_opaque_is_recorded_when_a_build_is_built_and_not_before() -> None:
    """An entry of a time before it was recorded is reused byte for byte."""
    one = demand("provider", cell(os="u"), image="localhost:5000/p:u")
    (plain,) = builds([one], {one.address: reading()})
    (opaque,) = builds([one], {one.address: reading(opaque=["time", "values"])})
    assert plain.key == opaque.key
    before = lock_of([plain])
    assert merge(before, [opaque], {}, name="edge", pins=pins()) == before
    rebuilt = merge(before, [opaque], {opaque.key: output(opaque, "again")}, name="edge", pins=pins())
    assert entries(rebuilt)["provider"].opaque == ("time", "values")
    assert merge(rebuilt, [plain], {}, name="edge", pins=pins()) == rebuilt


def test_without_tags_each_cell_keeps_the_names_it_has_whatever_the_manifest_calls_it_now() -> None:
    made = matrix({"u": "1"})
    before = lock_of(made)
    renamed = tuple(dataclasses.replace(each, cells=tuple((at, ()) for at, _ in each.cells)) for each in made)
    assert merge(before, renamed, {}, name="edge", pins=pins(), tagged=False) == before
    rebuilt = matrix({"u": "2"})
    after = merge(before, rebuilt, {each.key: output(each) for each in rebuilt}, name="edge", pins=pins(), tagged=False)
    assert entries(after)["provider[os=u]"].cells == (("os=u", ()),), "the tag holds the build before it"


def test_what_is_built_now_is_of_this_commit_and_what_is_reused_of_its_own() -> None:
    made = matrix({"u": "1", "v": "1"})
    before = merge(None, made, {each.key: output(each) for each in made}, name="edge", pins=pins(), commit="a" * 40)
    after = matrix({"u": "1", "v": "2"})
    rebuilt = next(each for each in after if each.key not in {entry.key for _, entry in before.builds})
    lock = merge(before, after, {rebuilt.key: output(rebuilt)}, name="edge", pins=pins(), commit="b" * 40)
    assert {name: entry.commit[0] for name, entry in lock.builds} == {name: "b" if name == rebuilt.name else "a" for name, _ in lock.builds}
    assert "narrowed" not in lock.builds[0][1].to_dict()
    assert "commit" not in merge(None, made, {each.key: output(each) for each in made}, name="edge", pins=pins()).builds[0][1].to_dict()


def test_how_a_build_was_made_stays_with_it_until_it_is_built_again() -> None:
    made = matrix({"u": "1", "v": "1"})
    narrowed = {each.key: dataclasses.replace(output(each), narrowed="os=u" in each.name) for each in made}
    before = merge(None, made, narrowed, name="edge", pins=pins())
    assert [name for name, entry in before.builds if entry.narrowed] == ["provider[os=u]"]
    assert merge(before, made, {}, name="edge", pins=pins()) == before
    again = merge(before, made, {each.key: output(each) for each in made}, name="edge", pins=pins())
    assert not any(entry.narrowed for _, entry in again.builds)
