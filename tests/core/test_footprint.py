"""A path reaches what could come to take it: whatever is there now, was there before or will be."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.calls import Call, Known
from matrixbuild.core.earthfile.evaluate import Examined, examine
from matrixbuild.core.earthfile.recipe import FromContext
from matrixbuild.core.footprint import Footprint, Reach, footprint
from matrixbuild.core.listing import Entry, Kind, Listing


def listing(*files: str, **links: str) -> Listing:
    """`files` with the directories they are in; `links` are names and targets."""
    directories = {"/".join(file.split("/")[:end]) for file in files for end in range(1, file.count("/") + 1)}
    made = dict.fromkeys(directories, Entry(kind=Kind.DIRECTORY, mode=0o755)) | dict.fromkeys(files, Entry(kind=Kind.FILE))
    return Listing(entries=made | {name: Entry(kind=Kind.SYMLINK, mode=0o777, target=target) for name, target in links.items()})


def copies(pattern: str, path: str, known: Listing, *, directory: str = "", ignored: tuple[str, ...] = ()) -> bool:
    return Reach(known).copies(FromContext(directory=directory, pattern=pattern, ignored=ignored), path)


@pytest.mark.parametrize(
    ("pattern", "reached", "others"),
    [
        ("a", ["a", "a/gone"], ["b", "ab", "b/a"]),
        ("./dir/", ["dir", "dir/x", "dir/deep/new"], ["dire", "x"]),
        ("/dir/x", ["dir", "dir/x", "dir/x/below"], ["dir/y", "x"]),
        ("*.conf", ["a.conf", "a.conf/x"], ["a.cnf", "dir/a.conf"]),
        ("dir/*/x", ["dir", "dir/sub", "dir/sub/x", "dir/sub/x/y"], ["dir/sub/y", "x"]),
        (".", ["anything", "at/all"], []),
        ("dir/..", ["anything", "at/all"], []),
        ("../a", ["a"], ["b"]),
        ("[ab]/x", ["a/x", "b"], ["c", "a/y"]),
        ("[^a]/x", ["b/x", "c/y/z"], []),
        ("[a/b]x", ["a", "c/d"], []),
        ("a\\*", ["a*"], ["ab"]),
        ("[", ["["], []),
    ],
)
def test_a_pattern_counts_for_what_is_at_it_below_it_and_on_the_way(pattern: str, reached: list[str], others: list[str]) -> None:
    nothing = listing()
    assert [path for path in [*reached, *others] if copies(pattern, path, nothing)] == reached


def test_a_pattern_is_seen_from_the_directory_of_its_earthfile() -> None:
    known = listing("sub/Earthfile", "sub/a", "a")
    reached = {path for path in ("sub/a", "a", "sub", "sub/b", "su") if copies("/a", path, known, directory="sub")}
    assert reached == {"sub/a", "sub"}


def test_what_a_link_leads_to_counts_too() -> None:
    known = listing("dir/x", "other/y", link="dir", far="link", broken="gone/file")
    reached = {
        pattern: [path for path in ("link", "dir", "dir/x", "dir/new", "other/y", "gone", "gone/file") if copies(pattern, path, known)]
        for pattern in ("link", "far", "l*", "link/x", "broken")
    }
    assert reached == {
        "link": ["link", "dir", "dir/x", "dir/new"],
        "far": ["link", "dir", "dir/x", "dir/new"],
        "l*": ["link", "dir", "dir/x", "dir/new"],
        "link/x": ["link", "dir", "dir/x", "dir/new"],
        "broken": ["gone", "gone/file"],
    }


def test_a_link_never_leads_out_of_its_context() -> None:
    known = Listing(entries={"sub/up": Entry(kind=Kind.SYMLINK, target="../../a"), "sub/root": Entry(kind=Kind.SYMLINK, target="/a")})
    for pattern in ("up", "root"):
        assert [path for path in ("a", "sub/a") if copies(pattern, path, known, directory="sub")] == ["sub/a"]


def test_a_context_behind_a_link() -> None:
    known = listing("real/x", way="real", far="way")
    reached = [path for path in ("far", "way", "real", "real/x", "real/y", "x") if copies("x", path, known, directory="far")]
    assert reached == ["far", "way", "real", "real/x"]


def test_links_in_a_circle_lead_nowhere() -> None:
    known = listing(one="two", two="one")
    assert copies("a", "one", known, directory="one")
    assert not copies("a", "b", known, directory="one")


def test_what_an_ignore_file_hides_counts_for_nothing() -> None:
    known = listing("logs/a", "a")
    ignored = ("logs", "*.tmp")
    assert [path for path in ("a", "x.tmp", "logs/a", "logs", "logs/new") if copies(".", path, known, ignored=ignored)] == ["a"]


@pytest.mark.parametrize("ignored", [("logs", "!logs/keep"), ("[",)])
def test_where_a_hidden_path_can_hold_another_it_counts(ignored: tuple[str, ...]) -> None:
    assert copies(".", "logs", listing(), ignored=ignored)


EARTHFILE = """\
VERSION --wildcard-builds 0.8
IMPORT ./lib AS lib

all:
    FROM +base-image
    BUILD ./sv/*+made
    DO lib+FUNC
    COPY +files/out /

base-image:
    FROM DOCKERFILE -f docker/Dockerfile ctx

files:
    FROM alpine
    IF [ -f /x ]
        COPY --if-exists some/thing /
    END
    SAVE ARTIFACT /thing /out

unseen:
    FROM scratch
    COPY elsewhere /

blind:
    FROM alpine
    COPY $(cat list) /
"""
TEXTS = {
    "Earthfile": EARTHFILE,
    "lib/Earthfile": "VERSION 0.8\nFUNC:\n    FUNCTION\n    COPY lib.txt /\n",
    "sv/one/Earthfile": "VERSION 0.8\nmade:\n    FROM scratch\n    COPY here /\n",
    "docker/Dockerfile": "FROM scratch\nCOPY page /\n",
}
KNOWN = listing(*TEXTS, "ctx/page", "sv/one/here", "lib.txt")


def examined(target: str) -> Examined:
    texts: dict[str, str | None] = {}
    while not isinstance(found := examine(Call(directory="", target=target), Known(listing=KNOWN, texts=texts)), Examined):
        texts |= {path: TEXTS.get(path) for path in found.texts}
    return found


@pytest.mark.parametrize(
    ("path", "targets"),
    [
        ("Earthfile", ("+all", "+base-image", "+files")),
        ("build.earth", ()),
        (".earthlyignore", ("+all", "+base-image", "+files")),
        ("docker/Dockerfile", ("+base-image",)),
        ("ctx/page", ("+base-image",)),
        ("ctx/other", ()),
        ("ctx/.dockerignore", ("+all",)),
        ("lib/Earthfile", ("lib+base",)),
        ("lib", ("lib+base",)),
        ("lib.txt", ("+all",)),
        ("sv/one/Earthfile", ("+all", "sv/one+made")),
        ("sv/one/here", ("sv/one+made",)),
        ("sv/two/Earthfile", ("+all",)),
        ("sv/two/build.earth", ("+all",)),
        ("sv/two/here", ()),
        ("some/thing", ("+files",)),
        ("elsewhere", ()),
        ("README", ()),
    ],
)
def test_which_earthly_targets_a_path_reaches(path: str, targets: tuple[str, ...]) -> None:
    assert Reach(KNOWN).targets(footprint(examined("all")), path) == targets


def test_where_it_is_not_known_what_is_read_every_path_counts() -> None:
    found = footprint(examined("blind"))
    assert found.whole
    assert Reach(KNOWN).targets(found, "no/such/file") == ("+blind",)


def test_a_footprint_says_each_thing_once() -> None:
    found = footprint(examined("all"))
    assert found.target == "+all"
    assert len(set(found.texts)) == len(found.texts)
    assert found.folders == ("sv/*",)
    assert [(target, source.pattern) for target, source in found.sources] == [
        ("+base-image", "page"),
        ("sv/one+made", "here"),
        ("+all", "lib.txt"),
        ("+files", "some/thing"),
    ]
    assert not found.whole
    assert Footprint(target="+x", targets=("+x",)).sources == ()
