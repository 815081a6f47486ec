from __future__ import annotations

import pytest

from matrixbuild.adapters.engines.embedded.answers import answered
from matrixbuild.adapters.engines.embedded.trees import EMPTY, Bytes, Directory, File, Meta, Symlink, put
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import Asked, Question
from tests.adapters.engines.embedded.recipes import PLACE, scratch

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\nodd:x:9:9::/h  h:/bin/sh\nnone:x:8:8:::/bin/sh\n"


def image() -> Directory:
    tree = EMPTY
    for path in ("bin", "etc", "tmp", "proc", "w", "w/d", "w/d/e", "w/.h"):
        tree = put(tree, path, Directory(meta=Meta(mode=0o755), entries={}))
    for path, data, mode in (("bin/sh", b"#!", 0o755), ("etc/passwd", PASSWD, 0o644), ("w/f.txt", b"f", 0o644), ("w/empty", b"", 0o755), ("w/d/a b", b"a", 0o644)):
        tree = put(tree, path, File(meta=Meta(mode=mode), content=Bytes(data)))
    for path, target in (("w/link", "f.txt"), ("w/into", "d"), ("w/dangling", "nope"), ("w/round", "round"), ("v", "w/d")):
        tree = put(tree, path, Symlink(meta=Meta(mode=0o777), target=target))
    return tree


def ask(kind: Asked, *words: str, user: str = "", directory: str = "/w", tree: Directory | None = None) -> tuple[str, ...]:
    question = Question(kind=kind, tree=scratch(), words=words, directory=directory, user=user, place=PLACE)
    return answered(image() if tree is None else tree, question)


def refused(kind: Asked, *words: str, user: str = "", tree: Directory | None = None) -> tuple[Fault, str]:
    with pytest.raises(EarthfileError) as caught:
        ask(kind, *words, user=user, tree=tree)
    return caught.value.fault, str(caught.value)


@pytest.mark.parametrize(
    ("user", "home"),
    [
        ("", "/root"),
        ("root", "/root"),
        ("app", "/home/app"),
        ("1000:5", "/home/app"),
        ("app:apps", "/home/app"),
        ("77", "/"),
        ("odd", "/h h"),
        ("none", ""),
    ],
)
def test_a_home_directory(user: str, home: str) -> None:
    assert ask(Asked.HOME, user=user) == (home,)


def test_a_home_directory_of_nobody() -> None:
    assert refused(Asked.HOME, user="nobody") == (
        Fault.NEEDS_EARTHLY,
        "Earthfile:7:3: the image has no user 'nobody' with a home directory, which only Earthly can ask",
    )


def test_a_working_directory_is_told_without_links() -> None:
    assert ask(Asked.DIRECTORY, directory="/v") == ("/w/d",)


@pytest.mark.parametrize(
    ("operator", "path"),
    [
        ("-e", "f.txt"),
        ("-e", "/w/d/../f.txt"),
        ("-f", "link"),
        ("-f", "/v/a b"),
        ("-d", "into"),
        ("-d", "d/"),
        ("-d", "/tmp"),
        ("-d", "/proc"),
        ("-s", "f.txt"),
        ("-L", "link"),
        ("-h", "dangling"),
        ("-x", "empty"),
        ("-x", "d"),
        ("-r", "f.txt"),
        ("-w", "f.txt"),
    ],
)
def test_what_is_true_of_a_path(operator: str, path: str) -> None:
    assert ask(Asked.TEST, operator, path) == ("true",)


@pytest.mark.parametrize(
    ("operator", "path"),
    [
        ("-e", ""),
        ("-e", "nope"),
        ("-e", "dangling"),
        ("-e", "round"),
        ("-e", "f.txt/"),
        ("-f", "d"),
        ("-d", "f.txt"),
        ("-s", "empty"),
        ("-L", "f.txt"),
        ("-L", "into/"),
        ("-x", "f.txt"),
    ],
)
def test_what_is_not_true_of_a_path(operator: str, path: str) -> None:
    assert ask(Asked.TEST, operator, path) == ()


@pytest.mark.parametrize(
    ("words", "user", "reason"),
    [
        (("-e", "/proc/1"), "", "whether there is /proc/1 depends on the container"),
        (("-e", "/etc/hosts"), "", "whether there is /etc/hosts depends on the container"),
        (("-e", "/tmp/x"), "", "whether there is /tmp/x depends on the container"),
        (("-r", "f.txt"), "app", "the file test -r asks for more than the tree says"),
        (("-u", "f.txt"), "", "the file test -u asks for more than the tree says"),
        (("-s", "d"), "", "the file test -s asks for more than the tree says"),
    ],
)
def test_what_only_a_container_could_say_of_a_path(words: tuple[str, str], user: str, reason: str) -> None:
    assert refused(Asked.TEST, *words, user=user) == (Fault.NEEDS_EARTHLY, f"Earthfile:7:3: {reason}, which only Earthly can ask")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ("d", "dangling", "empty", "f.txt", "into", "link", "round")),
        ("*.txt", ("f.txt",)),
        ("[!d-l]*", ("round",)),
        (".*", (".", "..", ".h")),
        ("*/", ("d/", "into/")),
        ("*/a*", ("d/a b", "into/a b")),
        ("d/../f*", ("d/../f.txt",)),
        ("/w/d/?", ("/w/d/e",)),
        ("/v/a\\ *", ("/v/a b",)),
        ("f.txt/*", ()),
        ("nope/*", ()),
        ("\\**", ()),
    ],
)
def test_what_a_pattern_means(pattern: str, expected: tuple[str, ...]) -> None:
    assert ask(Asked.GLOB, pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("/tmp/*", "what is in /tmp depends on the container"),
        ("/proc/1*", "what is in /proc depends on the container"),
        ("/*", "whether there is /sys depends on the container"),
        ("/etc/h*", "whether there is /etc/hosts depends on the container"),
    ],
)
def test_what_only_a_container_could_say_of_a_pattern(pattern: str, reason: str) -> None:
    assert refused(Asked.GLOB, pattern) == (Fault.NEEDS_EARTHLY, f"Earthfile:7:3: {reason}, which only Earthly can ask")


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("sh", "/usr/bin:/bin", ("/bin/sh",)),
        ("make", "/usr/bin:/bin", ()),
        ("./f.txt", "/bin", ("./f.txt",)),
        ("/no/such", "/bin", ()),
    ],
)
def test_where_a_program_is(name: str, path: str, expected: tuple[str, ...]) -> None:
    assert ask(Asked.PROGRAM, name, path) == expected


def test_a_program_that_may_be_the_shells_own() -> None:
    assert refused(Asked.PROGRAM, "make", "/usr/bin") == (
        Fault.NEEDS_EARTHLY,
        "Earthfile:7:3: the command 'make' may be one of the shell's own, which only Earthly can ask",
    )


def test_nobody_can_ask_without_a_shell() -> None:
    assert refused(Asked.HOME, tree=EMPTY) == (Fault.NO_SHELL, "Earthfile:7:3: the image has no /bin/sh, which is asked here")
