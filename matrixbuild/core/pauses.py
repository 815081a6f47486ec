"""Failures that come from outside the builds become gates that are shut: while a registry asks to wait, and while one cause fails build after build.

A gate only ever delays: how often a build is tried, and whether it fails, is the policy's word alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from matrixbuild.core.causes import cause_key
from matrixbuild.core.events import Paused, Resumed
from matrixbuild.core.failure import Failure

Gate = tuple[str, str]
"""What a build goes through before it starts: (`asked`, host), shut while this registry wants to be left alone; (`proven`, host), shut until a
build has shown that a cause is gone, for host "" one that has no host; (`sent`, files), shut while another build sends these (core.uploads)."""

_EVERYONE: Gate = ("proven", "")


def gates(hosts: Iterable[str], *, probing: bool = False) -> frozenset[Gate]:
    """The gates of a build that talks to these hosts; one that probes goes where others wait for what it shows."""
    asked = frozenset(("asked", host) for host in hosts)
    return asked if probing else asked | {("proven", host) for _, host in asked} | {_EVERYONE}


@dataclass(slots=True, kw_only=True)
class _Circuit:
    """One cause that failed build after build: `probe` is the build that shows whether it is gone, `held` are those that wait for that."""

    cause: str
    gate: Gate | None
    probe: str = ""
    held: list[str] = field(default_factory=list)


class Pauses:
    """What is shut now, and why. `after` builds in a row, with no other end of an attempt between them, make a cause of a failure a circuit."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._asked: dict[str, set[str]] = {}
        self._row: tuple[str, set[str]] = ("", set())
        self._circuits: dict[str, _Circuit] = {}
        self._causes: dict[str, str] = {}
        self._told: list[Paused | Resumed] = []
        self.shut: frozenset[Gate] = frozenset()

    def told(self) -> list[Paused | Resumed]:
        """What has changed since this was last asked."""
        told, self._told = self._told, []
        return told

    def ask(self, build: str, failure: Failure, seconds: float) -> None:
        """The host of `failure` is left alone until the timer of this build rings, and those of all others that it asked."""
        cause = f"asked {failure.host}"
        self._told.append(Paused(cause=cause, build=build, failure=failure, host=failure.host, seconds=seconds))
        self._asked.setdefault(failure.host, set()).add(build)
        self._set()

    def rang(self, build: str) -> None:
        """The timer of this build rang."""
        for host in [host for host, builds in self._asked.items() if build in builds]:
            self._asked[host].remove(build)
            if not self._asked[host]:
                del self._asked[host]
                self._told.append(Resumed(cause=f"asked {host}"))
                self._set()

    def failed(self, build: str, failure: Failure, *, again: bool, outside: bool) -> list[str]:
        """An attempt has failed; `again`: it is to have another. The builds that need not wait any longer."""
        cause = cause_key(failure)
        self._causes[build] = cause
        probed = next((circuit for circuit in self._circuits.values() if circuit.probe == build), None)
        if probed and again and probed.cause == cause:
            return []
        self._count(build, cause)
        freed = self._close(probed) if probed else []
        if again and cause not in self._circuits and len(self._row[1]) >= self._after:
            self._open(build, failure, outside=outside)
        return freed

    def _count(self, build: str, cause: str) -> None:
        if self._row[0] != cause:
            self._row = (cause, set())
        self._row[1].add(build)

    def _open(self, build: str, failure: Failure, *, outside: bool) -> None:
        cause = self._causes[build]
        gate = ("proven", failure.host) if outside else None
        self._circuits[cause] = _Circuit(cause=cause, gate=gate)
        self._told.append(Paused(cause=cause, build=build, failure=failure, host=failure.host))
        self._set()

    def finished(self, build: str, hosts: Iterable[str]) -> list[str]:
        """An attempt has succeeded: what it went through works. The builds that need not wait any longer."""
        self._row = ("", set())
        if not self._circuits:
            return []
        passed = gates(hosts)
        proven = [circuit for circuit in self._circuits.values() if circuit.probe == build or circuit.gate in passed]
        return [held for circuit in proven for held in self._close(circuit)]

    def _close(self, circuit: _Circuit) -> list[str]:
        del self._circuits[circuit.cause]
        self._row = ("", set())
        self._told.append(Resumed(cause=circuit.cause))
        self._set()
        return circuit.held

    def may_go(self, build: str) -> bool:
        """Whether a build that has rested may be tried again now. Of those that wait for one cause the first one probes; the others are held until
        `failed` or `finished` frees them."""
        circuit = self._circuits.get(self._causes[build])
        if circuit is None or circuit.probe == build:
            return True
        if not circuit.probe:
            circuit.probe = build
            return True
        circuit.held.append(build)
        return False

    def probes(self, build: str) -> bool:
        """Whether others wait for what this build shows."""
        return any(circuit.probe == build for circuit in self._circuits.values())

    def _set(self) -> None:
        proven = (circuit.gate for circuit in self._circuits.values() if circuit.gate)
        self.shut = frozenset([*(("asked", host) for host in self._asked), *proven])
