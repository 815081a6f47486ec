"""The law that reuse rests on: whatever changes what is built changes the build key. Tried on every conformance case, mutation by mutation."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Order
from matrixbuild.adapters.engines.embedded.engine import EmbeddedEngine
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.adapters.source import Snapshot, snapshot
from matrixbuild.core.build import build_key
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Arg, Asked, Demand
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.failure import BuildFailed
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import MatrixbuildError, Place
from matrixbuild.core.registry import Registry
from matrixbuild.workflow.analysing import analyse
from matrixbuild.workflow.examining import Examiners
from tests import services
from tests.adapters.engines import conformance

CASES = sorted(path.parent for name in ("cases", "more") for path in (conformance.FOLDER / name).glob("*/case.json"))
MUTATIONS = 10_000 if os.environ.get("MATRIXBUILD_SOAK") else 5
HERE = Place(file="case", line=1)
KINDS = ("embedded", "earthly")
Result = tuple[object, ...]
Outcomes = dict[str, tuple[str, Result]]
"""By the kind of engine: the key of a build, and what it leaves; without those that are refused before they could be built."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> conformance.World:
    services.require("busybox")
    return conformance.world(tmp_path_factory.mktemp("world"), "reg.test:5000")


# What a sample of mutations reaches is no measure of coverage, and tracing would treble its time.
@pytest.mark.untraced
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_changes_the_image_changes_the_key(case: Path, world: conformance.World, tmp_path: Path) -> None:
    """With the keys of both kinds, though the embedded engine builds for both: what Earthly would make is the same."""
    checkout = tmp_path / "case"
    told = conformance.prepared(case, checkout)
    given = conformance.overrides(told, checkout, {"REG": world.host, "OUT": f"{world.host}/soundness"})
    for target in targets(checkout):
        before = outcomes(checkout, target, given, world, tmp_path)
        for number, mutated in enumerate(mutants(checkout, tmp_path / "mutated", seed=f"{case.name}{target}")):
            for kind in unsound(before, outcomes(mutated, target, given, world, tmp_path)):
                pytest.fail(f"{target}: mutation {number} changed the image and not the {kind} key: {changed(checkout, mutated)}")
        for name in names_of_args(checkout, given):
            other = tuple({**dict(given), name: dict(given).get(name, "") + "1"}.items())
            for kind in unsound(before, outcomes(checkout, target, other, world, tmp_path)):
                pytest.fail(f"{target}: another value of {name} changed the image and not the {kind} key")


def unsound(before: Outcomes, after: Outcomes) -> list[str]:
    """The kinds of engine whose keys are the same though what was built is not."""
    return [kind for kind, (key, result) in after.items() if kind in before and before[kind][0] == key and before[kind][1] != result]


def names_of_args(checkout: Path, given: tuple[tuple[str, str], ...]) -> list[str]:
    """Every word of the Earthfile that could be an ARG's name, and the args that the case gives; not the registry."""
    words = re.findall(r"\bARG\s+(?:--\S+\s+)*(\w+)", (checkout / "Earthfile").read_text()) if (checkout / "Earthfile").exists() else []
    return sorted({*words, *dict(given)} - {"REG"})


def targets(checkout: Path) -> list[str]:
    try:
        return [recipe.name for recipe in parse((checkout / "Earthfile").read_text(), file="Earthfile").targets][:4]
    except (EarthfileError, OSError, UnicodeDecodeError):
        return []


def outcomes(checkout: Path, target: str, given: tuple[tuple[str, str], ...], world: conformance.World, scratch: Path) -> Outcomes:
    source = snapshot(checkout, named="case")
    results: dict[tuple[tuple[str, str], ...], Result] = {}
    found: Outcomes = {}
    for kind in KINDS:
        if keyed := key_and_args(source, target, given, kind=kind):
            key, passed = keyed
            if passed not in results:
                results[passed] = made(source, target, passed, world, scratch)
            found[kind] = (key, results[passed])
    return found


def key_and_args(
    source: Snapshot, target: str, given: tuple[tuple[str, str], ...], *, kind: str
) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The key of a build, and what is handed to it; None where it is refused before it could be built."""
    demand = Demand(
        asked=Asked(target="t", earthly=f"+{target}", place=HERE),
        cell=Cell(values=()),
        args=tuple(Arg(name=name, value=value, axes=frozenset(), place=HERE, optional=True) for name, value in given),
    )
    try:
        reading = next(iter(analyse([demand], Examiners(lambda _: source, kind), {}).readings.values()))
    except MatrixbuildError:
        return None
    args = tuple((name, value) for name, value in given if name in reading.used)
    key = build_key(engine=reading.engine, commands=reading.commands, args=args, files=reading.files, bases=reading.bases)
    return key, tuple((name, value) for name, value in given if name in {*reading.used, *reading.named})


def made(source: Snapshot, target: str, args: tuple[tuple[str, str], ...], world: conformance.World, scratch: Path) -> Result:
    layout = OciLayout(scratch / "pushed")

    def locate(ref: str) -> tuple[Registry, ImageName]:
        return world.registry, ImageName.parse(ref)

    engine = EmbeddedEngine(checkout=lambda _: source, locate=locate, registry=lambda _: layout, work=scratch / "work")
    name = ImageName(registry="here", repository="made", tag="t")
    # The label is the same for both, so that only what was built can differ.
    order = Order(earthly=f"+{target}", args=args, key="key", push=name, artifacts=(), output=scratch / "out")
    try:
        image = engine.build(order).image
    except BuildFailed as failed:
        return ("failed", failed.failure.kind)
    assert image is not None
    return ("built", image.digest)


def mutants(checkout: Path, to: Path, *, seed: str) -> Iterator[Path]:
    """Copies of a checkout, each with one small change; a seeded sample of all of them."""
    files = [path.relative_to(checkout) for path in sorted(checkout.rglob("*")) if path.is_file() and not path.is_symlink()]
    possible = [(path, change) for path in files for change in changes(checkout / path)]
    chooser = random.Random(seed)
    for path, change in chooser.sample(possible, min(MUTATIONS, len(possible))):
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(checkout, to, symlinks=True)
        change(to / path)
        yield to


def changes(path: Path) -> list[Callable[[Path], None]]:
    def append(found: Path) -> None:
        found.write_bytes(found.read_bytes() + b"x\n")

    def make_executable(found: Path) -> None:
        found.chmod(found.stat().st_mode ^ 0o100)

    def add_sibling(found: Path) -> None:
        (found.parent / "added.txt").write_text("new\n")

    if path.name not in ("Earthfile", "Dockerfile", ".earthlyignore", ".earthignore", ".dockerignore"):
        return [append, make_executable, Path.unlink, add_sibling]
    count = len(path.read_bytes().splitlines())
    return [edit for number in range(count) for edit in (without_line(number), with_longer_line(number))]


def without_line(number: int) -> Callable[[Path], None]:
    def edit(found: Path) -> None:
        lines = found.read_bytes().splitlines(keepends=True)
        found.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))

    return edit


def with_longer_line(number: int) -> Callable[[Path], None]:
    def edit(found: Path) -> None:
        lines = found.read_bytes().splitlines(keepends=True)
        lines[number] = lines[number].rstrip(b"\n") + b"1\n"
        found.write_bytes(b"".join(lines))

    return edit


def changed(before: Path, after: Path) -> str:
    def texts(root: Path) -> dict[str, bytes]:
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.is_symlink()}

    old, new = texts(before), texts(after)
    return ", ".join(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))) or "a mode"
