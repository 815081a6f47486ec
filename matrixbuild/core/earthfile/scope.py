"""Declarations and overrides in, the value a name has at each moment out, by Earthly's rules of scope.

An override or a built-in is there from the start but *inactive*: it has no effect until an ARG declares its name. Among the active ones a
LET beats an override that was passed on active (--pass-args), which beats an ARG, an ENV and at last a global ARG.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from matrixbuild.core.earthfile.faults import Fault
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.earthfile.values import Value, plain_value

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@lru_cache(maxsize=4096)
def spelled(text: str) -> frozenset[str]:
    """The words in a text that could be names of variables; each value is asked for at every command."""
    return frozenset(_WORD.findall(text))


_NONE = frozenset[str]()


@lru_cache(maxsize=8192)
def _as_written(default: str, name: str) -> Value:
    """The default of an ARG of this name, as it stands in the Earthfile: the same ones are met in every evaluation."""
    return plain_value(default).influenced(frozenset({name}))


class ScopeProblem(Exception):  # noqa: N818
    """A declaration that is not allowed: the class of the fault, a clause saying what is wrong, and a hint."""

    def __init__(self, fault: Fault, summary: str, *, hint: str = "") -> None:
        super().__init__(summary)
        self.fault = fault
        self.summary = summary
        self.hint = hint


_STAMPS = itertools.count()

Told = tuple[Mapping[str, frozenset[str]], frozenset[str], tuple[Value, ...]]
"""Of the active names: the overrides behind each, the words that stand in their values, and the values that overrides are behind."""


class Scope:
    """Names with their values, each active or not."""

    def __init__(self, values: Mapping[str, Value] | None = None, *, active: Iterable[str] = (), ambient: bool = False) -> None:
        self._values = dict(values or {})
        self._active = set(active)
        self.stamp = next(_STAMPS)
        """Two scopes with one stamp have the same names and values."""
        self.ambient = ambient
        """Overrides of the whole call come in here: each ARG without a value could have had one."""
        self.absent: dict[str, frozenset[str]] = {}
        """Names that are not here because of a condition, with the overrides that it read."""
        self.perhaps: set[str] = set()
        """Names that are here on one branch of a condition that nobody knows, and not on the other."""
        self._telling: list[tuple[int, Told]] = []
        """One at most, with the stamp that it is of: copies that were not changed tell it to one another."""
        self._lent = False
        """Whether a copy has the same containers: whoever changes first takes its own."""

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))

    def get(self, name: str) -> Value | None:
        return self._values.get(name)

    def active(self, name: str) -> Value | None:
        return self._values[name] if name in self._active else None

    def everything(self) -> Mapping[str, Value]:
        """All names with their values, active or not, as they are now."""
        return self._values

    def active_names(self) -> frozenset[str]:
        return frozenset(self._active)

    def told(self) -> Told:
        """What a command comes to know by the active names: worked out once for all commands between two changes."""
        if not self._telling or self._telling[0][0] != self.stamp:
            active = {name: self._values[name] for name in self._active}
            taints = {name: value.taint for name, value in active.items()}
            words = _NONE.union(*[spelled(value.text) for value in active.values() if value.text])
            self._telling[:] = [(self.stamp, (taints, words, tuple([value for value in active.values() if value.taint])))]
        return self._telling[0][1]

    def put(self, name: str, value: Value, *, active: bool = True) -> None:
        self._part()
        self._values[name] = value
        self.stamp = next(_STAMPS)
        self.absent.pop(name, None)
        self.perhaps.discard(name)
        if active:
            self._active.add(name)

    def put_all(self, values: Mapping[str, Value], *, active: bool = True) -> None:
        self._part()
        self._values.update(values)
        self.stamp = next(_STAMPS)
        for name in values if self.absent else ():
            self.absent.pop(name, None)
        self.perhaps.difference_update(values)
        if active:
            self._active.update(values)

    def perhaps_absent(self, name: str) -> None:
        """A name is here on one branch alone."""
        self._part()
        self.perhaps.add(name)

    def remove(self, name: str) -> None:
        self._part()
        self._values.pop(name, None)
        self.stamp = next(_STAMPS)
        self._active.discard(name)

    def mark(self, name: str, taint: frozenset[str]) -> None:
        """A condition decided on the value of a name, or on its not being here."""
        self._part()
        self.stamp = next(_STAMPS)
        if name in self._values:
            self._values[name] = self._values[name].influenced(taint)
        else:
            self.absent[name] = self.absent.get(name, frozenset()) | taint

    def copy(self) -> Scope:
        """Most copies are never changed: both have the same containers until one is."""
        made = Scope.__new__(Scope)
        made._values, made._active, made.absent, made.perhaps = self._values, self._active, self.absent, self.perhaps  # noqa: SLF001  (its own class)
        made.stamp, made.ambient, made._telling = self.stamp, self.ambient, self._telling  # noqa: SLF001
        made._lent = self._lent = True  # noqa: SLF001
        return made

    def handed_on(self) -> Scope:
        """As `combined` makes of this scope alone."""
        return combined(self) if self.absent or self.perhaps else self.copy()

    def _part(self) -> None:
        if self._lent:
            self._values, self._active = dict(self._values), set(self._active)
            self.absent, self.perhaps = dict(self.absent), set(self.perhaps)
            self._telling = list(self._telling)
            self._lent = False

    def _like(self, values: Mapping[str, Value], active: Iterable[str]) -> Scope:
        made = Scope(values, active=active, ambient=self.ambient)
        made.absent, made.perhaps = dict(self.absent), set(self.perhaps)
        return made

    def without_reserved(self) -> Scope:
        """This scope without the names of built-ins, which no caller can pass on."""
        return self._like({name: self._values[name] for name in self._values if name not in RESERVED}, self._active - RESERVED)

    def inactive(self) -> Scope:
        return self._like(self._values, ())

    def identity(self) -> tuple[tuple[str, str], ...]:
        """What tells two scopes apart where their influences do not matter."""
        return tuple((name, self._values[name].text) for name in self)


def combined(*scopes: Scope) -> Scope:
    """All names of several scopes: active ones win over inactive ones, then the earlier scope over the later."""
    values: dict[str, Value] = {}
    active: dict[str, Value] = {}
    for scope in reversed(scopes):
        values |= scope._values  # noqa: SLF001  (its own class)
        active |= {name: scope._values[name] for name in scope._active}  # noqa: SLF001
    found = Scope(values | active, active=active, ambient=any(scope.ambient for scope in scopes))
    for scope in scopes:
        for name, taint in scope.absent.items():
            found.mark(name, taint)
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Environment:
    """What a command sees: `influences` are the names in its environment that overrides had a part in, with these, and `influenced` these names
    alone; `spelled` the words that stand in values which are visible there; `tainted` the values among them that overrides had a part in."""

    influences: Mapping[str, frozenset[str]]
    influenced: frozenset[str]
    spelled: frozenset[str]
    tainted: tuple[Value, ...]


class Variables:
    """All variables of one target while it is evaluated; `frames` is the stack of functions it is in."""

    def __init__(self, frame: Frame, *, builtins: Scope, scoped: bool, environments: dict[tuple[int, ...], Environment] | None = None) -> None:
        """`environments`: what was worked out for other targets."""
        self.frames = [frame]
        self.builtins = builtins
        self.envs = Scope()
        self.envs_unknown = False
        self._scoped = scoped
        self._environments = {} if environments is None else environments

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def _layers(self) -> tuple[Scope, ...]:
        frame = self.frame
        return frame.lets, frame.overriding, self.builtins, frame.args, self.envs, frame.globals

    def active(self, name: str) -> Value | None:
        """The value a `$name` here stands for, or None."""
        return self._seen(name)[0]

    def _seen(self, name: str) -> tuple[Value | None, frozenset[str]]:
        """The value, and the overrides that decided on where it comes from."""
        taint = _NONE
        for scope in self._layers():
            if name in scope._active:  # noqa: SLF001  (asked more often than anything else)
                value = scope._values[name]  # noqa: SLF001
                return (value.influenced(taint) if taint else value), _NONE
            if scope.absent:
                taint |= scope.absent.get(name, frozenset())
        return None, taint

    def visible(self) -> frozenset[str]:
        """The names that have a value here."""
        return frozenset[str]().union(*[scope._active for scope in self._layers()])  # noqa: SLF001

    def missed(self, name: str) -> frozenset[str]:
        """The overrides that a name without a value owes that to."""
        return self._seen(name)[1]

    def environment(self) -> Environment:
        """What a command that runs here sees."""
        # A layer in which nothing is active adds nothing, and what has one stamp is the same in every target.
        key = tuple([scope.stamp if scope._active or scope.absent else -1 for scope in self._layers()])  # noqa: SLF001
        if key not in self._environments:
            influences = self.influences()
            told = [scope.told() for scope in self._layers()]
            words = _NONE.union(*[words for _, words, _ in told])
            tainted = tuple([value for _, _, values in told for value in values])
            self._environments[key] = Environment(influences=influences, influenced=frozenset(influences), spelled=words, tainted=tainted)
        return self._environments[key]

    def influences(self) -> dict[str, frozenset[str]]:
        """The names in a command's environment that overrides had a part in, with these."""
        layers = self._layers()
        found: dict[str, frozenset[str]] = {}
        for scope in reversed(layers):
            found |= scope.told()[0]
        # Only what is not there because of a condition has to be looked for layer by layer.
        for name in {name for scope in layers for name in scope.absent}:
            value, missed = self._seen(name)
            found[name] = missed if value is None else value.taint
        return {name: found[name] for name in sorted(found) if found[name]}

    def _any(self, name: str) -> Value | None:
        inactive = (value for scope in self._layers() if (value := scope.get(name)) is not None)
        return self.active(name) or next(inactive, None)

    def fresh(self, names: Iterable[str]) -> bool:
        """Whether some names are nothing here but, perhaps, names of overrides that an ARG would make active: not declared, in no ENV, and not left
        out on a condition either."""
        frame = self.frame
        layers = (frame.lets, self.builtins, frame.args, self.envs, frame.globals)
        if not frame.overriding._active.isdisjoint(names) or not frame.overriding.absent.keys().isdisjoint(names):  # noqa: SLF001  (as below)
            return False
        return all(scope._values.keys().isdisjoint(names) and scope.absent.keys().isdisjoint(names) for scope in layers)  # noqa: SLF001

    def given(self, name: str) -> bool:
        """Whether a name has a value already, active or not, which an ARG's default would not replace (0.6)."""
        frame = self.frame
        return name in frame.overriding or name in self.builtins or name in frame.args or name in self.envs or name in frame.globals

    def declare_arg(self, name: str, default: Value, *, everywhere: bool) -> tuple[Value, Value]:
        """ARG: gives the value the name has now, and the default that counts when two calls of a target are compared.

        `everywhere`: the ARG is global. Raises ScopeProblem.
        """
        return self._declare_scoped(name, default, everywhere=everywhere) if self._scoped else self._declare_old(name, default, everywhere=everywhere)

    def _declare_old(self, name: str, default: Value, *, everywhere: bool) -> tuple[Value, Value]:
        existing = self._any(name)
        value = self._own(name, default) if existing is None else existing
        self.frame.args.put(name, value)
        if everywhere:
            self.frame.globals.put(name, value)
        return value, default

    def _own(self, name: str, default: Value) -> Value:
        """The default of an ARG that nobody gave a value, though somebody could have."""
        overriding = self.frame.overriding
        taint = overriding.absent.get(name, _NONE)
        if overriding.ambient and name not in RESERVED:
            if not taint and default is plain_value(default.text):
                return _as_written(default.text, name)
            taint |= {name}
        return default.influenced(taint) if taint else default

    def _declare_scoped(self, name: str, default: Value, *, everywhere: bool) -> tuple[Value, Value]:
        frame = self.frame
        if frame.lets.active(name) is not None and name not in frame.lets.perhaps:
            raise ScopeProblem(
                Fault.REDECLARED, f"{name} was declared with LET before and cannot be declared again as an ARG", hint="give one of them another name"
            )
        value = frame.overriding.get(name) or self.builtins.get(name) or self._own(name, default)
        if everywhere and name in frame.args and name not in frame.args.perhaps:
            raise ScopeProblem(
                Fault.REDECLARED, f"{name} was declared as an ARG that is not global before", hint="add --global to its first declaration"
            )
        target = frame.globals if everywhere else frame.args
        if name in target and name not in target.perhaps:
            raise ScopeProblem(Fault.REDECLARED, f"{name} is declared twice in the same target", hint=f"to change its value write LET {name} = ...")
        target.put(name, value)
        return value, value if everywhere else default

    def declare_let(self, name: str, value: Value) -> None:
        """LET; raises ScopeProblem."""
        if name in self.frame.lets and name not in self.frame.lets.perhaps:
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
