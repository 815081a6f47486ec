"""An evaluation -> its commands in order, each with the Earthly target it belongs to: what a build does one after the other."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType

from matrixbuild.core.earthfile import blocks, froms, syntax
from matrixbuild.core.earthfile import target as targets
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.recipe import Tree, WrittenFile
from matrixbuild.core.earthfile.references import resolved
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.earthfile.walk import Want
from matrixbuild.core.problems import Place
from tests.double.runs import Run, run_of


@dataclass(slots=True, kw_only=True, eq=False)
class Step:
    """A command: `text` is what is shown of it; `before` and `after` are the target's trees; `run` is set for a RUN."""

    visit: Visit
    args: tuple[tuple[str, str], ...]
    name: str
    text: str
    place: Place
    before: Tree
    after: Tree | None = None
    run: Run | None = None


@dataclass(slots=True, kw_only=True)
class Recorder:
    """What one evaluation came across: `steps` in order, and `inside`: the commands that one which failed was inside of, the outermost first."""

    pretend: bool
    steps: list[Step] = field(default_factory=list)
    inside: list[Step] = field(default_factory=list)

    def forget(self) -> None:
        """An evaluation begins anew."""
        self.steps.clear()
        self.inside.clear()


@contextlib.contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """While this lasts, evaluations note what they do, pretend to RUN, and follow references by absolute path.

    The evaluator has no hooks for that: a RUN is what it refuses by design, and outside of this program nobody wants to know its order.
    """
    wrap = functools.partial(_noted, recorder)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_replaced(blocks, "_carry_out", wrap(_carrying(recorder, blocks._carry_out))))
        stack.enter_context(_replaced(blocks, "_holds", _condition(recorder, blocks._holds)))
        stack.enter_context(_replaced(froms, "from_base", _from_base(recorder, froms.from_base)))
        stack.enter_context(_replaced(targets, "resolved", _anywhere))
        yield


@contextlib.contextmanager
def _replaced(module: ModuleType, name: str, by: Callable[..., object]) -> Iterator[None]:
    # unittest.mock does the same and takes as long to import as the rest of the double.
    before = getattr(module, name)
    setattr(module, name, by)
    try:
        yield
    finally:
        setattr(module, name, before)


Carry = Callable[[Target, Command], None]


def _noted(recorder: Recorder, carry: Carry) -> Carry:
    def noted(target: Target, command: Command) -> None:
        with _inside(recorder, target, command.name, _shown(target, command), command.place):
            carry(target, command)

    return noted


def _carrying(recorder: Recorder, carry: Carry) -> Carry:
    def carrying(target: Target, command: Command) -> None:
        if command.name != "RUN" or not recorder.pretend:
            carry(target, command)
            return
        target.check_from(command.place, command.name)
        step = recorder.inside[-1]
        step.run = run_of(target, command)
        step.text = f"RUN {step.run.shown}"
        if not step.run.push:
            target.check_push_order(command.place, command.name)
        # The file stands for what the command would have made: other words or other ARGs make another layer.
        path = f"/.double-{len(recorder.steps)}"
        target.visit.tree = WrittenFile(parent=target.visit.tree, path=path, text=step.run.key, place=command.place)
        target.step(step.text, layer=True)

    return carrying


def _condition(recorder: Recorder, holds: Callable[..., bool]) -> Callable[..., bool]:
    def condition(target: Target, keyword: str, arm: syntax.If | syntax.ElseIf) -> bool:
        with _inside(recorder, target, "IF", f"IF {' '.join(arm.expression)}", arm.place):
            return holds(target, keyword, arm)

    return condition


def _from_base(recorder: Recorder, from_base: Callable[[Target, Place], None]) -> Callable[[Target, Place], None]:
    def from_the_base(target: Target, place: Place) -> None:
        with _inside(recorder, target, "FROM +base", "FROM +base", place):
            from_base(target, place)

    return from_the_base


def _anywhere(directory: str, path: str) -> str:
    return resolved("" if path.startswith("/") else directory, path.lstrip("/"))


@contextlib.contextmanager
def _inside(recorder: Recorder, target: Target, name: str, text: str, place: Place) -> Iterator[None]:
    args = target.variables.frame.overriding.identity()
    step = Step(visit=target.visit, args=args, name=name, text=text, place=place, before=target.visit.tree)
    recorder.inside.append(step)
    # What a COPY copies is made, and told, before it is.
    recorder.steps += [] if name == "COPY" else [step]
    yield
    recorder.steps += [step] if name == "COPY" else []
    step.after = target.visit.tree
    recorder.inside.pop()


def _shown(target: Target, command: Command) -> str:
    """What the programs print of a command: names of images and artifacts expanded, the rest as written."""
    words = [_expanded(target, word, command.place) for word in command.args]
    if command.name in ("SAVE IMAGE", "FROM"):
        words = [word for word in words if not word.startswith("--")]
    if command.name in ("FROM", "BUILD"):
        words = [word for word in words if not word.startswith("--")][:1]
    return " ".join((command.name, *words))


def _expanded(target: Target, word: str, place: Place) -> str:
    """The text of a word, or the word itself where that cannot be said: the command will tell why."""
    try:
        return target.expand(word, place).text
    except (EarthfileError, Want):
        return word
