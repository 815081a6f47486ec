"""A program and a question on its command line -> its answer, within a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrixbuild.adapters.children import Children
from matrixbuild.core.process import Command, Ended, Stream, Why
from matrixbuild.core.program import Answer

_MOST = 1 << 18
"""Bytes of an answer that are read: who says more answers another question."""


class _EnoughError(Exception):
    """More was said than is read."""


def ask(children: Children, argv: Sequence[str], *, environ: Mapping[str, str], seconds: float) -> Answer:
    """What a program prints to `argv`, at most for so long; who does not stop talking is ended like who does not stop at all.

    Nothing of the directory it is asked from counts. Raises UnusableError where it cannot be started.
    """
    heard: list[bytes] = []

    def listen(stream: Stream, lines: list[bytes]) -> None:
        if stream is Stream.STDOUT:
            heard.extend(lines)
            if sum(map(len, heard)) > _MOST:
                raise _EnoughError

    command = Command(argv=tuple(argv), cwd="/", env=tuple(environ.items()), timeout=seconds)
    try:
        status = _status(children.run(command, listen))
    except _EnoughError:
        status = None
    return Answer(status=status, text=b"".join(heard).decode("utf-8", "replace"))


def _status(ended: Ended) -> int | None:
    return ended.status if ended.why is Why.EXITED else None
