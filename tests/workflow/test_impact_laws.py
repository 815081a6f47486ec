"""The law that a pull-request check rests on: whatever change of a file changes a build key, `impact` of that path names the build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import assume, event, given
from hypothesis import strategies as st

from matrixbuild.adapters.sources import fingerprint_of
from matrixbuild.core.build import Build
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Arg, Asked, Demand, cell_digest, need_token
from matrixbuild.core.impact import Affected, Side, certain, possible
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import MatrixbuildError, Place
from matrixbuild.workflow.sides import side_of
from matrixbuild.workflow.sources import Trees

HERE = Place(file="m.yaml", line=1)
NO_CELL = Cell(values=())


@dataclass(frozen=True, slots=True)
class File:
    text: str = ""
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    target: str


Tree = Mapping[str, File | Link]


class Memory:
    """A source that is nowhere but here."""

    root = Path("/memory")

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        directories = {"/".join(path.split("/")[:end]) for path in tree for end in range(1, path.count("/") + 1)}
        made = {path: Entry(kind=Kind.DIRECTORY, mode=0o755) for path in directories}
        self.listing = Listing(entries=made | {path: self._entry(found) for path, found in tree.items()})

    @staticmethod
    def _entry(found: File | Link) -> Entry:
        if isinstance(found, Link):
            return Entry(kind=Kind.SYMLINK, mode=0o777, target=found.target)
        return Entry(kind=Kind.FILE, mode=found.mode)

    def open(self, path: str) -> bytes:
        found = self._tree[path]
        assert isinstance(found, File)
        return found.text.encode()

    def text(self, path: str) -> str | None:
        found = self._tree.get(path)
        return found.text if isinstance(found, File) else None

    def fingerprint(self, path: str) -> str:
        entry = self.listing.entries[path]
        return fingerprint_of(entry, sha256(self.open(path)) if entry.kind is Kind.FILE else "")


NAMES = ["a", "b.conf", "c.conf", "dir", "dir/x", "dir/sub/y", "link", "other", "other/z", "lib/in", "run.sh", "sv/one/in", "sv/two/in"]
IGNORES = [".earthlyignore", "lib/.earthlyignore", ".dockerignore", ".earthignore"]
TEXTS = ["", "1", "echo $A", "env", "dir/sub", "*.conf", "!b.conf", "other\n!other/z", "a"]

COPIES = [
    "COPY a b.conf /",
    "COPY *.conf /",
    "COPY dir /d",
    "COPY --dir dir other /",
    "COPY --if-exists a dir/x /",
    "COPY --if-exists link /l",
    "COPY --if-exists link/x /",
    "COPY --if-exists other/* /",
    "COPY --if-exists o*/[y-z] /",
    "COPY . /all",
    "COPY ./dir/. /",
    "COPY --if-exists /lib/in /",
    "COPY --if-exists d*/sub /",
    "COPY $A.conf /",
    "COPY --if-exists *n* /",
]
OTHERS = [
    "COPY +made/out /",
    "COPY ./lib+made/out /",
    "BUILD ./lib+made",
    "BUILD ./sv/*+made",
    "DO ./lib+FUNC",
    "DO +FUNC",
    "BUILD +made",
    "ARG A=b",
    "LABEL x=$A",
]
EARTHLY = [
    "RUN ./run.sh",
    "RUN echo $A",
    "IF [ -f /x ]\n        COPY a /\n    END",
    "IF [ -f /x ]\n        COPY *.conf /\n    ELSE\n        COPY --if-exists other /\n    END",
    "FROM DOCKERFILE .",
    "FROM DOCKERFILE -f lib/Dockerfile dir",
    "FROM DOCKERFILE ./lib",
    "ARG B=$(cat a)",
    "COPY $(cat a) /",
]
DOCKERFILES = ["FROM scratch\nCOPY a /\n", "FROM scratch\nCOPY *.conf dir /\n", "FROM scratch\nCOPY in* /\n", "FROM alpine\nRUN true\nCOPY . /\n"]


def body(draw: st.DrawFn, pool: list[str]) -> str:
    lines = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3))
    base = "scratch" if not {*lines} & {*EARTHLY} else "alpine"
    return "".join(f"    {line}\n" for line in ["ARG A=b", f"FROM {base}", *lines])


@st.composite
def earthfiles(draw: st.DrawFn, pool: list[str], *, top: bool) -> File:
    inner = ["COPY --if-exists in /out", "COPY in* /out", "COPY --if-exists .. /out"]
    made = f"made:\n    ARG A=b\n    FROM scratch\n    {draw(st.sampled_from(inner if not top else COPIES))}\n    SAVE ARTIFACT /* /out\n"
    comment = draw(st.sampled_from(["", "# a comment\n"]))
    function = f"FUNC:\n    FUNCTION\n    {draw(st.sampled_from(COPIES))}\n"
    targets = "".join(f"{name}:\n{body(draw, pool)}\n" for name in ("one", "two")) if top else ""
    return File(f"VERSION --wildcard-builds 0.8\n{comment}{targets}{made}\n{function}")


@st.composite
def trees(draw: st.DrawFn, pool: list[str]) -> dict[str, File | Link]:
    tree: dict[str, File | Link] = {"Earthfile": draw(earthfiles(pool, top=True))}
    for path in ("lib/Earthfile", "sv/one/Earthfile", "sv/two/Earthfile"):
        if draw(st.booleans()) or path == "lib/Earthfile":
            tree[path] = draw(earthfiles(pool, top=False))
    for path in ("Dockerfile", "lib/Dockerfile"):
        tree[path] = File(draw(st.sampled_from(DOCKERFILES)))
    for path in draw(st.sets(st.sampled_from(NAMES), min_size=9)):
        put(tree, path, File(draw(st.sampled_from(TEXTS))))
    if draw(st.booleans()):
        put(tree, draw(st.sampled_from(IGNORES)), File(draw(st.sampled_from(TEXTS[4:]))))
    if draw(st.booleans()):
        put(tree, "link", Link(draw(st.sampled_from(["a", "dir", "other", "gone", "/dir", "../x"]))))
    return tree


def put(tree: dict[str, File | Link], path: str, what: File | Link) -> None:
    """With nothing that a file of this name leaves no room for."""
    for other in [each for each in tree if each.startswith(f"{path}/") or path.startswith(f"{each}/")]:
        del tree[other]
    tree[path] = what


@st.composite
def changes(draw: st.DrawFn, tree: Mapping[str, File | Link], pool: list[str]) -> tuple[dict[str, File | Link], frozenset[str]]:
    """Another tree, and the paths that differ."""
    after = dict(tree)
    for _ in range(draw(st.integers(1, 2))):
        rare = st.sampled_from([*IGNORES, "sv/three/Earthfile", "build.earth", "lib/build.earth", "link", "dir"])
        path = draw(st.one_of(st.sampled_from(sorted({*tree, *NAMES})), rare))
        kind = draw(st.sampled_from(["write", "write", "remove", "mode", "link"]))
        if path.endswith("Earthfile") and kind == "write":
            put(after, path, draw(earthfiles(pool, top=path == "Earthfile")))
        elif path.endswith("Dockerfile") and kind == "write":
            put(after, path, File(draw(st.sampled_from(DOCKERFILES))))
        elif kind == "write":
            put(after, path, File(draw(st.sampled_from(TEXTS))))
        elif kind == "link":
            put(after, path, Link(draw(st.sampled_from(["a", "dir", "other/z", "gone"]))))
        elif kind == "remove":
            after.pop(path, None)
        elif isinstance(found := after.get(path), File):
            after[path] = File(found.text, found.mode ^ 0o111)
    return after, frozenset(path for path in {*tree, *after} if tree.get(path) != after.get(path))


def demand(target: str, *, needs: str = "", **args: str) -> Demand:
    given = {**args, **({"BASE": need_token(needs, cell_digest(NO_CELL))} if needs else {})}
    return Demand(
        asked=Asked(target=target, earthly=f"+{target}", place=HERE),
        cell=NO_CELL,
        args=tuple(Arg(name=name, value=value, axes=frozenset(), place=HERE, optional=True) for name, value in given.items()),
        needs=((needs, NO_CELL),) if needs else (),
    )


DEMANDS = [demand("one", A="c"), demand("two", needs="one")]


def planned(tree: Tree, engine: str) -> Side | None:
    try:
        return side_of(DEMANDS, Trees(Memory(tree), [], pin=()), pins=(), engine=engine, every=False)
    except MatrixbuildError:
        return None


def names(builds: tuple[Affected, ...]) -> set[str]:
    return {build.build for build in builds}


def by_key(side: Side) -> dict[str, Build]:
    return {build.key: build for build in side.builds}


def check(before: Side, after: Side, paths: frozenset[str]) -> None:
    told = sorted(paths)
    moved = {address for address in before.keys if before.keys[address] != after.keys[address]}
    event(f"{len(moved)} of 2 builds differ")
    for side in (before, after):
        affected = {by_key(side)[side.keys[address]].name for address in moved}
        assert affected <= names(possible(side, told)), "a build is another one and is not named"
    exact = certain(before, after, told)
    assert names(exact) == {build.name for build in after.builds if build.key not in by_key(before)} | {
        build.name for build in before.builds if build.key not in by_key(after) and build.name not in {each.name for each in after.builds}
    }
    for build in exact:
        assert build.files or build.through, "what is another build has a changed file to blame, or something it needs"


@given(data=st.data())
def test_for_earthly(data: st.DataObject) -> None:
    pool = [*COPIES, *OTHERS, *EARTHLY]
    tree = data.draw(trees(pool))
    after, paths = data.draw(changes(tree, pool))
    sides = planned(tree, "earthly"), planned(after, "earthly")
    assume(sides[0] and sides[1])
    assert sides[0]
    assert sides[1]
    check(sides[0], sides[1], paths)


@given(data=st.data())
def test_for_the_embedded_engine(data: st.DataObject) -> None:
    pool = [*COPIES, *OTHERS]
    tree = data.draw(trees(pool))
    after, paths = data.draw(changes(tree, pool))
    sides = planned(tree, "embedded"), planned(after, "embedded")
    assume(sides[0] and sides[1])
    assert sides[0]
    assert sides[1]
    check(sides[0], sides[1], paths)
