"""IF and FOR of a partial evaluation: a condition that nobody knows is gone through both ways, and what it could change becomes unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from matrixbuild.core.earthfile import syntax, worlds
from matrixbuild.core.earthfile.conditions import NeedsShell, ShellSyntax, UnknownVariable, condition, items
from matrixbuild.core.earthfile.environment import shell_flags, use_text
from matrixbuild.core.earthfile.expansion import Value, unknown_value
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.findings import Findings, Opacity
from matrixbuild.core.earthfile.flags import Flags, read_flags
from matrixbuild.core.earthfile.recipe import NeedsShell as ShellNode
from matrixbuild.core.earthfile.syntax import Command, If
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.problems import Place

RunBody = Callable[[Target, tuple[syntax.Statement, ...]], None]
_MOST_ROUNDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """`IF` or `ELSE IF` with its block."""

    keyword: str
    expression: tuple[str, ...]
    body: tuple[syntax.Statement, ...]
    place: Place

    @property
    def text(self) -> str:
        return " ".join(read_flags("IF", self.expression, place=self.place).words)


def if_(target: Target, findings: Findings, statement: If, run_body: RunBody) -> None:
    """IF ... END. Raises EarthfileError."""
    target.check_push_order(statement.place, "IF")
    if _only_sets(statement) and _set(target, findings, statement, run_body):
        return
    _walk(target, findings, list(_arms(statement)), statement.otherwise or (), run_body)


def _arms(statement: If) -> Iterator[_Arm]:
    yield _Arm(keyword="IF", expression=statement.expression, body=statement.body, place=statement.place)
    for each in statement.else_ifs:
        yield _Arm(keyword="ELSE IF", expression=each.expression, body=each.body, place=each.place)


def _walk(target: Target, findings: Findings, arms: Sequence[_Arm], otherwise: tuple[syntax.Statement, ...], run_body: RunBody) -> None:
    if not arms:
        run_body(target, otherwise)
        return
    arm, rest = arms[0], arms[1:]
    target.walk.note(arm.keyword, arm.expression)
    shell_flags(findings, read_flags("IF", arm.expression, place=arm.place), arm.place)
    target.check_from(arm.place, arm.keyword)
    holds, taint = _decided(target, arm.text)
    target.walk.use(Value(text="", taint=taint), arm.place)
    if holds is not None:
        if holds:
            run_body(target, arm.body)
        else:
            _walk(target, findings, rest, otherwise, run_body)
        return
    _waver(target, findings, arm.text)
    runs(target, findings, f"{arm.keyword} {arm.text}", arm.text, arm.place)
    findings.note(Opacity.VALUES, arm.place, f"whether {arm.text} holds is known only while it is built: both branches are taken into account")
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
    depth, visits = target.walk.depth, len(target.walk.visits.all)
    blocks, frames = len(target.blocks), len(target.variables.frames)
    findings.uncertain += 1
    try:
        branch()
    except EarthfileError as error:
        target.walk.depth = depth
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


def _waver(target: Target, findings: Findings, text: str) -> None:
    """What is not known with these values may be known with others: the ARGs that a text names decide all the same."""
    for name, taint in target.variables.influences().items():
        if name in text:
            findings.deciding |= taint


def _decided(target: Target, text: str) -> tuple[bool | None, frozenset[str]]:
    """Whether a condition holds (None: only a build knows), and the overrides that decided."""
    try:
        answer = condition(text, target.lookup)
        # dash has neither [[ nor ==: what it would answer otherwise depends on which shell the image has.
        robust = not answer.shells or condition(text, target.lookup, bare=True).status == 0 if answer.status == 0 else True
    except (NeedsShell, UnknownVariable, ShellSyntax):
        return None, frozenset()
    if answer.unmatched or not robust:
        return None, answer.taint
    return answer.status == 0, answer.taint


# IFs that only set variables ------------------------------------------------


def _only_sets(statement: If) -> bool:
    bodies = (statement.body, *(each.body for each in statement.else_ifs), statement.otherwise or ())
    return all(_sets(each) for body in bodies for each in body) and not any(word.startswith("--") for word in _expressions(statement))


def _expressions(statement: If) -> Iterator[str]:
    yield from statement.expression[:1]
    for each in statement.else_ifs:
        yield from each.expression[:1]


def _sets(statement: syntax.Statement) -> bool:
    if isinstance(statement, If):
        return _only_sets(statement)
    return isinstance(statement, Command) and statement.name in ("ARG", "LET", "SET") and "$(" not in " ".join(statement.args)


def _set(target: Target, findings: Findings, statement: If, run_body: RunBody) -> bool:
    """Take the branch that holds and let the condition influence what any branch sets, and nothing else; False where that is not known."""
    taint: frozenset[str] = frozenset()
    taken = statement.otherwise or ()
    target.check_from(statement.place, "IF")
    for arm in _arms(statement):
        holds, read = _decided(target, arm.text)
        if holds is None:
            return False
        taint |= read
        if holds:
            taken = arm.body
            break
    # Not the branch that was taken: what only sets such variables is no part of what was done.
    target.walk.note_statement(statement)
    with target.walk.silence():
        run_body(target, taken)
    findings.deciding |= taint
    if taint:
        for name in sorted(set(_names(statement))):
            _mark(target, name, taint)
    return True


def _names(statement: syntax.Statement) -> Iterator[str]:
    if isinstance(statement, If):
        for body in (statement.body, *(each.body for each in statement.else_ifs), statement.otherwise or ()):
            for each in body:
                yield from _names(each)
    elif isinstance(statement, Command):
        yield next((word for word in statement.args if not word.startswith("--")), "")


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
    shell_flags(findings, loop.flags, loop.place)
    try:
        answer = items(loop.text, loop.flags.text("sep"), target.lookup)
    except (NeedsShell, UnknownVariable, ShellSyntax):
        _for_unknown(target, findings, loop, run_body)
        return
    target.walk.use(Value(text="", taint=answer.taint), loop.place)
    for item in answer.items:
        _round(target, loop, Value(text=item, taint=answer.taint), run_body)
    target.walk.note("END", ())


def _for_unknown(target: Target, findings: Findings, loop: Loop, run_body: RunBody) -> None:
    """Not at all, once, and again until nothing new becomes unknown."""
    _waver(target, findings, loop.text)
    runs(target, findings, f"FOR {loop.name} IN {loop.text}", loop.text, loop.place)
    findings.note(Opacity.VALUES, loop.place, f"what {loop.name} runs over is known only while it is built")
    for _ in range(_MOST_ROUNDS):
        before = worlds.world_of(target)
        _both(target, findings, loop.place, lambda: _round(target, loop, unknown_value(loop.name), run_body), lambda: None)
        if worlds.world_of(target).identity() == before.identity():
            return


def _round(target: Target, loop: Loop, item: Value, run_body: RunBody) -> None:
    target.variables.frame.args.put(loop.name, item)
    run_body(target, loop.body)
    target.variables.frame.args.remove(loop.name)
