"""A narrowed Earthfile and the calls that enter it -> the author's own again, where a condition could fail that some call no longer runs.

Above all targets a condition is run for every build. One that left the base recipe is run where a target needs it: a build that comes to none of
those no longer runs it. Over ARGs alone a test gives an answer, whatever they are; what can fail is what it is run in (an image without a shell or
without /tmp), which any other condition of the base recipe shows as well, and a text that is no test.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.analysis import Inspected
from matrixbuild.core.earthfile.narrowing import Narrowing
from matrixbuild.core.earthfile.narrowing_refusals import Refused, Why
from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.core.earthfile.wording import own_text, statements
from matrixbuild.core.problems import Place

_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.", re.DOTALL)
_JOINT = re.compile(r"&&|\|\|")
_MAKES_TMP = re.compile(r"mkdir\s+(?:-\w+\s+)*/tmp(?:\s*$|\s*&&|\s+/)")
_MORE = re.compile(r"[(){};`|&]")
_TEST = re.compile(r"\s*(?:!\s+)?(?:\[\s.*\s\]|\[\[\s.*\s\]\]|test\s.*|true|false|:)\s*", re.DOTALL)


def with_conditions_seen(narrowing: Narrowing, path: str, text: str, calls: Iterable[Inspected]) -> Narrowing:
    """The same, or the author's own `text` of the Earthfile `path` where one of the calls would no longer see a condition fail."""
    place = _unseen(narrowing, path, text, calls) if narrowing.narrowed else None
    if place is None:
        return narrowing
    name = next(each.name for each in narrowing.moved if each.place == place)
    why = "the condition that it is set in may fail, and builds that need none of what is set there would not see it"
    origins = tuple(range(1, len(text.split("\n")) + 1))
    return Narrowing(text=text, origins=origins, refused=(Refused(name=name, kind=Why.BASE, why=why, place=place), *narrowing.refused))


def _unseen(narrowing: Narrowing, path: str, text: str, calls: Iterable[Inspected]) -> Place | None:
    doubtful = dict(_doubtful(parsed(text, path).earthfile, narrowing))
    visited = [_targets(call, posixpath.dirname(path)) for call in calls] if doubtful else []
    return next((statement.place for statement, into in doubtful.items() if any(into.isdisjoint(targets) for targets in visited)), None)


def _doubtful(earthfile: syntax.Earthfile, narrowing: Narrowing) -> Iterator[tuple[syntax.If, frozenset[str]]]:
    """The conditions that left the base recipe and may fail without anything before them failing, with the targets that they went to."""
    moved = {each.place: frozenset(one.target for one in each.into) for each in narrowing.moved}
    shown = False
    for statement in earthfile.base:
        if statement.place not in moved:
            shown = shown or _shows(statement)
        elif isinstance(statement, syntax.If) and not (shown and _answers(statement)):
            yield statement, moved[statement.place]


def _targets(call: Inspected, directory: str) -> frozenset[str]:
    """The Earthly targets of a directory that a call comes to."""
    visits = [call.examined.visit, *(visit for source, target, _ in call.examined.findings.edges for visit in (source, target))]
    return frozenset(visit.name for visit in visits if visit.directory == directory)


def _shows(statement: syntax.Statement) -> bool:
    """Whether it fails where no condition can be run: another condition does, and a RUN that makes /tmp leaves nothing for one to fail by."""
    if isinstance(statement, syntax.If):
        return not statement.exec_mode
    made = isinstance(statement, syntax.Command) and statement.name == "RUN" and not statement.exec_mode
    return made and _MAKES_TMP.match(own_text(statement)) is not None


def _answers(statement: syntax.If) -> bool:
    """Whether a shell can make nothing else of its tests than yes or no."""
    texts = [_QUOTED.sub("x", own_text(each)) for each in statements(statement) if isinstance(each, syntax.If | syntax.ElseIf)]
    return all(_TEST.fullmatch(part) and not _MORE.search(part) for text in texts for part in _JOINT.split(text))
