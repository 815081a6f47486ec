"""Base images that an engine takes by their tags: pinned to what their registry has, told where it cannot be asked, refused where they moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.build import Build, builds
from matrixbuild.core.problems import Problem, RefusedError, Severity, UnusableError
from matrixbuild.workflow.observing import check_observed, resolved
from matrixbuild.workflow.planning import prepare
from tests import builders
from tests.sample_images import push, sample_image
from tests.services import RunningRegistry, free_port

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: edge}
spec:
  source: {path: src}
  registry: registry.example.com/edge
  engine: earthly
  axes: {os: [jammy]}
  targets: {app: {earthly: +app, image: {repository: "{{ registry }}/app", tag: "{{ os }}"}}}
"""


def hasty(base: Path) -> Registries:
    """Registries that are asked again and again without a wait in between."""
    return Registries(base=base, sleep=lambda _: None)


@pytest.fixture
def nobody() -> str:
    """A base image of a registry that is not there."""
    return f"127.0.0.1:{free_port()}/base:1"


def unasked(ref: str) -> Problem:
    host = ref.partition("/")[0]
    why = f"cannot read base:1 at {host}: {host} refuses the connection, 7 times"
    return Problem(
        summary=f"the base image {ref} is not pinned, for its registry cannot be asked: {why}",
        hint="builds take what its tag gives them; `matrixbuild lock update --images` pins it once the registry answers",
        code="unpinned-base",
        severity=Severity.WARNING,
    )


def test_what_a_registry_has_is_pinned(tmp_path: Path, docker_registry: RunningRegistry) -> None:
    ref = f"{docker_registry.host}/{tmp_path.name.lower()}/base:1"
    digest = push(HttpRegistry(docker_registry.host), ref.partition("/")[2].partition(":")[0], sample_image("one"), "1")
    seen = resolved([ref], Registries(base=tmp_path), layout="", engine="earthly")
    assert (seen.digests, seen.remarks) == ({ref: digest}, ())


def test_one_that_cannot_be_asked_is_remarked_where_the_engine_observes(tmp_path: Path, nobody: str) -> None:
    seen = resolved([nobody], hasty(tmp_path), layout="", engine="earthly")
    assert (seen.digests, seen.remarks) == ({nobody: ""}, (unasked(nobody),))


def test_a_registry_is_told_once(tmp_path: Path, nobody: str) -> None:
    other = nobody.replace("base:1", "other:2")
    seen = resolved([nobody, other], hasty(tmp_path), layout="", engine="earthly")
    (remark,) = seen.remarks
    assert seen.digests == {nobody: "", other: ""}
    assert remark.summary.startswith(f"the base image {nobody} (and 1 more of that registry) is not pinned, for its registry cannot be asked: ")


def test_one_that_cannot_be_asked_is_an_error_where_the_engine_needs_digests(tmp_path: Path, nobody: str) -> None:
    with pytest.raises(UnusableError, match="refuses the connection"):
        resolved([nobody], hasty(tmp_path), layout="", engine="embedded")


@pytest.mark.parametrize("engine", ["embedded", "earthly"])
def test_one_that_is_not_there_is_an_error(engine: str, tmp_path: Path, docker_registry: RunningRegistry) -> None:
    ref = f"{docker_registry.host}/{tmp_path.name.lower()}/none:1"
    with pytest.raises(UnusableError) as caught:
        resolved([ref], Registries(base=tmp_path), layout="", engine=engine)
    assert [problem.summary for problem in caught.value.problems] == [f"the base image {ref} is not in its registry"]


def test_the_builds_of_an_image_that_nobody_was_asked_for_have_the_key_of_its_name(
    tmp_path: Path, nobody: str
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "m.yaml").write_text(MANIFEST)
    (tmp_path / "src/Earthfile").write_text(f"VERSION 0.8\napp:\n    FROM {nobody}\n    RUN true\n    SAVE IMAGE --push x\n")
    before = prepare(tmp_path / "m.yaml", resolve=False)
    found = prepare(tmp_path / "m.yaml", resolve=True)
    assert found.pins.images == ((nobody, ""),)
    assert found.warnings == (unasked(nobody),)
    assert [build.key for build in found.builds] == [build.key for build in before.builds]
    assert found.unpinned == ()


class TestMoved:
    def test_a_tag_that_moved_since_is_refused(self, tmp_path: Path, docker_registry: RunningRegistry) -> None:
        repository = f"{tmp_path.name.lower()}/base"
        ref, registry = f"{docker_registry.host}/{repository}:1", HttpRegistry(docker_registry.host)
        first = push(registry, repository, sample_image("one"), "1")
        build = self.based(ref, first)
        check_observed([build], Registries(base=tmp_path), layout="")
        second = push(registry, repository, sample_image("two"), "1")
        with pytest.raises(RefusedError) as caught:
            check_observed([build], Registries(base=tmp_path), layout="")
        assert caught.value.problems == (
            Problem(
                summary=f"the base image {ref} has moved: the lock pins {first[:19]}, its registry has {second[:19]}",
                hint="builds would start from the new one: `matrixbuild lock update --images` pins it, and shows what that rebuilds",
                code="base-moved",
            ),
        )

    def test_what_cannot_be_asked_is_no_reason(self, tmp_path: Path, nobody: str) -> None:
        check_observed([self.based(nobody, builders.digest())], hasty(tmp_path), layout="")

    def test_an_engine_that_starts_from_digests_needs_no_asking(self, tmp_path: Path) -> None:
        check_observed([self.based("registry.invalid/none:1", builders.digest(), engine="embedded/1")], Registries(base=tmp_path), layout="")

    @staticmethod
    def based(ref: str, digest: str, *, engine: str = "earthly/0.8") -> Build:
        demand = builders.demand("app")
        (made,) = builds([demand], {demand.address: builders.reading(engine=engine, bases=[f"{ref}@{digest}"])})
        return made
