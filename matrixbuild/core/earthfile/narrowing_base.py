"""The base recipe of an Earthfile -> which of its statements declare which ARGs, from what, and which could be done elsewhere.

A statement is pure where all it does is to declare global ARGs, and where nothing but ARGs decides what they are: an ARG, or an IF over tests of
ARGs with nothing but such in it. Only what is pure gives the same in a target as in the base recipe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.features import Features
from matrixbuild.core.earthfile.wording import declared, expanded, own_text, statements, words
from matrixbuild.core.problems import Place

Node = syntax.Statement | syntax.ElseIf

_SHELL_OUT = re.compile(r"\$\(|`")
_JOINT = re.compile(r"\s*(?:&&|\|\||;|\bthen\b|(?<![\w=!])!(?=\s)|[(){}]|\n)\s*")
_TESTS = re.compile(r"(?:\[\[?(?=\s)|test\s|true$|false$|:$|\$\{?\w+\}?$|\"\$\{?\w+\}?\"$|$)")
_OF_FILES = re.compile(r"(?:^|\s)-(?:[abcdefghkprstuwxGLNOSv]|nt|ot|ef)(?=\s)")
_OF_SOME_SHELLS = re.compile(r"==|=~|\[\[|\s[<>]\s|\s-[ao]\s")


@dataclass(frozen=True, kw_only=True)
class Declaring:
    """A statement of the base recipe: the global ARGs that it declares (`names`), what its text names and what it expands."""

    at: int
    statement: syntax.Statement
    names: tuple[str, ...]
    impure: str
    """Why it can be done nowhere else, as a clause; empty where it can."""
    local: bool
    """Whether it declares an ARG that targets do not see."""

    @property
    def place(self) -> Place:
        return self.statement.place

    def reads(self, given: frozenset[str]) -> frozenset[str]:
        """The names that it reads; the defaults of `given` ARGs are none of its matter."""
        return frozenset[str]().union(*(_reads(each, given) for each in statements(self.statement)))

    @cached_property
    def mentions(self) -> frozenset[str]:
        """Every word in it but the names that it declares."""
        return frozenset[str]().union(*(_mentions(each) for each in statements(self.statement)))

    @property
    def is_test(self) -> bool:
        """Whether a shell is needed for it."""
        return isinstance(self.statement, syntax.If)

    @property
    def is_portable(self) -> bool:
        """Whether each shell gives the same: `==` and `[[` are not known to all."""
        return not any(_OF_SOME_SHELLS.search(own_text(each)) for each in statements(self.statement) if isinstance(each, syntax.If | syntax.ElseIf))


def base_recipe(earthfile: syntax.Earthfile, features: Features) -> tuple[Declaring, ...]:
    """Every statement of the base recipe, in order."""
    return tuple(_declaring(at, statement, features) for at, statement in enumerate(earthfile.base))


def _declaring(at: int, statement: syntax.Statement, features: Features) -> Declaring:
    args = [each for each in statements(statement) if isinstance(each, syntax.Command) and each.name == "ARG"]
    everywhere = [each for each in args if "--global" in each.args or not features.explicit_global]
    return Declaring(
        at=at,
        statement=statement,
        names=tuple(dict.fromkeys(map(declared, everywhere))),
        impure=next(_impurities(statement), ""),
        local=len(everywhere) < len(args),
    )


def _reads(node: Node, given: frozenset[str]) -> frozenset[str]:
    if isinstance(node, syntax.Command) and node.name == "ARG":
        return frozenset() if declared(node) in given else expanded(" ".join(_default(node)))
    return expanded(own_text(node))


def _mentions(node: Node) -> frozenset[str]:
    return words(" ".join(_default(node))) if isinstance(node, syntax.Command) and node.name == "ARG" else words(own_text(node))


def _default(command: syntax.Command) -> Sequence[str]:
    rest = [word for word in command.args if not word.startswith("--")]
    return rest[2:]


def _impurities(statement: syntax.Statement) -> Iterator[str]:
    for each in statements(statement):
        match each:
            case syntax.Command(name="ARG"):
                if _SHELL_OUT.search(own_text(each)):
                    yield "runs a shell for a default"
            case syntax.If() | syntax.ElseIf():
                yield from _of_test(each)
            case syntax.Command():
                yield f"is not only about ARGs ({each.name} in line {each.place.line})"
            case _:
                yield "is more than an IF or an ARG"


def _of_test(arm: syntax.If | syntax.ElseIf) -> Iterator[str]:
    text = " ".join(arm.expression)
    parts = [part.strip() for part in _JOINT.split(text)]
    flagged = bool(arm.expression) and arm.expression[0].startswith("--")
    if flagged or arm.exec_mode or _SHELL_OUT.search(text) or _OF_FILES.search(text) or not all(map(_TESTS.match, parts)):
        yield f"asks more than what ARGs are (line {arm.place.line})"


def all_names(found: Sequence[Declaring]) -> frozenset[str]:
    """The global ARGs of the base recipe."""
    return frozenset(name for each in found for name in each.names)


def moving(found: Sequence[Declaring], name: str) -> tuple[Declaring, ...]:
    """The statements that leave the base recipe with an ARG: those that declare it, those that name what leaves, and so on; in order."""
    leaving = {name}
    while True:
        taken = tuple(each for each in found if leaving & {*each.names, *each.mentions})
        more = {declared for each in taken for declared in each.names} - leaving
        if not more:
            return taken
        leaving |= more


def assigned(earthfile: syntax.Earthfile, *commands: str) -> dict[str, Place]:
    """The names that such commands (LET, SET, ENV) of the base recipe give values, with the first place of each."""
    found: dict[str, Place] = {}
    for each in statements(earthfile.base):
        if isinstance(each, syntax.Command) and each.name in commands:
            found.setdefault(declared(each), each.place)
    return found


def behind(found: Sequence[Declaring], taken: Sequence[Declaring], given: frozenset[str]) -> frozenset[str]:
    """All names that some statements read, and those that are behind these, and so on."""
    known = frozenset[str]().union(*(each.reads(given) for each in taken))
    while True:
        more = known.union(*(each.reads(given) for each in found if known & {*each.names}))
        if more == known:
            return known
        known = more
