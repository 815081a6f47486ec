from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from matrixbuild.adapters.engines.embedded.execute import Executor
from matrixbuild.adapters.engines.embedded.trees import EMPTY, Bytes, Directory, File, Meta, Symlink, put, walk
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import BaseImage, FromContext, FromTree, NeedsShell, Tree
from matrixbuild.core.listing import FIXED_TIME, Entry, Kind
from matrixbuild.core.names import Platform
from tests.adapters.engines.embedded.recipes import PLACE, Sources, copied, link, scratch, shown, workdir

FILES = Sources({"f.txt": b"F", "d/a.txt": b"a", "d/b.txt": b"b", "d/c.md": b"c", "d/sub/e.txt": b"e"})
PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n"
GROUP = b"root:x:0:\napps:x:1001:\nother:x:1002:\n"


def directory(mode: int = 0o755) -> Directory:
    return Directory(meta=Meta(mode=mode), entries={})


def based() -> Directory:
    tree = EMPTY
    for path, mode in (("tmp", 0o1777), ("etc", 0o755), ("home", 0o755), ("usr", 0o755), ("usr/bin", 0o755)):
        tree = put(tree, path, directory(mode))
    for path, data in (("etc/passwd", PASSWD), ("etc/group", GROUP), ("usr/bin/sh", b"#!")):
        tree = put(tree, path, File(meta=Meta(mode=0o644), content=Bytes(data)))
    return put(tree, "bin", Symlink(meta=Meta(mode=0o777), target="usr/bin"))


def base() -> BaseImage:
    return BaseImage(ref="reg.test/base:1", platform=Platform(), place=PLACE)


def made(node: Tree, files: Sources = FILES, tree: Directory | None = None) -> Directory:
    return Executor(files, lambda _: based() if tree is None else tree).tree(node)


def refused(node: Tree, files: Sources = FILES) -> tuple[Fault, str]:
    with pytest.raises(EarthfileError) as caught:
        made(node, files)
    return caught.value.fault, str(caught.value)


@pytest.mark.parametrize(
    ("dest", "sources", "flags", "expected"),
    [
        ("/x", ["f.txt"], {}, {"/x": "file 0644 0:0 F"}),
        ("/x/", ["f.txt"], {}, {"/x": "dir 0755 0:0", "/x/f.txt": "file 0644 0:0 F"}),
        ("/x/.", ["f.txt"], {}, {"/x": "dir 0755 0:0", "/x/f.txt": "file 0644 0:0 F"}),
        ("/p/q/x", ["f.txt"], {}, {"/p": "dir 0755 0:0", "/p/q": "dir 0755 0:0", "/p/q/x": "file 0644 0:0 F"}),
        ("/", ["f.txt"], {}, {"/f.txt": "file 0644 0:0 F"}),
        ("/x", ["f.txt", "d/a.txt"], {}, {"/x": "dir 0755 0:0", "/x/a.txt": "file 0644 0:0 a", "/x/f.txt": "file 0644 0:0 F"}),
        ("/x", ["d/*.txt"], {}, {"/x": "file 0644 0:0 b"}),
        ("/x/", ["d/?.txt"], {"if_exists": True}, {}),
        ("/x", ["d/sub"], {}, {"/x": "dir 0755 0:0", "/x/e.txt": "file 0644 0:0 e"}),
        ("/x", ["d/sub"], {"as_directory": True}, {"/x": "dir 0755 0:0", "/x/e.txt": "file 0644 0:0 e"}),
        ("/x/", ["d/sub"], {"as_directory": True}, {"/x": "dir 0755 0:0", "/x/sub": "dir 0755 0:0", "/x/sub/e.txt": "file 0644 0:0 e"}),
        ("/", ["d/sub"], {"as_directory": True}, {"/sub": "dir 0755 0:0", "/sub/e.txt": "file 0644 0:0 e"}),
        ("/x", ["./d/sub/../a.txt"], {}, {"/x": "file 0644 0:0 a"}),
        ("/x", ["d/sub/."], {}, {"/x": "dir 0755 0:0", "/x/e.txt": "file 0644 0:0 e"}),
        ("/x", ["f.txt"], {"chmod": 0o4711}, {"/x": "file 0711 0:0 F"}),
        ("/p/x", ["f.txt"], {"chown": "7"}, {"/p": "dir 0755 7:7", "/p/x": "file 0644 7:7 F"}),
        ("/x", ["nope"], {"if_exists": True}, {}),
        ("/x", ["f.txt"], {"if_exists": True}, {"/x": "file 0644 0:0 F"}),
        ("/x", ["[n]ope"], {"empty_wildcard": True}, {}),
        ("/x", ["f.*"], {"wildcard": True}, {"/x": "file 0644 0:0 F"}),
    ],
)
def test_where_a_copy_into_nothing_goes(dest: str, sources: list[str], flags: dict[str, object], expected: dict[str, str]) -> None:
    assert shown(made(copied(scratch(), dest, *sources, **flags))) == expected


def test_contents_join_what_is_there() -> None:
    first = copied(scratch(), "/x", "d")
    second = copied(first, "/x", FromTree(tree=copied(scratch(), "/", "f.txt"), pattern="/"))
    assert list(shown(made(second))) == ["/x", "/x/a.txt", "/x/b.txt", "/x/c.md", "/x/f.txt", "/x/sub", "/x/sub/e.txt"]


def test_a_directory_inside_takes_the_sources_mode_and_the_one_on_top_only_where_it_is_new() -> None:
    files = Sources({"d/s/x": b"", "d": Entry(kind=Kind.DIRECTORY, mode=0o700), "d/s": Entry(kind=Kind.DIRECTORY, mode=0o1777)})
    into = workdir(workdir(scratch(), "/there/s"), "/other")
    contents = made(copied(copied(into, "/there", "d"), "/other/", "d", as_directory=True), files)
    modes = {path: text.split()[1] for path, text in shown(contents).items() if text.startswith("dir")}
    assert modes == {"/there": "0755", "/there/s": "1777", "/other": "0755", "/other/d": "0700", "/other/d/s": "1777"}
    new = made(copied(copied(scratch(), "/contents", "d"), "/whole", "d", as_directory=True), files)
    assert {path: text.split()[1] for path, text in shown(new).items() if path.count("/") == 1} == {"/contents": "0755", "/whole": "0700"}


def test_chmod_leaves_setuid_and_sticky_and_reaches_directories() -> None:
    files = Sources({"d/x": b"", "d": Entry(kind=Kind.DIRECTORY, mode=0o1777), "d/u": b""})
    files.listing.entries["d/u"] = Entry(kind=Kind.FILE, mode=0o4755)  # type: ignore[index]
    tree = made(copied(scratch(), "/chm/", "d", as_directory=True, chmod=0o644), files)
    assert shown(tree) == {"/chm": "dir 0755 0:0", "/chm/d": "dir 1644 0:0", "/chm/d/u": "file 4644 0:0 ", "/chm/d/x": "file 0644 0:0 "}


@pytest.mark.parametrize(
    ("chown", "expected"),
    [
        ("app", "1000:1001"),
        ("app:other", "1000:1002"),
        ("5", "5:5"),
        ("5:other", "5:1002"),
        ("nobody", "0:0"),
        ("app:nobody", "1000:1001"),
        ("app:", "1000:0"),
        (":7", "0:7"),
    ],
)
def test_owners_are_numbers_or_names_of_the_image(chown: str, expected: str) -> None:
    assert shown(made(copied(base(), "/x", "f.txt", chown=chown)))["/x"] == f"file 0644 {expected} F"


def test_an_owner_by_name_needs_an_image() -> None:
    assert refused(copied(scratch(), "/x", "f.txt", chown="app")) == (
        Fault.INVALID_ARG,
        "Earthfile:7:3: the owner 'app' cannot be looked up: nothing is in the image yet",
    )
    assert shown(made(copied(scratch(), "/x", "f.txt", chown="root:3"))) == {"/x": "file 0644 0:3 F"}


def test_a_working_directory_belongs_to_the_user_as_far_as_it_is_new() -> None:
    tree = shown(made(workdir(base(), "/home/app/new", "app")))
    assert (tree["/home"], tree["/home/app"], tree["/home/app/new"]) == ("dir 0755 0:0", "dir 0755 1000:1001", "dir 0755 1000:1001")


def test_links_in_the_image_are_followed_on_the_way_and_at_the_end() -> None:
    tree = shown(made(copied(copied(base(), "/bin/x", "f.txt"), "/bin", "d/a.txt")))
    assert (tree["/bin"], tree["/usr/bin/x"], tree["/usr/bin/a.txt"]) == ("link 0:0 usr/bin", "file 0644 0:0 F", "file 0644 0:0 a")


def test_a_linked_copy_neither_sees_nor_follows_what_is_there() -> None:
    tree = shown(made(copied(copied(base(), "/bin/x", "f.txt", keep_own=True, link=True), "/tmp/y", "f.txt", keep_own=True, link=True)))
    assert (tree["/bin"], tree["/bin/x"], tree["/tmp"]) == ("dir 0755 0:0", "file 0644 0:0 F", "dir 0755 0:0")
    assert tree["/usr/bin/sh"] == "file 0644 0:0 #!"


def test_times_are_fixed_unless_kept() -> None:
    files = Sources({"f": b"x"})
    files.listing.entries["f"] = Entry(kind=Kind.FILE, mtime=1600000000)  # type: ignore[index]
    tree = made(copied(copied(scratch(), "/a", "f"), "/b", "f", keep_ts=True), files)
    assert {path: node.meta.mtime for path, node in walk(tree)} == {"a": FIXED_TIME, "b": 1600000000}


def test_owners_are_kept_from_a_tree_where_asked() -> None:
    owned = copied(scratch(), "/x", "f.txt", chown="3:4")
    assert shown(made(copied(scratch(), "/y", FromTree(tree=owned, pattern="x"), keep_own=True))) == {"/y": "file 0644 3:4 F"}
    assert shown(made(copied(scratch(), "/y", FromTree(tree=owned, pattern="x")))) == {"/y": "file 0644 0:0 F"}


LINKS = Sources({"f.txt": b"F", "link": link("f.txt"), "l/g.txt": b"G", "l/tofile": link("g.txt"), "linkdir": link("l")})


@pytest.mark.parametrize(
    ("sources", "flags", "missing"),
    [
        (["link"], {}, "/f.txt"),
        (["linkdir"], {}, "/l"),
        (["linkdir"], {"as_directory": True}, "/l"),
        (["l/tofile"], {}, "/l/g.txt"),
        (["link"], {"if_exists": True}, "/f.txt"),
    ],
)
def test_a_link_leads_only_to_what_travels_with_it(sources: list[str], flags: dict[str, bool], missing: str) -> None:
    assert refused(copied(scratch(), "/x", *sources, **flags), LINKS) == (Fault.FILE_NOT_FOUND, f"Earthfile:7:3: nothing to copy at {missing}")


def test_a_link_that_travels_with_its_target_is_followed_and_one_in_a_directory_is_copied() -> None:
    together = shown(made(copied(scratch(), "/x/", "link", "f.txt"), LINKS))
    assert together == {"/x": "dir 0755 0:0", "/x/f.txt": "file 0644 0:0 F", "/x/link": "file 0644 0:0 F"}
    inside = shown(made(copied(scratch(), "/x", "l"), LINKS))
    assert inside["/x/tofile"] == "link 0:0 g.txt"


def test_a_dockerfiles_context_is_whole() -> None:
    source = FromContext(directory="", pattern="link", ignored=(), whole=True)
    assert shown(made(copied(scratch(), "/x", source), LINKS)) == {"/x": "file 0644 0:0 F"}


def test_a_link_of_a_tree_is_kept_where_it_is_not_to_be_followed() -> None:
    tree = copied(scratch(), "/", "l", as_directory=True)
    kept = copied(scratch(), "/x", FromTree(tree=tree, pattern="l/tofile"), follow_symlinks=False)
    followed = copied(scratch(), "/x", FromTree(tree=tree, pattern="l/tofile"))
    assert (shown(made(kept, LINKS)), shown(made(followed, LINKS))) == ({"/x": "link 0:0 g.txt"}, {"/x": "file 0644 0:0 G"})


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("nope", "/nope"),
        ("../x", "/x"),
        ("d/?.txt", "/d"),
        ("?.txt", "/?.txt"),
        ("/f.txt", "/f.txt"),
        ("d/*.zip", "/d"),
        ("*.zip", "/*.zip"),
        ("no/*", "/no"),
    ],
)
def test_a_source_that_is_not_there_is_told(source: str, missing: str) -> None:
    assert refused(copied(scratch(), "/x", source)) == (Fault.FILE_NOT_FOUND, f"Earthfile:7:3: nothing to copy at {missing}")


def test_a_malformed_pattern_is_told() -> None:
    assert refused(copied(scratch(), "/x", "d/[a")) == (
        Fault.INVALID_ARG,
        "Earthfile:7:3: the pattern 'd/[a' has a character class without its ']'",
    )


def test_an_ignored_file_is_not_there() -> None:
    source = FromContext(directory="d", pattern="a.txt", ignored=("*.txt",))
    assert refused(copied(scratch(), "/x", source)) == (Fault.FILE_NOT_FOUND, "Earthfile:7:3: nothing to copy at /a.txt")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (copied(copied(scratch(), "/x", "f.txt"), "/x/y", "f.txt"), "/x is not a directory"),
        (copied(copied(scratch(), "/x", "f.txt"), "/x", "d"), "a directory cannot be copied to /x, which is not one"),
        (copied(workdir(scratch(), "/x/a.txt"), "/x", "d"), "a file cannot replace the directory /x/a.txt"),
        (workdir(copied(scratch(), "/x", "f.txt"), "/x/y"), "/x is not a directory"),
    ],
)
def test_files_and_directories_do_not_replace_each_other(node: Tree, message: str) -> None:
    assert refused(node) == (Fault.INVALID_ARG, f"Earthfile:7:3: {message}")


def test_a_condition_needs_a_shell_and_a_place_for_its_result() -> None:
    asked = NeedsShell(parent=base(), command="IF [ 1 = 1 ]", place=PLACE)
    assert made(asked) == based()
    bare = NeedsShell(parent=copied(scratch(), "/f", "f.txt"), command="IF [ 1 = 1 ]", place=PLACE)
    assert refused(bare) == (Fault.NO_SHELL, "Earthfile:7:3: IF [ 1 = 1 ] cannot be evaluated: the image has no /bin/sh")
    no_tmp = NeedsShell(parent=copied(scratch(), "/bin/sh", "f.txt"), command="IF true", place=PLACE)
    assert refused(no_tmp) == (Fault.NO_SHELL, "Earthfile:7:3: IF true cannot be evaluated: the image has no /tmp")
    loop = NeedsShell(parent=no_tmp.parent, command="FOR x IN a", place=PLACE, result_file=False)
    assert made(loop) == made(no_tmp.parent)


def test_add_unpacks_what_is_an_archive() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, owner in (("x", 7), ("d/.wh.y", 0), ("../up", 0)):
            member = tarfile.TarInfo(name)
            member.uid, member.mode = owner, 0o600
            archive.addfile(member)
    files = Sources({"a.tar.gz": packed.getvalue(), "plain.gz": gzip.compress(b"no archive")})
    assert shown(made(copied(scratch(), "/a/b", "a.tar.gz", unpack=True, chown="3"), files)) == {
        "/a": "dir 0755 3:3",
        "/a/b": "dir 0755 3:3",
        "/a/b/d": "dir 0755 0:0",
        "/a/b/d/.wh.y": "file 0600 0:0 ",
        "/a/b/up": "file 0600 0:0 ",
        "/a/b/x": "file 0600 7:0 ",
    }
    assert list(shown(made(copied(scratch(), "/x", "a.tar.gz"), files))) == ["/x"]
    assert list(shown(made(copied(scratch(), "/x", "plain.gz", unpack=True), files))) == ["/x"]


def test_add_tells_what_it_cannot_unpack() -> None:
    files = Sources({"a.tar.zst": b"\x28\xb5\x2f\xfd...", "a.tar": tar_of("x")})
    assert refused(copied(scratch(), "/x", "a.tar.zst", unpack=True), files) == (
        Fault.INVALID_ARG,
        "Earthfile:7:3: /a.tar.zst is packed with zstd, which cannot be unpacked here",
    )
    assert refused(copied(copied(scratch(), "/x", "a.tar"), "/x", "a.tar", unpack=True), files)[1] == "Earthfile:7:3: /x is not a directory"


def tar_of(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def test_a_long_recipe_is_made_without_recursion_and_each_node_once() -> None:
    node: Tree = scratch()
    for number in range(3000):
        node = workdir(node, f"/{number % 10}")
    executor = Executor(FILES, lambda _: based())
    assert len(executor.tree(node).entries) == 10
    assert executor.tree(node) is executor.tree(node)
