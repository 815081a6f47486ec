"""What a name means: overrides, built-ins, ARG, LET, ENV and globals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.faults import Fault
from matrixbuild.core.earthfile.scope import Environment, Frame, Scope, ScopeProblem, Variables, combined
from matrixbuild.core.earthfile.values import Value


def scope(**values: str) -> Scope:
    return Scope({name: Value(text=text) for name, text in values.items()})


def variables(*, scoped: bool = True, builtins: Scope | None = None, **overriding: str) -> Variables:
    return Variables(Frame(directory="", overriding=scope(**overriding)), builtins=builtins or Scope(), scoped=scoped)


def value(of: Variables, name: str) -> str | None:
    found = of.active(name)
    return None if found is None else found.text


def test_an_override_means_nothing_until_an_arg_declares_it() -> None:
    names = variables(A="cli")
    assert value(names, "A") is None
    names.declare_arg("A", Value(text="default"), everywhere=False)
    assert value(names, "A") == "cli"


def test_a_builtin_means_nothing_until_an_arg_declares_it_and_loses_to_an_override() -> None:
    names = variables(builtins=scope(B="builtin"))
    names.declare_arg("B", Value(text=""), everywhere=False)
    assert value(names, "B") == "builtin"


def test_let_beats_arg_beats_env_beats_a_global() -> None:
    names = variables()
    names.declare_arg("X", Value(text="global"), everywhere=True)
    seen = [value(names, "X")]
    names.envs.put("X", Value(text="env"))
    seen.append(value(names, "X"))
    names.declare_arg("X", Value(text="arg"), everywhere=False)
    seen.append(value(names, "X"))
    names.declare_let("X", Value(text="let"))
    seen.append(value(names, "X"))
    assert seen == ["global", "env", "arg", "let"]


def test_before_arg_scope_an_arg_that_has_a_value_keeps_it() -> None:
    names = variables(scoped=False)
    names.envs.put("X", Value(text="env"))
    names.declare_arg("X", Value(text="1"), everywhere=False)
    names.declare_arg("Y", Value(text="1"), everywhere=False)
    names.declare_arg("Y", Value(text="2"), everywhere=False)
    assert (value(names, "X"), value(names, "Y")) == ("env", "1")


def test_set_changes_a_let() -> None:
    names = variables()
    names.declare_let("L", Value(text="1"))
    names.update("L", Value(text="2"))
    assert value(names, "L") == "2"


def problem(action: str, *, scoped: bool = True) -> tuple[Fault, str, str]:
    names = variables(scoped=scoped)
    names.declare_let("LET", Value(text="1"))
    names.declare_arg("ARG", Value(text="1"), everywhere=False)
    names.declare_arg("GLOBAL", Value(text="1"), everywhere=True)
    steps: dict[str, Callable[[], object]] = {
        "arg after let": lambda: names.declare_arg("LET", Value(text=""), everywhere=False),
        "arg twice": lambda: names.declare_arg("ARG", Value(text=""), everywhere=False),
        "global twice": lambda: names.declare_arg("GLOBAL", Value(text=""), everywhere=True),
        "global after arg": lambda: names.declare_arg("ARG", Value(text=""), everywhere=True),
        "let twice": lambda: names.declare_let("LET", Value(text="")),
        "set of nothing": lambda: names.update("NOTHING", Value(text="")),
        "set of an arg": lambda: names.update("ARG", Value(text="")),
    }
    with pytest.raises(ScopeProblem) as caught:
        steps[action]()
    return caught.value.fault, caught.value.summary, caught.value.hint


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            "arg after let",
            (Fault.REDECLARED, "LET was declared with LET before and cannot be declared again as an ARG", "give one of them another name"),
        ),
        ("arg twice", (Fault.REDECLARED, "ARG is declared twice in the same target", "to change its value write LET ARG = ...")),
        ("global twice", (Fault.REDECLARED, "GLOBAL is declared twice in the same target", "to change its value write LET GLOBAL = ...")),
        ("global after arg", (Fault.REDECLARED, "ARG was declared as an ARG that is not global before", "add --global to its first declaration")),
        ("let twice", (Fault.REDECLARED, "LET is declared twice in the same target", "to change its value write SET LET = ...")),
        ("set of nothing", (Fault.UNKNOWN_VARIABLE, "SET of NOTHING, which is not declared here", "declare it first with LET NOTHING = ...")),
        ("set of an arg", (Fault.REASSIGNED, "ARG is not a LET and cannot be reassigned with SET", "write LET ARG = $ARG before")),
    ],
)
def test_declarations_that_are_refused(action: str, expected: tuple[Fault, str, str]) -> None:
    assert problem(action) == expected


def test_what_is_passed_on_active_wins_over_what_is_given_inactive() -> None:
    names = variables(CLI="c")
    names.declare_arg("X", Value(text="mine"), everywhere=False)
    passed = combined(scope(X="explicit", Y="explicit"), names.passed_on())
    assert {name: (found.text, passed.active(name) is not None) for name in passed if (found := passed.get(name))} == {
        "CLI": ("c", False),
        "X": ("mine", True),
        "Y": ("explicit", False),
    }


def test_builtins_are_not_passed_on() -> None:
    assert list(scope(TARGETARCH="x", A="1").without_reserved()) == ["A"]


@given(st.dictionaries(st.sampled_from("ABC"), st.text()), st.dictionaries(st.sampled_from("ABC"), st.text()))
def test_of_two_scopes_alike_the_first_wins(first: dict[str, str], second: dict[str, str]) -> None:
    assert combined(scope(**first), scope(**second)).identity() == tuple(sorted((second | first).items()))


def test_what_a_scope_tells_is_as_it_is_now() -> None:
    one = Value(text="one", taint=frozenset({"A"}))
    first = Scope({"A": one}, active=("A",))
    before = {"A": frozenset({"A"})}, frozenset({"one"}), (one,)
    assert first.told() == before
    second = first.copy()
    second.put("B", Value(text="two 3"))
    assert second.told() == (before[0] | {"B": frozenset()}, frozenset({"one", "two"}), (one,))
    assert first.told() == before
    first.remove("A")
    assert first.told() == ({}, frozenset(), ())


def test_targets_that_see_the_same_have_one_environment() -> None:
    shared: dict[tuple[int, ...], Environment] = {}
    globals_ = Scope({"A": Value(text="1", taint=frozenset({"A"}))}, active=("A",))

    def target(**overriding: str) -> Variables:
        made = Variables(Frame(directory="", overriding=scope(**overriding)), builtins=scope(TARGETARCH="amd64"), scoped=True, environments=shared)
        made.frame.globals = globals_.copy()
        return made

    one, other = target(), target(B="given, and not declared")
    assert one.environment() is other.environment()
    assert one.environment().influences == {"A": frozenset({"A"})}
    other.declare_arg("B", Value(text=""), everywhere=False)
    other.frame.globals.mark("C", frozenset({"A"}))
    assert other.environment().influences == {"A": frozenset({"A"}), "C": frozenset({"A"})}
    assert other.environment().spelled == {"given", "and", "not", "declared"}
    assert one.environment().influences == {"A": frozenset({"A"})}
    assert one.environment().spelled == frozenset()
