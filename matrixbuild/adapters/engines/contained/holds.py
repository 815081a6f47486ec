"""A builder that several applies share -> who uses it, and who may change it: two file locks, which go with their processes however those end."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.core.problems import Problem, UnusableError

_POLL = 0.1
_PATIENCE = 600.0
"""Seconds for which another apply may make the builder: longer than its trials take, however slow the machine."""


class Hold:
    """The hold of one apply on a builder. While anybody uses it, nobody else may make it anew."""

    def __init__(self, directory: Path, name: str) -> None:
        """Raises UnusableError where nothing can be written there."""
        self._directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._use = _opened(directory / f"{name}.use")
            self._change = _opened(directory / f"{name}.change")
        except OSError as error:
            summary = f"cannot use the cache {directory}: {error.strerror or error}"
            hint = "check its permissions and the space left, or set XDG_CACHE_HOME"
            raise UnusableError(Problem(summary=summary, hint=hint, code="cache")) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Only one apply at a time looks at the builder and changes it. Raises UnusableError where another one does not come to an end with it."""
        until = time.monotonic() + _PATIENCE
        while not _locked(self._change, fcntl.LOCK_EX):
            if time.monotonic() > until:
                summary = f"another apply has been starting the builder for {_PATIENCE / 60:g} minutes"
                raise UnusableError(Problem(summary=summary, hint="stop it: matrixbuild cancel", code="builder"))
            time.sleep(_POLL)
        try:
            yield
        finally:
            fcntl.flock(self._change, fcntl.LOCK_UN)

    def unused(self) -> bool:
        """Whether nobody else uses it; then nobody does until `use`. To be asked by who is `alone`."""
        return _locked(self._use, fcntl.LOCK_EX)

    def use(self) -> None:
        """From now on, until `close`, nobody makes it anew."""
        # Whoever has it for himself only gives way by this.
        fcntl.flock(self._use, fcntl.LOCK_SH)

    def close(self) -> None:
        os.close(self._use)
        os.close(self._change)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locked(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
