"""The steps of an evaluation, one after the other: announced, made or taken from the cache, and written down."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import Tree
from matrixbuild.core.earthfile.visits import Visit
from tests.double.active import Active
from tests.double.connection import Connection
from tests.double.console import Console
from tests.double.ends import Ended
from tests.double.evaluated import Evaluated
from tests.double.layer_cache import Cache, Keys
from tests.double.naming import Names
from tests.double.plain_registry import Refused
from tests.double.records import Records, now
from tests.double.request import Request
from tests.double.running import Runner
from tests.double.runs import Run
from tests.double.steps import Step

_SHOWN = frozenset({"FROM +base", "FROM", "FROM DOCKERFILE", "RUN", "COPY", "SAVE ARTIFACT", "SAVE IMAGE", "BUILD", "WORKDIR", "IF"})
_MAKES = frozenset({"COPY", "WORKDIR", "FROM DOCKERFILE"})


@dataclass(slots=True, kw_only=True)
class Player:
    """One build. `address` is the daemon's; `current` the RUN that is going on, which a cancellation names."""

    request: Request
    evaluated: Evaluated
    names: Names
    console: Console
    records: Records
    connection: Connection
    cache: Cache
    keys: Keys
    runner: Runner
    address: str
    current: Active | None = None
    _targets: dict[int, str] = field(default_factory=dict)
    """Ids of the Earthly targets, by visit."""
    _commands: dict[str, int] = field(default_factory=dict)
    """How many commands each has so far."""

    def play(self) -> None:
        """Raises Ended where a step fails."""
        for step in self.evaluated.recorder.steps:
            target = self._target(step.visit)
            if step.name in _SHOWN and not step.text.endswith(" scratch"):
                self._step(self._active(step, target))

    def finish_targets(self) -> None:
        for target in self._targets.values():
            self.records.target(target, status="RUN_STATUS_SUCCESS", endedAtUnixNanos=now())

    def _target(self, visit: Visit) -> str:
        if id(visit) not in self._targets:
            target = self._targets[id(visit)] = str(uuid.uuid4())
            if len(self._targets) == 1:
                self.records.delta({"mainTargetId": target})
            name, args = self.names.target(visit), [f"{each}={value}" for each, value in visit.identity]
            told = {"name": name, "canonicalName": name, "localPath": self.names.path(visit), "runner": f"bk:{self.address}"}
            self.records.target(target, **told, **({"overrideArgs": args} if args else {}))
            self.records.target(target, status="RUN_STATUS_IN_PROGRESS", startedAtUnixNanos=now())
        return self._targets[id(visit)]

    def _active(self, step: Step, target: str) -> Active:
        number = self._commands[target] = self._commands.get(target, -1) + 1
        return Active(
            step=step,
            target=target,
            command=f"{target}/{number}",
            name=self.names.target(step.visit),
            place=self.names.place(step.place),
            console=self.console,
            records=self.records,
        )

    def _step(self, active: Active) -> None:
        step = active.step
        active.note(name=step.text, targetId=active.target, category=active.name, platform="linux/amd64", sourceLocation=self._location(step))
        active.note(status="RUN_STATUS_IN_PROGRESS", startedAtUnixNanos=now())
        if step.name == "FROM" and "+" not in step.text:
            self._base_image(active)
        elif step.run and step.after:
            self._run(active, step.run, step.after)
        elif step.name in _MAKES and step.after:
            self._make(active, step.after)
        else:
            active.announce()
        active.note(status="RUN_STATUS_SUCCESS", endedAtUnixNanos=now())

    def _base_image(self, active: Active) -> None:
        ref = active.step.text.split()[-1]
        command, told = f"sha256:{uuid.uuid4().hex * 2}", f"Load metadata {ref} linux/amd64"
        self.records.command(command, name=told, category=ref, platform="linux/amd64", status="RUN_STATUS_IN_PROGRESS", startedAtUnixNanos=now())
        self.console.only_shown(ref, f"--> {told}", command=command)
        self.records.command(command, status="RUN_STATUS_SUCCESS", endedAtUnixNanos=now())
        if active.step.after is None:
            return  # there was no more of it than that
        active.announce()
        active.note(isCached=True, hasProgress=True, progress=100)
        active.show(f"[----------] 100% {active.step.text}\x1b[K")

    def _make(self, active: Active, made: Tree) -> None:
        key = self._key(active, made)
        cached = bool(self.cache.made(key)) and not self.request.no_cache
        active.announce(cached=cached)
        if not cached:
            self.cache.put(key)

    def _key(self, active: Active, made: Tree) -> str:
        try:
            return self.keys.key(made)
        except EarthfileError as error:
            if error.fault is not Fault.FILE_NOT_FOUND:
                raise
            raise _missing(error, active) from error
        except Refused as refused:
            why = f"failed to compute cache key: failed to copy: {refused.text}"
            raise Ended(kind="OTHER", message=f"async force execution for {active.name}: unlazy force execution: {why}") from refused

    def _run(self, active: Active, run: Run, made: Tree) -> None:
        if run.push and not self.request.push:
            return
        if run.privileged and not self.request.privileged:
            raise self._unprivileged(active.name)
        anew = run.no_cache or run.push or self.request.no_cache
        key = self._key(active, made)
        with self.cache.alone(key):
            if self.cache.made(key) and not anew:
                active.announce(cached=True)
                return
            active.announce()
            self.runner.check_secrets(active, run)
            self.current = active
            self.connection.creating(run.text)
            self.runner.run(active, run)
            self.current = None
            if anew:
                self.keys.run_anew(made)
            self.cache.put(self.keys.key(made))

    def _unprivileged(self, name: str) -> Ended:
        words = f"async force execution for {name}: unlazy force execution: failed to load LLB: security.insecure is not allowed"
        program = self.names.flavor.program
        message = f"build target: build main: failed to solve: {words}"
        return Ended(kind="NEEDS_PRIVILEGED", message=message, code=9, help=f"{program} --allow-privileged ({program} -P) flag is required\n")

    def _location(self, step: Step) -> dict[str, Any]:
        column = step.place.column - 1 + self.names.flavor.column
        told = {"file": self.names.file(step.place), "startLine": step.place.line, "startColumn": column}
        return {"repositoryUrl": "", "repositoryHash": "", **told, "endLine": step.place.line, "endColumn": column + step.place.width}


def _missing(error: EarthfileError, active: Active) -> Ended:
    """A file that a command names and that is not there; where it is what another target saved, nobody says which command that was."""
    path = error.summary.rpartition(" ")[2]
    if error.place != active.step.place:
        return Ended(kind="FILE_NOT_FOUND", message=internal_copy(path), name="internal")
    active.announce()
    return active.failed("FILE_NOT_FOUND", f'failed: "/{path.lstrip("/")}": not found')


def internal_copy(path: str) -> str:
    """What is said of an artifact that is not there."""
    path = f"/{path.lstrip('/')}"
    return f'ERROR\n      The internal command\n          copy {path} {path}\n      failed: "{path}": not found'
