"""Declarations and overrides in, the value a name has at each moment out, by Earthly's rules of scope.

An override or a built-in is there from the start but *inactive*: it has no effect until an ARG declares its name. Among the active ones a
LET beats an override that was passed on active (--pass-args), which beats an ARG, an ENV and at last a global ARG.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from matrixbuild.core.earthfile.expansion import Value
from matrixbuild.core.earthfile.faults import Fault
from matrixbuild.core.earthfile.reserved import RESERVED


class ScopeProblem(Exception):  # noqa: N818
    """A declaration that is not allowed: the class of the fault, a clause saying what is wrong, and a hint."""

    def __init__(self, fault: Fault, summary: str, *, hint: str = "") -> None:
        super().__init__(summary)
        self.fault = fault
        self.summary = summary
        self.hint = hint


class Scope:
    """Names with their values, each active or not."""

    def __init__(self, values: Mapping[str, Value] | None = None, *, active: Iterable[str] = ()) -> None:
        self._values = dict(values or {})
        self._active = set(active)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))

    def get(self, name: str) -> Value | None:
        return self._values.get(name)

    def active(self, name: str) -> Value | None:
        return self._values[name] if name in self._active else None

    def active_names(self) -> frozenset[str]:
        return frozenset(self._active)

    def put(self, name: str, value: Value, *, active: bool = True) -> None:
        self._values[name] = value
        if active:
            self._active.add(name)

    def remove(self, name: str) -> None:
        self._values.pop(name, None)
        self._active.discard(name)

    def copy(self) -> Scope:
        return Scope(self._values, active=self._active)

    def without_reserved(self) -> Scope:
        """This scope without the names of built-ins, which no caller can pass on."""
        return Scope({name: self._values[name] for name in self._values if name not in RESERVED}, active=self._active - RESERVED)

    def inactive(self) -> Scope:
        return Scope(self._values)

    def identity(self) -> tuple[tuple[str, str], ...]:
        """What tells two scopes apart where their influences do not matter."""
        return tuple((name, self._values[name].text) for name in self)


def combined(*scopes: Scope) -> Scope:
    """All names of several scopes: active ones win over inactive ones, then the earlier scope over the later."""
    found = Scope()
    for scope in scopes:
        for name in scope.active_names():
            if name not in found:
                found.put(name, scope._values[name])  # noqa: SLF001  (its own class)
    for scope in scopes:
        for name in scope:
            if name not in found:
                found.put(name, scope._values[name], active=False)  # noqa: SLF001
    return found


@dataclass(slots=True)
class Frame:
    """What a target, or a function called from it, sees: references are relative to `directory`."""

    directory: str
    overriding: Scope
    globals: Scope = field(default_factory=Scope)
    global_imports: dict[str, str] = field(default_factory=dict)
    args: Scope = field(default_factory=Scope)
    lets: Scope = field(default_factory=Scope)
    imports: dict[str, str] = field(default_factory=dict)


class Variables:
    """All variables of one target while it is evaluated; `frames` is the stack of functions it is in."""

    def __init__(self, frame: Frame, *, builtins: Scope, scoped: bool) -> None:
        self.frames = [frame]
        self.builtins = builtins
        self.envs = Scope()
        self.envs_unknown = False
        self._scoped = scoped

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def _layers(self) -> tuple[Scope, ...]:
        frame = self.frame
        return frame.lets, frame.overriding, self.builtins, frame.args, self.envs, frame.globals

    def active(self, name: str) -> Value | None:
        """The value a `$name` here stands for, or None."""
        return next((value for scope in self._layers() if (value := scope.active(name)) is not None), None)

    def _any(self, name: str) -> Value | None:
        inactive = (value for scope in self._layers() if (value := scope.get(name)) is not None)
        return self.active(name) or next(inactive, None)

    def declare_arg(self, name: str, default: Value, *, everywhere: bool) -> tuple[Value, Value]:
        """ARG: gives the value the name has now, and the default that counts when two calls of a target are compared.

        `everywhere`: the ARG is global. Raises ScopeProblem.
        """
        return self._declare_scoped(name, default, everywhere=everywhere) if self._scoped else self._declare_old(name, default, everywhere=everywhere)

    def _declare_old(self, name: str, default: Value, *, everywhere: bool) -> tuple[Value, Value]:
        existing = self._any(name)
        value = default if existing is None else existing
        self.frame.args.put(name, value)
        if everywhere:
            self.frame.globals.put(name, value)
        return value, default

    def _declare_scoped(self, name: str, default: Value, *, everywhere: bool) -> tuple[Value, Value]:
        frame = self.frame
        if frame.lets.active(name) is not None:
            raise ScopeProblem(
                Fault.REDECLARED, f"{name} was declared with LET before and cannot be declared again as an ARG", hint="give one of them another name"
            )
        value = frame.overriding.get(name) or self.builtins.get(name) or default
        if everywhere and name in frame.args:
            raise ScopeProblem(
                Fault.REDECLARED, f"{name} was declared as an ARG that is not global before", hint="add --global to its first declaration"
            )
        target = frame.globals if everywhere else frame.args
        if name in target:
            raise ScopeProblem(Fault.REDECLARED, f"{name} is declared twice in the same target", hint=f"to change its value write LET {name} = ...")
        target.put(name, value)
        return value, value if everywhere else default

    def declare_let(self, name: str, value: Value) -> None:
        """LET; raises ScopeProblem."""
        if name in self.frame.lets:
            raise ScopeProblem(Fault.REDECLARED, f"{name} is declared twice in the same target", hint=f"to change its value write SET {name} = ...")
        self.frame.lets.put(name, value)

    def update(self, name: str, value: Value) -> None:
        """SET; raises ScopeProblem."""
        if self.active(name) is None:
            raise ScopeProblem(Fault.UNKNOWN_VARIABLE, f"SET of {name}, which is not declared here", hint=f"declare it first with LET {name} = ...")
        if self.frame.lets.active(name) is None:
            raise ScopeProblem(Fault.REASSIGNED, f"{name} is not a LET and cannot be reassigned with SET", hint=f"write LET {name} = ${name} before")
        self.frame.lets.put(name, value)

    def passed_on(self) -> Scope:
        """What --pass-args gives to the called target beside the explicit args."""
        return combined(self.frame.overriding, self.frame.args, self.frame.globals)
