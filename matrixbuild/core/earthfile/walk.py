"""What one evaluation knows, asks for and notes down while it goes through Earthly targets."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from matrixbuild.core.earthfile import features, parser, syntax
from matrixbuild.core.earthfile.calls import Call, Known
from matrixbuild.core.earthfile.choices import Choice, choices, written
from matrixbuild.core.earthfile.decisions import Decisions
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import Findings
from matrixbuild.core.earthfile.recipe import BaseImage, Question, Tree, Wanted
from matrixbuild.core.earthfile.scope import Environment, Scope
from matrixbuild.core.earthfile.stepping import Stepping
from matrixbuild.core.earthfile.values import Template, Value
from matrixbuild.core.earthfile.versions import version_of
from matrixbuild.core.earthfile.visits import Block, Visit, Visits
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place, did_you_mean

MAX_DEPTH = 64
"""How many targets and functions may be inside of one another: beyond, one is taken to call itself with ever new args."""

MOST_TURNS = 6
"""So often a target or function is gone through inside of itself where nobody knows whether it calls itself once more."""

IGNORE_FILES = (".earthignore", ".earthlyignore")


class Want(Exception):  # noqa: N818
    """The evaluation cannot go on without these."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(str(wanted))
        self.wanted = wanted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parsed:
    """An Earthfile with the features its VERSION turns on."""

    earthfile: syntax.Earthfile
    features: features.Features
    names: frozenset[str]
    """Every name that an ARG, LET or FOR in it declares, wherever that stands."""
    choices: Mapping[int, Choice]
    """Every IF in it, by its identity."""


@lru_cache(maxsize=512)
def parsed(text: str, file: str) -> Parsed:
    """Parse once: the same Earthfile is evaluated for every cell of a matrix."""
    # The VERSION line first, as Earthly does: what is wrong with it is told before what is wrong below it.
    found = features.features(version_of(text, file=file), file=file)
    earthfile = parser.parse(text, file=file)
    bodies = (earthfile.base, *(recipe.body for recipe in (*earthfile.targets, *earthfile.functions)))
    names = frozenset(name for body in bodies for name in syntax.names(body))
    return Parsed(earthfile=earthfile, features=found, names=names, choices=choices(bodies))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A target to go through: `saving` its outputs, `block` where they are waited for (None: nobody waits)."""

    directory: str
    name: str
    overriding: Scope
    platform: Platform | None
    saving: bool
    block: Block | None
    place: Place


@dataclass(slots=True, eq=False)
class Walk:
    """One evaluation."""

    call: Call
    known: Known
    visits: Visits
    enter: Callable[[Walk, Entry], Visit]
    """Goes through a target (given from above: targets call one another)."""
    decisions: Decisions
    """What decides on what is gone through: calls that agree on the overrides that are asked about, and on which are given, differ in nothing
    but texts."""
    declared: set[str] = field(default_factory=set)
    used: dict[tuple[str, Place], None] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    bases: dict[tuple[str, Platform], BaseImage] = field(default_factory=dict)
    inside: list[str] = field(default_factory=list)
    """The targets and functions that are gone through now, the outermost first."""
    saved: int = 0
    forced: list[Tree] = field(default_factory=list)
    """Trees that are made whatever becomes of them."""
    consulted: list[Tree] = field(default_factory=list)
    """Trees that values came from."""
    asked: list[Question] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    looked: dict[tuple[str, str], None] = field(default_factory=dict)
    """As Evaluation.texts."""
    folders: dict[str, None] = field(default_factory=dict)
    """As Evaluation.folders."""
    refs: dict[Template, None] = field(default_factory=dict)
    """What the names of the base images are made of."""
    findings: Findings | None = None
    """Of a partial evaluation; None where the evaluation is not partial."""
    steps: Stepping | None = None
    """Where each step is noted, for a proof that two Earthfiles build the same."""
    at: Place = field(default_factory=lambda: Place(file="Earthfile", line=1))
    """The statement that is gone through now."""
    silent: int = 0
    earthfiles: dict[str, Parsed] = field(default_factory=dict)
    """By directory: each lookup of a variable asks."""
    environments: dict[tuple[int, ...], Environment] = field(default_factory=dict)
    """As Variables keeps them: most targets see the same globals and little else."""
    shells: dict[Tree, bool] = field(default_factory=dict)
    """Of the trees that were looked through, whether they lack one: many conditions stand behind one another in the same tree."""
    hidden: dict[tuple[str, bool, bool], tuple[str, ...]] = field(default_factory=dict)
    """As `ignorefiles.ignored` found them."""

    # What is asked for ------------------------------------------------------

    def texts(self, *paths: str, of: str = "") -> tuple[str | None, ...]:
        """The texts of files of the checkout, None where there is none; what is not known is asked for at once. `of`: as in Evaluation.texts."""
        self.looked.update(dict.fromkeys((path, of) for path in paths))
        if missing := tuple(path for path in paths if path not in self.known.texts):
            raise Want(Wanted(texts=missing))
        return tuple(self.known.texts[path] for path in paths)

    def parsed(self, directory: str, *, place: Place) -> Parsed:
        """The Earthfile of a directory; EarthfileError (UNKNOWN_TARGET) where there is none."""
        if directory not in self.earthfiles:
            self.earthfiles[directory] = self._parsed(directory, place)
        return self.earthfiles[directory]

    def _parsed(self, directory: str, place: Place) -> Parsed:
        self.texts(*(posixpath.join(directory, name) for name in ("Earthfile", *IGNORE_FILES)))
        for name in ("Earthfile", "build.earth"):
            path = posixpath.join(directory, name)
            if (text := self.texts(path)[0]) is not None:
                return parsed(text, path)
        folders = {posixpath.dirname(path) for path in self.known.listing.entries if posixpath.basename(path) == "Earthfile"}
        hint = did_you_mean(directory, folders - {""}) or "a reference names the directory that holds the Earthfile"
        raise EarthfileError(Fault.UNKNOWN_TARGET, f"there is no Earthfile in {directory or 'the root of the checkout'}", place=place, hint=hint)

    def image_name(self, value: Value, place: Place, stages: frozenset[str] = frozenset()) -> Template:
        """What the name of a base image is made of, counted as used. Where configurations of images are known it decides by its text."""
        self.use(value, place, decides=bool(self.known.images))
        return (value.text,) if self.known.images else self.decisions.image(value, stages)

    def base_image(self, ref: str, platform: Platform, place: Place, made: Template | None = None) -> tuple[BaseImage, ImageConfig | None]:
        """A base image, and its configuration (None: unknown, where the call allows that). `made`: what its name is made of, where that is not
        its text in any case."""
        self.refs.setdefault((ref,) if made is None else made)
        node = self.bases.setdefault((ref, platform), BaseImage(ref=ref, platform=platform, place=place))
        return node, self.image_config(ref, platform, place)

    def image_config(self, ref: str, platform: Platform, place: Place) -> ImageConfig | None:
        config = self.known.images.get((ref, platform))
        if config is None and not self.call.unknown_images:
            raise Want(Wanted(images=((ref, platform),), place=place))
        return config

    def answer(self, question: Question) -> tuple[str, ...] | None:
        """What a tree says; None where the call looks at no images."""
        if self.call.unknown_images:
            return None
        number = len(self.asked)
        self.asked.append(question)
        if number >= len(self.known.answers):
            raise Want(Wanted(question=question))
        return self.known.answers[number]

    # What is noted down -----------------------------------------------------

    def note(self, name: str, args: tuple[str, ...], *, listed: bool = False) -> None:
        """A command on the path, as written; `listed`: its words were a JSON list, which runs without a shell."""
        if not self.silent:
            self.commands.append(written(name, args, listed=listed))

    def note_all(self, lines: Iterable[str]) -> None:
        """Several commands, as `choices.written` gives them."""
        if not self.silent:
            self.commands += lines

    @contextmanager
    def silence(self) -> Iterator[None]:
        """What is gone through meanwhile was noted already."""
        self.silent += 1
        try:
            yield
        finally:
            self.silent -= 1

    def use(self, value: Value, place: Place, *, decides: bool = True) -> str:
        """The text of a value that reaches more than the name of an image; unless it `decides`, nothing else is gone through for another."""
        self.count(value.taint, place, decides=decides)
        return value.text

    def count(self, taint: frozenset[str], place: Place, *, decides: bool = True) -> None:
        """Count overrides as used, as `use` does."""
        for name in taint if len(taint) < 2 else sorted(taint):
            self.used.setdefault((name, place))
        if decides:
            self.decisions.exactly(taint)

    def decide(self, taint: frozenset[str]) -> None:
        """What is gone through, or which ARGs are behind a value, hangs on the values of these overrides."""
        self.decisions.exactly(taint)

    def use_all(self, findings: Findings, place: Place) -> None:
        """Any ARG may be read, even one that nothing on the path declares."""
        findings.everything = findings.everything or place
        for name, _ in self.call.overrides:
            self.count(frozenset({name}), place)

    def order(self) -> int:
        self.saved += 1
        return self.saved

    # What guards ------------------------------------------------------------

    @property
    def uncertain(self) -> bool:
        """Whether we are on a branch that may not be taken."""
        return bool(self.findings and self.findings.uncertain)

    def deeper(self, what: str, place: Place) -> None:
        """Enter a target or function. Raises EarthfileError: CYCLE where too many are inside of one another, UNKNOWN_VALUE where one calls
        itself and a condition that nobody knows may end that at any depth."""
        deep = len(self.inside) >= MAX_DEPTH
        if self.uncertain and (deep or self.inside.count(what) >= MOST_TURNS):
            raise self.unknown_turns(what, place)
        if deep:
            hint = "something calls itself with ever new args, or the Earthfile has to be made flatter"
            most = max(self.inside, key=self.inside.count)
            raise EarthfileError(Fault.CYCLE, f"{most} is inside of {MAX_DEPTH} other targets and functions", place=place, hint=hint)
        self.inside.append(what)

    @staticmethod
    def unknown_turns(what: str, place: Place) -> EarthfileError:
        hint = "let a condition over ARGs end it"
        return EarthfileError(Fault.UNKNOWN_VALUE, f"how often {what} calls itself is known only while it is built", place=place, hint=hint)
