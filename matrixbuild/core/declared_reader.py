"""Nodes of a document that the schema allows -> the small parts that manifests and profiles share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from matrixbuild.core.declared import Condition, DeclaredArg, DeclaredValue, Effect, Newest, Rule, Text, Version
from matrixbuild.core.document import Entry, Node
from matrixbuild.core.matching import read_pattern
from matrixbuild.core.problems import Place, Problem

_NOT_FIELDS = ("versions", "args", "value")


def text(node: Node) -> Text:
    # Integers and numbers as they were written: the schema lets only those through whose spelling is their value.
    value = str(node.value).lower() if isinstance(node.value, bool) else node.source if node.plain else str(node.value)
    return Text(value=value, place=node.place)


def scalar(node: Node) -> Text:
    """As `text`, with a boolean known for what it is."""
    return replace(text(node), switch=isinstance(node.value, bool))


def texts(node: Node | None) -> tuple[Text, ...]:
    return tuple(text(item) for item in items(node))


def args(node: Node | None) -> tuple[DeclaredArg, ...]:
    return tuple(DeclaredArg(name=str(entry.key.value), value=text(entry.value), place=entry.key.place) for entry in entries(node))


def axis_value(node: Node, problems: list[Problem]) -> DeclaredValue:
    """A scalar, a mapping of fields, or `{value: ..., args: ...}`; what no schema can say goes to `problems`."""
    if not node.entries:
        return DeclaredValue(place=node.place, scalar=_scalar(node))
    own = args(node.get("args"))
    if (value := node.get("value")) and _is_alone(node, problems):
        return DeclaredValue(place=value.place, scalar=_scalar(value), args=own)
    fields = tuple((name, text(entry.value)) for name, entry in node.entries.items() if name not in _NOT_FIELDS)
    versions = node.entries.get("versions")
    if not fields and versions is None:
        summary = "this axis value has no fields"
        problems.append(Problem(summary=summary, place=value_place(node), hint="give it a value or fields", code="axis-value"))
    if versions is None:
        return DeclaredValue(place=value_place(node), fields=fields, args=own)
    if "version" in node.entries:
        summary = "an axis value has either 'version' or 'versions'"
        problems.append(Problem(summary=summary, place=versions.key.place, hint="remove one of them", code="axis-version"))
    at = [name for name in node.entries if name not in _NOT_FIELDS or name == "versions"].index("versions")
    return DeclaredValue(place=value_place(node), fields=fields, versions=_versions(versions.value), version_at=at, args=own)


def _is_alone(node: Node, problems: list[Problem]) -> bool:
    others = [entry for name, entry in node.entries.items() if name not in ("value", "args")]
    if others:
        hint = "a mapping of fields has no value of its own: call the field otherwise"
        problems.append(Problem(summary="an axis value has either 'value' or fields", place=others[0].key.place, hint=hint, code="axis-value"))
    return not others


def _scalar(node: Node) -> str | bool:
    return node.value if isinstance(node.value, bool) else str(node.value)


def _versions(node: Node) -> tuple[Version, ...]:
    if node.items:
        return tuple(text(item) for item in node.items)
    if node.entries:
        of = node.get("of")
        return (Newest(count=int(str(node["latest"].value)), of=text(of) if of else None, place=value_place(node)),)
    return (Text(value="*", place=node.place),)


def rule(node: Node, *, inherited: bool = False) -> Rule:
    effect = next(effect for effect in Effect if effect.value in node.entries)
    return Rule(
        name=str(node["name"].value),
        reason=str(node["reason"].value),
        effect=effect,
        when=conditions(node.get("when")),
        conditions=conditions(node[effect.value]),
        place=node["name"].place,
        inherited=inherited,
    )


def conditions(node: Node | None) -> tuple[Condition, ...]:
    return tuple(_condition(entry) for entry in entries(node))


def _condition(entry: Entry) -> Condition:
    axis, _, field = str(entry.key.value).partition(".")
    return Condition(axis=axis, field=field or None, wanted=read_pattern(entry.value), place=entry.key.place)


def value_place(node: Node) -> Place:
    first = next(iter(node.entries.values()), None)
    return first.key.place if first else node.place


def entries(node: Node | None) -> Iterator[Entry]:
    return iter(node.entries.values() if node else ())


def items(node: Node | None) -> tuple[Node, ...]:
    return node.items if node else ()
