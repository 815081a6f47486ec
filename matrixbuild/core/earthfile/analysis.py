"""A partial evaluation and the checkout it was made over in, everything that a build of the Earthly target depends on out (design.md 5)."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from matrixbuild.core.earthfile.decisions import Decisions
from matrixbuild.core.earthfile.evaluate import Examined
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.findings import EdgeKind, Findings, Guard, Need, Opacity, Opaque, Taken
from matrixbuild.core.earthfile.recipe import Evaluation, FromContext, copies_of
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.earthfile.statements import Stated, Statement
from matrixbuild.core.earthfile.values import UNKNOWN, Template
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place
from matrixbuild.core.reads import Reader

WHOLE_ENVIRONMENT = "*"
"""Among the names that a file mentions: it hands on its whole environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The line that proves an ARG to be used; `file`: where not empty, the file of the checkout that names it, and that the line may run.

    `word` is what stands in the file: the ARG, a variable that it is behind, or WHOLE_ENVIRONMENT."""

    name: str
    place: Place
    file: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """An ARG that counts, or (not `adds`) does not count, because a manifest says so at `place`."""

    name: str
    adds: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`source` comes to `target`; both are Earthly targets such as `sub+image`."""

    source: str
    target: str
    kind: EdgeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What one Earthly target copies from the checkout: `patterns` as `directory/pattern`, `paths` the entries they mean now, both sorted."""

    target: str
    patterns: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base image; its ref holds no marker: one that only a build knows is opaque."""

    ref: str
    platform: Platform
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """An image that is saved; a part of a name that only a build knows stands between replacement characters."""

    names: tuple[str, ...]
    push: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A path that AS LOCAL writes, relative to `directory` of the checkout."""

    directory: str
    path: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What one Earthly target depends on with one set of args, each tuple sorted or in the order of the Earthfile.

    `used`: each ARG that can change the result, whether or not it was given, once, with the first line that proves it. `name_only` reach
    nothing but names of images, `unused` nothing at all; both are declared on the path. `deciding` are the ARGs that choose the path: any
    two calls that agree on them agree in everything here but texts. `files` are the entries of the checkout that are read; `whole`: it is
    not known which, so that every entry counts. `anything`: an ARG may be read that nothing on the path declares.
    """

    used: tuple[Use, ...]
    name_only: tuple[str, ...]
    unused: tuple[str, ...]
    declared: frozenset[str]
    deciding: frozenset[str]
    targets: tuple[str, ...]
    edges: tuple[Edge, ...]
    functions: tuple[tuple[str, str], ...]
    """An Earthly target and a function that it comes to by DO, such as `sub+FUNCTION`."""
    bases: tuple[Base, ...]
    sources: tuple[Source, ...]
    dockerfiles: tuple[tuple[str, str], ...]
    """A Dockerfile (or what is looked for beside it) and the Earthly target that is made from it."""
    files: tuple[str, ...]
    whole: bool
    anything: bool
    images: tuple[Saved, ...]
    locals: tuple[Local, ...]
    secrets: tuple[Need, ...]
    privileged: tuple[Need, ...]
    guards: tuple[Guard, ...]
    opaque: tuple[Opaque, ...]
    features: tuple[str, ...]
    commands: tuple[str, ...]
    stated: tuple[Stated, ...] = ()
    """What a profile says of commands that read their whole environment, and was believed."""
    corrections: tuple[Correction, ...] = ()
    """What a manifest's `uses` changed."""
    decisions: Decisions = field(default_factory=Decisions)
    """What decided; `refs`: what the names of base images are made of, in the order of `bases`."""
    refs: tuple[Template, ...] = ()

    @property
    def used_names(self) -> frozenset[str]:
        return frozenset(use.name for use in self.used)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inspected:
    """An examined target with the files it reads: what must be looked through for `names` before an Analysis can be made."""

    examined: Examined
    read: Mapping[Visit, tuple[str, ...]]
    names: frozenset[str]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that a command of the Earthly target may run, and that may therefore read ARGs that no command names."""
        seen = {path for visit in {ran.visit for ran in self.examined.findings.ran if ran.names} for path in self._seen_by(visit)}
        return tuple(sorted(seen))

    def _seen_by(self, visit: Visit) -> Iterator[str]:
        for each in reachable(self.examined, visit):
            yield from self.read.get(each, ())

    def seen_by(self, visit: Visit) -> frozenset[str]:
        """The files that are among those of a target, from wherever it has them."""
        return frozenset(self._seen_by(visit))


def inspect(examined: Examined, reader: Reader) -> Inspected:
    """Which files the copies of an examined target mean. Raises EarthfileError for a COPY that means nothing and certainly takes place: one that
    another FROM drops before anything needs it does not."""
    read: defaultdict[Visit, set[str]] = defaultdict(set)
    for taken in examined.findings.taken:
        read[taken.visit].update(_paths(taken, reader, examined.evaluation))
    names = frozenset(name for ran in examined.findings.ran for name in ran.names)
    return Inspected(examined=examined, read={visit: tuple(sorted(paths)) for visit, paths in read.items()}, names=names)


def _paths(taken: Taken, reader: Reader, evaluation: Evaluation) -> tuple[str, ...]:
    try:
        return reader.read(taken.copied).paths
    except EarthfileError:
        if taken.certain and any(copied is taken.copied for copied in copies_of(*evaluation.built)):
            raise
        return ()


def reachable(examined: Examined, start: Visit) -> tuple[Visit, ...]:
    """The visits whose files a visit may hold, each once, in an order that hangs on nothing but the Earthfile; a BUILD gives none."""
    reached = _reached(examined)
    if start not in reached:
        following = _following(examined)
        found, waiting = {start: None}, [start]
        while waiting:
            fresh = [each for each in following.get(waiting.pop(), ()) if each not in found]
            found |= dict.fromkeys(fresh)
            waiting += fresh
        reached[start] = tuple(found)
    return reached[start]


# What was examined does not change any more, and is told apart by its identity: each visit of one is asked for after the other, several times.


@lru_cache(maxsize=2)
def _reached(examined: Examined) -> dict[Visit, tuple[Visit, ...]]:  # noqa: ARG001  (the key)
    """What `reachable` found, for whom."""
    return {}


@lru_cache(maxsize=2)
def _following(examined: Examined) -> Mapping[Visit, Mapping[Visit, None]]:
    """From which others a visit has files at once."""
    following: defaultdict[Visit, dict[Visit, None]] = defaultdict(dict)
    for source, target, kind in examined.findings.edges:
        if kind is not EdgeKind.BUILD:
            following[source][target] = None
    return following


def analysis(inspected: Inspected, mentions: Mapping[str, frozenset[str]], told: Mapping[str, tuple[Statement, ...]] | None = None) -> Analysis:
    """The answer. `mentions`: for each of `inspected.paths`, which of `inspected.names` stand in it as words (or WHOLE_ENVIRONMENT); `told`:
    the statements that hold for lines of it, whose names are among the mentioned ones."""
    examined = inspected.examined
    findings, evaluation = examined.findings, examined.evaluation
    uses: dict[str, Use] = {}
    for name, place in evaluation.used:
        if name not in uses:
            uses[name] = Use(name=name, place=place)
    _add_said(inspected, uses)
    _add_mentioned(inspected, mentions, uses)
    used = frozenset(uses)
    edges = {Edge(source=str(source), target=str(target), kind=kind): None for source, target, kind in findings.edges}
    return Analysis(
        used=tuple(uses[name] for name in sorted(uses)),
        name_only=tuple(sorted(findings.named - used)),
        unused=tuple(sorted(evaluation.declared - used - findings.named - RESERVED)),
        declared=evaluation.declared,
        deciding=frozenset(findings.deciding),
        targets=tuple(dict.fromkeys([str(examined.visit), *(edge.target for edge in edges)])),
        edges=tuple(edges),
        functions=tuple(dict.fromkeys((str(visit), function) for visit, function in findings.functions)),
        bases=tuple(Base(ref=base.ref, platform=base.platform, place=base.place) for base in evaluation.base_images if UNKNOWN not in base.ref),
        sources=tuple(_sources(inspected)),
        dockerfiles=tuple((path, target) for path, target in evaluation.texts if target),
        files=tuple(sorted({path for paths in inspected.read.values() for path in paths})),
        whole=any(opaque.kind is Opacity.INPUTS for opaque in findings.opaque),
        anything=findings.everything is not None,
        images=tuple(Saved(names=image.names, push=image.push, place=image.place) for image in evaluation.images),
        locals=tuple(Local(directory=local.directory, path=local.dest, place=local.place) for local in evaluation.locals),
        secrets=tuple(findings.secrets),
        privileged=tuple(findings.privileged),
        guards=tuple(findings.guards),
        opaque=tuple(findings.opaque),
        features=examined.features.on,
        # The default of an ARG that nothing reads may be another.
        commands=(*evaluation.commands, *(f"ARG {name}={default}" for name, default in findings.defaults if name in used)),
        stated=(*findings.stated, *_told(inspected, told or {})),
        decisions=examined.decisions,
        refs=tuple(ref for ref in examined.refs if not any(isinstance(part, str) and UNKNOWN in part for part in ref)),
    )


def _told(inspected: Inspected, told: Mapping[str, tuple[Statement, ...]]) -> Iterator[Stated]:
    for path in sorted(set(told) & set(inspected.paths)):
        ran = next(ran for ran in inspected.examined.findings.ran if ran.names and path in inspected.seen_by(ran.visit))
        yield from (Stated(statement=statement, place=ran.place) for statement in told[path])


def _add_said(inspected: Inspected, uses: dict[str, Use]) -> None:
    """What commands may read through a script that a text on the way to them wrote: the text's place proves it. What has a proof keeps it."""
    findings = inspected.examined.findings
    heard: dict[Visit, dict[str, Place]] = {}
    for ran in findings.ran:
        if ran.names and ran.visit not in heard:
            heard[ran.visit] = _heard(findings, reachable(inspected.examined, ran.visit))
        words = heard.get(ran.visit, {})
        # In the order of names: which of several proofs is kept must not hang on the order of a set.
        for name in ran.names if WHOLE_ENVIRONMENT in words else sorted(ran.names.keys() & words.keys()):
            for each in ran.names[name] - uses.keys():
                uses[each] = Use(name=each, place=words.get(name) or words[WHOLE_ENVIRONMENT])


def _heard(findings: Findings, visits: Iterable[Visit]) -> dict[str, Place]:
    """The words of the texts of these visits, each with a place; WHOLE_ENVIRONMENT where one of them hands on all that its reader has."""
    found: dict[str, Place] = {}
    for visit in visits:
        found |= findings.said.get(visit, {})
        found |= {WHOLE_ENVIRONMENT: findings.hands_on[visit]} if visit in findings.hands_on else {}
    return found


def _add_mentioned(inspected: Inspected, mentions: Mapping[str, frozenset[str]], uses: dict[str, Use]) -> None:
    """What files name that commands may run."""
    seen: dict[Visit, list[str]] = {}
    # Of one visit the next command with the same variables adds nothing: what has a proof keeps it.
    told: set[tuple[Visit, int]] = set()
    for ran in inspected.examined.findings.ran:
        same = ran.visit, id(ran.names)
        if same in told:
            continue
        told.add(same)
        if ran.names and ran.visit not in seen:
            seen[ran.visit] = sorted(path for path in inspected.seen_by(ran.visit) if mentions.get(path))
        for path in seen.get(ran.visit, ()) if ran.names else ():
            words = mentions[path]
            if WHOLE_ENVIRONMENT not in words and words.isdisjoint(ran.names):
                continue
            for name, taint in ran.names.items():
                if name in words or WHOLE_ENVIRONMENT in words:
                    word = name if name in words else WHOLE_ENVIRONMENT
                    for each in taint - uses.keys():
                        uses[each] = Use(name=each, place=ran.place, file=path, word=word)


def _sources(inspected: Inspected) -> Iterator[Source]:
    patterns: defaultdict[str, set[str]] = defaultdict(set)
    paths: defaultdict[str, set[str]] = defaultdict(set)
    for taken in inspected.examined.findings.taken:
        for source in taken.copied.sources:
            if isinstance(source, FromContext):
                patterns[str(taken.visit)].add(posixpath.join(source.directory, source.pattern))
    for visit, found in inspected.read.items():
        paths[str(visit)].update(found)
    for target in sorted(patterns):
        yield Source(target=target, patterns=tuple(sorted(patterns[target])), paths=tuple(sorted(paths[target])))
