"""The nodes of a recipe -> their file trees, each made once."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import replace

from matrixbuild.adapters.engines.embedded.archives import archive_at, unpack
from matrixbuild.adapters.engines.embedded.checkout import Checkout, sent
from matrixbuild.adapters.engines.embedded.copying import CannotCopyError, How, copy, made
from matrixbuild.adapters.engines.embedded.owners import Owner, owner
from matrixbuild.adapters.engines.embedded.trees import EMPTY, Bytes, Directory, File, Meta, TreeFiles, find, merge, put
from matrixbuild.core.earthfile.faults import USE_EARTHLY, EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import BaseImage, Copied, FromContext, FromTree, MadeDirectory, NeedsShell, Scratch, Tree, WrittenFile
from matrixbuild.core.listing import FIXED_TIME
from matrixbuild.core.lookup import Listed, LookupFailedError, expand, resolve
from matrixbuild.core.patterns import PatternError, clean
from matrixbuild.core.problems import Place
from matrixbuild.core.reads import Reader, follows, matched, not_found


class Executor:
    """Makes trees of recipes over one checkout; `base` gives the tree of a base image, `reader` may be one of the same listing. For one thread."""

    def __init__(self, checkout: Checkout, base: Callable[[BaseImage], Directory], reader: Reader | None = None) -> None:
        self._checkout = checkout
        self._base = base
        self._reader = reader or Reader(checkout.listing)
        # Keyed by identity; the node is kept beside its tree so that no other can get its id.
        self._made: dict[int, tuple[Tree, Directory]] = {}
        self._sent: dict[int, tuple[Listed, Directory]] = {}

    def tree(self, node: Tree) -> Directory:
        """The files of a node. Raises EarthfileError at the command that cannot be done: FILE_NOT_FOUND, NO_SHELL, INVALID_ARG."""
        # A recipe is as deep as its Earthfile is long, so its parents are followed without recursion.
        waiting: list[Tree] = []
        while id(node) not in self._made:
            waiting.append(node)
            if isinstance(node, Scratch | BaseImage):
                break
            node = node.parent
        for each in reversed(waiting):
            self._made[id(each)] = (each, self._one(each))
        return self._made[id(waiting[0] if waiting else node)][1]

    def _one(self, node: Tree) -> Directory:
        if isinstance(node, Scratch):
            return EMPTY
        if isinstance(node, BaseImage):
            return self._base(node)
        parent = self._made[id(node.parent)][1]
        try:
            if isinstance(node, MadeDirectory):
                who = self._owner(node.user, parent, node.place, nameless=isinstance(node.parent, Scratch)) if node.user else None
                return made(parent, resolve(TreeFiles(parent), node.path), How(owner=who))
            if isinstance(node, WrittenFile):
                data = node.text.encode("utf-8", "surrogateescape")
                return put(parent, node.path, File(meta=Meta(mode=0o644, mtime=0), content=Bytes(data)))
            if isinstance(node, NeedsShell):
                return _checked(parent, node)
            return self._copied(node, parent)
        except CannotCopyError as error:
            raise EarthfileError(Fault.INVALID_ARG, f"{error}", place=node.place) from error

    def _copied(self, node: Copied, parent: Directory) -> Directory:
        # As in BuildKit, what is copied is looked for before its owner is.
        trees = [(source, self._source(source, node)) for source in node.sources]
        found = [(source, files, _found(files, source, node)) for source, files in trees]
        how = self._how(node, parent)
        dest = node.dest if len(node.sources) < 2 or node.dest.endswith("/") else f"{node.dest}/"
        tree = EMPTY if node.flags.link else parent
        for source, files, paths in found:
            follow = follows(source, node)
            for path in paths:
                archive = archive_at(files, path) if node.flags.unpack else None
                one = replace(how, follow=follow)
                tree = copy(tree, files, path, dest, one) if archive is None else unpack(tree, archive, dest, one)
        return merge(parent, tree) if node.flags.link else tree

    def _how(self, node: Copied, parent: Directory) -> How:
        flags = node.flags
        who = None if flags.keep_own else Owner(uid=0, gid=0)
        if flags.chown:
            who = self._owner(flags.chown, parent, node.place, nameless=flags.link or isinstance(node.parent, Scratch))
        return How(as_directory=flags.as_directory, owner=who, mtime=None if flags.keep_ts else FIXED_TIME, chmod=flags.chmod)

    @staticmethod
    def _owner(written: str, tree: Directory, place: Place, *, nameless: bool) -> Owner:
        named = [part for part in written.split(":")[:2] if part and part != "root" and not part.isdecimal()]
        if named and nameless:
            raise EarthfileError(
                Fault.INVALID_ARG,
                f"the owner {written!r} cannot be looked up: nothing is in the image yet",
                place=place,
                hint="give numbers, or start FROM an image that has /etc/passwd",
            )
        return owner(written, tree)

    def _source(self, source: FromContext | FromTree, node: Copied) -> Directory:
        if isinstance(source, FromTree):
            return self.tree(source.tree)
        view = self._reader.view(source, node)
        if id(view) not in self._sent:
            directory = resolve(self._reader.listed, source.directory)
            self._sent[id(view)] = (view, sent(view, directory, self._checkout))
        return self._sent[id(view)][1]


def _found(tree: Directory, source: FromContext | FromTree, node: Copied) -> list[str]:
    """What a source means, all of it there. Raises EarthfileError."""
    files = TreeFiles(tree)
    paths = matched(files, source, node)
    try:
        for path in paths:
            if files.kind(real := resolve(files, path, follow=follows(source, node))) is None:
                raise not_found(node, f"/{real}")
    except LookupFailedError as error:
        raise not_found(node, error.path) from error
    return paths


def _checked(tree: Directory, node: NeedsShell) -> Directory:
    """The tree as it is; NO_SHELL where real Earthly could not run the condition: it needs /bin/sh, and /tmp for its result.

    NEEDS_EARTHLY where the image's own shell or files would give another outcome than the one the recipe was evaluated with.
    """
    files = TreeFiles(tree)
    program = resolve(files, "/bin/sh")
    if not isinstance(find(tree, program), File):
        raise _no_shell(node, "the image has no /bin/sh")
    if node.shells and posixpath.basename(program) not in node.shells:
        raise _other_outcome(node, f"shells differ in it, and the image's is /{program}")
    if met := [pattern for pattern in node.unmatched if _matches(files, pattern)]:
        raise _other_outcome(node, f"{met[0]} means files of the image")
    if node.result_file and not isinstance(find(tree, resolve(files, "/tmp")), Directory):  # noqa: S108  (a path in the image)
        raise _no_shell(node, "the image has no /tmp")
    return tree


def _matches(files: TreeFiles, pattern: str) -> bool:
    try:
        return bool(expand(files, clean(pattern)))
    except LookupFailedError:
        return False
    except PatternError:
        # What Go refuses as a pattern a shell takes as a word or as a pattern: better asked of a real one.
        return True


def _other_outcome(node: NeedsShell, reason: str) -> EarthfileError:
    return EarthfileError(
        Fault.NEEDS_EARTHLY,
        f"{node.command} cannot be evaluated without running it: {reason}",
        place=node.place,
        hint=USE_EARTHLY,
    )


def _no_shell(node: NeedsShell, reason: str) -> EarthfileError:
    return EarthfileError(
        Fault.NO_SHELL,
        f"{node.command} cannot be evaluated: {reason}",
        place=node.place,
        hint="Earthly runs IF and FOR in the image itself; put it after a FROM that has a shell, or use ARGs instead",
    )
