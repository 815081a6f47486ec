"""An Earthly target of a source with args -> what a build of it reads: exactly for the embedded engine, at most so for Earthly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.earthfile.analysis import Analysis, analysis, inspect
from matrixbuild.core.earthfile.evaluate import Call, Known, evaluate, examine
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.findings import Guard
from matrixbuild.core.earthfile.recipe import Evaluation, Wanted
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.reads import Reader
from matrixbuild.workflow.mentions import Mentions

Args = tuple[tuple[str, str], ...]
T = TypeVar("T")

LINES: Mapping[str, str] = {"embedded": "embedded/1", "earthly": "earthly/0.8"}
"""Engine kind -> kind and line, as they are in build keys and in the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a target reads: `used` are names of ARGs, `files` entries of the source. `anything`: ARGs may count that the path does not declare."""

    commands: tuple[str, ...]
    declared: frozenset[str]
    used: frozenset[str]
    files: tuple[str, ...]
    bases: tuple[str, ...]
    guards: tuple[Guard, ...] = ()
    anything: bool = False


class Evaluator:
    """Answers an evaluation's wishes from a snapshot until it wants no more; what was read once serves the next."""

    def __init__(self, source: Snapshot) -> None:
        self._source = source
        self._texts: dict[str, str | None] = {}

    def evaluate(self, call: Call, images: Mapping[tuple[str, Platform], ImageConfig] | None = None) -> Evaluation:
        return self.until(evaluate, call, images)

    def until(self, ask: Callable[[Call, Known], T | Wanted], call: Call, images: Mapping[tuple[str, Platform], ImageConfig] | None = None) -> T:
        """Ask until it is an answer. Raises EarthfileError."""
        while True:
            found = ask(call, Known(listing=self._source.listing, texts=self._texts, images=images or {}))
            if not isinstance(found, Wanted):
                return found
            self._texts |= {path: self._source.text(path) for path in found.texts}


class _TargetReader:
    """What both kinds have in common."""

    def __init__(self, source: Snapshot) -> None:
        self._source = source
        self._evaluator = Evaluator(source)
        self._reader = Reader(source.listing)
        self._prints: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}

    def fingerprints(self, paths: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """The paths with their fingerprints."""
        if paths not in self._prints:
            self._prints[paths] = tuple((path, self._source.fingerprint(path)) for path in paths)
        return self._prints[paths]


class EmbeddedReader(_TargetReader):
    """For the embedded engine: the whole evaluation."""

    line = LINES["embedded"]

    def __init__(self, source: Snapshot) -> None:
        super().__init__(source)
        self._known: dict[tuple[str, str, Args], Read | EarthfileError] = {}

    def read(self, directory: str, target: str, args: Args) -> Read:
        """Raises EarthfileError, NEEDS_EARTHLY for what the embedded engine cannot run."""
        key = (directory, target, args)
        if key not in self._known:
            try:
                self._known[key] = self._read(Call(directory=directory, target=target, overrides=args, unknown_images=True))
            except EarthfileError as error:
                self._known[key] = error
        return _raised(self._known[key])

    def _read(self, call: Call) -> Read:
        found = self._evaluator.evaluate(call)
        return Read(
            commands=found.commands,
            declared=found.declared,
            used=frozenset(name for name, _ in found.used),
            files=self._reader.reads(found).paths,
            bases=tuple(image.ref for image in found.base_images),
        )


class EarthlyReader(_TargetReader):
    """For Earthly: the analysis. Calls that agree on the args that decide share one, so that a thousand cells need few."""

    line = LINES["earthly"]

    def __init__(self, source: Snapshot) -> None:
        super().__init__(source)
        self._mentions = Mentions(source)
        self._deciding: defaultdict[tuple[str, str], dict[tuple[str, ...], None]] = defaultdict(dict)
        self._known: dict[tuple[str, str, tuple[str, ...], Args], Read] = {}
        self._refused: dict[tuple[str, str, Args], EarthfileError] = {}
        self._everything = tuple(sorted(source.listing.entries))

    def read(self, directory: str, target: str, args: Args) -> Read:
        """Raises EarthfileError for what Earthly refuses too."""
        given = dict(args)
        for deciding in self._deciding[directory, target]:
            if found := self._known.get((directory, target, deciding, _choice(deciding, given))):
                return found
        if (directory, target, args) in self._refused:
            raise self._refused[directory, target, args]
        return self._learned(directory, target, args)

    def analysis(self, directory: str, target: str, args: Args) -> Analysis:
        """Everything there is to know of one call. Raises EarthfileError."""
        examined = self._evaluator.until(examine, Call(directory=directory, target=target, overrides=args))
        inspected = inspect(examined, self._reader)
        return analysis(inspected, self._mentions.of(inspected.paths, inspected.names))

    def _learned(self, directory: str, target: str, args: Args) -> Read:
        try:
            found = self.analysis(directory, target, args)
        except EarthfileError as error:
            # Which args decided on an error is not known: it is kept for the very same call alone.
            self._refused[directory, target, args] = error
            raise
        read = self._read(found)
        if not found.anything:
            deciding = tuple(sorted(found.deciding))
            self._deciding[directory, target].setdefault(deciding)
            self._known[directory, target, deciding, _choice(deciding, dict(args))] = read
        return read

    def _read(self, found: Analysis) -> Read:
        return Read(
            commands=found.commands,
            declared=found.declared,
            used=found.used_names,
            files=self._everything if found.whole else found.files,
            bases=tuple(base.ref for base in found.bases),
            guards=found.guards,
            anything=found.anything,
        )


def _choice(deciding: tuple[str, ...], given: Mapping[str, str]) -> Args:
    """The args that decide, as given; one that is not given is left out."""
    return tuple((name, given[name]) for name in deciding if name in given)


def _raised(found: Read | EarthfileError) -> Read:
    if isinstance(found, EarthfileError):
        raise found
    return found
