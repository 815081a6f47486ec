from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import (
    Copied,
    CopyFlags,
    Evaluation,
    FromContext,
    FromTree,
    Image,
    MadeDirectory,
    NeedsShell,
    SavedImage,
    SavedLocal,
    Scratch,
    Tree,
)
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place
from matrixbuild.core.reads import Reader, Reads, reads

PLACE = Place(file="Earthfile", line=4, column=3)
FILE, FOLDER = Entry(kind=Kind.FILE), Entry(kind=Kind.DIRECTORY, mode=0o755)


def link(target: str) -> Entry:
    return Entry(kind=Kind.SYMLINK, target=target)


LISTING = Listing(
    entries={
        "f.txt": FILE,
        "link": link("f.txt"),
        "d": FOLDER,
        "d/a.txt": FILE,
        "d/sub": FOLDER,
        "d/sub/e.txt": FILE,
        "d/into": link("sub"),
        "other": FOLDER,
        "other/x.log": FILE,
        "other/y": FILE,
        "old": FOLDER,
        "old/link": link("../f.txt"),
        "oz": FOLDER,
        "oz/link": link("../nope"),
    },
)


def copied(*sources: str | FromContext | FromTree, parent: Tree | None = None, if_exists: bool = False, line: int = 4) -> Copied:
    given = (FromContext(directory="", pattern=source, ignored=()) if isinstance(source, str) else source for source in sources)
    place = Place(file="Earthfile", line=line, column=3)
    return Copied(parent=parent or Scratch(), sources=tuple(given), dest="/x/", flags=CopyFlags(if_exists=if_exists), place=place)


def evaluation(tree: Tree, *, artifacts: Tree | None = None, images: tuple[SavedImage, ...] = (), local: Tree | None = None) -> Evaluation:
    saved = SavedLocal(tree=local, pattern="/", directory="", dest="out/", if_exists=False, place=PLACE) if local else None
    return Evaluation(
        image=Image(tree=tree, config=ImageConfig()),
        artifacts=artifacts or Scratch(),
        images=images,
        locals=(saved,) if saved else (),
        deciding=frozenset(),
        declared=frozenset(),
        used=(),
        commands=(),
        base_images=(),
    )


def read(*sources: str | FromContext, if_exists: bool = False) -> Reads:
    return reads(evaluation(copied(*sources, if_exists=if_exists)), LISTING)


@pytest.mark.parametrize(
    ("sources", "paths"),
    [
        (["f.txt"], ("f.txt",)),
        (["d"], ("d", "d/a.txt", "d/into", "d/sub", "d/sub/e.txt")),
        (["d/*.txt"], ("d/a.txt",)),
        (["d/*"], ("d/a.txt", "d/into", "d/sub", "d/sub/e.txt")),
        (["link", "f.txt"], ("f.txt", "link")),
        (["ol*", "f.txt"], ("f.txt", "old", "old/link")),
        (["./d/../f.txt"], ("f.txt",)),
        ([FromContext(directory="other", pattern=".", ignored=("*.log",))], ("other/y",)),
        ([FromContext(directory="", pattern="link", ignored=(), whole=True)], ("f.txt", "link")),
    ],
)
def test_what_a_copy_reads(sources: list[str | FromContext], paths: tuple[str, ...]) -> None:
    assert read(*sources) == Reads(paths=paths)


def test_an_optional_source_that_is_not_there_is_absent() -> None:
    assert read("nope", "f.txt", if_exists=True) == Reads(paths=("f.txt",), absent=("nope",))


def test_everything_that_is_saved_is_read_once() -> None:
    shared = copied("f.txt")
    through = copied(FromTree(tree=MadeDirectory(parent=shared, path="/w", user="", place=PLACE), pattern="/x"))
    image = SavedImage(
        names=("a",),
        push=True,
        image=Image(tree=copied("d/a.txt", parent=NeedsShell(parent=shared, command="IF", place=PLACE)), config=ImageConfig()),
        platform=Platform(),
        multi_platform=False,
        place=PLACE,
    )
    found = reads(evaluation(through, artifacts=copied("other/y"), images=(image,), local=copied("d/sub/e.txt")), LISTING)
    assert found.paths == ("d/a.txt", "d/sub/e.txt", "f.txt", "other/y")


@pytest.mark.parametrize(
    ("source", "fault", "message"),
    [
        ("nope", Fault.FILE_NOT_FOUND, "Earthfile:4:3: nothing to copy at /nope"),
        ("link", Fault.FILE_NOT_FOUND, "Earthfile:4:3: nothing to copy at /f.txt"),
        ("d/into/e.txt", Fault.FILE_NOT_FOUND, "Earthfile:4:3: nothing to copy at /d/into/e.txt"),
        ("d/*.zip", Fault.FILE_NOT_FOUND, "Earthfile:4:3: nothing to copy at /d"),
        ("oz*", Fault.FILE_NOT_FOUND, "Earthfile:4:3: nothing to copy at /nope"),
        ("d/[", Fault.INVALID_ARG, "Earthfile:4:3: the pattern 'd/[' has a character class without its ']'"),
    ],
)
def test_what_is_missing_is_told_at_its_copy(source: str, fault: Fault, message: str) -> None:
    with pytest.raises(EarthfileError) as caught:
        read(source)
    assert (caught.value.fault, str(caught.value)) == (fault, message)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("nope", "paths start at the Earthfile's directory; a link is followed only to what the same COPY names, and an ignore file may hide it"),
        ("ä", "Earthly cannot copy files by names that are not ASCII: write * for such letters, or copy the directory that the files are in"),
    ],
)
def test_a_name_that_is_not_ascii_has_a_hint_of_its_own(source: str, hint: str) -> None:
    with pytest.raises(EarthfileError) as caught:
        read(source)
    assert caught.value.hint == hint


@pytest.mark.parametrize("source", ["./", "/", "/."])
def test_all_there_is_cannot_be_optional(source: str) -> None:
    with pytest.raises(EarthfileError) as caught:
        read(source, if_exists=True)
    assert (caught.value.fault, str(caught.value)) == (
        Fault.INVALID_ARG,
        "Earthfile:4:3: COPY --if-exists cannot take all there is: Earthly crashes over it",
    )


def test_a_reader_answers_again_with_the_place_of_the_copy_it_is_asked_for() -> None:
    reader = Reader(LISTING)
    for line in (4, 9):
        with pytest.raises(EarthfileError, match=f"Earthfile:{line}:3: nothing to copy at /nope"):
            reader.reads(evaluation(copied("nope", line=line)))
    assert reader.reads(evaluation(copied("f.txt"))) == reader.reads(evaluation(copied("f.txt"))) == Reads(paths=("f.txt",))


def test_a_long_recipe_is_read_without_recursion() -> None:
    tree: Tree = Scratch()
    for _ in range(3000):
        tree = copied("f.txt", parent=tree)
    assert reads(evaluation(tree), LISTING).paths == ("f.txt",)


def test_a_link_that_leads_to_itself_means_nothing() -> None:
    circle = Listing(entries={"one": link("two"), "two": link("one")})
    with pytest.raises(EarthfileError) as caught:
        reads(evaluation(copied("one")), circle)
    assert caught.value.fault is Fault.FILE_NOT_FOUND
    assert caught.value.summary in ("nothing to copy at /one", "nothing to copy at /two")
