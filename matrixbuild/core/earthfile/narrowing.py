"""An Earthfile and the args of all builds from it -> the Earthfile in which ARGs that differ between them are no matter of the base recipe.

Every ARG of the base recipe (from VERSION 0.7 on: every `--global` one) is part of the key under which BuildKit keeps each step of each target, so
that builds which differ in one of them share nothing (executed; facts: Earthly 9.8). Declared only in the targets that name it, and there only
before the first statement that does, an ARG is in no key above that. Overrides reach it all the same: they are given to every target of the
Earthfile that they are called for.

What is built must not change. So whatever could tell the two apart is a reason to leave an ARG where it is (`narrowing_refusals`), and whoever
builds from the text proves for each build that it is the same (`narrowing_proof`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matrixbuild.core.earthfile.narrowing_base import Declaring, all_names, moving
from matrixbuild.core.earthfile.narrowing_refusals import Refused, Why, refusal
from matrixbuild.core.earthfile.narrowing_scene import Found, Given, Scene
from matrixbuild.core.earthfile.narrowing_targets import Rewritten, rewritten
from matrixbuild.core.earthfile.narrowing_text import Written, written
from matrixbuild.core.earthfile.source import Source
from matrixbuild.core.problems import Place

__all__ = ["Found", "Given", "Into", "Moved", "Narrowing", "Refused", "Why", "narrow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Into:
    """An Earthly target that declares an ARG now, and the line (of the new text) where that begins."""

    target: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An ARG that left the base recipe, where it stood (`place`), and where it went; nowhere if no target that counts names it.

    `differs`: it differs between the builds; others go with what they are made from."""

    name: str
    place: Place
    into: tuple[Into, ...]
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """The new text (the author's own where nothing could be narrowed) and what was done.

    `origins` gives the author's number of each line; `added` are the numbers of lines that were not there, `removed` the author's numbers of those
    that are gone, all sorted. `refused` are the ARGs that differ and stay.
    """

    text: str
    origins: tuple[int, ...]
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    moved: tuple[Moved, ...] = ()
    dropped: tuple[Place, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def narrowed(self) -> bool:
        return bool(self.moved)

    @property
    def names(self) -> frozenset[str]:
        """The ARGs that left the base recipe."""
        return frozenset(each.name for each in self.moved)

    def original(self, line: int) -> int:
        """The author's number of a line that a program names by its number in this text; of a line that was moved, where it stood."""
        return self.origins[min(max(line, 1), len(self.origins)) - 1]


def narrow(path: str, texts: Mapping[str, str], given: Given, found: Found, *, skipped: frozenset[Why] = frozenset()) -> Narrowing:
    """Narrow the Earthfile `path` of a checkout for the calls that enter it. Pure: the same in, the same out.

    `texts` are all Earthfiles of the checkout by path, and the Dockerfiles that `found.dockerfiles` names. `skipped` reasons are not asked about:
    that is for tests, which show so what each of them is for. Raises EarthfileError for an Earthfile that does not parse.
    """
    scene = Scene.of(path, texts, given, found)
    leaving, refused = _leaving(scene, skipped)
    if not leaving:
        lines = len(texts[path].split("\n"))
        return Narrowing(text=texts[path], origins=tuple(range(1, lines + 1)), refused=refused)
    targets = tuple(rewritten(scene, recipe, leaving) for recipe in scene.targets)
    text = written(Source.of(texts[path], file=path), leaving, targets, given.always)
    return Narrowing(
        text=text.text,
        origins=text.origins,
        added=text.added,
        removed=text.removed,
        moved=tuple(_moved(leaving, targets, text, given)),
        dropped=tuple(each.place for target in targets for each in target.dropped),
        refused=refused,
    )


def _leaving(scene: Scene, skipped: frozenset[Why]) -> tuple[tuple[Declaring, ...], tuple[Refused, ...]]:
    refused: list[Refused] = []
    leaving: dict[int, Declaring] = {}
    for name in sorted(scene.given.differing & all_names(scene.base)):
        taken = moving(scene.base, name)
        if found := refusal(scene, name, taken, skipped):
            refused.append(found)
        else:
            leaving |= {each.at: each for each in taken}
    return tuple(leaving[at] for at in sorted(leaving)), tuple(refused)


def _moved(leaving: tuple[Declaring, ...], targets: tuple[Rewritten, ...], text: Written, given: Given) -> list[Moved]:
    found = []
    for each in leaving:
        into = tuple(
            Into(target=target.recipe.name, line=text.at[target.recipe.name, each.at])
            for target in targets
            if (target.recipe.name, each.at) in text.at
        )
        found += [Moved(name=name, place=each.place, into=into, differs=name in given.differing) for name in each.names]
    return found
