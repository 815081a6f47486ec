"""COPY and SAVE ARTIFACT as copies between trees."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.recipe import Copied, CopyFlags, FromContext, FromTree, Scratch
from tests.core.earthfile.evaluating import copies, evaluated, refused

FILES = {"f.txt": "", "d/a.txt": ""}


def made(commands: str, version: str = "0.8", **how: object) -> list[Copied]:
    lines = "\n".join(f"  {line}" for line in commands.splitlines())
    return copies(evaluated(f"VERSION {version}\nmain:\n  FROM scratch\n{lines}\n", files=FILES, **how).image.tree)  # type: ignore[arg-type]


def options(flags: CopyFlags) -> dict[str, object]:
    """What differs from a plain copy."""
    plain = CopyFlags()
    return {name: getattr(flags, name) for name in CopyFlags.__slots__ if getattr(flags, name) != getattr(plain, name)}


@pytest.mark.parametrize(
    ("command", "patterns", "dest"),
    [
        ("COPY f.txt /x", ["f.txt"], "/x"),
        ("COPY f.txt /x/", ["f.txt"], "/x/"),
        ("COPY f.txt .", ["f.txt"], "/w/"),
        ("COPY f.txt ./", ["f.txt"], "/w/"),
        ("COPY f.txt rel", ["f.txt"], "/w/rel"),
        ("COPY f.txt d/a.txt ../up", ["f.txt", "d/a.txt"], "/up/"),
        ("COPY ./d/../f.txt /x/.", ["./d/../f.txt"], "/x/."),
        ("COPY ../x /x", ["../x"], "/x"),
    ],
)
def test_files_of_the_build_context(command: str, patterns: list[str], dest: str) -> None:
    copied = made(f"WORKDIR /w\n{command}")[0]
    assert [source.pattern for source in copied.sources] == patterns
    assert all(isinstance(source, FromContext) and source.directory == "" for source in copied.sources)
    assert (copied.dest, options(copied.flags)) == (dest, {})


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--dir", {"as_directory": True}),
        ("--if-exists", {"if_exists": True}),
        ("--keep-ts", {"keep_ts": True}),
        ("--keep-own", {"keep_own": True, "link": True}),
        ("--chmod=0755", {"chmod": 0o755}),
        ("--chmod=600 --chown=1:2", {"chmod": 0o600, "chown": "1:2"}),
        ("--keep-own --chown=1", {"keep_own": True, "chown": "1"}),
        ("--symlink-no-follow", {}),
    ],
)
def test_flags(flags: str, expected: dict[str, object]) -> None:
    assert options(made(f"COPY {flags} f.txt /x")[0].flags) == expected


def test_copies_belong_to_the_user() -> None:
    assert options(made("USER app\nCOPY f.txt /x")[0].flags) == {"chown": "app"}
    assert options(made("USER app\nCOPY --keep-own f.txt /x")[0].flags) == {"keep_own": True, "link": True}


def test_before_0_7_no_copy_is_laid_over() -> None:
    assert options(made("COPY --keep-own f.txt /x", "0.6")[0].flags) == {"keep_own": True}
    assert refused("VERSION 0.6\nmain:\n  FROM scratch\n  COPY --chmod=1 f.txt /x\n") == (
        "feature-gate",
        "Earthfile:4:3: COPY --chmod needs the feature --use-chmod, which VERSION 0.6 does not turn on",
        "begin the Earthfile with VERSION --use-chmod 0.6, or with a newer version",
    )


def test_each_directory_has_its_own_context_and_ignore_file() -> None:
    sub = "VERSION 0.8\nt:\n  FROM scratch\n  COPY . /x\n"
    files = {"sub/Earthfile": sub, "sub/.earthlyignore": "a\n# no\n/b/\n!c\n", ".earthignore": "z\n"}
    copied = copies(evaluated("VERSION 0.8\nmain:\n  FROM ./sub+t\n  COPY f.txt /\n", files=files).image.tree)
    found = [(source.directory, source.ignored) for copy in copied for source in copy.sources if isinstance(source, FromContext)]
    assert found == [("sub", ("a", "b", "!c")), ("", ("z",))]


ARTIFACT = """
VERSION 0.8
main:
  FROM scratch
  WORKDIR /w
  {copy}
art:
  FROM scratch
  ARG X=default
  COPY f.txt /f.txt
  SAVE ARTIFACT /f.txt $X
"""


@pytest.mark.parametrize(
    ("command", "pattern", "dest", "saved"),
    [
        ("COPY +art/default ./", "/default", "/w/", "/default"),
        ("COPY +art/default x", "/default", "/w/x", "/default"),
        ("COPY (+art/* --X=1) /one/", "/*", "/one/", "/1"),
        ('COPY (+art/y --X="a b") ""', "/y", "/", "/a b"),
    ],
)
def test_artifacts_of_another_target(command: str, pattern: str, dest: str, saved: str) -> None:
    copied = copies(evaluated(ARTIFACT.format(copy=command), files=FILES).image.tree)[-1]
    source = copied.sources[0]
    assert isinstance(source, FromTree)
    assert (source.pattern, copied.dest) == (pattern, dest)
    assert [copy.dest for copy in copies(source.tree)] == [saved]


def test_several_artifacts_are_several_copies() -> None:
    copied = copies(evaluated(ARTIFACT.format(copy="COPY +art/default +art/default /x"), files=FILES).image.tree)
    assert [copy.dest for copy in copied] == ["/x/", "/x/"]


@pytest.mark.parametrize(
    ("command", "summary", "hint"),
    [
        ("COPY a", "COPY needs a source and a destination", "write COPY source ... destination"),
        ("COPY +art/default f.txt /x/", "one COPY cannot take both artifacts and files of the build context", "write two COPY commands"),
        ("COPY --chmod=u+x f.txt /x", "--chmod 'u+x' is not an octal number", "write it as 0755"),
        ("COPY (f.txt --X=1) /x", "'f.txt' is not an artifact such as +target/path", "only an artifact can stand in parentheses"),
        ("COPY --build-arg X=1 f.txt /x", "COPY takes args for artifacts only", "remove --build-arg"),
    ],
)
def test_copies_that_are_refused(command: str, summary: str, hint: str) -> None:
    assert refused(ARTIFACT.format(copy=command), files=FILES) == ("invalid-arg", f"Earthfile:5:3: {summary}", hint)


@pytest.mark.parametrize(
    ("words", "source", "dest"),
    [
        ("/src/d", "/src/d", "/d"),
        ("/src/d renamed", "/src/d", "/renamed"),
        ("/src/d into/", "/src/d", "/into/d"),
        ("/src/d/ slash", "/src/d", "/slash"),
        ("/src/d/* glob/", "/src/d/*", "/glob/"),
        ("/src/f.txt deep/er/h.txt", "/src/f.txt", "/deep/er/h.txt"),
        ("d", "/w/d", "/d"),
        ("./d/*.txt", "/w/d/*.txt", "/"),
        ("/d/a* x/b*", "/d/a*", "/x/"),
    ],
)
def test_artifacts_that_are_saved(words: str, source: str, dest: str) -> None:
    found = evaluated(f"VERSION 0.8\nmain:\n  FROM scratch\n  WORKDIR /w\n  SAVE ARTIFACT {words}\n")
    copied = copies(found.artifacts)[0]
    assert [(each.pattern, copied.dest) for each in copied.sources] == [(source, dest)]
    assert options(copied.flags) == {"as_directory": True, "keep_own": True, "link": True}


@pytest.mark.parametrize(
    ("source", "pattern"),
    [("f.txt", "/w/[f].txt"), ("/f.txt", "/w/[f].txt"), ("./d/*", "/w/[d]/*"), (".", "/w/[.]"), ("d/", "/w/[d]")],
)
def test_an_artifact_that_may_be_missing_is_looked_for_below_the_working_directory(source: str, pattern: str) -> None:
    found = evaluated(f"VERSION 0.8\nmain:\n  FROM scratch\n  WORKDIR /w\n  SAVE ARTIFACT --if-exists {source} x AS LOCAL x\n")
    saved = copies(found.artifacts)[0]
    assert [each.pattern for each in saved.sources] == [each.pattern for each in copies(found.locals[0].tree)[0].sources] == [pattern]
    assert options(saved.flags) == {"as_directory": True, "keep_own": True, "link": True, "empty_wildcard": True}
    assert found.locals[0].if_exists


def test_all_there_is_cannot_be_an_artifact_that_may_be_missing() -> None:
    found = refused("VERSION 0.8\nmain:\n  FROM scratch\n  WORKDIR /w\n  SAVE ARTIFACT --if-exists ./ x\n")
    assert found == (
        "invalid-arg",
        "Earthfile:5:3: SAVE ARTIFACT --if-exists cannot take all there is: Earthly crashes over it",
        "leave --if-exists out, or name what may not be there",
    )


@pytest.mark.parametrize(
    ("words", "pattern", "dest"),
    [
        ("/f.txt AS LOCAL out/one.txt", "/f.txt", "out/one.txt"),
        ("/f.txt AS LOCAL out/", "/f.txt", "out/"),
        ("/f.txt AS LOCAL .", "/f.txt", "./"),
        ("/d/*.txt named/ AS LOCAL out/", "/named/*.txt", "out/"),
        ("--force /f.txt AS LOCAL ../x", "/f.txt", "../x"),
    ],
)
def test_local_files(words: str, pattern: str, dest: str) -> None:
    local = evaluated(f"VERSION 0.8\nmain:\n  FROM scratch\n  SAVE ARTIFACT {words}\n").locals[0]
    assert (local.pattern, local.dest, local.directory) == (pattern, dest, "")
    assert [options(copy.flags) for copy in copies(local.tree)] == [{"as_directory": True}]
    assert isinstance(copies(local.tree)[0].parent, Scratch)


@pytest.mark.parametrize(
    ("words", "summary"),
    [
        ("/", "the root directory cannot be saved as an artifact"),
        ("a b c", "SAVE ARTIFACT cannot read 'a b c'"),
        ("a b c d", "SAVE ARTIFACT cannot read 'a b c d'"),
        ("/f AS LOCAL ../f", "AS LOCAL ../f is not below the directory of the Earthfile"),
        ("/f AS LOCAL /f", "AS LOCAL /f is not below the directory of the Earthfile"),
    ],
)
def test_artifacts_that_are_refused(words: str, summary: str) -> None:
    fault, found, _ = refused(f"VERSION 0.8\nmain:\n  FROM scratch\n  SAVE ARTIFACT {words}\n")
    assert (fault, found) == ("invalid-arg", f"Earthfile:4:3: {summary}")
