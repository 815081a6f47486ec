"""`image.index`: one name for the images of several architectures, in a layout and in a real docker-registry, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from matrixbuild.adapters.engines.base import Engine, Made, Order
from matrixbuild.adapters.image_moves import holds_image
from matrixbuild.adapters.registries import open_registry
from matrixbuild.core.compact import compact
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.happenings import Happening, TagPut
from matrixbuild.core.images import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import ExitCode, InvalidError, RefusedError
from matrixbuild.core.registry import Registry, StoredManifest
from matrixbuild.workflow.applying import Applied, Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import Prepared
from tests.fakes.engines import Failing
from tests.projects import SmallProject, small_project
from tests.sample_images import push, sample_image
from tests.services import RunningRegistry

EARTHFILE = """\
VERSION 0.8

image:
    ARG OS
    ARG ARCH
    FROM --platform=linux/$ARCH scratch
    COPY $OS.conf /etc/os.conf
"""
MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: {REGISTRY}
  engine: embedded
  axes:
    os: [jammy, noble]
    arch: [amd64, arm64]
  targets:
    image:
      earthly: +image
      args: {OS: "{{ os }}", ARCH: "{{ arch }}"}
      image: {repository: "{{ registry }}/{{ os }}", tag: "1", index: [arch]}
  publish: {mode: atomic, tags: immutable}
  schedule: {retry: {attempts: 1}, limits: {cpu: 1}}
"""
FILES = {"src/Earthfile": EARTHFILE, "src/jammy.conf": "22.04\n", "src/noble.conf": "24.04\n"}
QUIET = Listener(on_plan=lambda plan: None, on_report=lambda report, made: None)
JAMMY = ["image[arch=amd64,os=jammy]", "image[arch=arm64,os=jammy]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project and the registry that it publishes to."""

    project: SmallProject
    name: str

    @property
    def registry(self) -> Registry:
        return open_registry(self.name.partition("/")[0] if "layout" not in self.name else self.name, base=self.project.root)

    def image(self, os: str) -> ImageName:
        return ImageName.parse(f"{self.name}/{os}:1", layout=self.name if "layout" in self.name else "")

    def held(self, os: str) -> StoredManifest | None:
        return self.registry.manifest(self.image(os).repository, "1")

    def entries(self, os: str) -> list[dict[str, Any]]:
        index = self.held(os)
        assert index is not None
        assert holds_image(self.registry, self.image(os).repository, index.digest)
        found: list[dict[str, Any]] = json.loads(index.data)["manifests"]
        return found

    def locked(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.project.lock.read_text())
        return found

    def apply(self, engine: Callable[[Engine], Engine] = lambda engine: engine, *, selector: str = "", listener: Listener = QUIET) -> Applied:
        def made(prepared: Prepared) -> Engine:
            return engine(engine_of(prepared))

        return apply_manifest(self.project.manifest, listener, engine=made, options=Options(selector=selector))

    def change(self, old: str, new: str) -> None:
        text = self.project.manifest.read_text()
        assert old in text
        self.project.manifest.write_text(text.replace(old, new))


@pytest.fixture(params=["layout", pytest.param("http", marks=pytest.mark.registry)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    name = "oci-layout:registry"
    if request.param == "http":
        running: RunningRegistry = request.getfixturevalue("docker_registry")
        name = f"{running.host}/{tmp_path.name.replace('_', '-').replace('[', '-').replace(']', '').lower().strip('-')}"
    return Place(project=small_project(tmp_path, registry=name, manifest=MANIFEST, files=FILES), name=name)


@pytest.fixture
def layout(tmp_path: Path) -> Place:
    return Place(project=small_project(tmp_path, manifest=MANIFEST, files=FILES), name="oci-layout:registry")


def platforms(entries: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [entry["platform"] for entry in entries]


def test_one_name_lists_the_image_of_each_architecture(place: Place) -> None:
    done = place.apply()
    assert done.complete
    assert len(done.puts) == 2
    lock = place.locked()
    for os in ("jammy", "noble"):
        index = place.held(os)
        assert index is not None
        assert index.media_type == OCI_INDEX
        assert platforms(place.entries(os)) == [{"architecture": arch, "os": "linux"} for arch in ("amd64", "arm64")]
        children = [lock["builds"][f"image[arch={arch},os={os}]"] for arch in ("amd64", "arm64")]
        assert [(entry["digest"], entry["mediaType"], entry["size"]) for entry in place.entries(os)] == [
            (child["image"]["digest"], OCI_MANIFEST, child["image"]["size"]) for child in children
        ]
        assert lock["indexes"][str(place.image(os))] == {
            "digest": index.digest,
            "mediaType": OCI_INDEX,
            "size": len(index.data),
            "platforms": {f"linux/{arch}": child["image"]["digest"] for arch, child in zip(("amd64", "arm64"), children, strict=True)},
        }
        assert [list(child["cells"].values()) for child in children] == [[[str(place.image(os))]]] * 2
    before = place.project.lock.read_bytes()
    again = place.apply()
    assert (again.outcomes, again.puts, place.project.lock.read_bytes()) == ({}, (), before)


def test_the_bytes_depend_on_nothing_but_the_images(tmp_path: Path) -> None:
    found = set()
    for nth, axis in enumerate(("[amd64, arm64]", "[arm64, amd64]")):
        project = small_project(tmp_path / str(nth), manifest=MANIFEST.replace("[amd64, arm64]", axis), files=FILES)
        place = Place(project=project, name="oci-layout:registry")
        place.apply()
        index = place.held("jammy")
        assert index is not None
        found.add(index.data)
    assert len(found) == 1


class Listing:
    """What Earthly pushes for a platform: a list with one entry, which is the image."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        self.engine, self.registry = engine, registry

    def build(self, order: Order) -> Made:
        made = self.engine.build(order)
        assert order.push is not None
        image = self.registry.manifest(order.push.repository, order.push.tag)
        assert image is not None
        self.registry.put_manifest(order.push.repository, image.digest, image)
        entry = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.data), "platform": {"os": "linux", "architecture": "any"}}
        body = compact({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [entry]})
        self.registry.put_manifest(order.push.repository, order.push.tag, StoredManifest(media_type=DOCKER_LIST, data=body))
        return made


def test_lists_with_one_entry_are_listed_by_their_entry(place: Place) -> None:
    place.apply(lambda engine: Listing(engine, place.registry))
    builds = place.locked()["builds"]
    assert {build["image"]["mediaType"] for build in builds.values()} == {DOCKER_LIST}
    assert [entry["digest"] for entry in place.entries("jammy")] == [
        builds[name]["image"]["platforms"][f"linux/{arch}"] for name, arch in zip(JAMMY, ("amd64", "arm64"), strict=True)
    ]
    assert {entry["mediaType"] for entry in place.entries("jammy")} == {OCI_MANIFEST}
    assert platforms(place.entries("jammy")) == [{"architecture": arch, "os": "linux"} for arch in ("amd64", "arm64")]
    assert place.apply().puts == ()


def test_images_come_from_another_repository_before_the_index(place: Place) -> None:
    # A second target has the same bytes under a name that sorts first: that is where they are built.
    more = '    first: {earthly: +image, args: {OS: "{{ os }}", ARCH: "{{ arch }}"}, image: {repository: "{{ registry }}/aaa/{{ os }}", tag: "{{ arch }}"}}\n'
    place.change("  publish:", more + "  publish:")
    done = place.apply()
    assert (len(done.outcomes), len(done.puts)) == (4, 6)
    assert platforms(place.entries("jammy")) == [{"architecture": arch, "os": "linux"} for arch in ("amd64", "arm64")]
    first = ImageName.parse(f"{place.name}/aaa/jammy:amd64", layout=place.name if "layout" in place.name else "")
    assert place.registry.digest(first.repository, "amd64") == place.entries("jammy")[0]["digest"]
    assert place.apply().puts == ()


@pytest.mark.parametrize("mode", ["atomic", "each"])
def test_without_one_of_its_images_there_is_no_index(place: Place, mode: str) -> None:
    place.change("mode: atomic", f"mode: {mode}")
    place.change("[amd64, arm64]", "[amd64, arm64, s390x]")
    done = place.apply(lambda engine: Failing(engine, {"s390x": FailureKind.STEP}))
    assert not done.complete
    assert (place.held("jammy"), place.held("noble"), done.puts) == (None, None, ())
    assert not place.project.lock.exists()
    again = place.apply()
    assert set(again.outcomes) == {"image[arch=s390x,os=jammy]", "image[arch=s390x,os=noble]"}
    assert len(place.entries("jammy")) == len(place.entries("noble")) == 3


def test_each_gives_the_name_of_an_index_as_soon_as_its_images_are_there(place: Place) -> None:
    place.change("mode: atomic", "mode: each")
    done = place.apply(lambda engine: Failing(engine, {"noble": FailureKind.STEP}))
    assert [put.ref for put in done.puts] == [place.image("jammy")]
    assert (list(place.locked()["indexes"]), place.held("noble")) == ([str(place.image("jammy"))], None)
    assert sorted(place.locked()["builds"]) == JAMMY


def test_none_gives_none(place: Place) -> None:
    place.change("mode: atomic", "mode: none")
    assert place.apply().complete
    assert (place.held("jammy"), "indexes" in place.locked()) == (None, False)
    place.change("mode: none", "mode: atomic")
    assert [len(place.apply().outcomes), len(place.entries("jammy"))] == [0, 2]


def test_a_crash_between_tags_or_before_the_lock_rolls_forward(place: Place) -> None:
    class CrashError(BaseException):
        """As if the process died."""

    def die(happening: Happening) -> None:
        if isinstance(happening, TagPut):
            raise CrashError

    with pytest.raises(CrashError):
        place.apply(listener=replace(QUIET, on_happening=die))
    assert [place.held(os) is not None for os in ("jammy", "noble")] == [True, False]
    assert not place.project.lock.exists()
    done = place.apply()
    assert (done.outcomes, [put.ref for put in done.puts]) == ({}, [place.image("noble")])
    before = place.project.lock.read_bytes()
    place.project.lock.unlink()
    again = place.apply()
    assert (again.outcomes, again.puts, place.project.lock.read_bytes()) == ({}, (), before)


def test_the_tag_of_an_index_is_immutable(place: Place) -> None:
    place.apply()
    before = place.held("jammy"), place.project.lock.read_bytes()
    (place.project.root / "src" / "jammy.conf").write_text("another\n")
    ended = place.project.run("plan", "small.yaml")
    assert ended.code == ExitCode.REFUSED
    assert f"{place.image('jammy')} is published (" in ended.err
    assert "image[arch=amd64,os=jammy] has changed since, and tags are immutable" in ended.err
    assert "noble" not in ended.err.replace(str(place.project.root), "")
    with pytest.raises(RefusedError):
        place.apply()
    assert (place.held("jammy"), place.project.lock.read_bytes()) == before
    place.change("tags: immutable", "tags: mutable")
    done = place.apply()
    assert [put.ref for put in done.puts] == [place.image("jammy")]
    assert place.locked()["indexes"][str(place.image("jammy"))]["digest"] == done.puts[0].digest
    assert place.apply().puts == ()


def test_another_architecture_is_another_index(layout: Place) -> None:
    layout.apply()
    layout.change("[amd64, arm64]", "[amd64, arm64, s390x]")
    ended = layout.project.run("plan", "small.yaml")
    assert (ended.code, ended.err.count("and tags are immutable")) == (ExitCode.REFUSED, 2)
    assert "image[arch=s390x,os=jammy] has changed since" in ended.err
    layout.change("[amd64, arm64, s390x]", "[amd64]")
    ended = layout.project.run("plan", "small.yaml")
    assert (ended.code, ended.err.count("what it lists has changed since, and tags are immutable")) == (ExitCode.REFUSED, 2)
    done = layout.project.run("apply", "small.yaml", "--overwrite", "oci-layout:registry/jammy:1", "--overwrite", "oci-layout:registry/noble:1")
    assert done.code == 0, done.err
    assert platforms(layout.entries("jammy")) == [{"architecture": "amd64", "os": "linux"}]


def test_a_name_that_someone_else_has_is_refused(place: Place) -> None:
    push(place.registry, place.image("jammy").repository, sample_image("someone else's"), "1")
    with pytest.raises(RefusedError) as raised:
        place.apply()
    assert "which no lock of this manifest knows, and tags are immutable" in str(raised.value)
    held = place.held("jammy")
    assert held is not None
    assert held.digest == sample_image("someone else's").manifest.digest


def test_an_image_becomes_an_index_and_an_index_an_image_only_as_a_move(layout: Place) -> None:
    layout.change("[amd64, arm64]", "[amd64]")
    layout.change(", index: [arch]", "")
    layout.apply()
    image = layout.held("jammy")
    layout.change('tag: "1"', 'tag: "1", index: [arch]')
    ended = layout.project.run("plan", "small.yaml")
    assert (ended.code, ended.err.count("and tags are immutable")) == (ExitCode.REFUSED, 2)
    layout.change("tags: immutable", "tags: mutable")
    (first, _) = layout.project.plan("--refresh")["images"]
    assert (first["action"], first["index"], first["new"] != first["old"]) == ("move", JAMMY[:1], True)
    layout.apply()
    index = layout.held("jammy")
    assert index is not None
    assert index.media_type == OCI_INDEX
    layout.change(", index: [arch]", "")
    assert [image["action"] for image in layout.project.plan()["images"]] == ["move", "move"]
    layout.apply()
    assert (layout.held("jammy"), "indexes" in layout.locked()) == (image, False)


def test_a_part_of_an_index_is_published_only_with_the_rest_as_it_is(layout: Place) -> None:
    ended = layout.project.run("plan", "small.yaml", "-l", "arch=amd64")
    assert ended.code == ExitCode.INVALID
    assert f"oci-layout:registry/jammy:1 lists the images of {JAMMY[0]} and {JAMMY[1]}, and {JAMMY[1]} is neither selected nor built\n" in ended.err
    assert "hint: select all values of arch" in ended.err
    source = layout.project.root / "src"
    (source / "Earthfile").write_text(EARTHFILE + "    COPY $ARCH.conf /etc/arch.conf\n")
    for arch in ("amd64", "arm64"):
        (source / f"{arch}.conf").write_text(arch)
    assert layout.apply(selector="os=jammy").complete
    before = layout.entries("jammy")
    layout.change("tags: immutable", "tags: mutable")
    (source / "amd64.conf").write_text("another")
    done = layout.apply(selector="arch=amd64,os=jammy")
    after = layout.entries("jammy")
    assert (list(done.outcomes), layout.held("noble")) == (JAMMY[:1], None)
    assert (after[0] != before[0], after[1]) == (True, before[1])
    (source / "arm64.conf").write_text("another")
    assert layout.project.run("plan", "small.yaml", "-l", "arch=amd64,os=jammy").code == ExitCode.INVALID
    (image,) = layout.project.plan("-l", "os=jammy")["images"]
    assert (image["ref"], image["index"], image["action"]) == ("oci-layout:registry/jammy:1", JAMMY, "move")


def test_images_of_one_platform_are_no_index(layout: Place) -> None:
    (layout.project.root / "src" / "Earthfile").write_text(EARTHFILE.replace("--platform=linux/$ARCH scratch", "scratch\n    LABEL arch=$ARCH"))
    with pytest.raises(InvalidError) as raised:
        layout.apply()
    assert [problem.summary for problem in raised.value.problems] == [
        f"oci-layout:registry/{os}:1 would list two images for linux/amd64: those of image[arch=amd64,os={os}] and image[arch=arm64,os={os}]"
        for os in ("jammy", "noble")
    ]
    assert (layout.held("jammy"), layout.project.lock.exists()) == (None, False)


def test_one_image_for_two_architectures_is_refused_when_planned(layout: Place) -> None:
    (layout.project.root / "src" / "Earthfile").write_text(EARTHFILE.replace("    ARG ARCH\n", "").replace("--platform=linux/$ARCH ", ""))
    layout.change(', ARCH: "{{ arch }}"', "")
    ended = layout.project.run("plan", "small.yaml")
    assert ended.code == ExitCode.INVALID
    assert (
        "oci-layout:registry/jammy:1 would list image[os=jammy] for amd64 and for arm64: it is one image, which arch does not change\n" in ended.err
    )
    assert "hint: take arch out of `index`, or give it to the build in an arg that the Earthly target uses" in ended.err


def test_the_summary_and_the_json_say_what_the_name_holds(layout: Place) -> None:
    ended = layout.project.run("apply", "small.yaml", "--format", "json")
    index = layout.held("jammy")
    assert index is not None
    assert ended.json()["images"]["image[arch=amd64,os=jammy]"] == {"oci-layout:registry/jammy:1": index.digest}
    shown = layout.project.run("apply", "small.yaml")
    assert "Images     2 in 2 repositories\n" in shown.err + shown.out
