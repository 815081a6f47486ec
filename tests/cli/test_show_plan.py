"""Plans as a person reads them: whole texts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.cli.show_plan import LONGEST, plan_text
from matrixbuild.cli.show_plan_words import box_text, reason_text
from matrixbuild.core.against import against
from matrixbuild.core.build import Build, builds
from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.image_names import ImageAction
from matrixbuild.core.lock import Lock
from matrixbuild.core.plan import Action, Corrected, Dropped, Plan, RegistryState, Rules, plan
from tests.builders import arg, cell, demand, digest, lock_of, output, pins, read_by, reading
from tests.plans import COMMANDS, UNCHANGED, basis, large_plan, plan_of, planned_build, planned_image

GOLDEN = Path(__file__).parent / "golden"


def release(*versions: str, files: dict[str, str] | None = None, oses: tuple[str, ...] = ("22.04",)) -> tuple[Build, ...]:
    """A provider for each version and os, an installer for each os."""
    cells = [cell(k8s=version, os=("ubuntu", os)) for version in versions for os in oses]
    demands = [
        demand(
            "provider",
            at,
            args=[arg("OS", at["os"].text, "os"), arg("K8S", at["k8s"].text, "k8s")],
            image=f"localhost:5000/edge/{at['os'].text}:k3s-{at['k8s'].text}",
        )
        for at in cells
    ]
    demands += [demand("installer", at, args=[arg("OS", at["os"].text, "os")], artifacts={"/a": "a.iso"}) for at in cells]
    return builds(demands, read_by(demands, files=files or {"overlay/motd": "1"}))


def text(found: tuple[Build, ...], lock: Lock | None = None, *, cells: int, registry: RegistryState | None = None) -> str:
    made: Plan = plan(found, lock, name="edge", engine="embedded/1", cells=cells, demands=2 * cells, rules=Rules(mutable=True), registry=registry)
    told = plan_text(made)
    assert told.endswith(f"\nPlan {made.digest}\n")
    return told.removesuffix(f"Plan {made.digest}\n")


def test_a_first_plan() -> None:
    assert text(release("1.33", "1.34"), cells=2) == (
        "Image names\n"
        "  + create   localhost:5000/edge/ubuntu-22.04:k3s-1.33\n"
        "  + create   localhost:5000/edge/ubuntu-22.04:k3s-1.34\n"
        "\n"
        "Builds\n"
        "  + build    installer[os=ubuntu-22.04] for 2 cells  new\n"
        "  + build    provider[k8s=1.33,os=ubuntu-22.04]      new\n"
        "  + build    provider[k8s=1.34,os=ubuntu-22.04]      new\n"
        "\n"
        "Targets\n"
        "             cells  builds  image names\n"
        "  installer      2       1            -\n"
        "  provider       2       2            2\n"
        "\n"
        "2 cells -> 4 builds -> 3 after deduplication\n"
        "Image names: 2 to create. Builds: 3 to build.\n"
    )


def test_a_later_plan() -> None:
    before = release("1.33", "1.34")
    old = output(next(each for each in before if each.name.startswith("provider[k8s=1.34"))).image
    assert old
    assert text(release("1.34", files={"overlay/motd": "2"}), lock_of(before), cells=1) == (
        "Image names\n"
        f"  ~ move     localhost:5000/edge/ubuntu-22.04:k3s-1.34  {old.digest[:19]} -> known after the build\n"
        "  = leave    localhost:5000/edge/ubuntu-22.04:k3s-1.33  no longer in the manifest; tags are kept\n"
        "\n"
        "Builds\n"
        "  ~ rebuild  installer[os=ubuntu-22.04]          files overlay/motd\n"
        "  - retire   provider[k8s=1.33,os=ubuntu-22.04]  no longer in the manifest; tags are kept\n"
        "  ~ rebuild  provider[k8s=1.34,os=ubuntu-22.04]  files overlay/motd\n"
        "\n"
        "Targets\n"
        "             cells  builds  image names\n"
        "  installer      1       1            -\n"
        "  provider       1       1            1\n"
        "\n"
        "1 cell -> 2 builds -> 2 after deduplication\n"
        "Image names: 1 to move, 1 to leave. Builds: 2 to rebuild, 1 to retire.\n"
    )


def test_a_plan_without_changes() -> None:
    found = release("1.33")
    assert text(found, lock_of(found), cells=1).endswith(
        "Builds\n"
        "  = reuse    installer[os=ubuntu-22.04]          unchanged\n"
        "  = reuse    provider[k8s=1.33,os=ubuntu-22.04]  unchanged\n"
        "\n"
        "Targets\n"
        "             cells  builds  image names\n"
        "  installer      1       1            -\n"
        "  provider       1       1            1\n"
        "\n"
        "1 cell -> 2 builds -> 2 after deduplication\n"
        "Nothing to do. Image names: 1 to leave. Builds: 2 to reuse.\n"
    )


def test_a_long_plan_is_grouped_by_action_reason_and_axis() -> None:
    versions = tuple(f"1.{minor}" for minor in range(5, 25))
    before = lock_of(release(*versions[:1], oses=("22.04", "24.04")))
    assert text(release(*versions, oses=("22.04", "24.04")), before, cells=40) == (
        "Image names\n"
        "  + create      19  localhost:5000/edge/ubuntu-22.04: k3s-1.6, k3s-1.7, k3s-1.8, k3s-1.9, k3s-1.10, k3s-1.11, k3s-1.12, k3s-1.13 and 11 more\n"
        "  + create      19  localhost:5000/edge/ubuntu-24.04: k3s-1.6, k3s-1.7, k3s-1.8, k3s-1.9, k3s-1.10, k3s-1.11, k3s-1.12, k3s-1.13 and 11 more\n"
        "  = leave        2  in 2 repositories of localhost:5000/edge: ubuntu-22.04 (1), ubuntu-24.04 (1)\n"
        "\n"
        "Builds\n"
        "  + build       38  new\n"
        "        provider  38 builds: k8s {1.6, 1.7, 1.8, 1.9, 1.10, 1.11, 1.12, 1.13 and 11 more} x os {ubuntu-22.04, ubuntu-24.04}\n"
        "  = reuse        4  unchanged: installer (2), provider (2)\n"
        "\n"
        "Targets\n"
        "             cells  builds  image names\n"
        "  installer     40       2            -\n"
        "  provider      40      40           40\n"
        "\n"
        "40 cells -> 80 builds -> 42 after deduplication\n"
        "Image names: 38 to create, 2 to leave. Builds: 38 to build, 4 to reuse.\n"
        "Long lists are in groups, or cut: --all shows everything.\n"
    )


def test_of_a_few_changes_among_many_builds_each_is_shown() -> None:
    oses = ("20.04", "22.04", "24.04")
    versions = tuple(f"1.{minor}" for minor in range(5, 25))
    told = text(release(*versions, "1.99", oses=oses), lock_of(release(*versions, oses=oses)), cells=63)
    assert "  + create   localhost:5000/edge/ubuntu-22.04:k3s-1.99\n" in told
    assert "  + build    provider[k8s=1.99,os=ubuntu-22.04]  new\n" in told
    assert "  = reuse       63  unchanged: installer (3), provider (60)\n" in told


def test_builds_that_are_no_few_products_are_said_to_be_among_one() -> None:
    odd = [planned_build(f"p[a={row},b={column}]") for row in range(9) for column in range(9) if row != column]
    assert "      p  72 builds among a {0, 1, 2, 3, 4, 5, 6, 7 and 1 more} x b {0, 1, 2, 3, 4, 5, 6, 7 and 1 more}\n" in plan_text(plan_of(odd))


def test_everything_one_by_one() -> None:
    found = large_plan(200)
    told = plan_text(found, every=True)
    assert all(f"  {build.action.symbol} {build.action.value:<7}  {build.name} " in told for build in found.builds)
    assert all(image.ref in told for image in found.images)
    assert all(each.reason in told for each in found.dropped)
    assert all(ref in told for ref in found.to_pin)
    assert "--all" not in told


@pytest.mark.parametrize("name", ["small", "large"])
def test_whole_plans(name: str) -> None:
    found = {"small": small_plan(), "large": large_plan()}[name]
    assert plan_text(found) == (GOLDEN / f"plan-{name}.txt").read_text(encoding="utf-8")


def small_plan() -> Plan:
    """One of each thing there is to tell."""
    one, two, gone = (f"provider[os={os}]" for os in ("jammy", "noble", "focal"))
    images = [
        planned_image("localhost:5000/edge/jammy:1", one),
        planned_image("localhost:5000/edge/noble:1", two, ImageAction.MOVE, why=Why.CHANGED, old=digest("old")),
        planned_image("localhost:5000/edge/focal:1", "", ImageAction.LEAVE, why=Why.GONE, old=digest("focal")),
    ]
    return plan_of(
        [
            planned_build(one),
            planned_build(two, Action.REBUILD, reasons=(*COMMANDS, Reason(why=Why.NEED_CHANGED, build="base[os=noble]"))),
            planned_build("base[os=noble]", Action.REUSE, reasons=UNCHANGED, cells=["os=noble", "os=noble,fips=true"]),
            planned_build(gone, Action.RETIRE, reasons=(Reason(why=Why.GONE),)),
        ],
        images,
        dropped=[Dropped(rule="no-fips", reason="jammy has no validated kernel", cells=2)],
        to_pin=["ubuntu:24.04"],
        made_from=basis(sets=(("customTag", "demo"),), selector="os!=bionic", pins=dataclasses.replace(pins(), source=(("path", "--source"),))),
    )


def test_by_this_change_and_already_pending_are_apart() -> None:
    before = plan_of([planned_build("p[os=a]"), planned_build("p[os=b]"), planned_build("p[os=d]")])
    now = plan_of(
        [planned_build("p[os=a]"), planned_build("p[os=b]", key="another"), planned_build("p[os=d]", Action.REUSE, reasons=UNCHANGED)],
        [planned_image("r/p:a", "p[os=a]"), planned_image("r/p:b", "p[os=b]")],
    )
    assert plan_text(now, against(before, now, revision="main", notes=("a note",))) == (
        "Image names by this change (since main)\n"
        "  + create   r/p:a\n"
        "  + create   r/p:b\n"
        "\n"
        "Builds by this change (since main)\n"
        "  + build    p[os=b]  new\n"
        "\n"
        "Builds already pending\n"
        "  + build    p[os=a]  new\n"
        "\n"
        "Notes\n"
        "  a note\n"
        "  no longer pending: 1 build\n"
        "\n"
        "3 cells -> 3 builds -> 3 after deduplication\n"
        "Image names: 2 to create. Builds: 2 to build, 1 to reuse.\n"
        f"Plan {now.digest}\n"
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    builds, targets = draw(st.integers(0, 300)), draw(st.integers(1, 50))
    action = draw(st.sampled_from(list(Action)))
    return plan_of(
        [planned_build(f"t{number % targets}[n={number}]", action, reasons=_reason(number)) for number in range(builds)],
        [planned_image(f"r{number % 7}/p{number % targets}:{number}", f"t{number % targets}[n={number}]") for number in range(builds)],
        dropped=[Dropped(rule=f"R{number}", reason="no", cells=1) for number in range(draw(st.integers(0, 60)))],
        to_pin=[f"base:{number}" for number in range(draw(st.integers(0, 60)))],
    )


@settings(max_examples=60, deadline=None)
@given(plans(), st.booleans())
def test_never_more_than_forty_lines(made: Plan, apart: bool) -> None:
    split = against(None, made, revision="main", notes=("note",)) if apart else None
    told = plan_text(made, split)
    assert told.count("\n") <= LONGEST
    # Whatever is not told one by one is said to be elsewhere.
    assert ("--all shows everything" in told) == (plan_text(made, split, every=True) != told)


def _reason(number: int) -> tuple[Reason, ...]:
    return (Reason(why=Why.CHANGED, changes=(Change(field="files", name=f"overlay/{number % 45}"),)),)


def test_nothing_of_a_manifest_steers_the_terminal() -> None:
    hostile = "p[os=\x1b]0;owned\x07\u202e\n+ build    q]"
    told = plan_text(plan_of([planned_build(hostile)], [planned_image("r/p:\x1b[2J", hostile)]))
    assert told.replace("\n", "").isprintable()
    assert "p[os=\\x1b]0;owned\\x07\\u202e\\n+ build    q]" in told


def test_products_in_a_line() -> None:
    box = (("fips", ("false", "true")), ("k8s", tuple(f"k3s-1.{number}" for number in range(20, 40))), ("os", ("a", "b", "c")))
    assert box_text(box, room=60) == "fips {false, true} x k8s {k3s-1.20 and 19 more} x os {a and 2 more}"
    assert box_text(box, room=90) == "fips {false, true} x k8s {k3s-1.20, k3s-1.21, k3s-1.22 and 17 more} x os {a, b, c}"


def test_what_is_missing_is_told() -> None:
    found = release("1.33")
    installer, provider = found
    state = RegistryState(missing_images=frozenset({provider.key}), missing_artifacts=frozenset({installer.key}))
    assert "not on this machine: a.iso\n" in text(found, lock_of(found), cells=1, registry=state)
    assert "no longer in the registry\n" in text(found, lock_of(found), cells=1, registry=state)


def test_reasons_in_words() -> None:
    changes = [Change(field="files", name=f"overlay/{nth}") for nth in range(10)]
    changes += [Change(field="args", name="NEW", how="added"), Change(field="args", name="OLD", how="removed"), Change(field="commands")]
    told = {
        Reason(why=Why.CHANGED, changes=tuple(changes)): "args +NEW, -OLD, commands, files "
        "overlay/0, overlay/1, overlay/2, overlay/3, overlay/4, overlay/5, overlay/6, overlay/7 and 2 more",
        Reason(why=Why.NEED_CHANGED, build="base[os=u]"): "needs base[os=u]",
        Reason(why=Why.BASE_MOVED, ref="ubuntu:22.04", old=digest("a"), new=digest("b")): (
            f"base image ubuntu:22.04 moved: {digest('a')[:19]} -> {digest('b')[:19]}"
        ),
        Reason(why=Why.EXPIRED): "too old",
        Reason(why=Why.FORCED): "asked for",
    }
    assert [reason_text(reason) for reason in told] == list(told.values())


def test_every_kind_of_reason_has_words() -> None:
    change = Change(field="files", name="overlay/a-")
    texts = [reason_text(Reason(why=why, changes=(change,), build="base", ref="ubuntu:22.04")) for why in Why]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def test_what_some_builds_have_is_summed_up_in_one_line() -> None:
    readings = {
        "1": reading(opaque=["time", "values"], secrets=["TOKEN"]),
        "2": reading(opaque=["inputs", "time"], secrets=["OTHER", "TOKEN"], privileged=True),
        "3": reading(),
    }
    demands = [demand("provider", cell(k8s=version), image=f"localhost:5000/p:{version}") for version in readings]
    found = {each.address: dataclasses.replace(readings[each.cell["k8s"].text], commands=digest(str(each.cell))) for each in demands}
    assert text(builds(demands, found), cells=3).endswith(
        "3 cells -> 6 builds -> 3 after deduplication\n"
        "Image names: 3 to create. Builds: 3 to build.\n"
        "Among them: 2 builds with steps opaque in time; 1 for which every file counts; 1 with the secret OTHER; 2 with the secret TOKEN;"
        " 1 with privileges.\n"
    )


def test_what_the_manifest_corrects_of_uses_is_told() -> None:
    uses = (
        Corrected(target="iso", effect="ignore", arg="K8S_VERSION", where="m.yaml:12"),
        Corrected(target="p", effect="add", arg="A", where="m.yaml:9"),
    )
    told = plan_text(dataclasses.replace(plan_of([planned_build("p")], []), uses=uses))
    assert (
        "ARGs that count otherwise than the Earthfile shows\n  iso  uses.ignore: K8S_VERSION, by m.yaml:12\n  p    uses.add: A, by m.yaml:9\n"
    ) in told


def test_the_name_of_an_index_says_so() -> None:
    image = dataclasses.replace(planned_image("r/p:1", "p[arch=amd64]"), index=("p[arch=amd64]", "p[arch=arm64]"))
    assert "  + create   r/p:1  an index of 2 images\n" in plan_text(plan_of([], [image])).replace("r/p:1    ", "r/p:1  ")
