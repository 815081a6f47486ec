"""A document that the schema allows -> the Manifest in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from matrixbuild.core import quantities
from matrixbuild.core.document import Document, Entry, Node, dotted
from matrixbuild.core.manifest import (
    Amount,
    Axis,
    Condition,
    DeclaredArg,
    DeclaredArtifact,
    DeclaredImage,
    DeclaredValue,
    Effect,
    Inclusion,
    Manifest,
    Retry,
    Rule,
    Target,
    Text,
    Wanted,
)
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.problems import Place, Problem

RESERVED_AXES = frozenset({"vars", "registry", "image", "needs", "source", "true", "false", "none", "True", "False", "None"})
"""Names that mean something else in templates."""

_OPERATORS = frozenset({"and", "or", "not", "in", "is", "if", "else", "elif"})
_OWN_UNITS: dict[str, Callable[[str], int]] = {"cpu": quantities.cpu, "memory": quantities.memory, "disk": quantities.memory}


def read(document: Document) -> Manifest:
    """The manifest, with the problems of single values in it."""
    return _Reader().manifest(document)


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def manifest(self, document: Document) -> Manifest:
        root = document.root
        spec = root["spec"]
        schedule = spec.get("schedule")
        engine = spec.get("engine")
        publish = spec.get("publish")
        values = {
            "file": document.file,
            "name": _text(root["metadata"]["name"]).value,
            "place": document.key_place(("spec",)),
            "source": _text(spec["source"]["path"]),
            "registry": self._registry(spec["registry"]),
            "vars": tuple(self._var(entry) for entry in _entries(spec.get("vars"))),
            "args": _args(spec.get("args")),
            "axes": tuple(self._axis(entry) for entry in _entries(spec["axes"])),
            "rules": self._rules(spec.get("rules")),
            "include": tuple(self._inclusion(item) for item in _items(spec.get("include"))),
            "targets": tuple(self._target(entry) for entry in _entries(spec["targets"])),
            "engine": str((engine.get("kind") or engine).value) if engine else "embedded",
            "limits": self._amounts(schedule.get("limits") if schedule else None, "schedule.limits"),
            "retry": self._retry(schedule.get("retry") if schedule else None),
            "mutable_tags": bool(publish and (tags := publish.get("tags")) and tags.value == "mutable"),
        }
        return Manifest(**values, problems=tuple(self.problems))  # type: ignore[arg-type]

    def _problem(self, summary: str, place: Place, *, hint: str = "", code: str) -> None:
        self.problems.append(Problem(summary=summary, place=place, hint=hint, code=code))

    def _registry(self, node: Node) -> Text:
        text = _text(node)
        if mistake := _registry_mistake(text.value):
            self._problem(f"spec.registry: {mistake}", text.place, hint="write host[:port]/path, or oci-layout:DIR", code="registry")
        return text

    def _var(self, entry: Entry) -> tuple[str, Text]:
        text = _text(entry.value)
        if "{{" in text.value or "{%" in text.value:
            self._problem(
                f"spec.vars.{entry.key.value}: a var is no template", text.place, hint="write the template where the var is used", code="var"
            )
        return str(entry.key.value), text

    def _axis(self, entry: Entry) -> Axis:
        name = str(entry.key.value)
        if name in RESERVED_AXES | _OPERATORS:
            self._problem(
                f"an axis cannot be called {name!r}: the word has a meaning in templates",
                entry.key.place,
                hint="choose another name",
                code="axis-name",
            )
        values = tuple(self._value(item) for item in entry.value.items)
        return Axis(name=name, place=entry.key.place, values=values)

    def _value(self, node: Node) -> DeclaredValue:
        if not node.entries:
            return DeclaredValue(place=node.place, scalar=node.value if isinstance(node.value, bool) else str(node.value))
        fields = tuple((name, _text(entry.value)) for name, entry in node.entries.items() if name != "versions")
        versions = node.entries.get("versions")
        if versions is None:
            return DeclaredValue(place=_value_place(node), fields=fields)
        if "version" in node.entries:
            self._problem("an axis value has either 'version' or 'versions'", versions.key.place, hint="remove one of them", code="axis-version")
        return DeclaredValue(
            place=_value_place(node),
            fields=fields,
            versions=tuple(_text(item) for item in versions.value.items),
            version_at=list(node.entries).index("versions"),
        )

    def _inclusion(self, node: Node) -> Inclusion:
        values = tuple((str(entry.key.value), entry.key.place, self._value(entry.value)) for entry in _entries(node))
        return Inclusion(values=values, place=_value_place(node))

    def _rules(self, node: Node | None) -> tuple[Rule, ...]:
        rules: dict[str, Rule] = {}
        for item in _items(node):
            rule = _rule(item)
            if rule.name in rules:
                self._problem(
                    f"two rules are called {rule.name!r}", rule.place, hint=f"the first is in line {rules[rule.name].place.line}", code="rule-name"
                )
            rules.setdefault(rule.name, rule)
        return tuple(rules.values())

    def _target(self, entry: Entry) -> Target:
        node, name = entry.value, str(entry.key.value)
        axes, image = node.get("axes"), node.get("image")
        return Target(
            name=name,
            place=entry.key.place,
            earthly=_text(node["earthly"]),
            axes=tuple(_text(item) for item in axes.items) if axes else None,
            when=_conditions(node.get("when")),
            needs=tuple(_text(item) for item in _items(node.get("needs"))),
            args=_args(node.get("args")),
            image=DeclaredImage(repository=_text(image["repository"]), tag=_text(image["tag"])) if image else None,
            artifacts=tuple(DeclaredArtifact(path=_text(item["path"]), name=_text(item["as"])) for item in _items(node.get("artifacts"))),
            resources=self._amounts(node.get("resources"), f"targets.{name}.resources"),
        )

    def _amounts(self, node: Node | None, where: str) -> tuple[Amount, ...]:
        return tuple(amount for entry in _entries(node) if (amount := self._amount(entry, where)))

    def _amount(self, entry: Entry, where: str) -> Amount | None:
        pool, text = str(entry.key.value), _text(entry.value)
        try:
            amount = _OWN_UNITS.get(pool, int)(text.value)
        except ValueError as error:
            self._problem(f"{dotted(('spec', where, pool))}: {error}", text.place, hint="", code="amount")
            return None
        return Amount(pool=pool, amount=amount, written=text.value, place=text.place)

    def _retry(self, node: Node | None) -> Retry:
        default = Retry()
        wait = node.get("wait") if node else None
        attempts = node.get("attempts") if node else None
        initial = self._seconds(wait.get("initial") if wait else None, "initial", default.initial)
        maximum = self._seconds(wait.get("max") if wait else None, "max", max(default.maximum, initial))
        if wait and initial > maximum:
            place = (wait.get("max") or wait).place
            self._problem(
                "spec.schedule.retry.wait: the first wait is longer than the longest", place, hint="raise max, or lower initial", code="wait"
            )
        return Retry(attempts=int(str(attempts.value)) if attempts else default.attempts, initial=initial, maximum=maximum)

    def _seconds(self, node: Node | None, name: str, default: float) -> float:
        if node is None:
            return default
        try:
            return quantities.seconds(_text(node).value)
        except ValueError as error:
            self._problem(f"spec.schedule.retry.wait.{name}: {error}", node.place, code="amount")
            return default


def _registry_mistake(text: str) -> str:
    if text.startswith(LAYOUT_PREFIX):
        return "" if text.removeprefix(LAYOUT_PREFIX) else "the directory of the layout is missing"
    if "://" in text:
        return "a registry is named without a scheme"
    try:
        name = ImageName.parse(f"{text}/x:x")
    except ValueError:
        return f"{text!r} is not a registry"
    if f"{name.registry}/{name.repository}" != f"{text}/x":
        return f"{text!r} does not say on which host it is"
    return ""


def _rule(node: Node) -> Rule:
    effect = next(effect for effect in Effect if effect.value in node.entries)
    return Rule(
        name=str(node["name"].value),
        reason=str(node["reason"].value),
        effect=effect,
        when=_conditions(node.get("when")),
        conditions=_conditions(node[effect.value]),
        place=node["name"].place,
    )


def _conditions(node: Node | None) -> tuple[Condition, ...]:
    return tuple(_condition(entry) for entry in _entries(node))


def _condition(entry: Entry) -> Condition:
    axis, _, field = str(entry.key.value).partition(".")
    nodes = entry.value.items or (entry.value,)
    wanted = tuple(Wanted(value=node.value if isinstance(node.value, bool) else str(node.value), place=node.place) for node in nodes)
    return Condition(axis=axis, field=field or None, wanted=wanted, place=entry.key.place)


def _args(node: Node | None) -> tuple[DeclaredArg, ...]:
    return tuple(DeclaredArg(name=str(entry.key.value), value=_text(entry.value), place=entry.key.place) for entry in _entries(node))


def _text(node: Node) -> Text:
    # Integers and numbers as they were written: the schema lets only those through whose spelling is their value.
    value = str(node.value).lower() if isinstance(node.value, bool) else node.source if node.plain else str(node.value)
    return Text(value=value, place=node.place)


def _value_place(node: Node) -> Place:
    first = next(iter(node.entries.values()), None)
    return first.key.place if first else node.place


def _entries(node: Node | None) -> Iterator[Entry]:
    return iter(node.entries.values() if node else ())


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if node else ()
