"""A document that the schema of profiles allows -> the Profile in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from matrixbuild.core.catalogs import CatalogSource
from matrixbuild.core.declared import Effect
from matrixbuild.core.declared_reader import args, axis_value, conditions, entries, items, rule, scalar, text, texts
from matrixbuild.core.document import Document, Entry, Node
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.problems import InvalidError, Problem
from matrixbuild.core.profile import (
    ArgForm,
    Profile,
    ProfileAxis,
    ProfileRule,
    ProfileStatement,
    ProfileTarget,
    ProfileValue,
    Requirement,
    Span,
)
from matrixbuild.core.versions import Scheme

_OF_TARGETS = ("on", "since", "until")
"""What a profile says of a target beside the manifest's own form."""


def read(document: Document) -> Profile:
    """The profile. Raises InvalidError for what no schema can say of an axis' default."""
    spec = document.root["spec"]
    catalog = spec.get("catalog")
    return Profile(
        name=_word(document.root["metadata"], "name"),
        file=document.file,
        axes=tuple(_axis(entry) for entry in entries(spec["axes"])),
        values=tuple(_value(entry) for entry in entries(spec.get("values"))),
        version=_word(spec, "version"),
        stands_for={str(entry.key.value): text(entry.value).value for entry in entries(spec.get("standsFor"))},
        vars=tuple((str(entry.key.value), scalar(entry.value)) for entry in entries(spec.get("vars"))),
        args=args(spec.get("args")),
        rules=tuple(_rule(item) for item in items(spec.get("rules"))),
        targets=tuple(target for entry in entries(spec["targets"]) for target in _targets(entry)),
        requirements=tuple(_requirement(item) for item in items(spec.get("files"))),
        forms=tuple(form for item in items(spec.get("forms")) for form in _forms(item)),
        statements=tuple(_statement(item, _word(document.root["metadata"], "name")) for item in items(spec.get("statements"))),
        ambient=texts(spec.get("ambient")),
        catalog=_catalog(catalog) if catalog else None,
        catalog_axis=_word(catalog, "axis"),
        fips_axis=_word(catalog, "fipsAxis"),
        span=_span(spec),
    )


def _axis(entry: Entry) -> ProfileAxis:
    node = entry.value
    default, suffix = node.get("default"), node.get("suffix")
    problems: list[Problem] = []
    value = axis_value(default, problems) if default else None
    if problems:
        raise InvalidError(*problems)
    return ProfileAxis(
        name=str(entry.key.value),
        place=entry.key.place,
        description=_word(node, "description"),
        scheme=Scheme(_word(node, "scheme") or Scheme.DOTTED),
        default=value,
        always=_flag(node, "always", default=False),
        args=args(node.get("args")),
        suffix=text(suffix) if suffix else None,
        span=_span(node),
    )


def _value(entry: Entry) -> ProfileValue:
    node = entry.value
    return ProfileValue(
        name=str(entry.key.value), place=entry.key.place, text=_word(node, "value"), file=_word(node, "file"), pattern=_word(node, "pattern")
    )


def _catalog(node: Node) -> CatalogSource:
    earthfile = node.get("earthfile")
    return CatalogSource(
        file=_word(node, "file"),
        plain=_word(earthfile, "target"),
        fips=_word(earthfile, "fipsTarget"),
        distribution_arg=_word(earthfile, "distributionArg"),
        version_arg=_word(earthfile, "versionArg"),
        fips_arg=_word(earthfile, "fipsArg"),
    )


def _rule(node: Node) -> ProfileRule:
    return ProfileRule(
        rule=rule(node, inherited=True), span=_span(node), lines=_word(node, "lines"), by=_word(node, "by"), targets=_words(node, "targets")
    )


def _targets(entry: Entry) -> Iterator[ProfileTarget]:
    for form in entry.value.items or (entry.value,):
        own = {name: part for name, part in form.entries.items() if name not in _OF_TARGETS}
        yield ProfileTarget(
            name=str(entry.key.value),
            place=entry.key.place,
            node=replace(form, entries=own),
            on=_flag(form, "on", default=True),
            span=_span(form),
        )


def _requirement(node: Node) -> Requirement:
    return Requirement(
        reason=_word(node, "reason"),
        effect=Effect(_word(node, "effect") or Effect.DENY),
        place=next(node.entries[key].key.place for key in ("path", "arg", "forbidden") if key in node.entries),
        path=_word(node, "path"),
        arg=_word(node, "arg"),
        forbidden=_word(node, "forbidden"),
        containing=_word(node, "containing"),
        of_secrets=_flag(node, "ofSecrets", default=False),
        when=conditions(node.get("when")),
        targets=_words(node, "targets"),
        span=_span(node),
        rule=_word(node, "rule"),
    )


def _forms(node: Node) -> Iterator[ArgForm]:
    for name in _words(node, "args"):
        yield ArgForm(name=name, pattern=_word(node, "pattern"), hint=_word(node, "hint"), span=_span(node), rule=_word(node, "rule"))


def _statement(node: Node, name: str) -> ProfileStatement:
    statement = Statement(
        file=_word(node, "file"), text=_word(node, "text"), reads=frozenset(_words(node, "reads")), reason=_word(node, "reason"), source=name
    )
    return ProfileStatement(statement=statement, unless=frozenset(_words(node, "unless")), span=_span(node))


def _span(node: Node) -> Span:
    return Span(since=_word(node, "since"), until=_word(node, "until"))


def _word(node: Node | None, key: str) -> str:
    """The text under `key`; "" where there is none."""
    value = node.get(key) if node else None
    return text(value).value if value else ""


def _words(node: Node, key: str) -> tuple[str, ...]:
    return tuple(one.value for one in texts(node.get(key)))


def _flag(node: Node, key: str, *, default: bool) -> bool:
    value = node.get(key)
    return value.value is True if value else default
