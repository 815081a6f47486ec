"""Commands of one attempt of a build -> its directory: what was run, what it said and wrote, masked, and how it ended (the layout of transcripts)."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Self

from matrixbuild.adapters.attempt_logs import CLASSES, writing
from matrixbuild.adapters.capped_file import CappedFile
from matrixbuild.adapters.child import OnLines
from matrixbuild.adapters.children import Children
from matrixbuild.core.masking import masking
from matrixbuild.core.process import Command, Ended, Stream, Why

PREFIX = "build-"
"""Of temporary directories: the next run removes those that a killed one left (adapters/state.py)."""


class Attempt:
    """The directory of an attempt, for its owner alone. While this context is open, commands run into it, mostly one: `command` has a line for
    each, `stdout` and `stderr` what they said (of very much the beginning and the end), `exit`, at the end, how the last one ended.

    Raises BuildFailed (disk) where nothing can be written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._commands: list[str] = []
        self._ended: Ended | None = None
        self._outputs: dict[Stream, CappedFile] = {}

    def __enter__(self) -> Self:
        with writing(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            self._directory.chmod(0o700)
            self._outputs = {stream: CappedFile(self._directory / stream.value) for stream in Stream}
        return self

    def __exit__(self, *_: object) -> None:
        with writing(self._directory):
            for output in self._outputs.values():
                output.close()
            if self._ended:
                (self._directory / "exit").write_text(f"{self._ended.status}\n", encoding="ascii")
            if self._ended and self._ended.why is not Why.EXITED:
                # Nothing that the program says tells it: whoever classifies the attempt later has to know.
                known = {"endedByUs": "interrupt" if self._ended.why is Why.CANCELLED else "timeout"}
                (self._directory / CLASSES).write_text(f"{json.dumps({'known': known})}\n", encoding="utf-8")

    def run(self, children: Children, command: Command, *, name: str, on_lines: OnLines | None = None) -> Ended:
        """Run a command to its end, as Children.run does; what is kept of its output, `on_lines` hears as well."""
        masked = masking(command.secrets)
        self._commands.append(masked.text(json.dumps(command.argv)))
        with writing(self._directory):
            (self._directory / "command").write_text("".join(f"{line}\n" for line in self._commands), encoding="utf-8")
        self._ended = children.run(command, partial(self._heard, on_lines) if on_lines else self._add, name=name)
        return self._ended

    def keep(self, name: str, chunks: Iterable[bytes], command: Command) -> Path:
        """A masked copy of something that a command wrote elsewhere (see chunks_of); what is encoded in it, decode before. Gives where it is."""
        stream, kept = masking(command.secrets).stream(), self._directory / name
        with writing(self._directory), kept.open("wb") as file:
            for chunk in chunks:
                file.write(stream.feed(chunk))
            file.write(stream.finish())
        return kept

    def _heard(self, on_lines: OnLines, stream: Stream, lines: list[bytes]) -> None:
        self._add(stream, lines)
        on_lines(stream, lines)

    def _add(self, stream: Stream, lines: list[bytes]) -> None:
        with writing(self._directory):
            self._outputs[stream].write(b"".join(lines))


def chunks_of(path: Path) -> Iterator[bytes]:
    """The content of a file, a little at a time. Raises OSError."""
    with path.open("rb") as file:
        yield from iter(partial(file.read, 64 * 1024), b"")


@contextmanager
def private_directory(parent: Path) -> Iterator[Path]:
    """A new directory that only its owner may enter, for what programs write themselves; gone with the block. Raises BuildFailed."""
    with writing(parent):
        parent.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        yield directory
    finally:
        # Should something of it stay, the next run removes it.
        shutil.rmtree(directory, ignore_errors=True)
