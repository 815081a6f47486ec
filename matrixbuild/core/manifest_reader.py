"""A document that the schema allows -> the Manifest in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from matrixbuild.core.amounts import amounts
from matrixbuild.core.declared import Axis, DeclaredValue, Inclusion, Rule, Text
from matrixbuild.core.declared_reader import args, axis_value, entries, items, rule, scalar, text, value_place
from matrixbuild.core.document import Document, Entry, Node
from matrixbuild.core.facts import Facts
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.problems import Place, Problem, did_you_mean
from matrixbuild.core.spans import is_version
from matrixbuild.core.surroundings import ProfileUse
from matrixbuild.core.surroundings_reader import check_files, engine, network, profile_use, publish, schedule, secrets, source
from matrixbuild.core.target_reader import targets

RESERVED_AXES = frozenset({"vars", "registry", "image", "needs", "source", "args", "true", "false", "none", "True", "False", "None"})
"""Names that mean something else in templates."""

_OPERATORS = frozenset({"and", "or", "not", "in", "is", "if", "else", "elif"})


def read(document: Document, facts: Facts | None = None, *, sets: Mapping[str, str] | None = None) -> Manifest:
    """The manifest, with the problems of single values in it. `facts` has the profile that it names; `sets` are vars of the command line, which
    win. What stands in another file than the document's is inherited."""
    return _Reader(facts or Facts(), sets or {}).manifest(document)


class _Reader:
    def __init__(self, facts: Facts, sets: Mapping[str, str]) -> None:
        self._profile = facts.profile
        self._line = facts.line
        self._sets = sets
        self.problems: list[Problem] = []

    def manifest(self, document: Document) -> Manifest:
        root = document.root
        spec, problems = root["spec"], self.problems
        timing = spec.get("schedule")
        where = source(spec["source"], document.key_place(("spec", "source")))
        check_files(where, problems)
        values = {
            "file": document.file,
            "name": text(root["metadata"]["name"]).value,
            "place": document.key_place(("spec",)),
            "profile": self._use(spec.get("profile")),
            "source": where,
            "registry": self._registry(spec["registry"]),
            "vars": self._vars(spec.get("vars")),
            "args": args(spec.get("args")),
            "axes": tuple(self._axis(entry) for entry in entries(spec.get("axes"))),
            "rules": self._rules(spec.get("rules"), document.file),
            "include": tuple(self._inclusion(item) for item in items(spec.get("include"))),
            "targets": targets(spec.get("targets"), self._profile, problems, line=self._line, turned_off=document.turned_off),
            "secrets": secrets(spec.get("secrets"), problems),
            "engine": engine(spec.get("engine"), problems),
            "limits": amounts(timing.get("limits") if timing else None, "schedule.limits", problems),
            "schedule": schedule(timing, problems),
            "publish": publish(spec.get("publish")),
            "network": network(spec.get("network")),
        }
        return Manifest(**values, problems=tuple(self.problems))  # type: ignore[arg-type]

    def _problem(self, summary: str, place: Place, *, hint: str = "", code: str) -> None:
        self.problems.append(Problem(summary=summary, place=place, hint=hint, code=code))

    def _use(self, node: Node | None) -> ProfileUse | None:
        found = profile_use(node)
        if found and found.stands_for and not is_version(found.stands_for.value):
            hint = "write the upstream tag that the source stands on, for example v4.9.38"
            self._problem(f"spec.profile.as: {found.stands_for.value!r} is no version", found.stands_for.place, hint=hint, code="stands-for")
        return found

    def _registry(self, node: Node) -> Text:
        found = text(node)
        if mistake := _registry_mistake(found.value):
            self._problem(f"spec.registry: {mistake}", found.place, hint="write host[:port]/path, or oci-layout:DIR", code="registry")
        return found

    def _vars(self, node: Node | None) -> tuple[tuple[str, Text], ...]:
        own = {str(entry.key.value): self._var(entry) for entry in entries(node)}
        known = {**dict(self._profile.vars if self._profile else ()), **own}
        for name, value in self._sets.items():
            if name not in known:
                hint = did_you_mean(name, known) or f"spec.vars has {', '.join(known) or 'none'}"
                place = Place(file="--set", line=1, text=f"{name}={value}", width=len(name))
                self._problem(f"the manifest has no var {name!r} to set", place, hint=hint, code="unknown-var")
                continue
            known[name] = self._set(name, value, switch=known[name].switch)
        return tuple(known.items())

    def _set(self, name: str, value: str, *, switch: bool) -> Text:
        place = Place(file="--set", line=1, column=len(name) + 2, text=f"{name}={value}", width=max(len(value), 1))
        if switch and value not in ("true", "false"):
            hint = f"write --set {name}=true or --set {name}=false"
            self._problem(f"the var {name!r} is true or false, not {value!r}", place, hint=hint, code="var")
        return Text(value=value, place=place, switch=switch)

    def _var(self, entry: Entry) -> Text:
        found = scalar(entry.value)
        if "{{" in found.value or "{%" in found.value:
            self._problem(
                f"spec.vars.{entry.key.value}: a var is no template", found.place, hint="write the template where the var is used", code="var"
            )
        return found

    def _axis(self, entry: Entry) -> Axis:
        name = str(entry.key.value)
        reserved = RESERVED_AXES | _OPERATORS | ({self._profile.name} if self._profile else set())
        if name in reserved:
            self._problem(
                f"an axis cannot be called {name!r}: the word has a meaning in templates",
                entry.key.place,
                hint="choose another name",
                code="axis-name",
            )
        values = tuple(axis_value(item, self.problems) for item in entry.value.items)
        return Axis(name=name, place=entry.key.place, values=values)

    def _inclusion(self, node: Node) -> Inclusion:
        values = tuple((str(entry.key.value), entry.key.place, self._included(entry.value)) for entry in entries(node))
        return Inclusion(values=values, place=value_place(node))

    def _included(self, node: Node) -> DeclaredValue:
        """One value: what stands for several, or brings args to them, belongs to the axis."""
        for name in ("versions", "args"):
            if entry := node.entries.get(name):
                hint = "write version" if name == "versions" else "give them to the value under spec.axes"
                self._problem(f"the value of an included cell has no {name!r}", entry.key.place, hint=hint, code="include-value")
        kept = {name: entry for name, entry in node.entries.items() if name not in ("versions", "args")}
        return axis_value(replace(node, entries=kept), self.problems)

    def _rules(self, node: Node | None, file: str) -> tuple[Rule, ...]:
        found: dict[str, Rule] = {}
        for one in (rule(item, inherited=item["name"].place.file != file) for item in items(node)):
            if one.name in found:
                hint = f"the first is in line {found[one.name].place.line}"
                self._problem(f"two rules are called {one.name!r}", one.place, hint=hint, code="rule-name")
            found.setdefault(one.name, one)
        return tuple(found.values())


def _registry_mistake(written: str) -> str:
    if written.startswith(LAYOUT_PREFIX):
        return "" if written.removeprefix(LAYOUT_PREFIX) else "the directory of the layout is missing"
    if "://" in written:
        return "a registry is named without a scheme"
    try:
        name = ImageName.parse(f"{written}/x:x")
    except ValueError:
        return f"{written!r} is not a registry"
    if f"{name.registry}/{name.repository}" != f"{written}/x":
        return f"{written!r} does not say on which host it is"
    return ""
