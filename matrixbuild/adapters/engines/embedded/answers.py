"""Questions of an evaluation -> what a shell would find in a tree, without running one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from matrixbuild.adapters.engines.embedded.owners import home, owner
from matrixbuild.adapters.engines.embedded.trees import Directory, File, Node, Special, Symlink, TreeFiles, find
from matrixbuild.core.earthfile.faults import USE_EARTHLY, EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import Asked, Question
from matrixbuild.core.earthfile.shell_words import pattern_regex
from matrixbuild.core.lookup import LookupFailedError, resolve

_MOUNTED = ("proc", "sys", "dev", "run", "tmp", "etc/hosts", "etc/resolv.conf", "usr/bin/earth_debugger")
"""What a container gets whatever its image holds (or, as tmp, what Earthly writes to): only what the image has there is known to be there."""


class _UnknownError(Exception):
    """Only a container could say; the text names what."""


def answered(tree: Directory, question: Question) -> tuple[str, ...]:
    """The answer, as Question describes it. EarthfileError: NO_SHELL where nobody could ask, NEEDS_EARTHLY where only a container could say."""
    if not isinstance(_at(tree, "/bin/sh"), File):
        raise EarthfileError(
            Fault.NO_SHELL, "the image has no /bin/sh, which is asked here", place=question.place, hint="FROM an image that has a shell, or use ARGs"
        )
    try:
        return _ANSWERS[question.kind](tree, question)
    except _UnknownError as unknown:
        raise EarthfileError(Fault.NEEDS_EARTHLY, f"{unknown}, which only Earthly can ask", place=question.place, hint=USE_EARTHLY) from None


def _at(tree: Directory, path: str, *, follow: bool = True) -> Node | None:
    try:
        return find(tree, resolve(TreeFiles(tree), path, follow=follow))
    except LookupFailedError:
        return None


def _home(tree: Directory, question: Question) -> tuple[str, ...]:
    found = home(question.user, tree)
    if found is None:
        raise _UnknownError(f"the image has no user {question.user!r} with a home directory")
    # As echo prints it: a shell splits it at blanks.
    return (" ".join(found.split()),)


def _directory(tree: Directory, question: Question) -> tuple[str, ...]:
    return (f"/{resolve(TreeFiles(tree), question.directory)}",)


def _test(tree: Directory, question: Question) -> tuple[str, ...]:
    operator, path = question.words
    if not path:
        return ()
    node = _looked_up(tree, posixpath.join(question.directory, path), follow=operator not in ("-L", "-h") or path.endswith("/"))
    if path.endswith("/") and not isinstance(node, Directory):
        return ()
    return ("true",) if node is not None and _holds(operator, node, tree, question) else ()


def _looked_up(tree: Directory, path: str, *, follow: bool = True) -> Node | None:
    try:
        real = resolve(TreeFiles(tree), path, follow=follow)
    except LookupFailedError:
        return None
    node = find(tree, real)
    if node is None and any(real == each or real.startswith(f"{each}/") for each in _MOUNTED):
        raise _UnknownError(f"whether there is /{real} depends on the container")
    return node


def _holds(operator: str, node: Node, tree: Directory, question: Question) -> bool:
    match operator:
        case "-e":
            return True
        case "-f":
            return isinstance(node, File)
        case "-d":
            return isinstance(node, Directory)
        case "-L" | "-h":
            return isinstance(node, Symlink)
        case "-s" if isinstance(node, File):
            return any(node.content.read())
        case "-r" | "-w" | "-x" if owner(question.user, tree).uid == 0 and not isinstance(node, Special):
            return operator != "-x" or isinstance(node, Directory) or bool(node.meta.mode & 0o111)
    raise _UnknownError(f"the file test {operator} asks for more than the tree says")


def _program(tree: Directory, question: Question) -> tuple[str, ...]:
    name, path = question.words
    if "/" in name:
        return (name,) if _looked_up(tree, posixpath.join(question.directory, name)) is not None else ()
    folders = [posixpath.join(question.directory, folder) for folder in path.split(":")]
    # A shell that is many programs in one (busybox) may know more names than there are links to it, but its own directory has those.
    if "/bin" not in folders:
        raise _UnknownError(f"the command {name!r} may be one of the shell's own")
    return tuple(found for folder in folders if _looked_up(tree, found := posixpath.join(folder, name)) is not None)


def _glob(tree: Directory, question: Question) -> tuple[str, ...]:
    pattern = question.words[0]
    start = "/" if pattern.startswith("/") else question.directory
    return tuple(sorted(_matching(tree, start, "", pattern), key=lambda path: path.encode("utf-8", "surrogateescape")))


def _matching(tree: Directory, here: str, shown: str, pattern: str) -> Iterator[str]:
    """Paths as the shell writes them: `shown` is what leads to the directory `here`, `pattern` what is still to be matched."""
    part, slash, rest = pattern.partition("/")
    for name in _names(tree, here, part):
        path = posixpath.join(here, name)
        node = _looked_up(tree, path, follow=bool(slash))
        if node is None or (slash and not isinstance(node, Directory)):
            continue
        if slash:
            yield from _matching(tree, path, f"{shown}{name}/", rest)
        else:
            yield f"{shown}{name}"


def _names(tree: Directory, here: str, part: str) -> Iterator[str]:
    if not re.search(r"[*?\[]", re.sub(r"\\.", "", part)):
        yield re.sub(r"\\(.)", r"\1", part)
        return
    matches = re.compile(pattern_regex(part), re.DOTALL).fullmatch
    real = resolve(TreeFiles(tree), here)
    directory = find(tree, real)
    _check_mounts(real, directory, lambda name: matches(name) is not None)
    for name in (".", "..", *(directory.entries if isinstance(directory, Directory) else ())):
        if matches(name) and (not name.startswith(".") or part.startswith((".", "\\."))):
            yield name


def _check_mounts(real: str, directory: Node | None, matches: Callable[[str], bool]) -> None:
    """_UnknownError where a container holds more in a directory than its image, and the pattern would find it."""
    if real.split("/", maxsplit=1)[0] in ("proc", "sys", "dev", "run", "tmp"):
        raise _UnknownError(f"what is in /{real} depends on the container")
    entries = directory.entries if isinstance(directory, Directory) else {}
    for folder, name in map(posixpath.split, _MOUNTED):
        if folder == real and name not in entries and matches(name):
            raise _UnknownError(f"whether there is /{posixpath.join(folder, name)} depends on the container")


_ANSWERS: dict[Asked, Callable[[Directory, Question], tuple[str, ...]]] = {
    Asked.HOME: _home,
    Asked.DIRECTORY: _directory,
    Asked.TEST: _test,
    Asked.GLOB: _glob,
    Asked.PROGRAM: _program,
}
