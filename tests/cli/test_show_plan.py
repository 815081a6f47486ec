"""Plans as a person reads them: whole texts."""

from __future__ import annotations

from matrixbuild.cli.show_plan import plan_text, reason_text
from matrixbuild.core.build import Build, builds
from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.lock import Lock
from matrixbuild.core.plan import Plan, RegistryState, Rules, plan
from tests.builders import arg, cell, demand, digest, lock_of, output, read_by


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
    made: Plan = plan(
        found, lock, name="edge", engine="embedded/1", cells=cells, demands=2 * cells, rules=Rules(mutable=True), registry=registry
    )
    return plan_text(made)


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
        "1 cell -> 2 builds -> 2 after deduplication\n"
        "Nothing to do. Image names: 1 to leave. Builds: 2 to reuse.\n"
    )


def test_a_long_plan_is_grouped_by_reason_and_axis() -> None:
    versions = tuple(f"1.{minor}" for minor in range(5, 25))
    before = lock_of(release(*versions[:1], oses=("22.04", "24.04")))
    assert text(release(*versions, oses=("22.04", "24.04")), before, cells=40) == (
        "Image names\n"
        "  + create      19  localhost:5000/edge/ubuntu-22.04\n"
        "                      k3s-1.6, k3s-1.7, k3s-1.8, k3s-1.9, k3s-1.10, k3s-1.11, k3s-1.12, k3s-1.13 and 11 more\n"
        "  + create      19  localhost:5000/edge/ubuntu-24.04\n"
        "                      k3s-1.6, k3s-1.7, k3s-1.8, k3s-1.9, k3s-1.10, k3s-1.11, k3s-1.12, k3s-1.13 and 11 more\n"
        "  = leave        1  localhost:5000/edge/ubuntu-22.04\n"
        "                      k3s-1.5\n"
        "  = leave        1  localhost:5000/edge/ubuntu-24.04\n"
        "                      k3s-1.5\n"
        "\n"
        "Builds\n"
        "  + build       38  provider  new\n"
        "                      k8s: 1.6, 1.7, 1.8, 1.9, 1.10, 1.11, 1.12, 1.13 and 11 more\n"
        "                      os: ubuntu-22.04, ubuntu-24.04\n"
        "  = reuse        2  installer  unchanged\n"
        "                      os: ubuntu-22.04, ubuntu-24.04\n"
        "  = reuse        2  provider  unchanged\n"
        "                      k8s: 1.5\n"
        "                      os: ubuntu-22.04, ubuntu-24.04\n"
        "\n"
        "40 cells -> 80 builds -> 42 after deduplication\n"
        "Image names: 38 to create, 2 to leave. Builds: 38 to build, 4 to reuse.\n"
    )


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
