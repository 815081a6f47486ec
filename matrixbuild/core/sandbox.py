"""The Jinja2 that templates may use: names, fields, conditions, text; nothing that loops, grows without bound or reaches into Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from jinja2 import nodes
from jinja2.runtime import Context, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_RENDERED = 32 * 1024
MAX_DEPTH = 40
"""Levels of a template's syntax tree."""


class TooLongError(ValueError):
    """A template makes more text than any name or ARG takes."""


class Names:
    """Names with a dot: the fields of an axis value, the vars, an image, the needs.

    `text` is what it prints as; None where only its members print.
    """

    __slots__ = ("members", "text", "title")

    def __init__(self, title: str, members: Mapping[str, object], text: str | None = None) -> None:
        self.title = title
        self.members = members
        self.text = text

    def __eq__(self, other: object) -> bool:
        return self.text == (other.text if isinstance(other, Names) else other)

    def __hash__(self) -> int:
        return hash(self.text)


class NeedLackingError(Exception):
    """A template reads the image of a need that this cell does not have: its arg is left out."""


class NoNeed(Names):
    """A need without a build for this cell, or with several: reading its image raises `error`."""

    __slots__ = ("error",)

    def __init__(self, title: str, error: Exception) -> None:
        super().__init__(title, {})
        self.error = error


def text_of(value: object) -> str:
    """A value as it is printed: booleans as Earthfiles write them. ValueError for what has no text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Names) and value.text is not None:
        return value.text
    if isinstance(value, Undefined):
        return str(value)  # raises: it is a strict one
    raise ValueError(f"it gives {_what(value)}, which has no text")


def _what(value: object) -> str:
    if isinstance(value, Names):
        return f"{value.title} as a whole"
    if isinstance(value, partial):
        return "a method without its ()"
    if isinstance(value, float):
        return f"the number {value} instead of quoted text"
    return "null" if value is None else "a list"


def _replace(value: object, old: object, new: object) -> str:
    text, old_text, new_text = text_of(value), text_of(old), text_of(new)
    # The length first: a few nested replacements could make more than any memory holds.
    if len(text) + text.count(old_text) * len(new_text) > MAX_RENDERED:
        raise TooLongError(f"it makes more than {MAX_RENDERED} characters")
    return text.replace(old_text, new_text)


def _join(values: object, between: object = "") -> str:
    parts = [text_of(value) for value in values] if isinstance(values, list | tuple) else [text_of(values)]
    if sum(map(len, parts)) + len(parts) * len(text_of(between)) > MAX_RENDERED:
        raise TooLongError(f"it makes more than {MAX_RENDERED} characters")
    return text_of(between).join(parts)


def _split(value: object, between: object = None, most: int = -1) -> list[str]:
    return text_of(value).split(None if between is None else text_of(between), most)


_LONGEST_INT = 18


def _int(value: object) -> int:
    text = text_of(value)
    if len(text) > _LONGEST_INT:
        raise ValueError(f"{text[:_LONGEST_INT]}... is too long for a number")
    return int(text)


def _default(value: object, other: object = "") -> object:
    return other if isinstance(value, Undefined) else value


def _first(value: Any) -> object:
    return value[0]


def _last(value: Any) -> object:
    return value[-1]


def _on_text(method: Callable[..., object]) -> Callable[..., object]:
    return lambda value, *words: method(text_of(value), *words)


METHODS: Mapping[str, Callable[..., object]] = {
    "endswith": str.endswith,
    "lower": str.lower,
    "removeprefix": str.removeprefix,
    "removesuffix": str.removesuffix,
    "replace": _replace,
    "split": _split,
    "startswith": str.startswith,
    "strip": str.strip,
    "upper": str.upper,
}
"""What can be called: methods of text."""

FILTERS: Mapping[str, Callable[..., object]] = {
    "capitalize": _on_text(str.capitalize),
    "default": _default,
    "first": _first,
    "int": _int,
    "join": _join,
    "last": _last,
    "length": len,
    "lower": _on_text(str.lower),
    "replace": _replace,
    "split": _split,
    "string": text_of,
    "trim": _on_text(str.strip),
    "upper": _on_text(str.upper),
}

TESTS = ("defined", "undefined")

ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.List, nodes.Tuple, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add),
    *(nodes.Sub, nodes.Neg, nodes.Filter, nodes.Test, nodes.Call),
)
"""No loops, assignments or macros, and no operator that multiplies: so what a template can make is bounded by how long it is."""

FORBIDDEN_WORDS: Mapping[type[nodes.Node], str] = {
    nodes.For: "for",
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.With: "with",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Extends: "extends",
    nodes.Block: "block",
    nodes.Mul: "*",
    nodes.Pow: "**",
    nodes.Mod: "%",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Dict: "{",
}


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """The environment all templates share; it holds no state of them."""

    def __init__(self) -> None:
        # Not optimized: what the optimizer computes ahead, it computes without our limits.
        super().__init__(undefined=StrictUndefined, finalize=text_of, autoescape=False, keep_trailing_newline=True, optimized=False)
        self.globals = {}
        self.filters = dict(FILTERS)
        self.tests = {name: test for name, test in self.tests.items() if name in TESTS or name in ("eq", "ne", "==", "!=", "in")}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, NoNeed):
            raise obj.error
        if isinstance(obj, Names) and attribute in obj.members:
            return obj.members[attribute]
        text = obj.text if isinstance(obj, Names) else obj
        if isinstance(text, str) and attribute in METHODS:
            return partial(METHODS[attribute], text)
        return self._nothing(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, NoNeed):
            raise obj.error
        if isinstance(obj, Names):
            return obj.members[argument] if argument in obj.members else self._nothing(obj, argument)
        if isinstance(obj, str | list | tuple) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self._nothing(obj, argument)

    def _nothing(self, obj: Any, member: object) -> Undefined:
        owner = (
            obj.title
            if isinstance(obj, Names)
            else "the text"
            if isinstance(obj, str)
            else "the list"
            if isinstance(obj, list | tuple)
            else "the value"
        )
        return self.undefined(hint=f"{owner} has no {member!r} here", obj=obj, name=str(member))

    def call(self, __context: Context, __obj: Any, *words: Any, **_named: Any) -> Any:
        return __obj(*words)

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, partial)


def print_texts(tree: nodes.Template) -> None:
    """Make `a ~ b` print its parts as `{{ a }}{{ b }}` does: Jinja would print True and None in them."""
    for concat in tree.find_all(nodes.Concat):
        concat.nodes = [nodes.Filter(part, "string", [], [], None, None, lineno=part.lineno) for part in concat.nodes]


def walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Every node below `tree` and its depth, without recursion: trees come from strangers."""
    pending = [(tree, 0)]
    while pending:
        node, depth = pending.pop()
        yield node, depth
        pending.extend((child, depth + 1) for child in node.iter_child_nodes())
