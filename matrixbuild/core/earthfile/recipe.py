"""What an evaluated Earthly target asks for: file trees as a graph of operations, images and local files saved from them.

Nothing here is executed or read. An engine walks the nodes (each is shared by identity wherever the Earthfile shares it) and
makes files of them; the planner walks them to see what a build reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scratch:
    """FROM scratch: no files."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaseImage:
    """FROM an image of a registry; `ref` as the Earthfile gave it after expansion."""

    ref: str
    platform: Platform
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MadeDirectory:
    """WORKDIR: `path` (absolute, clean) exists afterwards; directories that had to be made belong to `user` (as in USER; empty is root)."""

    parent: Tree
    path: str
    user: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FromContext:
    """A source of a COPY in the checkout: `pattern` below `directory` (relative to the checkout's root, "" is the root), seen through that
    directory's ignore file. `ignored` are the ignore file's patterns, in order. `pattern` is as written after expansion, not cleaned.
    `whole`: symlinks lead anywhere in the directory (a Dockerfile's COPY); an Earthfile's COPY sees only what its sources name."""

    directory: str
    pattern: str
    ignored: tuple[str, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FromTree:
    """A source of a COPY or SAVE ARTIFACT in another tree (artifacts of an Earthly target, a Dockerfile stage, the target's own files)."""

    tree: Tree
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CopyFlags:
    """How a copy is done. `as_directory` is --dir: a directory itself is copied, not its contents. `chown` is the owner, as written: the
    command's own or else the USER of that moment; where it is empty, `keep_own` keeps the source's owner and else root owns the copy.
    `wildcard`: patterns are expanded; `empty_wildcard`: one may match nothing (a Dockerfile's COPY). `link`: VERSION 0.7 and later do
    copies that keep the owner into an empty tree and lay that over the parent (as COPY --link), so that they neither see nor follow what
    is there. `unpack` is a Dockerfile's ADD, which would unpack an archive."""

    as_directory: bool = False
    if_exists: bool = False
    keep_ts: bool = False
    keep_own: bool = False
    follow_symlinks: bool = True
    wildcard: bool = True
    empty_wildcard: bool = False
    chmod: int | None = None
    chown: str = ""
    link: bool = False
    unpack: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copied:
    """COPY (and SAVE ARTIFACT, which copies into the target's artifact tree): `dest` is absolute; a trailing slash counts."""

    parent: Tree
    sources: tuple[FromContext | FromTree, ...]
    dest: str
    flags: CopyFlags
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenFile:
    """A here-document of a Dockerfile: `text` is the content of the file `path` (absolute, clean), 0644 and root's.
    BuildKit gives it the time of the build; here that is always the beginning of 1970."""

    parent: Tree
    path: str
    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeedsShell:
    """The same files as `parent`; an engine checks that they could run a shell (`/bin/sh` there), as IF and FOR need it. `unmatched` are
    absolute shell patterns that the expression was evaluated with as words: a path that one of them matches means another outcome. `shells`:
    where not empty, the names of the programs behind `/bin/sh` that give this outcome (`[[` and `==` differ from shell to shell).
    `result_file`: the status is written to a file in /tmp (IF)."""

    parent: Tree
    command: str
    place: Place
    unmatched: tuple[str, ...] = ()
    shells: tuple[str, ...] = ()
    result_file: bool = True


Tree = Scratch | BaseImage | MadeDirectory | WrittenFile | Copied | NeedsShell


def copies_of(*trees: Tree) -> Iterator[Copied]:
    """Every COPY that trees rest on, each once."""
    waiting = list(trees)
    seen: set[int] = set()
    while waiting:
        tree = waiting.pop()
        if id(tree) in seen:
            continue
        seen.add(id(tree))
        if isinstance(tree, Copied):
            yield tree
            waiting += [source.tree for source in tree.sources if isinstance(source, FromTree)]
        if not isinstance(tree, Scratch | BaseImage):
            waiting.append(tree.parent)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """Files with their configuration: what a target is at some point."""

    tree: Tree
    config: ImageConfig


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedImage:
    """One SAVE IMAGE that takes effect (reached through BUILD alone): names after expansion; `multi_platform` where a --platform was given."""

    names: tuple[str, ...]
    push: bool
    image: Image
    platform: Platform
    multi_platform: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedLocal:
    """SAVE ARTIFACT ... AS LOCAL: `pattern` of `tree` goes to `dest`, relative to `directory` of the checkout; a trailing slash counts."""

    tree: Tree
    pattern: str
    directory: str
    dest: str
    if_exists: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """One Earthly target evaluated for one set of args.

    `image` is what the target is at its end, `artifacts` its artifact tree. `images` and `locals` are the outputs of the target and of
    everything it BUILDs, in Earthfile order. `declared` are the names declared by an ARG on the path, where what is given for the call may
    arrive, `used` those overrides that could reach anything but a SAVE IMAGE name, with the places that read them. Calls that agree on the
    `deciding` overrides, and on which are given, agree in everything here but texts that nothing more was made of. `commands` is the text
    of the commands on the path (unexpanded, in order), which is what a comment or another target's change leaves alone. `base_images` are
    refs in order of first use.
    """

    image: Image
    artifacts: Tree
    images: tuple[SavedImage, ...]
    locals: tuple[SavedLocal, ...]
    declared: frozenset[str]
    used: tuple[tuple[str, Place], ...]
    deciding: frozenset[str]
    commands: tuple[str, ...]
    base_images: tuple[BaseImage, ...]
    built: tuple[Tree, ...] = ()
    """What Earthly makes, and fails with, whether or not anything is saved from it: the files of every target on the path at its end, and of
    a target as they are at an IF, a FOR and the end of a WAIT."""
    consulted: tuple[Tree, ...] = ()
    """Trees that gave values (`$HOME` is what their /etc/passwd says), even where nothing else of them is left."""
    targets: tuple[str, ...] = ()
    """Every Earthly target that was gone through (`sub+image`), the base recipe as `sub+base`, in order, each once."""
    texts: tuple[tuple[str, str], ...] = ()
    """(path, Earthly target): each file of the checkout whose text was asked for, whether or not there is one; the target is that of a
    FROM DOCKERFILE, and empty for Earthfiles and ignore files."""
    folders: tuple[str, ...] = ()
    """The patterns of directories in which Earthfiles were looked for (`services/*`)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What a shell in `tree` would find, run by `user` (as in USER) in `directory` (absolute); the answer is a tuple of texts:

    HOME gives the home directory, DIRECTORY the working directory without links; TEST (`words`: operator and path) gives something where the
    test is true; GLOB (a shell pattern) the paths that match, in the shell's order; PROGRAM (a command's name and $PATH) where it is.
    """

    kind: Asked
    tree: Tree
    words: tuple[str, ...]
    directory: str
    user: str
    place: Place


class Asked(StrEnum):
    """The kinds of questions."""

    HOME = "home"
    DIRECTORY = "directory"
    TEST = "test"
    GLOB = "glob"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The evaluation cannot go on without these: texts of files of the checkout, configurations of base images, the answer to a question.

    `place` is where the images are named.
    """

    texts: tuple[str, ...] = ()
    images: tuple[tuple[str, Platform], ...] = ()
    question: Question | None = None
    place: Place | None = field(default=None, compare=False)
