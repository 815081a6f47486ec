"""Changed files and ranges of history -> builds: exact between two commits, at most so for files that are only named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matrixbuild.core.impact import Effect, Impact
from matrixbuild.core.problems import InvalidError, UnusableError, UsageError
from matrixbuild.workflow.histories import Range
from matrixbuild.workflow.impacting import impact_of_paths, impact_of_range
from tests.repositories import Repository, repository
from tests.workflow.test_planning_earthly import EARTHFILE, FILES

NEEDING = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: edge}
spec:
  source: {path: src}
  registry: registry.example.com/edge
  engine: {kind: earthly}
  axes: {os: [jammy, noble]}
  targets:
    base:
      earthly: +base-image
      args: {OS: "{{ os }}"}
      image: {repository: "{{ registry }}/base", tag: "{{ os }}"}
    iso:
      earthly: +iso
      needs: [base]
      args: {BASE: "{{ needs.base.image }}"}
      artifacts: [{path: /x.iso, as: "{{ os }}.iso"}]
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    found = repository(tmp_path / "r", {**FILES, ".gitignore": "*.secret\nout/\n", "src/overlay/user.secret": "token"})
    found.commit()
    monkeypatch.chdir(found.root)
    return found


def targets(impact: Impact) -> str:
    """The targets of the affected builds."""
    return " ".join(sorted({build.build.partition("[")[0] for build in impact.builds}))


def since(made: Repository, revision: str = "HEAD") -> Impact:
    return impact_of_range(made.root / "m.yaml", Range(old=revision)).impact


def between(made: Repository, text: str) -> Impact:
    return impact_of_range(made.root / "m.yaml", Range.of(text)).impact


def of(made: Repository, *paths: str) -> Impact:
    return impact_of_paths(made.root / "m.yaml", paths).impact


def edit(made: Repository, path: str, old: str, new: str) -> None:
    text = (made.root / path).read_text()
    assert old in text
    (made.root / path).write_text(text.replace(old, new))


CHANGES: list[tuple[Callable[[Repository], object], str]] = [
    (lambda made: made.write({"src/script.sh": "install $K8S\n"}), "provider"),
    (lambda made: (made.root / "src/script.sh").chmod(0o755), "provider"),
    (lambda made: made.write({"src/extra": "x"}), "iso"),
    (lambda made: made.write({"src/certs/b.pem": "x"}), "iso provider"),
    (lambda made: (made.root / "src/certs/a.pem").rename(made.root / "src/certs/c.pem"), "iso provider"),
    (lambda made: edit(made, "src/Earthfile", "RUN apt-get update", "RUN apt-get upgrade"), "iso provider"),
    (lambda made: edit(made, "src/Earthfile", "    RUN /script.sh\n", "    RUN /script.sh -v\n"), "provider"),
    (lambda made: edit(made, "src/Earthfile", "COPY overlay /", "COPY overlay /x"), "iso"),
    (lambda made: edit(made, "src/Dockerfile", "RUN true", "RUN false"), "iso provider"),
    (lambda made: made.write({"src/.earthlyignore": "overlay/file\n"}), "iso"),
    (lambda made: edit(made, "src/Earthfile", "provider:\n", "# why\nprovider:\n"), ""),
    (lambda made: edit(made, "src/Earthfile", "COPY $(cat list)", "COPY $(cat other)"), ""),
    (lambda made: made.write({"src/unrelated": "x", "elsewhere": "y"}), ""),
]


@pytest.mark.parametrize(("change", "affected"), CHANGES)
def test_a_change_is_seen_by_what_can_see_it(made: Repository, change: Callable[[Repository], object], affected: str) -> None:
    change(made)
    uncommitted = since(made)
    assert uncommitted.exact
    assert targets(uncommitted) == affected
    assert {build.effect for build in uncommitted.builds} <= {Effect.CHANGED}
    made.commit()
    # In both directions, and whatever stands in the worktree by now.
    made.write({"src/script.sh": "other", "src/extra": "other"})
    assert targets(between(made, "HEAD~1..HEAD")) == affected
    assert targets(between(made, "HEAD..HEAD~1")) == affected
    assert between(made, "HEAD~1..").builds == between(made, "HEAD~1..HEAD").builds


@pytest.mark.parametrize(("change", "affected"), CHANGES)
def test_paths_alone_name_at_least_as_much(made: Repository, change: Callable[[Repository], object], affected: str) -> None:
    change(made)
    exact = since(made)
    found = of(made, *(f"src/{file.path}" for file in exact.files))
    assert not found.exact
    assert {build.build for build in exact.builds} <= {build.build for build in found.builds}
    assert {build.effect for build in found.builds} <= {Effect.MAY_CHANGE}
    assert [file.path for file in found.files] == [file.path for file in exact.files]


def test_nothing_changed(made: Repository) -> None:
    for found in (since(made), between(made, "HEAD..HEAD")):
        assert (found.files, found.builds, found.total) == ((), (), 6)


def test_a_clean_worktree_differs_in_nothing_whatever_git_cannot_see(made: Repository) -> None:
    (made.root / "src/overlay/empty").mkdir()
    made.write({"src/overlay/other.secret": "x", "out/x": ""})
    assert since(made).builds == ()
    assert since(made).notes == ("git ignores overlay/empty, overlay/other.secret, overlay/user.secret, which builds read: they count as unchanged",)


def test_what_git_ignores_is_in_both_sides_of_a_range(made: Repository) -> None:
    edit(made, "src/Earthfile", "COPY overlay /", "COPY overlay/user.secret /")
    made.commit()
    assert targets(between(made, "HEAD~1..HEAD")) == "iso"
    made.write({"src/overlay/file": "2"})
    made.commit()
    assert between(made, "HEAD~1..HEAD").builds == ()


def test_untracked_files_are_new(made: Repository) -> None:
    made.write({"src/overlay/new": ""})
    found = since(made)
    assert targets(found) == "iso"
    assert [(file.path, file.targets, len(file.builds)) for file in found.files] == [("overlay/new", ("+iso",), 2)]


def test_a_repository_in_the_source_is_new_with_everything_in_it(made: Repository) -> None:
    repository(made.root / "src/overlay/nested", {"x": ""}).commit()
    found = since(made)
    assert targets(found) == "iso"
    assert [file.path for file in found.files] == ["overlay/nested", "overlay/nested/x"]


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_was_told_not_to_look_at_is_looked_at(made: Repository, flag: str) -> None:
    made.git("update-index", flag, "src/extra", "src/overlay/file")
    made.write({"src/extra": "other"})
    found = since(made)
    assert [file.path for file in found.files] == ["extra"]
    assert targets(found) == "iso"


def test_a_sparse_checkout_has_lost_nothing(made: Repository) -> None:
    made.git("update-index", "--skip-worktree", "src/unrelated")
    (made.root / "src/unrelated").unlink()
    assert since(made).files == ()


def test_three_dots_begin_where_histories_part(made: Repository) -> None:
    made.git("checkout", "--quiet", "-b", "side")
    made.write({"src/script.sh": "side"})
    made.commit()
    made.git("checkout", "--quiet", "main")
    made.write({"src/extra": "main"})
    made.commit()
    assert targets(between(made, "main..side")) == "iso provider"
    assert targets(between(made, "main...side")) == "provider"


def test_what_needs_a_changed_build_is_affected_through_it(made: Repository) -> None:
    made.write({"m.yaml": NEEDING})
    edit(made, "src/Earthfile", "iso:\n    FROM +base-image\n", "iso:\n    ARG BASE\n    FROM $BASE\n")
    made.commit()
    made.write({"src/certs/a.pem": "x"})
    for found in (since(made), of(made, "src/certs/a.pem")):
        by_name = {build.build: build for build in found.builds}
        assert by_name["base[os=jammy]"].files == (("certs/a.pem", ("+base-image",)),)
        assert by_name["base[os=jammy]"].through == ()
        assert (by_name["iso[os=jammy]"].files, by_name["iso[os=jammy]"].through) == ((), ("base[os=jammy]",))
        assert found.files[0].targets == ("+base-image",)
        assert all(not name.startswith("iso") for name in found.files[0].builds)


def test_what_could_not_be_built_before_is_new(made: Repository) -> None:
    edit(made, "src/Earthfile", "iso:\n", "old-iso:\n")
    made.commit()
    made.write({"src/Earthfile": EARTHFILE, "src/script.sh": "install k8s $K8S"})
    commit = made.git("rev-parse", "HEAD")
    found = since(made)
    assert {(build.build.partition("[")[0], build.effect) for build in found.builds} == {("iso", Effect.NEW), ("provider", Effect.CHANGED)}
    assert found.notes[0] == f"{commit[:12]}: iso could not be built there: there is no target +iso in Earthfile"


def test_where_the_source_was_not_there_all_is_new(made: Repository) -> None:
    made.git("mv", "src", "elsewhere")
    made.commit()
    made.git("mv", "elsewhere", "src")
    found = since(made)
    assert {build.effect for build in found.builds} == {Effect.NEW}
    assert len(found.builds) == found.total


def test_more_builds_than_before_and_fewer(made: Repository) -> None:
    """An arg that comes into use splits a build; one that goes out of it joins two."""
    edit(made, "src/Earthfile", "    COPY overlay /\n", "    COPY overlay /\n    RUN echo $K8S\n")
    made.commit()
    split = between(made, "HEAD~1..HEAD")
    assert {(build.build, build.effect.value) for build in split.builds} == {
        *((f"iso[k8s={k8s},os={system}]", "new") for k8s in ("1.33", "1.34") for system in ("jammy", "noble")),
        *((f"iso[os={system}]", "gone") for system in ("jammy", "noble")),
    }
    assert {build.inputs for build in split.builds} == {("args", "commands")}
    assert {build.files for build in split.builds} == {(("Earthfile", ("+base-image", "+iso")),)}
    joined = between(made, "HEAD..HEAD~1")
    assert {build.effect.value for build in joined.builds if build.build.startswith("iso[os")} == {"new"}


def test_only_files_that_can_explain_a_difference_are_named(made: Repository) -> None:
    edit(made, "src/Earthfile", "iso:\n", "# a comment\niso:\n")
    made.write({"src/extra": "x", "src/script.sh": "y", "src/unrelated": "z"})
    found = since(made)
    assert {file.path: file.targets for file in found.files} == {
        "Earthfile": (),
        "extra": ("+iso",),
        "script.sh": ("+provider",),
        "unrelated": (),
    }
    assert {build.inputs for build in found.builds} == {("files",), ("args", "files")}


def test_the_manifest_itself_is_not_compared(made: Repository) -> None:
    edit(made, "m.yaml", '"{{ os }}.iso"', '"{{ os }}-new.iso"')
    commit = made.git("rev-parse", "HEAD")
    note = "what that affects is not told here but by `plan`"
    assert since(made).notes[0] == f"the manifest itself differs between {commit[:12]} and the worktree: {note}"
    assert of(made, "m.yaml").notes == (f"the manifest itself changed: {note}",)
    assert since(made).builds == of(made, "m.yaml").builds == ()


def test_a_submodule_that_no_build_reads_is_in_nobodys_way(made: Repository, tmp_path: Path) -> None:
    other = repository(tmp_path / "other", {"x": ""})
    other.commit()
    made.git("submodule", "add", "--quiet", str(other.root), "src/sub")
    made.commit()
    made.write({"src/extra": "x"})
    made.commit()
    assert targets(between(made, "HEAD~1..HEAD")) == "iso"
    made.write({"src/sub/x": "changed"})
    assert since(made).builds == ()


def test_a_submodule_that_a_build_reads_has_to_be_the_same(made: Repository, tmp_path: Path) -> None:
    other = repository(tmp_path / "other", {"x": ""})
    other.commit()
    made.git("submodule", "add", "--quiet", str(other.root), "src/overlay/sub")
    commit = made.commit()
    made.write({"src/extra": "x"})
    assert targets(since(made)) == "iso"
    made.write({"src/overlay/sub/x": "changed"})
    message = f"overlay/sub is a submodule, and what is in it at {commit[:12]} is not known here"
    with pytest.raises(UnusableError, match=message):
        since(made)
    with pytest.raises(UnusableError, match="overlay/sub is a submodule"):
        between(made, "HEAD~1..HEAD")


def test_what_git_lfs_keeps_matters_only_where_it_changed(made: Repository) -> None:
    made.write({"src/overlay/big": "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"})
    made.commit()
    made.write({"src/extra": "x"})
    assert targets(since(made)) == "iso"
    made.write({"src/overlay/big": "big"})
    with pytest.raises(UnusableError, match="overlay/big is kept by Git LFS"):
        since(made)


def test_a_side_that_cannot_be_planned_now_is_an_error(made: Repository) -> None:
    edit(made, "src/Earthfile", "iso:\n", "old-iso:\n")
    with pytest.raises(InvalidError, match=r"there is no target \+iso in Earthfile"):
        since(made)


def test_a_source_in_no_repository(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    with pytest.raises(UnusableError, match="src is in no git repository"):
        impact_of_range(tmp_path / "m.yaml", Range(old="HEAD"))


class TestPaths:
    @pytest.mark.parametrize(
        ("word", "paths"),
        [
            ("src/extra", ["extra"]),
            ("extra", ["extra"]),
            ("./src/../src/extra", ["extra"]),
            ("src/certs", ["certs/a.pem"]),
            ("certs/", ["certs/a.pem"]),
            ("src/certs/gone.pem", ["certs/gone.pem"]),
            ("certs/gone.pem", ["certs/gone.pem"]),
            ("src/nothing", ["nothing"]),
            ("m.yaml", ["m.yaml"]),
            ("/elsewhere/x", ["/elsewhere/x"]),
            ("../x", ["../x"]),
            (".git/config", [".git/config"]),
        ],
    )
    def test_what_a_word_means(self, made: Repository, word: str, paths: list[str]) -> None:
        assert [file.path for file in of(made, word).files] == paths

    def test_from_anywhere(self, made: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(made.root / "src/overlay")
        assert [file.path for file in of(made, "file", "overlay/file", "../extra", "extra", str(made.root / "src/extra")).files] == [
            "overlay/file",
            "extra",
        ]

    def test_through_a_link(self, made: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        (made.root / "way").symlink_to("src")
        (made.root / "src/overlay/link").symlink_to("file")
        assert [file.path for file in of(made, "way/extra", "src/overlay/link").files] == ["extra", "overlay/link"]

    def test_what_matrixbuild_writes_is_no_part_of_the_source(self, made: Repository) -> None:
        edit(made, "m.yaml", "source: {path: src}", "source: {path: .}")
        edit(made, "m.yaml", "earthly: +iso", "earthly: ./src+anything")
        edit(made, "m.yaml", "earthly: +provider", "earthly: ./src+provider")
        made.write(
            {
                "out/x": "",
                "m.lock.json": '{"lockVersion": 1, "name": "edge", "pins": {"engine": "earthly/0.8", "source": {"path": "."}}, "builds": {}}',
            }
        )
        found = of(made, "out/x", "m.lock.json", ".git/config", "unknown")
        assert [(file.path, bool(file.builds)) for file in found.files] == [
            ("out/x", False),
            ("m.lock.json", False),
            (".git/config", False),
            ("unknown", True),
        ]

    def test_the_whole_source(self, made: Repository) -> None:
        found = of(made, "src")
        assert "extra" in {file.path for file in found.files}
        assert len(found.builds) == found.total

    def test_an_empty_word(self, made: Repository) -> None:
        with pytest.raises(UsageError, match="an empty path names no file"):
            of(made, "")

    def test_another_directory_stands_in(self, made: Repository, tmp_path: Path) -> None:
        for path, text in FILES.items():
            (tmp_path / "other" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "other" / path).write_text(text)
        found = impact_of_paths(made.root / "m.yaml", ["extra"], source=tmp_path / "other/src").impact
        assert targets(found) == "iso"


class TestRange:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("a..b", Range(old="a", new="b")),
            ("a...b", Range(old="a", new="b", apart=True)),
            ("..b", Range(old="HEAD", new="b")),
            ("v1.0..", Range(old="v1.0", new="HEAD")),
            ("a...", Range(old="a", new="HEAD", apart=True)),
        ],
    )
    def test_as_git_writes_it(self, text: str, found: Range) -> None:
        assert Range.of(text) == found

    @pytest.mark.parametrize("text", ["", "a", "..", "...", "a..b..c"])
    def test_no_range(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            Range.of(text)
        (problem,) = caught.value.problems
        assert (problem.summary, problem.hint) == (f"{text!r} is not a range of commits", "write A..B or A...B; --since A is A to the worktree")
