"""What a person gets wrong is told with its place and a hint, and ends as designed; nothing of it is a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import EARTHFILE, FILES, MANIFEST, small_project

# (what is replaced in the manifest, by what, exit code, what stderr says, whole)
MISTAKES = {
    "unknown key": (
        "  source: {path: src}",
        "  sources: {path: src}",
        3,
        """\
small.yaml:5:3: error: unknown key 'sources' in spec
  5 |   sources: {path: src}
    |   ^^^^^^^
    = hint: did you mean 'source'?
""",
    ),
    "a version without quotes": (
        "os: [jammy, noble]",
        'os: [{distribution: ubuntu, versions: [1.30, "22.04"]}]',
        3,
        """\
small.yaml:9:44: error: spec.axes.os[0].versions[0]: 1.30 without quotes is a number, and this has to be a string
  9 |     os: [{distribution: ubuntu, versions: [1.30, "22.04"]}]
    |                                            ^^^^
    = hint: quote it: "1.30"
""",
    ),
    "an unknown axis in a template": (
        '{OS: "{{ os }}", FIPS',
        '{OS: "{{ oss }}", FIPS',
        3,
        """\
small.yaml:14:22: error: a template cannot name 'oss'
  14 |       args: {OS: "{{ oss }}", FIPS: "{{ fips }}"}
     |                      ^^^
     = hint: did you mean 'os'?
""",
    ),
    "null in a template": (
        'FIPS: "{{ fips }}"',
        'FIPS: "{{ none }}"',
        3,
        """\
small.yaml:14:40: error: null has no text
  14 |       args: {OS: "{{ os }}", FIPS: "{{ none }}"}
     |                                        ^^^^
     = hint: write '' for nothing
""",
    ),
    "two builds on one ref": (
        "1{{ '-fips' if fips else '' }}",
        "1",
        3,
        """\
small.yaml:15:59: error: image[fips=false,os=jammy] and image[fips=true,os=jammy] differ and would both publish oci-layout:registry/jammy:1 (4 images, 2 tags): the tag does not tell fips
  15 |       image: {repository: "{{ registry }}/{{ os }}", tag: "1"}
     |                                                           ^^^
     = hint: add it to the tag at small.yaml:15:59, for example tag: "1-{{ fips }}"
""",
    ),
    "an ARG the Earthfile does not declare": (
        'FIPS: "{{ fips }}"',
        'FISP: "{{ fips }}"',
        3,
        """\
small.yaml:14:30: error: +image declares no ARG FISP on its path, so it would never be read
  14 |       args: {OS: "{{ os }}", FISP: "{{ fips }}"}
     |                              ^^^^
     = hint: did you mean 'FIPS'?
""",
    ),
    "an ambient ARG the Earthfile does not declare": (
        'FIPS: "{{ fips }}"}',
        'FIPS: "{{ fips }}"}\n      ambient: [FISP, HTTPS_PROXY]',
        3,
        """\
small.yaml:15:17: error: +image declares no ARG FISP on its path, so it would never be read
  15 |       ambient: [FISP, HTTPS_PROXY]
     |                 ^^^^
     = hint: did you mean 'FIPS'?
""",
    ),
    "an ARG in args and in ambient": (
        'FIPS: "{{ fips }}"}',
        'FIPS: "{{ fips }}"}\n      ambient: [HTTPS_PROXY, FIPS]',
        3,
        """\
small.yaml:15:30: error: image gives the ARG FIPS both in args and in ambient, and that of args would win
  15 |       ambient: [HTTPS_PROXY, FIPS]
     |                              ^^^^
     = hint: take it out of one of them; the other is in line 14
""",
    ),
    "an Earthly target that is not there": (
        "earthly: +image",
        "earthly: +imag",
        3,
        """\
small.yaml:13:16: error: there is no target +imag in Earthfile
  13 |       earthly: +imag
     |                ^^^^^
     = hint: did you mean 'image'?
""",
    ),
    "a source that is not there": (
        "{path: src}",
        "{path: source}",
        8,
        """\
small.yaml:5:18: error: the source 'source' is not a directory
  5 |   source: {path: source}
    |                  ^^^^^^
    = hint: spec.source.path is relative to the manifest: source
""",
    ),
    "targets that need each other": (
        '      args: {OS: "{{ os }}"}\n      artifacts',
        '      needs: [image]\n      args: {OS: "{{ os }}"}\n      artifacts',
        3,
        """\
small.yaml:12:5: error: targets need each other in a circle: image[fips=false,os=jammy] -> notes[fips=false,os=jammy] -> image[fips=false,os=jammy]
  12 |     image:
     |     ^^^^^
     = hint: take one of these needs away: image at small.yaml:12:5, notes at small.yaml:17:5
""",
    ),
}


@pytest.mark.parametrize("verb", ["plan", "apply"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_manifest(tmp_path: Path, mistake: str, verb: str) -> None:
    before, after, code, message = MISTAKES[mistake]
    manifest = MANIFEST
    if mistake == "targets that need each other":
        manifest = manifest.replace("      earthly: +image\n", "      earthly: +image\n      needs: [notes]\n")
    assert before in manifest
    project = small_project(tmp_path, manifest=manifest.replace(before, after))
    ended = project.run(verb, "small.yaml")
    assert (ended.err, ended.out, ended.code) == (message, "", code)
    assert not (tmp_path / "registry").exists()


def test_a_boolean_renders_as_earthfiles_write_it(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=MANIFEST.replace('FIPS: "{{ fips }}"', 'FIPS: "{{ fips == true }}"'))
    project.apply()
    blobs = [path.read_bytes() for path in (tmp_path / "registry" / "blobs" / "sha256").iterdir()]
    assert any(b'"fips":"true"' in blob for blob in blobs)
    assert any(b'"fips":"false"' in blob for blob in blobs)


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_run_is_told_with_its_line_and_what_to_install(tmp_path: Path, verb: str) -> None:
    project = small_project(tmp_path, files={**FILES, "src/Earthfile": EARTHFILE.replace("    LABEL", "    RUN true\n    LABEL")})
    ended = project.run(verb, "small.yaml")
    assert ended.code == 8
    assert ended.err == """\
src/Earthfile:9:5: error: RUN executes a command in the image, which only Earthly can do
  9 |     RUN true
    |     ^^^
    = hint: write `engine: earthly` and install Earthly 0.8, EarthBuild 0.8 or Docker, which run it (`matrixbuild doctor` finds them)
"""


@pytest.mark.parametrize("verb", ["validate", "list", "plan", "apply"])
def test_a_line_of_brackets_is_told(tmp_path: Path, verb: str) -> None:
    project = small_project(tmp_path, manifest="[" * 100_000)
    ended = project.run(verb, "small.yaml")
    assert ended.code == 3
    assert ended.err.startswith("small.yaml:1:65: error: this is nested more than 64 deep\n")
    assert "Traceback" not in ended.err


def test_a_copy_of_what_is_not_there_is_told_at_its_line(tmp_path: Path) -> None:
    files = dict(FILES)
    del files["src/noble.conf"]
    ended = small_project(tmp_path, files=files).run("plan", "small.yaml")
    assert ended.code == 3
    assert ended.err.startswith("""\
src/Earthfile:8:5: error: nothing to copy at /noble.conf
  8 |     COPY $OS.conf /etc/os.conf
    |     ^^^^
    = hint: """)


def test_a_wrong_command_line_ends_with_64(tmp_path: Path) -> None:
    ended = small_project(tmp_path).run("plan", "small.yaml", "--refesh")
    assert ended.code == 64
    assert ended.err.endswith("error: unrecognized arguments: --refesh\n")


@pytest.mark.parametrize(("words", "which"), [(("validate", ""), "manifest"), (("plan", "small.yaml", "--source", ""), "--source")])
def test_a_shell_variable_without_a_value_is_no_file(tmp_path: Path, words: tuple[str, ...], which: str) -> None:
    """`validate "$MANIFEST"` would check everything here instead."""
    ended = small_project(tmp_path).run(*words)
    assert ended.code == 64
    assert ended.err.endswith(f"error: argument {which}: the name of a file is empty\n")


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    ended = small_project(tmp_path).run("plan", "smal.yaml")
    assert ended.code == 3
    assert ended.err.startswith("error: there is no file smal.yaml")


def test_a_var_that_is_given_twice(tmp_path: Path) -> None:
    project = small_project(tmp_path)
    ended = project.run("plan", "small.yaml", "--set", "a=1", "--set", "a=2")
    assert (ended.code, ended.err) == (64, "error: --set gives a twice, '1' and '2'\n  hint: leave one of them out\n")


_SELECTORS = pytest.mark.parametrize(
    ("words", "option"),
    [
        (("list", "small.yaml", "-l"), "-l/--select"),
        (("plan", "small.yaml", "--select"), "-l/--select"),
        (("apply", "small.yaml", "-l"), "-l/--select"),
        (("apply", "small.yaml", "--rebuild"), "--rebuild"),
        (("lock", "update", "small.yaml", "--rebuild"), "--rebuild"),
    ],
)

@_SELECTORS
def test_a_selector_that_is_given_twice(tmp_path: Path, words: tuple[str, ...], option: str) -> None:
    """The last alone would count, and what the first selects would not be built."""
    project, twice = small_project(tmp_path), words[-1]
    ended = project.run(*words, "fips=true", twice, "fips=false")
    message = f"argument {option}: given twice, 'fips=true' and 'fips=false'; conditions of one selector are joined with commas"
    assert (ended.code, ended.err.splitlines()[-1]) == (64, f"error: {message}")
    assert project.run("list", "small.yaml", "-l", "fips=true", "-l", "fips=true").code == 0


@_SELECTORS
def test_an_empty_selector_selects_nothing_that_anyone_could_mean(tmp_path: Path, words: tuple[str, ...], option: str) -> None:
    ended = small_project(tmp_path).run(*words, "")
    message = f"argument {option}: the selector is empty: leave the option out, or write a condition such as fips=true"
    assert (ended.code, ended.err.splitlines()[-1]) == (64, f"error: {message}")


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "small.yaml", "--source", "src", "+image"),
        ("explain", "--format", "text", "small.yaml", "--source", "src", "+image"),
        ("explain", "small.yaml", "+image", "--source", "src"),
        ("explain", "--source", "src", "--", "small.yaml", "+image"),
        ("impact", "small.yaml", "--all", "src/common", "--source", "src", "src/jammy.conf"),
        ("validate", "small.yaml", "--format", "text", "small.yaml"),
    ],
)
def test_options_stand_anywhere(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = small_project(tmp_path).run(*words)
    assert (ended.code, ended.err) == (0, ""), ended.err


def test_a_positional_too_many_is_a_mistake_wherever_the_options_stand(tmp_path: Path) -> None:
    ended = small_project(tmp_path).run("explain", "small.yaml", "--source", "src", "+image", "+notes")
    assert ended.code == 64
    assert ended.err.endswith("error: unrecognized arguments: +notes\n")
