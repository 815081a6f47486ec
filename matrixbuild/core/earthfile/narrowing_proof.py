"""One call under two texts of an Earthfile -> nothing where both build the same, else what differs first.

Each visit of each Earthly target is compared step by step (`steps`), and so are those that it comes to, however often they are shared: with less in
the base recipe one visit may do where there were several. Both have to save the same images and files from the same base images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matrixbuild.core.earthfile.calls import Call, Known
from matrixbuild.core.earthfile.evaluate import Examined, examine
from matrixbuild.core.earthfile.recipe import Evaluation, Wanted
from matrixbuild.core.earthfile.steps import Coming, Step, Steps
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walked:
    """A call gone through; asked once for each text."""

    examined: Examined
    steps: Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs first: one clause, and the line of the author's text that it is about."""

    sentence: str
    place: Place


def walked(call: Call, known: Known, mentioned: Mapping[str, frozenset[str]]) -> Walked | Wanted:
    """Go through a call; `mentioned` are the names in files that commands may run (`Found.mentioned`). Raises EarthfileError as `examine` does."""
    steps = Steps(mentioned, known.statements)
    found = examine(call, known, steps)
    return found if isinstance(found, Wanted) else Walked(examined=found, steps=steps)


def difference(before: Walked, after: Walked) -> Difference | None:
    """None where both build the same."""
    comparison = _Comparison(before.steps, after.steps)
    return comparison.of(before.examined.visit, after.examined.visit) or _outputs(before.examined, after.examined)


def rests_on(before: Walked, after: Walked) -> frozenset[str]:
    """The overrides on whose values a proof rests. Where `difference` is None, it is for any other call of the same target that is given the same
    names, and that agrees on these: all other values are made in the same way in both, and nothing that is gone through hangs on them."""
    comparison = _Comparison(before.steps, after.steps)
    comparison.of(before.examined.visit, after.examined.visit)
    return before.examined.evaluation.deciding | after.examined.evaluation.deciding | comparison.rests_on


class _Comparison:
    def __init__(self, before: Steps, after: Steps) -> None:
        self._before = before.of
        self._after = after.of
        self._same: set[tuple[Visit, Visit]] = set()
        self.rests_on = frozenset[str]()
        """The overrides behind values that are the same now, but not made in the same way, or nobody knows how."""

    def of(self, before: Visit, after: Visit) -> Difference | None:
        if (before, after) in self._same:
            return None
        self._same.add((before, after))
        place = Place(file="Earthfile", line=1)
        for one, other in _pairs(self._before.get(before, []), self._after.get(after, [])):
            place = one.place if one else place
            if found := self._entries(str(before), one, other, place):
                return found
        return None

    def _entries(self, target: str, one: Step | Coming | None, other: Step | Coming | None, place: Place) -> Difference | None:
        if isinstance(one, Coming) and isinstance(other, Coming):
            return _of_coming(target, one, other) or self.of(one.visit, other.visit)
        if isinstance(one, Step) and isinstance(other, Step):
            for then, now in zip(one.values, other.values, strict=False):
                self.rests_on |= then.taint | now.taint if then.template is None or then.template != now.template else frozenset()
            return _of_steps(target, one, other)
        return Difference(sentence=f"{target} has {_told(one)} where it would have {_told(other)}", place=place)


def _pairs(before: list[Step | Coming], after: list[Step | Coming]) -> list[tuple[Step | Coming | None, Step | Coming | None]]:
    longest = max(len(before), len(after))
    return list(zip([*before, *[None] * (longest - len(before))], [*after, *[None] * (longest - len(after))], strict=True))


def _told(entry: Step | Coming | None) -> str:
    match entry:
        case Step():
            return f"{entry.keyword} {entry.text}".strip()
        case Coming():
            return f"{entry.kind} {entry.visit}"
    return "nothing more"


def _of_coming(target: str, one: Coming, other: Coming) -> Difference | None:
    theirs, ours = ((each.kind, str(each.visit), each.visit.platform) for each in (one, other))
    if theirs == ours:
        return None
    return Difference(
        sentence=f"{target} comes to {theirs[1]} ({theirs[0]}, {theirs[2]}) and would come to {ours[1]} ({ours[0]}, {ours[2]})", place=one.place
    )


def _of_steps(target: str, one: Step, other: Step) -> Difference | None:
    if one == other:
        return None
    if (one.keyword, one.text) != (other.keyword, other.text):
        return Difference(sentence=f"{target} has {_told(one)} where it would have {_told(other)}", place=one.place)
    theirs, ours = dict(one.sees), dict(other.sees)
    name = next(name for name in sorted(theirs.keys() | ours.keys()) if theirs.get(name) != ours.get(name))
    then, now = (f"{name}={values[name]!r}" if name in values else f"no {name}" for values in (theirs, ours))
    return Difference(sentence=f"{one.keyword} of {target} sees {then} and would see {now}", place=one.place)


def _outputs(before: Examined, after: Examined) -> Difference | None:
    for what, theirs, ours in zip(("images", "files", "base images"), _saved(before.evaluation), _saved(after.evaluation), strict=True):
        if theirs != ours:
            place = before.evaluation.image.tree.place if hasattr(before.evaluation.image.tree, "place") else Place(file="Earthfile", line=1)
            return Difference(sentence=f"{before.visit} has other {what}: {theirs} and not {ours}", place=place)
    return None


def _saved(evaluation: Evaluation) -> tuple[list[str], list[str], list[str]]:
    images = [f"{' '.join(each.names)} {each.platform} {each.push}" for each in evaluation.images]
    files = [f"{each.directory} {each.dest} {each.pattern}" for each in evaluation.locals]
    return images, files, sorted(f"{each.ref} {each.platform}" for each in evaluation.base_images)
