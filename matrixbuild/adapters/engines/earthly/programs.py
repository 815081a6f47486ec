"""What a manifest, the environment and PATH name -> the Earthly that builds: manifest before environment before `earth` before `earthly`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.asking import ask
from matrixbuild.adapters.children import Children
from matrixbuild.core.problems import Place, Problem, UnusableError
from matrixbuild.core.program import QUESTIONS, Program, Unfit, program_of, scrubbed
from matrixbuild.core.surroundings import EngineUse

PROGRAM_VARIABLE = "MATRIXBUILD_EARTHLY"
"""Of the environment: the program to use where the manifest names none, a path or a name to look for on PATH."""

NAMES = ("earth", "earthly")
ON_PATH = "PATH"

_SECONDS = 10.0
_GRACE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A program to try: the file, and who names it (`engine.program`, the variable, PATH)."""

    path: str
    by: str
    place: Place | None = None

    @property
    def title(self) -> str:
        return f"{self.path} on PATH" if self.by == ON_PATH else f"{self.path}, which {self.by} names,"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What was found, and what was passed over on the way: programs that are called like it and are something else."""

    program: Program | None
    passed: tuple[str, ...] = ()


def find_program(
    use: EngineUse, environ: Mapping[str, str] = os.environ, *, base: Path = Path(), seconds: float = _SECONDS
) -> Program | None:
    """The Earthly or EarthBuild to build with; None where nobody names one and PATH has none (then Docker is next).

    `base` is the manifest's directory, which `engine.program` is relative to; `seconds` is how long each of two questions may take. Raises
    UnusableError, in one sentence, for a program that was named and cannot be used, and where PATH has none but such.
    """
    return search_program(use, environ, base=base, seconds=seconds).program


def search_program(
    use: EngineUse, environ: Mapping[str, str] = os.environ, *, base: Path = Path(), seconds: float = _SECONDS
) -> Search:
    """The same, with what was passed over."""
    if named := _named(use, environ, base):
        found = _tried(named, use, environ, seconds)
        if isinstance(found, Unfit):
            raise _unusable(named, found)
        return Search(program=found)
    return _on_path(use, environ, seconds)


def _on_path(use: EngineUse, environ: Mapping[str, str], seconds: float) -> Search:
    passed: list[str] = []
    unfit: list[tuple[Named, Unfit]] = []
    for named in _candidates(environ):
        found = _tried(named, use, environ, seconds)
        if isinstance(found, Program):
            return Search(program=found, passed=(*passed, *(f"{one.title} {why.reason}" for one, why in unfit)))
        # Others have programs called `earth`; who is called `earthly` and is not ought to be told of.
        if found.foreign and Path(named.path).name == NAMES[0]:
            passed.append(f"{named.title} {found.reason}")
        else:
            unfit.append((named, found))
    if unfit:
        raise _unusable(*unfit[0])
    return Search(program=None, passed=tuple(passed))


def _candidates(environ: Mapping[str, str]) -> Iterator[Named]:
    for name in NAMES:
        if path := _which(name, environ):
            yield Named(path=path, by=ON_PATH)


def _named(use: EngineUse, environ: Mapping[str, str], base: Path) -> Named | None:
    """What the manifest names, else the variable. Raises UnusableError where that is no file that can be run."""
    word, by, place = (use.program, "engine.program", use.place) if use.program else (environ.get(PROGRAM_VARIABLE, ""), PROGRAM_VARIABLE, None)
    if not word:
        return None
    if "/" not in word:
        path = _which(word, environ)
        if path is None:
            raise _wrong(f"{by} names {word}, which no directory of PATH has", "correct it, or write down where the program is", place)
        return Named(path=path, by=by, place=place)
    # The environment is about where a person is, the manifest about where it is.
    path = str(Path(os.path.abspath(base if use.program else Path.cwd()), os.path.expanduser(word)))  # noqa: PTH100, PTH111  (absent is fine)
    _check_file(path, by, place)
    return Named(path=path, by=by, place=place)


def _check_file(path: str, by: str, place: Place | None) -> None:
    if not os.path.exists(path):  # noqa: PTH110  (Path.exists raises for a name that no file can have)
        raise _wrong(f"{by} names {path}, and there is no such file", "correct it, or leave it out: then earth or earthly on PATH is taken", place)
    if Path(path).is_dir():
        raise _wrong(f"{by} names {path}, which is a directory", "name the program in it", place)
    if not os.access(path, os.X_OK):
        raise _wrong(f"{by} names {path}, which may not be executed", f"`chmod +x {path}`", place)


def _which(name: str, environ: Mapping[str, str]) -> str | None:
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    return os.path.abspath(found) if found else None  # noqa: PTH100  (links stay: the program looks at what it was called)


def _tried(named: Named, use: EngineUse, environ: Mapping[str, str], seconds: float) -> Program | Unfit:
    around = scrubbed(environ)
    try:
        with Children(grace=_GRACE) as children:
            version = ask(children, (named.path, QUESTIONS[0]), environ=around, seconds=seconds)
            # Who hangs once hangs twice.
            answered = ask(children, (named.path, QUESTIONS[1]), environ=around, seconds=seconds) if version.status == 0 else version
    except UnusableError as error:
        reason = f"cannot be started: {error.problems[0].summary.rpartition(': ')[2]}"
        return Unfit(reason=reason, hint="is it a program for this machine?", foreign=True)
    return program_of(named.path, version, answered, wanted=use.version, found=named.by, seconds=seconds)


def _unusable(named: Named, unfit: Unfit) -> UnusableError:
    other = f"name another one with engine.program or {PROGRAM_VARIABLE}"
    return _wrong(f"{named.title} {unfit.reason}", unfit.hint or other, named.place)


def _wrong(summary: str, hint: str, place: Place | None) -> UnusableError:
    return UnusableError(Problem(summary=summary, place=place, hint=hint, code="program"))
