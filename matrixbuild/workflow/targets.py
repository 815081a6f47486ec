"""An Earthly target of a source with args -> what a build of it reads: exactly for the embedded engine, at most so for Earthly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from matrixbuild.adapters.notes import Notes
from matrixbuild.adapters.sources import Source
from matrixbuild.core.earthfile.analysis import Analysis, Inspected, analysis, inspect
from matrixbuild.core.earthfile.decisions import Decisions, Overrides, UnsaidError, Valued
from matrixbuild.core.earthfile.evaluate import Call, Known, evaluate, examine
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.findings import Guard
from matrixbuild.core.earthfile.recipe import Evaluation, Wanted
from matrixbuild.core.earthfile.scope import spelled
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.earthfile.values import Template
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.reads import Reader
from matrixbuild.workflow.mentions import Mentions
from matrixbuild.workflow.sharing import Answered, Args, Shared

T = TypeVar("T")

LINES: Mapping[str, str] = {"embedded": "embedded/1", "earthly": "earthly/0.8", "docker": "docker/1"}
"""Engine kind -> kind and line, as they are in build keys and in the lock."""

_NONE = frozenset[str]()
_MOST_KEPT = 500
"""So many evaluations are kept as a whole, for whoever asks of them again: each is some hundred kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a target reads: `used` are names of ARGs, `files` entries of the source. `anything`: ARGs may count that the path does not declare.

    `opaque`, `secrets` and `privileged` as in core.reading.Reading."""

    commands: tuple[str, ...]
    declared: frozenset[str]
    used: frozenset[str]
    files: tuple[str, ...]
    bases: tuple[str, ...]
    guards: tuple[Guard, ...] = ()
    anything: bool = False
    opaque: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    privileged: bool = False
    variables: frozenset[str] = frozenset()
    """The names that a command could take a value for."""
    idle: frozenset[str] = frozenset()
    """The declared ARGs that are known to change nothing, not even the name of an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    """What was found for one call, and what other calls have to agree on to come to the same; `refs` as in core.earthfile.analysis.Analysis."""

    read: Read
    overrides: Overrides
    decisions: Decisions
    refs: tuple[Template, ...]
    exact: frozenset[str]
    """The args that count by their values."""
    inspected: Inspected | None
    """What was gone through; None where so many are kept that this one is not."""

    def spells_the_same(self, overrides: Overrides) -> bool:
        """Whether values that are made of several parts hold the same names of variables with other overrides."""
        try:
            return all(self._spelled(made, self.overrides) == self._spelled(made, overrides) for made in self.decisions.composed)
        except UnsaidError:
            return False

    def _spelled(self, made: Template, overrides: Overrides) -> frozenset[str]:
        return spelled(overrides.rendered(made)) & self.read.variables

    def read_with(self, overrides: Overrides) -> Read:
        """The same, with the base images of other overrides."""
        return replace(self.read, bases=tuple(dict.fromkeys(overrides.rendered(ref) for ref in self.refs)))


class Evaluator:
    """Answers an evaluation's wishes from a snapshot until it wants no more; what was read once serves the next."""

    def __init__(self, source: Source, statements: tuple[Statement, ...] = (), texts: Mapping[str, str] | None = None) -> None:
        """`texts` stand in for those of the snapshot."""
        self._source = source
        self._statements = statements
        self._texts: dict[str, str | None] = dict(texts or {})

    def evaluate(self, call: Call, images: Mapping[tuple[str, Platform], ImageConfig] | None = None) -> Evaluation:
        return self.until(evaluate, call, images)

    def until(self, ask: Callable[[Call, Known], T | Wanted], call: Call, images: Mapping[tuple[str, Platform], ImageConfig] | None = None) -> T:
        """Ask until it is an answer. Raises EarthfileError."""
        while True:
            found = ask(call, Known(listing=self._source.listing, texts=self._texts, images=images or {}, statements=self._statements))
            if not isinstance(found, Wanted):
                return found
            self._texts |= {path: self._source.text(path) for path in found.texts}


class _TargetReader:
    """What both kinds have in common."""

    def __init__(self, source: Source, statements: tuple[Statement, ...] = ()) -> None:
        self._source = source
        self._evaluator = Evaluator(source, statements)
        self._reader = Reader(source.listing)
        self._prints: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}

    def fingerprints(self, paths: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """The paths with their fingerprints."""
        if paths not in self._prints:
            self._prints[paths] = tuple((path, self._source.fingerprint(path)) for path in paths)
        return self._prints[paths]


class EmbeddedReader(_TargetReader):
    """For the embedded engine: the whole evaluation. Calls that agree on the args that decide share one."""

    line = LINES["embedded"]

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._known = Shared[Read]()
        self._refused: dict[tuple[str, str, Args], EarthfileError] = {}

    def read(self, directory: str, target: str, args: Args) -> Read:
        """Raises EarthfileError, NEEDS_EARTHLY for what the embedded engine cannot run."""
        if found := next(self._known.matching(directory, target, args), None):
            return found
        if (directory, target, args) in self._refused:
            raise self._refused[directory, target, args]
        try:
            return self._learned(directory, target, args)
        except EarthfileError as error:
            # Which args decided on an error is not known: it is kept for the very same call alone.
            self._refused[directory, target, args] = error
            raise

    def _learned(self, directory: str, target: str, args: Args) -> Read:
        found = self._evaluator.evaluate(Call(directory=directory, target=target, overrides=args, unknown_images=True))
        read = Read(
            commands=found.commands,
            declared=found.declared,
            used=frozenset(name for name, _ in found.used),
            files=self._reader.reads(found).paths,
            bases=tuple(image.ref for image in found.base_images),
        )
        self._known.keep(directory, target, args, found.deciding, read)
        return read


class EarthlyReader(_TargetReader):
    """For Earthly: the analysis. Calls that agree on the args that decide share one, so that a thousand cells need few.

    `statements` are a profile's; `images` the configurations of base images, where they are known; `notes` what earlier processes found out.
    """

    line = LINES["earthly"]

    def __init__(
        self,
        source: Source,
        statements: tuple[Statement, ...] = (),
        images: Mapping[tuple[str, Platform], ImageConfig] | None = None,
        notes: Notes | None = None,
    ) -> None:
        super().__init__(source, statements)
        self._images = dict(images or {})
        self._mentions = Mentions(source, statements, notes)
        self._known = Shared[tuple[Read, frozenset[str]]]()
        self._answered = Answered[_Class]()
        self._declared: defaultdict[tuple[str, str, frozenset[str]], dict[tuple[str, ...], Args]] = defaultdict(dict)
        """By target and by which of its args are declared on its path, the args of the first such call of each order in which they are given:
        calls of another order are kept apart."""
        self._many = 0
        self._harmless: defaultdict[frozenset[str], set[str]] = defaultdict(set)
        """By the names of variables, the values that hold none of them."""
        self._refused: dict[tuple[str, str, Args], EarthfileError] = {}
        self._everything = tuple(sorted(source.listing.entries))

    def read(self, directory: str, target: str, args: Args) -> Read:
        """Raises EarthfileError for what Earthly refuses too."""
        for found, deciding in self._known.matching(directory, target, args):
            if self._spelling(args, found.variables) <= deciding:
                return found
        overrides = Overrides.of(args)
        for alike in self._alike(directory, target, args, overrides):
            return self._kept(directory, target, args, alike, alike.read_with(overrides))
        if (directory, target, args) in self._refused:
            raise self._refused[directory, target, args]
        return self._learned(directory, target, args)

    def _alike(self, directory: str, target: str, args: Args, overrides: Overrides) -> Iterator[_Class]:
        """What other calls came to that differ from this one in nothing but texts."""
        for alike in self._answered.matching(directory, target, args, overrides):
            if self._spelling(args, alike.read.variables) <= alike.exact and alike.spells_the_same(overrides):
                yield alike

    def analysis(self, directory: str, target: str, args: Args) -> Analysis:
        """Everything there is to know of one call. Raises EarthfileError."""
        return self._analysed(self.inspected(directory, target, args))

    def _analysed(self, inspected: Inspected) -> Analysis:
        mentions = self._mentions.of(inspected.paths, inspected.names)
        return analysis(inspected, mentions, self._mentions.stated(inspected.paths))

    def inspected(self, directory: str, target: str, args: Args) -> Inspected:
        """One call gone through, with the files it reads. Raises EarthfileError."""
        examined = self._evaluator.until(examine, Call(directory=directory, target=target, overrides=args), self._images)
        return inspect(examined, self._reader)

    def like(self, directory: str, target: str, args: Args) -> Inspected:
        """As `inspected`, of this call or of one that was read and differs from it in nothing but texts: it may have been given args besides that its
        path does not declare, as long as all that it does declare are given here. Raises EarthfileError."""
        given = dict(args)
        for known in self._declared[directory, target, frozenset(given)].values():
            read = tuple([(name, given.get(name, value)) for name, value in known])
            for alike in self._alike(directory, target, read, Overrides.of(read)):
                if alike.inspected:
                    return alike.inspected
        return self.inspected(directory, target, args)

    def mentioned(self, inspected: Inspected, names: frozenset[str]) -> Mapping[str, frozenset[str]]:
        """Which of some names stand in the files that commands of a call may run, by path."""
        return self._mentions.of(inspected.paths, inspected.names | names)

    def _learned(self, directory: str, target: str, args: Args) -> Read:
        try:
            inspected = self.inspected(directory, target, args)
            found = self._analysed(inspected)
        except EarthfileError as error:
            # Which args decided on an error is not known: it is kept for the very same call alone.
            self._refused[directory, target, args] = error
            raise
        read = self._read(found)
        if found.anything:
            return read
        found.decisions.exactly(self._spelling(args, read.variables))
        exact = frozenset(question.name for question in found.decisions.answers if isinstance(question, Valued))
        names = tuple(name for name, _ in args)
        self._declared[directory, target, read.declared.intersection(names)].setdefault(names, args)
        self._many += 1
        alike = _Class(
            read=read,
            overrides=Overrides.of(args),
            decisions=found.decisions,
            refs=found.refs,
            exact=exact,
            inspected=inspected if self._many <= _MOST_KEPT else None,
        )
        self._answered.keep(directory, target, args, found.decisions.answers, alike)
        return self._kept(directory, target, args, alike, read)

    def _kept(self, directory: str, target: str, args: Args, alike: _Class, read: Read) -> Read:
        """What was found for a call, for all that agree with it on the args that decide: for them no answer needs to be found again."""
        deciding = frozenset(alike.decisions.names)
        self._known.keep(directory, target, args, deciding, (read, deciding))
        return read

    def _spelling(self, args: Args, variables: frozenset[str]) -> frozenset[str]:
        """The args whose values hold names of variables: a command which runs such a value may read them, and another value would not be so
        read."""
        values = self._harmless[variables]
        if values.issuperset([value for _, value in args]):
            return _NONE
        found = []
        for name, value in args:
            if value not in values:
                if variables.isdisjoint(spelled(value)):
                    values.add(value)
                else:
                    found.append(name)
        return frozenset(found)

    def _read(self, found: Analysis) -> Read:
        return Read(
            commands=found.commands,
            declared=found.declared,
            used=found.used_names,
            files=self._everything if found.whole else found.files,
            bases=tuple(dict.fromkeys(base.ref for base in found.bases)),
            guards=found.guards,
            anything=found.anything,
            opaque=tuple(sorted({each.kind.value for each in found.opaque})),
            secrets=tuple(sorted({need.name for need in found.secrets})),
            privileged=bool(found.privileged),
            variables=found.declared | found.decisions.heard,
            idle=frozenset() if found.anything else frozenset(found.unused),
        )
