"""What matrixbuild relies on of a program with Earthly's command line: the same of the doubles and of the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrixbuild.core.images import DOCKER_LIST, DOCKER_MANIFEST
from tests.contract.programs import Subject, folder

WRAPPER = """\
VERSION 0.8
main:
  ARG --required MB_TAG
  ARG K
  FROM {checkout}+image --K=$K
  LABEL io.example.key=abc
  SAVE IMAGE --push $MB_TAG
"""
CHECKOUT = """\
VERSION --shell-out-anywhere 0.6
FROM scratch
ARG K=none
image:
  COPY f.txt /f
  ENV V=$K
  SAVE IMAGE nowhere:1
"""


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    """A directory with a wrapper of an image whose variable V is the arg K."""
    checkout = folder(tmp_path / "checkout", CHECKOUT, f_txt="hello\n")
    return folder(tmp_path / "wrapper", WRAPPER.format(checkout=checkout))


# What it is -------------------------------------------------------------------


def test_it_tells_its_version_and_by_its_help_which_program_it_is(subject: Subject, tmp_path: Path) -> None:
    version = subject.plain("--version", cwd=tmp_path)
    assert version.returncode == 0
    assert version.stdout.split()[:3] == [Path(subject.path).name, "version", subject.version]
    shown = subject.plain("--help", cwd=tmp_path)
    assert shown.returncode == 0
    assert ("docs.earthbuild.dev" in shown.stdout, "docs.earthly.dev" in shown.stdout) == (
        subject.flavor == "earthbuild",
        subject.flavor == "earthly",
    )
    assert all(
        f"--{flag}" in shown.stdout for flag in ("buildkit-host", "push", "no-output", "strict", "allow-privileged", "no-cache", "arg-file-path")
    )


def test_it_lists_targets_and_their_args(subject: Subject, tmp_path: Path) -> None:
    checkout = folder(tmp_path / "checkout", "VERSION 0.8\nFROM scratch\nb:\n  ARG X=1\n  ARG Y\na:\n  COPY x /\n")
    done = subject.plain("ls", "--args", "--long", cwd=checkout)
    assert (done.returncode, done.stdout) == (0, "+a\n+b\n  --X\n  --Y\n+base\n")


def test_a_flag_that_it_does_not_know_is_an_error(subject: Subject, tmp_path: Path) -> None:
    done = subject.plain("--nope", "+x", cwd=tmp_path)
    assert done.returncode == 1
    said, other = (done.stderr, done.stdout) if subject.flavor == "earthbuild" else (done.stdout, done.stderr)
    assert said.startswith("Incorrect Usage: flag provided but not defined: -nope")
    assert "Incorrect Usage" not in other


# Images -----------------------------------------------------------------------


def test_a_wrapper_pushes_another_earthfiles_image_under_its_own_name(subject: Subject, wrapper: Path) -> None:
    first, second = subject.name(), subject.name()
    for name in (first, second):
        done = subject.call("--push", "--no-output", "+main", f"--MB_TAG={name}", "--K=v1", cwd=wrapper)
        assert done.rc == 0, done.err
        assert f"Pushed image +main as {name}" in done.err
    one, other = subject.pushed(first), subject.pushed(second)
    assert one is not None
    assert other is not None
    assert (one.media_type, one.digest) == (DOCKER_MANIFEST, other.digest)
    settings = subject.settings(first)
    assert "V=v1" in settings["Env"]
    assert (settings["Labels"]["io.example.key"], settings["Labels"]["dev.earthly.version"]) == ("abc", subject.version)


VALUES = ["a,b", " two  words ", 'it\'s "q"', "$HOME", "a\nb", "$(date)", "--K=x", "", "a=b", "\\", "ü", "x" * 20_000]


def test_values_go_through_a_wrapper_as_they_are(subject: Subject, tmp_path: Path) -> None:
    names = [f"K{number}" for number in range(len(VALUES))]
    args = "".join(f"  ARG {name}\n" for name in names)
    envs = "".join(f"  ENV V_{name}=${name}\n" for name in names)
    passed = " ".join(f"--{name}=${name}" for name in names)
    checkout = folder(tmp_path / "checkout", f"VERSION 0.6\nimage:\n  FROM scratch\n  COPY f.txt /f\n{args}{envs}", f_txt="x")
    image = subject.name()
    recipe = f"VERSION 0.8\nmain:\n{args}  ARG MB_TAG\n  FROM {checkout}+image {passed}\n  SAVE IMAGE --push $MB_TAG\n"
    words = [f"--{name}={value}" for name, value in zip(names, VALUES, strict=True)]
    done = subject.call("--push", "--no-output", "+main", f"--MB_TAG={image}", *words, cwd=folder(tmp_path / "wrapper", recipe))
    assert done.rc == 0, done.err
    found = dict(each.split("=", 1) for each in subject.settings(image)["Env"])
    assert [found[f"V_{name}"] for name in names] == VALUES


def test_what_is_built_again_is_another_image_though_its_files_are_the_same(subject: Subject, wrapper: Path) -> None:
    names = [subject.name() for _ in range(3)]
    for name, flags in zip(names, ([], ["--no-cache"], []), strict=True):
        assert subject.call("--push", "--no-output", *flags, "+main", f"--MB_TAG={name}", "--K=again", cwd=wrapper).rc == 0
    digests = [manifest.digest for name in names if (manifest := subject.pushed(name))]
    assert len(digests) == 3
    assert digests[0] != digests[1]
    assert digests[2] in digests[:2]


@pytest.mark.parametrize("flags", [["--platform", "linux/amd64"], []], ids=["command line", "FROM"])
def test_an_image_for_a_named_platform_is_a_list_of_one(subject: Subject, tmp_path: Path, flags: list[str]) -> None:
    name = subject.name()
    start = "FROM scratch" if flags else f"FROM --platform=linux/amd64 {subject.registry}/base:1"
    checkout = folder(tmp_path / "checkout", f"VERSION 0.8\nmain:\n  {start}\n  COPY f.txt /f\n  SAVE IMAGE --push {name}\n", f_txt="x")
    assert subject.call("--push", "--no-output", *flags, "+main", cwd=checkout).rc == 0
    manifest = subject.pushed(name)
    assert manifest is not None
    assert manifest.media_type == DOCKER_LIST
    children = json.loads(manifest.data)["manifests"]
    assert [(child["mediaType"], child["platform"]) for child in children] == [(DOCKER_MANIFEST, {"architecture": "amd64", "os": "linux"})]


def test_an_image_without_layers_is_said_to_be_pushed_and_is_not(subject: Subject, tmp_path: Path) -> None:
    name = subject.name()
    checkout = folder(tmp_path / "checkout", f"VERSION 0.8\nmain:\n  FROM scratch\n  LABEL a=b\n  SAVE IMAGE --push {name}\n")
    done = subject.call("--push", "--no-output", "+main", cwd=checkout)
    assert (done.rc, f"Pushed image +main as {name}" in done.err, subject.pushed(name)) == (0, True, None)


def test_version_06_does_not_say_what_it_pushed(subject: Subject, tmp_path: Path) -> None:
    name = subject.name()
    checkout = folder(tmp_path / "checkout", f"VERSION 0.6\nmain:\n  FROM scratch\n  COPY f.txt /f\n  SAVE IMAGE --push {name}\n", f_txt="x")
    done = subject.call("--push", "--no-output", "+main", cwd=checkout)
    assert (done.rc, "Pushed image" in done.err) == (0, False)
    assert subject.pushed(name)


def test_without_push_nothing_is_pushed(subject: Subject, tmp_path: Path) -> None:
    name = subject.name()
    checkout = folder(tmp_path / "checkout", f"VERSION 0.8\nmain:\n  FROM scratch\n  COPY f.txt /f\n  SAVE IMAGE --push {name}\n", f_txt="x")
    done = subject.call("--no-output", "+main", cwd=checkout)
    assert (done.rc, f"Did not push image {name}" in done.err, subject.pushed(name)) == (0, True, None)


def test_without_no_output_and_without_docker_it_fails_and_has_pushed(subject: Subject, tmp_path: Path) -> None:
    name = subject.name()
    checkout = folder(tmp_path / "checkout", f"VERSION 0.8\nmain:\n  FROM scratch\n  COPY f.txt /f\n  SAVE IMAGE --push {name}\n", f_txt="x")
    done = subject.call("--push", "+main", cwd=checkout, env={"PATH": "/nonexistent"})
    assert (done.rc, done.failure["type"]) == (1, "FAILURE_TYPE_OTHER")
    assert done.failure["errorMessage"].startswith("pull ping error")
    assert subject.pushed(name)


# Files ------------------------------------------------------------------------

ARTIFACT = """\
VERSION 0.8
main:
  FROM scratch
  COPY ({checkout}+files/out/* --K=7) /got/
  SAVE ARTIFACT /got/* AS LOCAL out/
"""
FILES = """\
VERSION 0.6
FROM scratch
files:
  ARG K=none
  COPY f.txt /out/f-$K.txt
  SAVE ARTIFACT /out out
  SAVE IMAGE nowhere:1
"""


@pytest.mark.parametrize("flags", [[], ["--no-output"], ["--ci"]], ids=str)
def test_a_wrapper_brings_artifacts_beside_itself_unless_there_is_no_output(subject: Subject, tmp_path: Path, flags: list[str]) -> None:
    checkout = folder(tmp_path / "checkout", FILES, f_txt="hello\n")
    wrapper = folder(tmp_path / "wrapper", ARTIFACT.format(checkout=checkout))
    done = subject.call(*flags, "+main", cwd=wrapper)
    assert done.rc == 0, done.err
    found = {path.name: path.read_text() for path in wrapper.glob("out/*")}
    assert found == ({} if flags else {"f-7.txt": "hello\n"})
    assert [path.name for path in checkout.iterdir() if path.name not in ("Earthfile", "f.txt")] == []


def test_one_artifact_can_be_asked_for(subject: Subject, tmp_path: Path) -> None:
    checkout = folder(tmp_path / "checkout", "VERSION 0.8\nmain:\n  FROM scratch\n  COPY f.txt /x\n  SAVE ARTIFACT /x\n", f_txt="hello\n")
    assert subject.call("--artifact", "+main/x", "there/", cwd=checkout).rc == 0
    assert (checkout / "there/x").read_text() == "hello\n"
    done = subject.call("--artifact", "+main/nope", cwd=checkout)
    assert (done.rc, done.failure["errorMessage"]) == (1, "build target: cannot save artifact +main/nope, since it does not exist")


# The command line -------------------------------------------------------------


def test_an_arg_that_nothing_declares_is_ignored(subject: Subject, wrapper: Path) -> None:
    done = subject.call("--push", "--no-output", "+main", f"--MB_TAG={subject.name()}", "--NOPE=1", cwd=wrapper)
    assert done.rc == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["+main", "--EARTHLY_TARGET=x"], "parse build args: built-in arg EARTHLY_TARGET cannot be passed on the command line"),
        (["+main", "--push"], "parse args +main --push: no value provided for --push"),
        (["--secret", "NOT_THERE", "+main"], 'failed to set secret "NOT_THERE" via --secret flag without a value'),
        (["--secret-file", "T=/nope", "+main"], 'failed to open "/nope": open /nope: no such file or directory'),
        (["--arg-file-path", "/nope", "+main"], "read /nope: open /nope: no such file or directory"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_cannot_be_meant_is_refused_before_anything_is_built(subject: Subject, wrapper: Path, words: list[str], message: str) -> None:
    done = subject.call(*words, cwd=wrapper)
    assert (done.rc, done.failure["type"], done.failure["errorMessage"]) == (1, "FAILURE_TYPE_OTHER", message)
    assert f"Error: {message}" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--no-output", "--artifact", "+main/x"], "cannot use --no-output with image or artifact modes"),
        (["--image", "--artifact", "+main/x"], "both image and artifact modes cannot be active at the same time"),
        (["main"], "invalid target main"),
        (["+main", "x"], "invalid arguments +main x"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_a_wrong_way_of_calling_it_has_a_class_of_its_own(subject: Subject, wrapper: Path, words: list[str], message: str) -> None:
    done = subject.call(*words, cwd=wrapper)
    assert (done.rc, done.failure["type"], done.failure["errorMessage"]) == (1, "FAILURE_TYPE_INVALID_PARAM", message)


def test_arg_and_secret_files_are_those_of_the_directory_it_is_called_in(subject: Subject, wrapper: Path, tmp_path: Path) -> None:
    (wrapper / ".arg").write_text("K=from-the-file\n")
    inside, outside = subject.name(), subject.name()
    assert subject.call("--push", "--no-output", "+main", f"--MB_TAG={inside}", cwd=wrapper).rc == 0
    assert subject.call("--push", "--no-output", f"{wrapper}+main", f"--MB_TAG={outside}", "--K=here", cwd=tmp_path).rc == 0
    assert ("V=from-the-file" in subject.settings(inside)["Env"], "V=here" in subject.settings(outside)["Env"]) == (True, True)
