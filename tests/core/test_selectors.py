from __future__ import annotations

import pytest

from matrixbuild.core.matching import AnyOf, Exact, Glob, InRange, Not, Pattern
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.selectors import parse_selector
from tests.manifest_texts import told

HINT = "(write, for example, os=ubuntu-24.04,kubernetes.version=1.34.x,fips!=true)"


def shown(pattern: Pattern) -> str:
    match pattern:
        case Exact():
            return f"{pattern.value}" if pattern.by_text else "not by text"
        case Glob():
            return f"glob {pattern.text}"
        case InRange():
            return f"range {pattern.text}"
        case AnyOf():
            return " or ".join(map(shown, pattern.patterns))
        case Not():
            return f"not ({shown(pattern.pattern)})"


def parsed(text: str) -> list[str]:
    problems: list[Problem] = []
    conditions = parse_selector(text, problems)
    assert told(tuple(problems)) == []
    return [f"{condition.subject}: {shown(condition.wanted)}" for condition in conditions]


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("os=ubuntu-24.04,kubernetes.version=1.34.x,fips!=true", ["os: ubuntu-24.04", "kubernetes.version: range 1.34.x", "fips: not (true)"]),
        ("os=a|b", ["os: a or b"]),
        ("os!=a|b*", ["os: not (a or glob b*)"]),
        ("k.version=1.33.x||1.34.x", ["k.version: range 1.33.x or range 1.34.x"]),
        ("k.version=1.33 - 1.34", ["k.version: range 1.33 - 1.34"]),
        ("k.version=>=1.33", ["k.version: range >=1.33"]),
        ("k.version>=1.33 <1.35", ["k.version: range >=1.33 <1.35"]),
        ("os.version<24", ["os.version: range <24"]),
        ("os.version!=>24", ["os.version: not (range >24)"]),
        ("os==a", ["os: a"]),
        ("os=a=b", ["os: a=b"]),
        (" os = a | b , fips = false ", ["os: a or b", "fips: false"]),
        ("twoNode=true,twoNode=false", ["twoNode: true", "twoNode: false"]),
    ],
)
def test_conditions(text: str, conditions: list[str]) -> None:
    assert parsed(text) == conditions


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["-l:1:1: the selector is empty []"]),
        ("  ", ["-l:1:1: the selector is empty [  ]"]),
        ("os", ["-l:1:1: 'os' in the selector is no condition [os]"]),
        ("os=a,2fa=b", ["-l:1:6: '2fa=b' in the selector is no condition [2fa=b]"]),
        ("os=a, o s=b", ["-l:1:7: 'o s=b' in the selector is no condition [o s=b]"]),
        ("os.a.b=c", ["-l:1:1: 'os.a.b=c' in the selector is no condition [os.a.b=c]"]),
        ("=a", ["-l:1:1: '=a' in the selector is no condition [=a]"]),
        ("os=,fips!=", ["-l:1:4: a condition of the selector has no value [,]", "-l:1:11: a condition of the selector has no value []"]),
        ("os=a,,fips=b", ["-l:1:6: nothing stands beside a comma of the selector [,]"]),
        ("os=a,", ["-l:1:6: nothing stands beside a comma of the selector []"]),
        ("os=a|", ["-l:1:4: nothing stands beside a | of the selector [a|]"]),
        ("os=|b", ["-l:1:4: nothing stands beside a | of the selector [|b]"]),
        ("os=a|||b", ["-l:1:4: nothing stands beside a | of the selector [a|||b]"]),
    ],
)
def test_mistakes(text: str, messages: list[str]) -> None:
    problems: list[Problem] = []
    parse_selector(text, problems)
    assert told(tuple(problems)) == [f"{message} {HINT}" for message in messages]
    assert {problem.code for problem in problems} == {"selector"}


def test_what_is_right_beside_a_mistake_is_read() -> None:
    assert [condition.subject for condition in parse_selector("os=a,b,fips=true", [])] == ["os", "fips"]


def test_conditions_know_where_they_stand() -> None:
    text = "os=a|bc,fips!=true"
    [os, fips] = parse_selector(text, [], file="--rebuild")

    def at(column: int, width: int) -> Place:
        return Place(file="--rebuild", line=1, column=column, text=text, width=width)

    assert isinstance(os.wanted, AnyOf)
    assert isinstance(fips.wanted, Not)
    assert [os.place, os.wanted.place, *(each.place for each in os.wanted.patterns)] == [at(1, 2), at(4, 4), at(4, 1), at(6, 2)]
    assert [fips.place, fips.wanted.place, fips.wanted.pattern.place] == [at(9, 4), at(9, 4), at(15, 4)]
