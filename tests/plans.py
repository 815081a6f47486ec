"""Plans for tests of what is shown of them: as large, and as hostile, as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

from matrixbuild.core.basis import Basis
from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.image_names import ImageAction, PlannedImage
from matrixbuild.core.plan import Action, Counts, Dropped, Plan, PlannedBuild
from tests.builders import digest, pins

NEW = (Reason(why=Why.NEW),)
UNCHANGED = (Reason(why=Why.UNCHANGED),)
COMMANDS = (Reason(why=Why.CHANGED, changes=(Change(field="commands"),)),)


def planned_build(name: str, action: Action = Action.BUILD, *, reasons: tuple[Reason, ...] = NEW, cells: Sequence[str] = (), key: str = "") -> PlannedBuild:
    return PlannedBuild(name=name, action=action, reasons=reasons, key=digest(key or name), cells=tuple(cells) or (name.partition("[")[2][:-1],))


def planned_image(
    ref: str, build: str, action: ImageAction = ImageAction.CREATE, *, why: Why = Why.NEW, old: str = "", new: str = ""
) -> PlannedImage:
    return PlannedImage(ref=ref, action=action, reason=Reason(why=why), build=build, old=old, new=new)


def basis(**fields: object) -> Basis:
    told: dict[str, object] = {"manifest": "manifests/edge.yaml", "content": digest("manifest"), "pins": pins(), "source": digest("source")}
    return Basis(**{**told, **fields})  # type: ignore[arg-type]


def plan_of(
    builds: Sequence[PlannedBuild],
    images: Sequence[PlannedImage] = (),
    *,
    dropped: Sequence[Dropped] = (),
    to_pin: Sequence[str] = (),
    name: str = "edge",
    made_from: Basis | None = None,
) -> Plan:
    cells = len({cell for build in builds for cell in build.cells})
    demands = sum(len(build.cells) for build in builds)
    return Plan(
        name=name,
        engine="earthly/0.8",
        counts=Counts(cells=cells, demands=demands, builds=len(builds)),
        images=tuple(sorted(images, key=lambda image: image.ref)),
        builds=tuple(sorted(builds, key=lambda build: build.name)),
        dropped=tuple(dropped),
        to_pin=tuple(to_pin),
        basis=made_from or basis(),
    )


def large_plan(cells: int = 2691) -> Plan:
    """All cells of a large matrix: a provider each, an installer for each os and fips; a fifth of them as the lock has them."""
    oses = [f"{name}-{version}" for name in ("ubuntu", "opensuse-leap", "rhel") for version in ("20.04", "22.04", "22.04.4", "24.04")]
    versions = [
        f"{name}-1.{minor}.{patch}"
        for name in ("k3s", "rke2", "kubeadm", "kubeadm-fips", "nodeadm", "canonical")
        for minor in range(27, 35)
        for patch in (3, 10)
    ]
    matrix = list(islice(product(versions, ("false", "true"), oses, ("false", "true")), cells))
    builds, images = [], []
    for position, (version, fips, os, two) in enumerate(matrix):
        name = f"provider[arch=amd64,fips={fips},kubernetes={version},os={os},twoNode={two}]"
        action, reasons = ((Action.BUILD, NEW), (Action.REBUILD, COMMANDS), (Action.REBUILD, _files(position % 3)), (Action.REUSE, UNCHANGED))[
            min(3, position * 5 // len(matrix))
        ]
        builds.append(planned_build(name, action, reasons=reasons))
        ref = f"registry.example.com/edge/{os}:{version}-v4.9.38-demo{'-fips' if fips == 'true' else ''}{'-2n' if two == 'true' else ''}"
        images.append(_image(ref, name, action))
    for os, fips in product(oses, ("false", "true")):
        cells_of = [f"arch=amd64,fips={fips},kubernetes={version},os={os},twoNode={two}" for version, of, at, two in matrix if (of, at) == (fips, os)]
        builds.append(planned_build(f"iso[fips={fips},os={os}]", cells=cells_of))
    dropped = [
        Dropped(rule=f"R{number:02}", reason=f"upstream cannot build this combination (line {number * 7})", cells=number * 31)
        for number in range(1, 31)
    ]
    return plan_of(builds, images, dropped=dropped, to_pin=[f"quay.io/kairos/base-{os}:v3.5" for os in oses])


def _files(number: int) -> tuple[Reason, ...]:
    return (Reason(why=Why.CHANGED, changes=(Change(field="files", name=f"overlay/files/etc/{number}.conf"),)),)


def _image(ref: str, build: str, action: Action) -> PlannedImage:
    if action is Action.BUILD:
        return planned_image(ref, build)
    if action is Action.REUSE:
        return planned_image(ref, build, ImageAction.LEAVE, why=Why.UNCHANGED, old=digest(ref), new=digest(ref))
    return planned_image(ref, build, ImageAction.MOVE, why=Why.CHANGED, old=digest(ref))
