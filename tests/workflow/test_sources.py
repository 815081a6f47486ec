"""Files laid over a source: which builds have them, which keys they are in, and what of them nobody reads."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.every_key import World, world

FIPS = "{path: src, files: [{from: over.d, when: {fips: true}}]}"
SECRET = "{path: src, files: [{to: overlay/token, secret: EDGE_TEST_TOKEN, version: 1}]}"
BASE = """
    image:
      earthly: +image
      args: {OS: "{{ os }}", FIPS: "{{ fips }}"}
      image: {repository: "{{ registry }}/edge", tag: "{{ os }}-{{ fips }}"}
    base:
      docker: {context: docker}
      image: {repository: "{{ registry }}/base", tag: "{{ os }}-{{ fips }}"}"""


@pytest.fixture
def edge(tmp_path: Path) -> World:
    return world(tmp_path)


def laid(edge: World, path: str, content: str = "over\n") -> None:
    (edge.root / "over.d" / path).parent.mkdir(parents=True, exist_ok=True)
    (edge.root / "over.d" / path).write_text(content)


def files(layout: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in the layers of a layout."""
    for blob in (layout / "blobs" / "sha256").iterdir():
        data = blob.read_bytes()
        if not data.startswith(b"{"):
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                yield from ((member.name, found.read()) for member in tar if (found := tar.extractfile(member)))


class TestVariants:
    def test_keys_differ_exactly_where_a_build_reads_the_file(self, edge: World) -> None:
        parts = {"targets": BASE, "publish": "{tags: mutable}"}
        laid(edge, "common", "the same everywhere\n")
        before = edge.keys(source=FIPS, engine="earthly", **parts)
        laid(edge, "common", "of FIPS\n")
        after = edge.keys(source=FIPS, engine="earthly", **parts)
        assert {name for name in after if before.get(name) != after[name]} == {"image[fips=true,os=jammy]", "image[fips=true,os=noble]"}
        assert len([name for name in after if name.startswith("base")]) == 1

    def test_a_file_makes_two_builds_of_what_was_one(self, edge: World) -> None:
        targets = BASE[BASE.index("\n    base") :].replace("{{ os }}-", "")
        laid(edge, "docker/file", "of FIPS\n")
        assert list(edge.keys(targets=targets, engine="earthly")) == ["base"]
        assert sorted(edge.keys(targets=targets, engine="earthly", source=FIPS)) == ["base[fips=false]", "base[fips=true]"]

    def test_builds_have_the_files_of_their_cells(self, edge: World) -> None:
        laid(edge, "common", "of FIPS\n")
        edge.write(source=FIPS).apply()
        found = {content for name, content in files(edge.root / "registry") if name.endswith("common")}
        assert found == {b"the same everywhere\n", b"of FIPS\n"}


class TestUnread:
    @pytest.mark.parametrize("path", ["commn", "ovrlay/file", "docker/file"])
    def test_files_that_no_build_reads(self, edge: World, path: str) -> None:
        laid(edge, path)
        told = edge.refused(source=FIPS)
        assert "small.yaml:5:32: error: no build reads anything of over.d\n" in told
        assert "remove it, or correct where it goes: paths are relative to the source's root" in told

    def test_warnings_come_after_it_for_one_may_say_why(self, edge: World) -> None:
        laid(edge, "commn")
        error, warning = "no build reads anything of over.d", "warning: no template reads vars.lost"
        assert 0 <= (told := edge.refused(source=FIPS, vars="{lost: x}")).find(error) < told.find(warning)

    def test_a_directory_that_builds_read_is_no_file_of_the_layer(self, edge: World) -> None:
        (edge.root / "src/overlay/one").mkdir(parents=True)
        (edge.root / "src/overlay/one/file").write_text("")
        earthfile = (edge.root / "src/Earthfile").read_text().replace("--if-exists overlay", "--if-exists overlay/one")
        (edge.root / "src/Earthfile").write_text(earthfile)
        laid(edge, "overlay/two/file")
        assert "small.yaml:5:32: error: no build reads anything of over.d\n" in edge.refused(source=FIPS)

    def test_what_later_files_take_the_place_of(self, edge: World) -> None:
        laid(edge, "common")
        (edge.root / "last").write_text("last\n")
        told = edge.refused(source="{path: src, files: [{from: over.d}, {from: last, to: common}]}")
        assert "small.yaml:5:32: error: no build reads anything of over.d\n" in told

    def test_what_a_profile_alone_looks_at(self, edge: World) -> None:
        """Whatever requires a file of the source does not build with it."""
        from matrixbuild.adapters.overlay import local_layer
        from matrixbuild.adapters.source import Snapshot
        from matrixbuild.core.problems import Place
        from matrixbuild.workflow.sources import Trees

        laid(edge, "user-data")
        layer = local_layer(edge.root / "over.d", named="over.d", to="", place=Place(file="m", line=1))
        trees = Trees(Snapshot(edge.root / "src"), [layer], pin=())
        assert (trees.aside((0,)).text("user-data"), trees.unread) == ("over\n", (0,))
        assert (trees.of((0,)).text("user-data"), trees.unread) == ("over\n", ())


class TestSecretFiles:
    def test_a_plan_needs_no_secret_and_hangs_on_none(self, edge: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("EDGE_TEST_TOKEN", raising=False)
        before = edge.keys(source=SECRET)
        monkeypatch.setenv("EDGE_TEST_TOKEN", "hush")
        assert edge.keys(source=SECRET) == before
        raised = edge.keys(source=SECRET.replace("version: 1", "version: 2"))
        assert [name for name in before if raised[name] == before[name]] == []

    def test_a_build_has_its_content_and_nothing_else_has(self, edge: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EDGE_TEST_TOKEN", "hush-hush")
        ended = edge.write(source=SECRET).run("apply", "small.yaml")
        assert ended.code == 0, ended.err
        assert {content for name, content in files(edge.root / "registry") if name.endswith("token")} == {b"hush-hush"}
        others = [path for path in edge.root.rglob("*") if path.is_file() and (edge.root / "registry") not in path.parents]
        assert [path for path in others if b"hush-hush" in path.read_bytes()] == []
        assert "hush-hush" not in ended.out + ended.err

    def test_one_that_is_missing_keeps_a_run_from_starting(self, edge: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("EDGE_TEST_TOKEN", raising=False)
        ended = edge.write(source=SECRET).run("apply", "small.yaml")
        assert (ended.code, ended.out) == (8, "")
        assert "small.yaml:5:32: error: the secret EDGE_TEST_TOKEN is not in the environment\n" in ended.err
        assert "export EDGE_TEST_TOKEN before the run: its content goes to overlay/token of the source" in ended.err
        assert "again" not in ended.err

    def test_what_is_built_already_needs_none(self, edge: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EDGE_TEST_TOKEN", "hush")
        project = edge.write(source=SECRET)
        project.apply()
        monkeypatch.delenv("EDGE_TEST_TOKEN")
        assert project.apply() == {}


class TestWhereTheyGo:
    @pytest.mark.parametrize("to", ["/etc/x", "../x", "a/../../x"])
    def test_below_the_source_only(self, edge: World, to: str) -> None:
        (edge.root / "f").write_text("")
        told = edge.refused(source=f"{{path: src, files: [{{from: f, to: {to}}}]}}")
        assert f"small.yaml:5:32: error: spec.source.files: {os.path.normpath(to)} is outside the source\n" in told
        assert "`to` is relative to the source's root, and below it" in told

    @pytest.mark.parametrize("to", [".", "overlay/"])
    def test_a_secret_needs_a_name(self, edge: World, to: str) -> None:
        told = edge.refused(source=f"{{path: src, files: [{{to: {to}, secret: TOKEN}}]}}")
        assert "small.yaml:5:32: error: the secret TOKEN needs a file to go to\n" in told

    def test_a_file_into_a_directory(self, edge: World) -> None:
        (edge.root / "f").write_text("1")
        source = "{path: src, files: [{from: f, to: overlay/}]}"
        assert edge.keys(source=source) == edge.keys(source=source.replace("overlay/", "overlay/f"))

    def test_what_matrixbuild_writes_is_no_file_of_a_source(self, edge: World) -> None:
        (edge.root / "overlay").mkdir()
        project = edge.write(source="{path: src, files: [{from: ., to: overlay}]}")
        before = {build["key"] for build in project.plan()["builds"]}
        project.apply()
        assert {build["key"] for build in project.plan()["builds"]} == before
        assert json.loads(project.lock.read_text())["lockVersion"] == 1
