"""The address of a builder -> whether a step runs on it: one that needs no base image, and takes nothing from the cache."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.contained.vessel import Vessel
from matrixbuild.core.builder_address import Address
from matrixbuild.core.process import Command, Stream, ended_by_us
from matrixbuild.core.tiny_shell import tiny_shell

_EARTHFILE = "VERSION 0.8\n\ntrial:\n    FROM scratch\n    COPY sh /bin/sh\n    RUN --no-cache true\n"
_SECONDS = 120.0
_MOST_LINES = 200
_FAILED = "*failed* | "


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTrial:
    """Tries builders with the program in a vessel; `config` is a configuration of that program, `directory` one for the trial alone."""

    vessel: Vessel
    children: Children
    program: str
    config: Path
    directory: Path
    architecture: str
    environ: tuple[tuple[str, str], ...]

    def __call__(self, address: Address) -> str:
        """Why no step runs on a builder, or "". Raises UnusableError where the trial itself cannot run."""
        self._prepare()
        said: deque[bytes] = deque(maxlen=_MOST_LINES)
        cwd = str(self.directory)
        argv = (self.program, "--config", str(self.config), "--buildkit-host", address.text, "--no-output", "+trial")
        command = Command(argv=argv, cwd=cwd, env=(*self.environ, ("PWD", cwd)), timeout=_SECONDS)

        def heard(_: Stream, lines: list[bytes]) -> None:
            said.extend(lines)

        with self.vessel.around(command, private=self.directory) as started:
            ended = self.children.run(started, heard)
        if ended.succeeded:
            return ""
        if failure := self.vessel.failure(ended, said) or ended_by_us(command, ended):
            return failure.summary
        return _decisive([line.decode("utf-8", "replace").strip() for line in said]) or f"the trial ends with {ended.status} and says nothing"

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "Earthfile").write_text(_EARTHFILE, encoding="utf-8")
        shell = self.directory / "sh"
        shell.write_bytes(tiny_shell(self.architecture))
        shell.chmod(0o755)


def _decisive(lines: Sequence[str]) -> str:
    """The first line that a failing step says again, else the last one."""
    told = [line.partition(_FAILED)[2] for line in lines if _FAILED in line]
    return (told or [line for line in lines if line][-1:] or [""])[0]
