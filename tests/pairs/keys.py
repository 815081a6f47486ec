"""A checkout on disk, an Earthly target and args -> the build key that our analysis gives it, for either kind of engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matrixbuild.adapters.source import Snapshot, snapshot
from matrixbuild.core.build import build_key
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Arg, Asked, Demand
from matrixbuild.core.problems import InvalidError, Place, UnusableError
from matrixbuild.core.reading import Reading
from matrixbuild.workflow.analysing import analyse
from matrixbuild.workflow.examining import Examiners

HERE = Place(file="case", line=1)
ENGINES = ("earthly", "embedded")
REFUSED, NOT_OURS = "refused", "not ours"
"""Instead of a key: the Earthfile is refused; the embedded engine cannot run it, or not without a look at a base image."""


def key(checkout: Path, target: str, args: Mapping[str, str], *, engine: str) -> str:
    """The key, REFUSED or NOT_OURS."""
    try:
        reading = _reading(snapshot(checkout, named="case"), target, args, engine)
    except InvalidError as error:
        return NOT_OURS if engine == "embedded" and {"unknown-value"} == {problem.code for problem in error.problems} else REFUSED
    except UnusableError:
        return NOT_OURS
    used = tuple((name, value) for name, value in args.items() if name in reading.used)
    return build_key(engine=reading.engine, commands=reading.commands, args=used, files=reading.files, bases=reading.bases)


def _reading(source: Snapshot, target: str, args: Mapping[str, str], engine: str) -> Reading:
    demand = Demand(
        asked=Asked(target="t", earthly=target, place=HERE, privileged=True),
        cell=Cell(values=()),
        args=tuple(Arg(name=name, value=value, axes=frozenset(), place=HERE, optional=True) for name, value in sorted(args.items())),
    )
    # An arg that nothing declares is ignored, as Earthly does.
    return next(iter(analyse([demand], Examiners(lambda _: source, engine), {}, every=False).readings.values()))
