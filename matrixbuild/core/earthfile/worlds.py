"""The state of a target before and after branches that nobody knows to be taken in, one state that holds whichever was taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matrixbuild.core.earthfile.findings import Opacity
from matrixbuild.core.earthfile.scope import Frame, Scope, Variables
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.values import UNKNOWN, Value, alike, unknown_value
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place


@dataclass(slots=True, eq=False)
class World:
    """What commands change and later ones see; files are no part of it: those of every branch are kept."""

    frames: list[Frame]
    envs: Scope
    envs_unknown: bool
    builtins: Scope
    config: ImageConfig
    workdir: str
    has_from: bool
    current: Platform | None
    cmd_set: bool
    pushed: bool

    def identity(self) -> object:
        """What tells two worlds apart for the commands that follow."""
        scopes = [scope for frame in self.frames for scope in (frame.lets, frame.args, frame.globals)] + [self.envs]
        values = [tuple((name, scope.get(name), scope.active(name) is None) for name in scope) for scope in scopes]
        return values, [sorted(scope.absent.items()) for scope in scopes], self.envs_unknown, self.workdir, self.has_from, self.pushed, self.current

    def value(self, position: int, name: str) -> tuple[Value | None, frozenset[str]]:
        """What a name stands for here in one of the frames, and the overrides that its absence is due to."""
        variables = Variables(self.frames[position], builtins=self.builtins, scoped=True)
        variables.envs = self.envs
        return variables.active(name), variables.missed(name)


def world_of(target: Target) -> World:
    """A copy of a target's state."""
    visit, variables = target.visit, target.variables
    return World(
        frames=[_copied(frame) for frame in variables.frames],
        envs=variables.envs.copy(),
        envs_unknown=variables.envs_unknown,
        builtins=variables.builtins.copy(),
        config=visit.config,
        workdir=visit.workdir,
        has_from=visit.has_from,
        current=visit.current,
        cmd_set=target.cmd_set,
        pushed=target.pushed,
    )


def _copied(frame: Frame) -> Frame:
    return Frame(
        directory=frame.directory,
        overriding=frame.overriding,
        globals=frame.globals.copy(),
        global_imports=dict(frame.global_imports),
        args=frame.args.copy(),
        lets=frame.lets.copy(),
        imports=dict(frame.imports),
    )


def enter(target: Target, world: World) -> None:
    """Let a target be in a state; the world stays as it is."""
    visit, variables = target.visit, target.variables
    variables.frames[:] = [_copied(frame) for frame in world.frames]
    variables.envs, variables.envs_unknown, variables.builtins = world.envs.copy(), world.envs_unknown, world.builtins.copy()
    visit.config, visit.workdir, visit.has_from, visit.current = world.config, world.workdir, world.has_from, world.current
    target.cmd_set, target.pushed = world.cmd_set, world.pushed


def merge(target: Target, worlds: Sequence[World], place: Place) -> None:
    """Let a target be in all of these states at once (one or more): what differs is unknown from here on."""
    first = worlds[0]
    if len(worlds) == 1:
        enter(target, first)
        return
    workdirs = {world.workdir for world in worlds}
    merged = World(
        frames=[_frame(target, worlds, position, place) for position in range(len(first.frames))],
        envs=_scope(target, worlds, [world.envs for world in worlds], 0, place),
        envs_unknown=any(world.envs_unknown for world in worlds),
        builtins=_scope(target, worlds, [world.builtins for world in worlds], 0, place),
        config=worlds[-1].config,
        workdir=first.workdir if len(workdirs) == 1 else f"/{UNKNOWN}workdir{UNKNOWN}",
        has_from=any(world.has_from for world in worlds),
        current=first.current,
        cmd_set=all(world.cmd_set for world in worlds),
        pushed=all(world.pushed for world in worlds),
    )
    enter(target, merged)
    findings = target.walk.findings
    if findings and len({world.current for world in worlds}) > 1:
        findings.note(Opacity.INPUTS, place, "for which platform it is built from here on is known only while it is built")
        target.walk.use_all(findings, place)


def _imports(found: Sequence[dict[str, str]]) -> dict[str, str]:
    """An alias that leads elsewhere in another state leads nobody knows where."""
    merged: dict[str, str] = {}
    for imports in found:
        for name, path in imports.items():
            merged[name] = path if merged.get(name, path) == path else f"{UNKNOWN}{name}{UNKNOWN}"
    return merged


def _frame(target: Target, worlds: Sequence[World], position: int, place: Place) -> Frame:
    frames = [world.frames[position] for world in worlds]
    return Frame(
        directory=frames[0].directory,
        overriding=frames[0].overriding,
        globals=_scope(target, worlds, [frame.globals for frame in frames], position, place),
        global_imports=_imports([frame.global_imports for frame in frames]),
        args=_scope(target, worlds, [frame.args for frame in frames], position, place),
        lets=_scope(target, worlds, [frame.lets for frame in frames], position, place),
        imports=_imports([frame.imports for frame in frames]),
    )


def _scope(target: Target, worlds: Sequence[World], scopes: Sequence[Scope], position: int, place: Place) -> Scope:
    first = scopes[0]
    if all(scope.stamp == first.stamp and scope.perhaps == first.perhaps for scope in scopes):
        return first.copy()
    merged = Scope(ambient=first.ambient)
    for name in sorted({name for scope in scopes for name in scope}):
        values = [scope.get(name) for scope in scopes]
        active = any(scope.active(name) is not None for scope in scopes)
        known = [value for value in values if value is not None]
        if len(known) == len(values) and len({(value.text, value.unknown) for value in known}) == 1:
            taint = frozenset[str]().union(*(value.taint for value in known))
            same = all(alike(value, known[0]) for value in known)
            if not same:
                target.walk.decide(taint)  # with other values they would differ
            merged.put(name, known[0] if same else known[0].obscured(taint), active=active)
        else:
            _unknown(target, worlds, position, name, place)
            merged.put(name, unknown_value(name), active=active)
        if len(known) != len(values) or any(name in scope.perhaps for scope in scopes):
            merged.perhaps_absent(name)
    for scope in scopes:
        for name, taint in scope.absent.items():
            merged.mark(name, taint)
    return merged


def _unknown(target: Target, worlds: Sequence[World], position: int, name: str, place: Place) -> None:
    """A value that becomes unknown carries nothing on: whatever it came from counts as used at once."""
    for world in worlds:
        value, missed = world.value(position, name)
        target.walk.count(missed | (value.taint if value else frozenset()), place)
        for scope in (world.frames[position].globals, world.frames[position].args, world.frames[position].lets, world.envs):
            hidden = scope.get(name)
            target.walk.count(hidden.taint if hidden else frozenset(), place)
