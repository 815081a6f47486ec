"""IF and FOR of a partial evaluation: a condition that nobody knows is gone through both ways, and what it could change becomes unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matrixbuild.core.earthfile import syntax, worlds
from matrixbuild.core.earthfile.choices import Arm, Choice
from matrixbuild.core.earthfile.conditions import NeedsShell, ShellSyntax, UnknownVariable, items
from matrixbuild.core.earthfile.decisions import Verdict, judged
from matrixbuild.core.earthfile.environment import shell_flags, use_text
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.findings import Findings, Opacity
from matrixbuild.core.earthfile.flags import Flags
from matrixbuild.core.earthfile.recipe import NeedsShell as ShellNode
from matrixbuild.core.earthfile.syntax import If
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.values import Value, unknown_value
from matrixbuild.core.problems import Place

RunBody = Callable[[Target, tuple[syntax.Statement, ...]], None]


def if_(target: Target, findings: Findings, statement: If, run_body: RunBody) -> None:
    """IF ... END. Raises EarthfileError."""
    target.check_push_order(statement.place, "IF")
    choice = target.walk.parsed(target.variables.frame.directory, place=statement.place).choices[id(statement)]
    if choice.sets is not None and _set(target, statement, choice, run_body):
        return
    _walk(target, findings, choice.arms, choice.otherwise, run_body)


def _walk(target: Target, findings: Findings, arms: Sequence[Arm], otherwise: tuple[syntax.Statement, ...], run_body: RunBody) -> None:
    if not arms:
        run_body(target, otherwise)
        return
    arm, rest = arms[0], arms[1:]
    target.walk.note(arm.keyword, arm.expression, listed=arm.listed)
    flags = arm.flags()
    text = " ".join(flags.words)
    shell_flags(findings, flags, arm.place)
    target.check_from(arm.place, arm.keyword)
    target.check_shell(arm.place, f"{arm.keyword} {text}")
    verdict = Verdict(None) if arm.listed else _decided(target, text)
    # What of it decides is noted already, where its answer is known.
    target.walk.count(verdict.taint, arm.place, decides=verdict.holds is None)
    if verdict.holds is not None:
        if verdict.holds:
            run_body(target, arm.body)
        else:
            _walk(target, findings, rest, otherwise, run_body)
        return
    if target.walk.steps:
        target.walk.steps.doubt(target, arm.expression, (*arm.body, *(each for other in rest for each in other.body), *otherwise), arm.place)
    _waver(target, text)
    runs(target, findings, f"{arm.keyword} {text}", " ".join(arm.expression), arm.place)
    findings.note(Opacity.VALUES, arm.place, f"whether {text} holds is known only while it is built: both branches are taken into account")
    _both(target, findings, arm.place, lambda: run_body(target, arm.body), lambda: _walk(target, findings, rest, otherwise, run_body))


def _both(target: Target, findings: Findings, place: Place, *branches: Callable[[], None]) -> None:
    before = worlds.world_of(target)
    after: list[worlds.World] = []
    errors: list[EarthfileError] = []
    for number, branch in enumerate(branches):
        worlds.enter(target, before)
        # Without these marks a command that moves out of its branch would leave the same list of commands.
        target.walk.note("ELSE" if number else "THEN", ())
        error = attempt(target, findings, branch)
        errors += [error] if error else []
        after += [] if error else [worlds.world_of(target)]
    target.walk.note("END", ())
    if not after:
        raise errors[0]
    worlds.merge(target, after, place)
    _stir(target, place)


def attempt(target: Target, findings: Findings, branch: Callable[[], None]) -> EarthfileError | None:
    """Go through a branch that may not be taken: where it fails, only a build that takes it would, and nothing follows it."""
    depth, visits = len(target.walk.inside), len(target.walk.visits.all)
    blocks, frames = len(target.blocks), len(target.variables.frames)
    findings.uncertain += 1
    try:
        branch()
    except EarthfileError as error:
        del target.walk.inside[depth:]
        target.walk.visits.forget_undone(visits)
        del target.blocks[blocks:]
        del target.variables.frames[frames:]
        return error
    finally:
        findings.uncertain -= 1
    return None


def _stir(target: Target, place: Place) -> None:
    """Which files are there now is not known: no file among them can be traced to where it was copied from."""
    target.visit.tree = ShellNode(parent=target.visit.tree, command="RUN", place=place)
    target.visit.artifacts = ShellNode(parent=target.visit.artifacts, command="RUN", place=place)


def runs(target: Target, findings: Findings, command: str, text: str, place: Place) -> None:
    """A command with this text runs in the image."""
    use_text(text, place, walk=target.walk, findings=findings, variables=target.variables, visit=target.visit)
    target.visit.tree = ShellNode(parent=target.visit.tree, command=f"RUN {command}", place=place)


def _waver(target: Target, text: str) -> None:
    """What is not known with these values may be known with others: the ARGs that a text names decide all the same."""
    for name, taint in target.variables.influences().items():
        if name in text:
            target.walk.decide(taint)


def _decided(target: Target, text: str) -> Verdict:
    """Whether a condition holds; where that is known, what is gone through hangs on it from here on."""
    asked: dict[str, Value | None] = {}

    def lookup(name: str) -> Value | None:
        asked[name] = target.lookup(name)
        return asked[name]

    verdict = judged(text, lookup)
    if verdict.holds is not None:
        target.walk.decisions.held(text, asked, verdict)
    return verdict


# IFs that only set variables ------------------------------------------------


def _set(target: Target, statement: If, choice: Choice, run_body: RunBody) -> bool:
    """Take the branch that holds and let the condition influence what any branch sets, and nothing else; False where that is not known."""
    taint: frozenset[str] = frozenset()
    taken = choice.otherwise
    target.check_from(statement.place, "IF")
    target.check_shell(statement.place, "IF")
    for arm in choice.arms:
        verdict = _decided(target, " ".join(arm.flags().words))
        if verdict.holds is None:
            return False
        taint |= verdict.taint
        if verdict.holds:
            taken = arm.body
            break
    # Not the branch that was taken: what only sets such variables is no part of what was done.
    target.walk.note_all(choice.written)
    with target.walk.silence():
        run_body(target, taken)
    for name in choice.sets or () if taint else ():
        _mark(target, name, taint)
    return True


def _mark(target: Target, name: str, taint: frozenset[str]) -> None:
    frame = target.variables.frame
    for scope in (frame.lets, frame.args, *((frame.globals,) if target.is_base else ())):
        scope.mark(name, taint)


# FOR ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`FOR name IN text`."""

    name: str
    text: str
    flags: Flags
    body: tuple[syntax.Statement, ...]
    place: Place


def for_(target: Target, findings: Findings, loop: Loop, run_body: RunBody) -> None:
    """FOR: over its items, or over nobody knows what. Raises EarthfileError."""
    target.check_from(loop.place, "FOR")
    target.check_shell(loop.place, f"FOR {loop.name} IN {loop.text}")
    shell_flags(findings, loop.flags, loop.place)
    try:
        answer = items(loop.text, loop.flags.text("sep"), target.lookup)
    except (NeedsShell, UnknownVariable, ShellSyntax):
        _for_unknown(target, findings, loop, run_body)
        return
    target.walk.count(answer.taint, loop.place)
    for item in answer.items:
        _round(target, loop, Value(text=item, taint=answer.taint), run_body)
    target.walk.note("END", ())


def _for_unknown(target: Target, findings: Findings, loop: Loop, run_body: RunBody) -> None:
    """Not at all, once, and again until nothing new becomes unknown."""
    _waver(target, loop.text)
    mounts = " ".join(str(value) for _, value in loop.flags.given)
    runs(target, findings, f"FOR {loop.name} IN {loop.text}", f"{mounts} {loop.text}", loop.place)
    findings.note(Opacity.VALUES, loop.place, f"what {loop.name} runs over is known only while it is built")
    # It ends: what has become unknown stays so, and an Earthfile has only so many names.
    before = None
    while before is None or worlds.world_of(target).identity() != before.identity():
        before = worlds.world_of(target)
        _both(target, findings, loop.place, lambda: _round(target, loop, unknown_value(loop.name), run_body), lambda: None)


def _round(target: Target, loop: Loop, item: Value, run_body: RunBody) -> None:
    target.variables.frame.args.put(loop.name, item)
    run_body(target, loop.body)
    target.variables.frame.args.remove(loop.name)
