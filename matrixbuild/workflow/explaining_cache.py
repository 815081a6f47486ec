"""A manifest -> what its builds share of each Earthfile, what stands in the way of more, and how the lines are rewritten for it."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.calls import split_target
from matrixbuild.core.earthfile.narrowing import Moved, Narrowing
from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.core.earthfile.wording import statements
from matrixbuild.core.problems import InvalidError, Place, Problem, did_you_mean
from matrixbuild.core.shared_work import SharedWork
from matrixbuild.workflow.narrowing import Entered, Sharing
from matrixbuild.workflow.options import PLAIN, Options
from matrixbuild.workflow.planning import Prepared, prepare

_HUNK = re.compile(r"@@ -(\d+)((?:,\d+)?) \+(\d+)((?:,\d+)?) @@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Something that makes builds share less: a clause, and the line of the source that it is about (None where it is in no line)."""

    what: str
    place: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """One Earthfile that builds enter: its Earthly targets, the most sparing first, and the author's lines that are rewritten, as a unified diff."""

    earthfile: str
    narrowed: bool
    targets: tuple[SharedWork, ...]
    obstacles: tuple[Obstacle, ...]
    moved: tuple[Moved, ...] = ()
    diff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheView:
    """`why` says why nothing is shared at all ("": nothing keeps builds from it)."""

    name: str
    earthfiles: tuple[Cached, ...]
    warnings: tuple[Problem, ...]
    why: str = ""


def explain_cache(path: Path, earthly: str | None = None, *, options: Options = PLAIN) -> CacheView:
    """What all builds of a manifest share; if an Earthly target is given, what they share of it, and of everything else what is about its lines.
    Raises as a plan does, and InvalidError for an Earthly target that no build comes to."""
    prepared = prepare(path, resolve=False, options=options)
    if prepared.sharing is None:
        return CacheView(name=prepared.manifest.name, earthfiles=(), warnings=prepared.warnings, why=_why_not(prepared))
    narrowed = prepared.sharing.narrowed
    found = tuple(_cached(prepared, prepared.sharing, entered, texts=narrowed.texts, only=earthly) for entered in _different(prepared.sharing))
    if earthly:
        _check_target(earthly, found, prepared)
        found = tuple(each for each in found if each.targets)
    return CacheView(name=prepared.manifest.name, earthfiles=found, warnings=(*prepared.warnings, *narrowed.remarks))


def _why_not(prepared: Prepared) -> str:
    if prepared.engine != "earthly":
        return f"these builds are for the {prepared.engine} engine, which runs no commands: there are no steps to share"
    return "schedule.share is false: every Earthfile is built as its author wrote it"


def _different(sharing: Sharing) -> list[Entered]:
    """Variants of a source that come to the same text are told once."""
    seen: dict[tuple[str, str], Entered] = {}
    for entered, found in sorted(sharing.entering().items()):
        seen.setdefault((entered[1], found.text if found else ""), entered)
    return list(seen.values())


def _cached(prepared: Prepared, sharing: Sharing, entered: Entered, *, texts: Mapping[Entered, Narrowing], only: str | None) -> Cached:
    variant, path = entered
    author = prepared.trees.of(variant).text(path) or ""
    narrowing = sharing.entering()[entered]
    names = frozenset(build.name for build in prepared.builds if build.earthly and not build.docker and sharing.entered(build)[1] == path)
    targets = sharing.work(names)
    ran = sharing.ran(entered)
    rewritten = texts.get(entered)
    wanted = _Wanted(path, only)
    return Cached(
        earthfile=path,
        narrowed=rewritten is not None,
        targets=tuple(each for each in targets if wanted.target(each.target)),
        # An ARG of the base recipe is in the steps of every target.
        obstacles=(*_refused(narrowing), *_uncached(path, author, ran, wanted)),
        moved=tuple(wanted.moved(rewritten.moved)) if rewritten else (),
        diff=tuple(_diff(path, author, rewritten.text, wanted)) if rewritten else (),
    )


class _Wanted:
    """The Earthly target that somebody asked for, as an Earthfile sees it; everything where nobody did."""

    def __init__(self, path: str, earthly: str | None) -> None:
        self._path = path
        self._all = earthly is None
        directory, self._name = split_target(earthly or "")
        self._target = f"{directory}+{self._name}"
        self._here = directory == posixpath.dirname(path)

    def target(self, target: str) -> bool:
        return self._all or target == self._target

    def recipe(self, name: str) -> bool:
        return self._all or (self._here and name == self._name)

    def moved(self, moved: Iterable[Moved]) -> Iterator[Moved]:
        for each in moved:
            into = tuple(one for one in each.into if self.recipe(one.target))
            if self._all or into:
                yield replace(each, into=into)

    def lines(self, text: str) -> tuple[int, int]:
        """Where its lines begin (0 is the first of the text), and where they end; nowhere if it is in another Earthfile."""
        whole = len(text.splitlines())
        if self._all:
            return 0, whole
        earthfile = parsed(text, self._path).earthfile
        starts = sorted((recipe.place.line or 1, recipe.name) for recipe in (*earthfile.targets, *earthfile.functions))
        ends = [line - 1 for line, _ in starts[1:]] + [whole]
        found = ((line - 1, end) for (line, name), end in zip(starts, ends, strict=True) if self.recipe(name))
        return next(found, (0, 0))


def _refused(narrowing: Narrowing | None) -> Iterator[Obstacle]:
    for each in narrowing.refused if narrowing else ():
        yield Obstacle(what=f"{each.name} cannot leave the base recipe: {each.why}", place=each.place)


def _uncached(path: str, text: str, ran: frozenset[Place], wanted: _Wanted) -> Iterator[Obstacle]:
    """The commands that run in every build, whatever is in the cache."""
    earthfile = parsed(text, path).earthfile
    for recipe in (recipe for recipe in (*earthfile.targets, *earthfile.functions) if wanted.recipe(recipe.name)):
        for each in statements(recipe.body):
            if isinstance(each, syntax.Command) and each.name == "RUN" and "--no-cache" in each.args and each.place in ran:
                yield Obstacle(what=f"+{recipe.name} runs it in every build (--no-cache), and what follows it there", place=each.place)


def _diff(path: str, author: str, text: str, wanted: _Wanted) -> Iterator[str]:
    (old, old_end), (new, new_end) = wanted.lines(author), wanted.lines(text)
    before, after = author.splitlines()[old:old_end], text.splitlines()[new:new_end]
    for line in difflib.unified_diff(before, after, f"{path} (as written)", f"{path} (as built)", lineterm=""):
        hunk = _HUNK.fullmatch(line)
        yield f"@@ -{int(hunk[1]) + old}{hunk[2]} +{int(hunk[3]) + new}{hunk[4]} @@" if hunk else line


def _check_target(earthly: str, found: tuple[Cached, ...], prepared: Prepared) -> None:
    if not any(each.targets for each in found):
        summary = f"no build of {prepared.manifest.name} comes to {earthly} and runs a command there"
        hint = did_you_mean(earthly, {build.earthly for build in prepared.builds}) or "`explain --cache` without a target shows all that do"
        raise InvalidError(Problem(summary=summary, place=prepared.manifest.place, hint=hint, code="unknown-target"))
