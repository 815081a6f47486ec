"""Targets as a manifest and its profile write them -> Targets, the two merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matrixbuild.core.amounts import amounts, seconds
from matrixbuild.core.declared_reader import args, conditions, entries, items, text, texts
from matrixbuild.core.document import Entry, Node
from matrixbuild.core.manifest import DeclaredArtifact, DeclaredDockerfile, DeclaredImage, Target
from matrixbuild.core.merging import merged
from matrixbuild.core.problems import Place, Problem, did_you_mean
from matrixbuild.core.spans import absent, holds

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile, ProfileTarget


# Not the schema's: what a manifest leaves out of them may stand in the profile's target.
_NEEDED = (
    ("docker", "context", "The directory of the source that the Dockerfile's COPY takes from."),
    ("image", "repository", "The repository, registry included."),
    ("image", "tag", "The tag. It has to differ wherever the content differs."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forms:
    """The profile's targets by name: those that the upstream version `line` has, and those that only others have."""

    known: Mapping[str, ProfileTarget]
    absent: Mapping[str, ProfileTarget]
    line: str


def targets(
    node: Node | None, profile: Profile | None, problems: list[Problem], *, line: str = "", turned_off: frozenset[str] = frozenset()
) -> tuple[Target, ...]:
    """The targets that are built: the manifest's own in declared order, then the profile's that it does not name. `line` is the upstream version:
    it chooses among the forms that the profile has of a target. `turned_off` as in core.document.Document."""
    forms = _forms(profile, line)
    own = {str(entry.key.value): entry for entry in entries(node)}
    kept = {name: entry for name, entry in own.items() if name in forms.known or name not in turned_off or entry.value.value is not False}
    found = [target for name, entry in kept.items() if (target := _own(name, entry, forms, problems))]
    return (*found, *(_built(target, None, problems) for name, target in forms.known.items() if target.on and name not in own))


def _forms(profile: Profile | None, line: str) -> _Forms:
    known: dict[str, ProfileTarget] = {}
    lacking: dict[str, ProfileTarget] = {}
    for form in profile.targets if profile else ():
        if holds(form.span, line):
            known.setdefault(form.name, form)
        else:
            lacking[form.name] = form  # of several the last, which says the most of a version that went past them
    return _Forms(known=known, absent={name: form for name, form in lacking.items() if name not in known}, line=line)


def _own(name: str, entry: Entry, forms: _Forms, problems: list[Problem]) -> Target | None:
    base, switch = forms.known.get(name), entry.value.value
    if base and isinstance(switch, bool):
        # What the author turns on is the author's: it has to have cells.
        return replace(_built(base, None, problems), place=entry.key.place) if switch else None
    if base:
        return _built(base, entry, problems)
    if name in forms.absent and {"earthly", "docker"}.isdisjoint(entry.value.entries):
        if switch is not False:  # what is not there needs no turning off
            problems.append(_absent(forms.absent[name], entry, forms.line))
        return None
    if isinstance(switch, bool):
        problems.append(_unknown(name, entry, forms.known))
        return None
    return _Reading(name=name, place=entry.key.place, problems=problems).target(entry.value, weak=None, own=entry.value.get("args"))


def _absent(form: ProfileTarget, entry: Entry, line: str) -> Problem:
    hint = f"{absent(form.span, line)}: remove it, or name another version of the source"
    return Problem(summary=f"{line} has no target {form.name!r}", place=entry.key.place, hint=hint, code="unknown-target")


def _unknown(name: str, entry: Entry, known: Mapping[str, ProfileTarget]) -> Problem:
    has = f"the profile has {', '.join(known)}" if known else "a target without a profile is a mapping"
    hint = did_you_mean(name, known) or has
    return Problem(summary=f"no profile has a target {name!r} to turn on or off", place=entry.key.place, hint=hint, code="unknown-target")


def _built(base: ProfileTarget, over: Entry | None, problems: list[Problem]) -> Target:
    """A target of the profile, with what the manifest says of it."""
    node = merged(base.node, over.value, ("spec", "targets", base.name)) if over else base.node
    place = over.key.place if over else base.place
    reading = _Reading(name=base.name, place=place, problems=problems)
    target = reading.target(node, weak=base.node.get("args"), own=over.value.get("args") if over else None)
    return replace(target, weak_needs=tuple(need.value for need in texts(base.node.get("needs"))))


class _Reading:
    def __init__(self, *, name: str, place: Place, problems: list[Problem]) -> None:
        self._name = name
        self._place = place
        self._problems = problems

    def target(self, node: Node, *, weak: Node | None, own: Node | None) -> Target:
        axes, uses, image = node.get("axes"), node.get("uses"), node.get("image")
        where = f"targets.{self._name}"
        strong = args(own)
        privileged, keeps = node.get("privileged"), node.get("keepFiles")
        self._check(node)
        return Target(
            name=self._name,
            place=self._place,
            earthly=text(node["earthly"]) if node.get("earthly") else None,
            docker=_dockerfile(node.get("docker")),
            axes=texts(axes) if axes else None,
            when=conditions(node.get("when")),
            needs=texts(node.get("needs")),
            args=strong,
            weak_args=tuple(arg for arg in args(weak) if arg.name not in {own.name for own in strong}),
            image=_image(image),
            artifacts=tuple(DeclaredArtifact(path=text(item["path"]), name=text(item["as"])) for item in items(node.get("artifacts"))),
            resources=amounts(node.get("resources"), f"{where}.resources", self._problems),
            ambient=texts(node.get("ambient")),
            added=texts(uses.get("add")) if uses else (),
            ignored=texts(uses.get("ignore")) if uses else (),
            privileged=bool(privileged and privileged.value),
            keeps_files=bool(keeps and keeps.value),
            timeout=seconds(node.get("timeout"), f"{where}.timeout", self._problems),
        )

    def _check(self, node: Node) -> None:
        self._problems.extend(self._mistakes(node))

    def _mistakes(self, node: Node) -> Iterator[Problem]:
        where = f"spec.targets.{self._name}"
        for part, key, hint in _NEEDED:
            entry = node.entries.get(part)
            if entry and key not in entry.value.entries:
                yield Problem(summary=f"{where}.{part} has no {key!r}", place=entry.key.place, hint=hint, code="missing-key")
        kinds = [kind for kind in ("earthly", "docker") if kind in node.entries]
        if len(kinds) > 1:
            place = node.entries["docker"].key.place
            summary = f"{where} takes exactly one of earthly and docker, and has both"
            yield Problem(summary=summary, place=place, hint="make two targets of it", code="target-kind")
        if not kinds and "engine" in node.entries:
            hint = "docker: {context: DIR, dockerfile: FILE}"
            yield Problem(summary=f"{where} has engine docker and no 'docker'", place=node.entries["engine"].key.place, hint=hint, code="missing-key")
        elif not kinds:
            hint = "The Earthly target, as in `earthly +provider-image`."
            yield Problem(summary=f"{where} has no 'earthly'", place=self._place, hint=hint, code="missing-key")
        if "earthly" in kinds and "engine" in node.entries:
            hint = "remove it: the manifest's engine builds Earthly targets"
            place = node.entries["engine"].key.place
            yield Problem(summary=f"{where} has an Earthly target and engine docker", place=place, hint=hint, code="target-kind")
        if {"image", "artifacts"}.isdisjoint(node.entries):
            hint = "without one there is nothing to publish, to reuse or to lock"
            yield Problem(summary=f"{where} has neither 'image' nor 'artifacts'", place=self._place, hint=hint, code="missing-key")
        if "docker" in kinds and "artifacts" in node.entries:
            place = node.entries["artifacts"].key.place
            summary = f"{where} builds a Dockerfile, which leaves no artifacts"
            yield Problem(summary=summary, place=place, hint="give it an image alone", code="target-kind")


def _dockerfile(node: Node | None) -> DeclaredDockerfile | None:
    if node is None or "context" not in node.entries:
        return None
    dockerfile, platform = (text(found) if (found := node.get(key)) else None for key in ("dockerfile", "platform"))
    return DeclaredDockerfile(context=text(node["context"]), dockerfile=dockerfile, secrets=texts(node.get("secrets")), platform=platform)


def _image(node: Node | None) -> DeclaredImage | None:
    if node is None or not {"repository", "tag"} <= node.entries.keys():
        return None
    return DeclaredImage(repository=text(node["repository"]), tag=text(node["tag"]), index=texts(node.get("index")))
