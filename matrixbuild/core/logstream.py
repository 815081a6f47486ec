"""The records that Earthly and EarthBuild write while a build runs (NDJSON) -> where it is, what it takes, and whether it is alive.

A record is `deltaManifest` (targets and commands that appear, start, progress and end), `deltaLog` (what a command printed, in base64; stream 99 is
its memory and CPU as JSON, each second) or `deltaFormattedLog` (the console, once more). Nothing is trusted to be there or in order.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matrixbuild.core.failures.run_manifest import relative
from matrixbuild.core.failures.words import plain
from matrixbuild.core.protojson import Json, from_base64, mapping, mappings, nanoseconds, number, text
from matrixbuild.core.usage import Making, Progress, Usage

_STATISTICS = 99
_GENERIC = "_generic:"
"""Before the names of commands that are the program's own messages."""
_UNLIMITED = 2**60
_WIDEST = 200
_OVER = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
_RUNS = ("RUN", "IF", "ELSE IF", "FOR", "ARG", "LET", "SET")
"""How the names of commands begin that run something in a container (expressions of FOR, ARG, LET and SET do)."""


@dataclass(slots=True, kw_only=True)
class _Command:
    """`began` is the time (nanoseconds) of a start whose end is not known yet, `taken` (nanoseconds) how long it ran, None where it did not;
    `refers`: it waits for other Earthly targets, so that its time is theirs."""

    name: str = ""
    target: str = ""
    status: str = ""
    cached: bool = False
    percent: int | None = None
    held: int = 0
    cpu: int = 0
    began: int | None = None
    taken: int | None = None
    refers: bool = False
    place: tuple[str, int] = ("", 0)

    @property
    def started(self) -> bool:
        return self.status == "IN_PROGRESS" or self.status in _OVER

    @property
    def runs(self) -> bool:
        return self.name.startswith(_RUNS)

    def timed(self, began: int, ended: int) -> None:
        """Take in the time of a start or an end (0: none is told). What ran once is told again, as cached, whenever the program looks at it for
        another time, with a later end."""
        if began:
            self.began = began
        if ended and self.began is not None:
            if self.status == "SUCCESS" and not self.cached:
                self.taken = (self.taken or 0) + max(0, ended - self.began)
            self.began = None


class Reading:
    """Takes records as they come; memory grows with the commands of the build, not with what they print. Not for several threads."""

    def __init__(self, *, wrapped: bool = False, checkout: str = "") -> None:
        """`wrapped`: the Earthly target that was called is in our own wrapper, and no name for anybody; the others are told from `checkout`."""
        self._checkout = checkout
        self._wrapped = wrapped
        self._commands: dict[str, _Command] = {}
        self._targets: dict[str, tuple[str, str]] = {}
        self._main = ""
        self._latest = ""
        self._line = ""
        self._memory: int | None = None
        self.peak: int | None = None
        """The most bytes that one command held, page cache included."""
        self.limit: int | None = None
        """The most that it could hold, where there is a limit."""

    def feed(self, record: bytes) -> bool:
        """One line. Whether it shows that the build goes on: something began, progressed, ended or printed. A measurement does not, nor a message of
        the program itself, which says every few seconds that it waits. What is no record says nothing."""
        try:
            content = json.loads(record)
        except ValueError:
            return False
        if not isinstance(content, Mapping):
            return False
        manifest = self._manifest(mapping(mapping(content, "deltaManifest"), "fields"))
        return self._log(mapping(content, "deltaLog")) or manifest

    @property
    def progress(self) -> Progress:
        steps = [command for command in self._commands.values() if command.target]
        latest = self._commands.get(self._latest)
        return Progress(
            earthly=self._name(latest.target) if latest else "",
            step=sum(command.started for command in steps),
            steps=len(steps),
            cached=sum(command.cached for command in steps),
            percent=latest.percent if latest and latest.status == "IN_PROGRESS" else None,
            line=self._line,
        )

    @property
    def usage(self) -> Usage:
        measured = [command.cpu for command in self._commands.values() if command.cpu]
        return Usage(memory=self._memory, cpu=sum(measured) / 1e9 if measured else None, made=self._made)

    @property
    def copied(self) -> frozenset[tuple[str, int]]:
        """The path and the line of each COPY that has ended well."""
        ended = (command for command in self._commands.values() if command.name.startswith("COPY") and command.status == "SUCCESS")
        return frozenset(command.place for command in ended)

    @property
    def _made(self) -> tuple[Making, ...]:
        commands: defaultdict[str, list[_Command]] = defaultdict(list)
        for command in self._commands.values():
            commands[command.target].append(command)
        found: defaultdict[str, list[Making]] = defaultdict(list)
        for target, its in commands.items():
            if (name := self._name(target)) and (making := _making(name, its)):
                found[name].append(making)
        return tuple(_average(found[name]) for name in sorted(found))

    def _manifest(self, fields: Json) -> bool:
        if isinstance(main := fields.get("mainTargetId"), str):
            self._main = main
        for name, target in mappings(fields, "targets"):
            known, path = self._targets.get(name, ("", ""))
            self._targets[name] = text(target, "canonicalName") or known, text(target, "localPath") or path
        for name, command in mappings(fields, "commands"):
            self._change(name, command)
        return bool(fields.get("targets") or fields.get("commands"))

    def _change(self, name: str, changed: Json) -> None:
        command = self._commands.setdefault(name, _Command())
        command.name = text(changed, "name") or command.name
        command.target = text(changed, "targetId") or command.target
        if location := mapping(changed, "sourceLocation"):
            command.place = text(location, "file"), number(location, "startLine")
        command.refers = command.refers or bool(changed.get("dependsOn"))
        command.status = text(changed, "status").removeprefix("RUN_STATUS_") or command.status
        command.cached = command.cached or changed.get("isCached") is True
        command.timed(nanoseconds(changed, "startedAtUnixNanos"), nanoseconds(changed, "endedAtUnixNanos"))
        if isinstance(percent := changed.get("progress"), int):
            command.percent = percent
        if command.status == "IN_PROGRESS" and (command.target or not self._latest):
            self._latest = name
        if command.status in _OVER:
            command.held = 0

    def _log(self, log: Json) -> bool:
        name, data = text(log, "commandId"), from_base64(log, "data")
        if not data or name.startswith(_GENERIC):
            return False
        if log.get("stream") == _STATISTICS:
            self._measured(self._commands.setdefault(name, _Command()), data)
            return False
        # A bar that is drawn again and again counts with what it shows at last.
        shown = [line for line in data.decode(errors="replace").replace("\r", "\n").split("\n") if line.strip()]
        if shown:
            self._line = plain(shown[-1]).strip()[:_WIDEST]
        return True

    def _measured(self, command: _Command, data: bytes) -> None:
        try:
            sample = json.loads(data)
        except ValueError:
            return
        if not isinstance(sample, Mapping):
            return
        memory, raw = mapping(mapping(sample, "memory"), "usage"), mapping(mapping(sample, "memory"), "raw")
        command.cpu = max(command.cpu, number(mapping(mapping(sample, "cpu"), "usage"), "total"))
        if not memory:
            return
        # What the kernel can drop at once is not held: Docker counts the same.
        inactive = number(raw, "total_inactive_file") or number(raw, "inactive_file")
        command.held = max(0, number(memory, "usage") - inactive)
        self._memory = max(self._memory or 0, sum(each.held for each in self._commands.values()))
        self.peak = max(self.peak or 0, number(memory, "max"), number(memory, "usage"))
        limits = [limit for limit in (number(memory, "limit"), number(raw, "hierarchical_memory_limit")) if 0 < limit < _UNLIMITED]
        self.limit = min(limits, default=self.limit)

    def _name(self, target: str) -> str:
        """As its author knows it; of our own wrapper nothing."""
        name, path = self._targets.get(target, ("", ""))
        if not self._wrapped:
            return name
        main = self._targets.get(self._main, ("", ""))[1]
        others = {other for _, other in self._targets.values() if other.startswith("/") and other != main}
        return "" if path == main else relative(name, self._checkout or min(others, key=len, default=""))


def _making(name: str, commands: Sequence[_Command]) -> Making | None:
    """None where none of the commands ran that run something."""
    running = [command.taken for command in commands if command.runs]
    ran = sum(taken is not None for taken in running)
    seconds = sum(command.taken or 0 for command in commands if not command.refers) / 1e9
    return Making(target=name, seconds=seconds, part=ran / len(running)) if ran else None


def _average(makings: Sequence[Making]) -> Making:
    """Of an Earthly target that was made several times: on average, those that were made as a whole first of all."""
    best = [making for making in makings if making.whole] or makings
    return replace(best[0], seconds=sum(making.seconds for making in best) / len(best))
