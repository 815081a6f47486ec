"""`--chown` and USER as written, and a tree's /etc/passwd and /etc/group -> the numbers of the owner."""

from __future__ import annotations

from dataclasses import dataclass

from matrixbuild.adapters.engines.embedded.trees import Directory, File, TreeFiles, find
from matrixbuild.core.lookup import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    uid: int
    gid: int


def owner(written: str, tree: Directory) -> Owner:
    """`user[:group]`, each a number or a name in the tree's files, as BuildKit reads it.

    A number alone is the group too, a name alone brings the group of its line, and a name that is not there is root.
    """
    user, colon, group = written.partition(":")
    uid, gid = _user(user, tree)
    return Owner(uid=uid, gid=_group(group, tree, otherwise=gid) if colon else gid)


def home(written: str, tree: Directory) -> str | None:
    """The home directory of a USER as runc finds it: of the first line of /etc/passwd with its name or number; `/` for a number without one.

    None for a name that is not there.
    """
    user = written.partition(":")[0] or "0"
    for fields in _lines(tree, "/etc/passwd"):
        if len(fields) > 5 and user in (fields[0], fields[2]):
            return fields[5]
    return "/" if user.isdecimal() or user == "root" else None


def _number(text: str) -> int | None:
    """The number that a name stands for without any file: BuildKit's parseUID, and the empty name as it marshals it."""
    if text in ("root", ""):
        return 0
    try:
        number = int(text)
    except ValueError:
        return None
    return number if text.strip() == text and 0 <= number < 2**31 else None


def _user(name: str, tree: Directory) -> tuple[int, int]:
    number = _number(name)
    if number is not None:
        return number, number
    for fields in _lines(tree, "/etc/passwd"):
        if fields[0] == name and len(fields) > 3:
            return _parsed(fields[2]), _parsed(fields[3])
    return 0, 0


def _group(name: str, tree: Directory, *, otherwise: int) -> int:
    number = _number(name)
    if number is not None:
        return number
    return next((_parsed(fields[2]) for fields in _lines(tree, "/etc/group") if fields[0] == name and len(fields) > 2), otherwise)


def _parsed(field: str) -> int:
    return int(field) if field.isdecimal() else 0


def _lines(tree: Directory, path: str) -> list[list[str]]:
    found = find(tree, resolve(TreeFiles(tree), path))
    if not isinstance(found, File):
        return []
    text = b"".join(found.content.read()).decode("utf-8", "surrogateescape")
    return [line.strip().split(":") for line in text.splitlines() if line.strip()]
