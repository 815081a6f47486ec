"""The lock as a file beside its manifest: read with located errors, replaced atomically, left alone where nothing changed."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from matrixbuild.core.compact import indented
from matrixbuild.core.documents import DocumentError, no_doubles
from matrixbuild.core.lock import Lock, NewerLockError
from matrixbuild.core.problems import Place, Problem, RefusedError, UnusableError

_CONFLICT = re.compile(r"^(?:<<<<<<<|>>>>>>>)", re.MULTILINE)
_RESTORE = "take it back from version control (git checkout), or remove it to have everything built again"


def lock_path(manifest: Path) -> Path:
    """`manifests/release.yaml` -> `manifests/release.lock.json`."""
    return manifest.with_name(f"{manifest.stem}.lock.json")


def lock_bytes(lock: Lock) -> bytes:
    """A lock as it stands in its file: UTF-8 JSON, sorted, two-space indent, LF, a newline at the end; equal locks, equal bytes."""
    # A name that is not UTF-8 (a lone surrogate) becomes the \udcXX that JSON writes for it.
    return f"{indented(lock.to_dict())}\n".encode("utf-8", "backslashreplace")


def read_lock(path: Path) -> Lock | None:
    """The lock in a file, or None where there is no file.

    Raises RefusedError where the file is not a lock that this program can hold to, UnusableError where it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable("read", path, error) from error
    return parse_lock(data, file=str(path))


def parse_lock(data: bytes, *, file: str) -> Lock:
    """The lock in `data`; `file` is what messages call it. Raises RefusedError as `read_lock` does."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _refused("is not UTF-8 text", Place(file=file, line=data.count(b"\n", 0, error.start) + 1)) from error
    try:
        with _collector_paused():
            return Lock.from_dict(json.loads(text, object_pairs_hook=no_doubles))
    except json.JSONDecodeError as error:
        raise _not_json(text, file, error) from error
    except RecursionError as error:
        raise _refused("is nested too deeply for a lock", Place(file=file, line=1)) from error
    except NewerLockError as error:
        place = _place(text, file, ("lockVersion",))
        raise RefusedError(Problem(summary=f"the lock's {error.summary}", place=place, hint="update matrixbuild", code="newer-lock")) from error
    except DocumentError as error:
        raise _refused(f"is not a lock of matrixbuild: {error}", _place(text, file, error.path)) from error
    except ValueError as error:  # a number too long to read
        raise _refused(f"is not JSON: {error}", Place(file=file, line=1)) from error


def write_lock(path: Path, lock: Lock) -> bool:
    """Put a lock in its file; False where it already stands there byte for byte, and nothing was written.

    A reader sees the old file or the new one, whatever happens in between. Raises UnusableError naming the path.
    """
    with _collector_paused():
        data = lock_bytes(lock)
    try:
        path = Path(os.path.realpath(path))  # a lock that is a symbolic link stays one
        if path.is_file() and path.read_bytes() == data:
            return False
        replace_file(path, data)
    except OSError as error:
        raise _unusable("write", path, error) from error
    return True


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in a file as a whole: whatever happens, there is the old file or the new one. Raises OSError."""
    # Temporary file, fsync, rename, fsync of the directory: only in this order.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, _mode(path))
            file.write(data)
            file.flush()
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_directory(path.parent)
    _sweep(path)


def _mode(path: Path) -> int:
    """The file's own mode, else what the umask leaves of 0666: mkstemp's 0600 would hide the lock from other users of a checkout."""
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(path: Path) -> None:
    """Remove what killed runs left. Only one live run writes a lock (the state directory is held), so none of these is in use."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        with contextlib.suppress(FileNotFoundError):
            left.unlink()


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Half the time of a large lock would go into looking for cycles among values that cannot have any."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _not_json(text: str, file: str, error: json.JSONDecodeError) -> RefusedError:
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        problem = Problem(
            summary="the lock holds the markers of a merge conflict",
            place=_at(text, file, line),
            hint="take one side whole (git checkout --ours or --theirs), then apply again: what the other side built is found in the registry",
            code="lock-conflict",
        )
        return RefusedError(problem)
    return _refused(f"is not JSON: {error.msg}", _at(text, file, error.lineno, error.colno))


def _refused(what: str, place: Place) -> RefusedError:
    return RefusedError(Problem(summary=f"the lock {what}", place=place, hint=_RESTORE, code="broken-lock"))


def _unusable(verb: str, path: Path, error: OSError) -> UnusableError:
    summary = f"cannot {verb} the lock {path}: {error.strerror or error}"
    return UnusableError(Problem(summary=summary, hint="check its directory, its permissions and the space left", code="lock-file"))


def _place(text: str, file: str, keys: Sequence[str]) -> Place:
    """Where the value at `keys` stands. Found by the indentation that we write; in a file of another form, the last line that fits."""
    lines = text.split("\n")
    here = 0
    for depth, key in enumerate(keys, start=1):
        start = f"{'  ' * depth}{json.dumps(key, ensure_ascii=False)}:"
        here = next((number for number in range(here, len(lines)) if lines[number].startswith(start)), here)
    column = len(lines[here]) - len(lines[here].lstrip()) + 1
    return _at(text, file, here + 1, column)


def _at(text: str, file: str, line: int, column: int = 1) -> Place:
    return Place(file=file, line=line, column=column, text=text.split("\n")[line - 1])
