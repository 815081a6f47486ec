"""A manifest -> what its builds share of each Earthfile, what stands in the way of more, and how the lines are rewritten for it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
    """What all builds of a manifest share; of one Earthly target, if one is given. Raises as a plan does, and InvalidError for an Earthly target that
    no build comes to."""
    prepared = prepare(path, resolve=False, options=options)
    if prepared.sharing is None:
        return CacheView(name=prepared.manifest.name, earthfiles=(), warnings=prepared.warnings, why=_why_not(prepared))
    narrowed = prepared.sharing.narrowed
    found = tuple(_cached(prepared, prepared.sharing, entered, texts=narrowed.texts) for entered in _different(prepared.sharing))
    if earthly:
        found = tuple(_only(each, *split_target(earthly)) for each in found)
        _check_target(earthly, found, prepared)
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


def _cached(prepared: Prepared, sharing: Sharing, entered: Entered, *, texts: Mapping[Entered, Narrowing]) -> Cached:
    variant, path = entered
    author = prepared.trees.of(variant).text(path) or ""
    narrowing = sharing.entering()[entered]
    names = frozenset(build.name for build in prepared.builds if build.earthly and not build.docker and sharing.entered(build)[1] == path)
    targets = sharing.work(names)
    ran = sharing.ran(entered)
    rewritten = texts.get(entered)
    return Cached(
        earthfile=path,
        narrowed=rewritten is not None,
        targets=targets,
        obstacles=(*_refused(narrowing), *_uncached(path, author, ran)),
        moved=rewritten.moved if rewritten else (),
        diff=tuple(_diff(path, author, rewritten.text)) if rewritten else (),
    )


def _refused(narrowing: Narrowing | None) -> Iterator[Obstacle]:
    for each in narrowing.refused if narrowing else ():
        yield Obstacle(what=f"{each.name} cannot leave the base recipe: {each.why}", place=each.place)


def _uncached(path: str, text: str, ran: frozenset[Place]) -> Iterator[Obstacle]:
    """The commands that run in every build, whatever is in the cache."""
    earthfile = parsed(text, path).earthfile
    for recipe in (*earthfile.targets, *earthfile.functions):
        for each in statements(recipe.body):
            if isinstance(each, syntax.Command) and each.name == "RUN" and "--no-cache" in each.args and each.place in ran:
                yield Obstacle(what=f"+{recipe.name} runs it in every build (--no-cache), and what follows it there", place=each.place)


def _diff(path: str, author: str, text: str) -> Iterator[str]:
    return difflib.unified_diff(author.splitlines(), text.splitlines(), f"{path} (as written)", f"{path} (as built)", lineterm="")


def _only(found: Cached, directory: str, name: str) -> Cached:
    targets = tuple(each for each in found.targets if each.target == f"{directory}+{name}")
    return Cached(earthfile=found.earthfile, narrowed=found.narrowed, targets=targets, obstacles=found.obstacles, moved=found.moved, diff=found.diff)


def _check_target(earthly: str, found: tuple[Cached, ...], prepared: Prepared) -> None:
    if not any(each.targets for each in found):
        summary = f"no build of {prepared.manifest.name} comes to {earthly} and runs a command there"
        hint = did_you_mean(earthly, {build.earthly for build in prepared.builds}) or "`explain --cache` without a target shows all that do"
        raise InvalidError(Problem(summary=summary, place=prepared.manifest.place, hint=hint, code="unknown-target"))
