"""A folder and a flavor -> an executable that is found on PATH as the real program would be, and what was asked of it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.double.told import Instructions, Told, write

ROOT = Path(__file__).parents[2]
NAMES = {"earthly": "earthly", "earthbuild": "earth"}

# Settings stand in the script and in the files of `state`: a caller that scrubs the environment cannot lose them.
SCRIPT = """\
#!{python}
import sys
sys.path[:1] = [{root!r}]
from tests.double.main import main
sys.exit(main(sys.argv, state={state!r}, flavor={flavor!r}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One start: its arguments without the program's name, directory, environment, and process id."""

    argv: tuple[str, ...]
    cwd: str
    environ: dict[str, str]
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """An installed double: `path` is the program, `flavor` earthly or earthbuild, `state` the directory of its instructions and of its calls."""

    path: Path
    flavor: str
    state: Path

    def tell(
        self, *, run: str = "pretend", transcript: Path | None = None, pace: float = 0.0, push_seconds: float = 0.0, runs: tuple[Told, ...] = ()
    ) -> None:
        """What calls from now on do, in place of what was told before."""
        where = str(transcript) if transcript else None
        write(self.state, Instructions(run=run, transcript=where, pace=pace, push_seconds=push_seconds, runs=runs))

    def calls(self) -> list[Called]:
        """Every start so far, in order."""
        made = self.state / "calls.ndjson"
        lines = made.read_text().splitlines() if made.exists() else []
        return [Called(**document | {"argv": tuple(document["argv"])}) for document in map(json.loads, lines)]


def install(folder: Path, *, flavor: str = "earthly", name: str = "") -> Double:
    """Write the double into `folder` under the name that the flavor's program has, or another one."""
    path = folder / (name or NAMES[flavor])
    state = folder / f".{path.name}.double"
    state.mkdir(parents=True)
    path.write_text(SCRIPT.format(python=sys.executable, root=str(ROOT), state=str(state), flavor=flavor))
    path.chmod(0o755)
    double = Double(path=path, flavor=flavor, state=state)
    double.tell()
    return double


def note_call(state: Path, argv: list[str]) -> None:
    """Remember a start. One write of one line: several doubles may start at once."""
    line = json.dumps({"argv": argv[1:], "cwd": str(Path.cwd()), "environ": dict(os.environ), "pid": os.getpid()})
    with (state / "calls.ndjson").open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())
