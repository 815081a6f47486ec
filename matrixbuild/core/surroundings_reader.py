"""Nodes of `spec` that the schema allows -> what surrounds the matrix: source, secrets, engine, schedule, publishing, network."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from matrixbuild.core.amounts import seconds, size
from matrixbuild.core.declared_reader import conditions, entries, items, text, texts, value_place
from matrixbuild.core.document import Node
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.surroundings import (
    DeclaredSecret,
    EngineUse,
    Network,
    OnFailure,
    ProfileUse,
    Publish,
    PublishMode,
    Retry,
    Schedule,
    Source,
    SourceFile,
)

if TYPE_CHECKING:
    from matrixbuild.core.failure_patterns import Pattern


def profile_use(node: Node | None) -> ProfileUse | None:
    """`canvos`, or a mapping with `name`."""
    if node is None:
        return None
    if not node.entries:
        return ProfileUse(name=text(node))
    stands_for = node.get("as")
    override = tuple((text(entry.key), str(entry.value.value)) for entry in entries(node.get("override")))
    return ProfileUse(name=text(node["name"]), stands_for=text(stands_for) if stands_for else None, override=override)


def source(node: Node, place: Place) -> Source:
    found = {name: text(entry.value) for name, entry in node.entries.items() if name != "files"}
    return Source(
        place=place,
        path=found.get("path"),
        git=found.get("git"),
        ref=found.get("ref"),
        files=tuple(_file(item) for item in items(node.get("files"))),
    )


def check_files(found: Source, problems: list[Problem]) -> None:
    """Files go below the source's root: what would be laid elsewhere no build could read."""
    for file in found.files:
        if file.to.startswith("/") or file.to.split("/")[0] == "..":
            hint = "`to` is relative to the source's root, and below it"
            problems.append(Problem(summary=f"spec.source.files: {file.to} is outside the source", place=file.place, hint=hint, code="source-file"))
        elif file.secret and (not file.to or file.to.endswith("/")):
            hint = "name the file, as in to: user-data"
            problems.append(Problem(summary=f"the secret {file.secret.value} needs a file to go to", place=file.place, hint=hint, code="source-file"))


def _below_root(written: str) -> str:
    """`./a//b/` -> `a/b/`, `.` -> ``: a slash at the end says that it is a directory."""
    found = posixpath.normpath(written)
    return "" if found == "." else f"{found}/" if written.endswith("/") else found


def _file(node: Node) -> SourceFile:
    found = {name: text(entry.value) for name, entry in node.entries.items() if name != "when"}
    to = found.get("to")
    return SourceFile(
        origin=found.get("from"),
        to=_below_root(to.value) if to else "",
        secret=found.get("secret"),
        version=found["version"].value if "version" in found else "",
        when=conditions(node.get("when")),
        place=value_place(node),
    )


def secrets(node: Node | None, problems: list[Problem]) -> tuple[DeclaredSecret, ...]:
    found: dict[str, DeclaredSecret] = {}
    for item in items(node):
        one = _secret(item)
        if one.name in found and not (one.when and found[one.name].when):
            hint = f"the first is in line {found[one.name].place.line}: give both a `when`, or remove one"
            problems.append(Problem(summary=f"two secrets are called {one.name!r}", place=one.place, hint=hint, code="secret-name"))
        found.setdefault(one.name, one)
    return tuple(_secret(item) for item in items(node))


def _secret(node: Node) -> DeclaredSecret:
    env, file, version = node.get("env"), node.get("file"), node.get("version")
    return DeclaredSecret(
        name=text(node["name"]).value,
        place=node["name"].place,
        env=text(env) if env else None,
        file=text(file) if file else None,
        command=tuple(word.value for word in texts(node.get("command"))),
        when=conditions(node.get("when")),
        version=text(version).value if version else "",
    )


def engine(node: Node | None, problems: list[Problem]) -> EngineUse:
    """A kind, or a mapping of kind, version, program, builders, image and cache; auto where nothing says otherwise."""
    if node is None:
        return EngineUse()
    if not node.entries:
        return EngineUse(kind=text(node).value, place=node.place)
    found = {name: text(entry.value).value for name, entry in node.entries.items() if name != "builders" and entry.value.value is not None}
    return EngineUse(
        kind=found.get("kind", EngineUse().kind),
        version=found.get("version", ""),
        program=found.get("program", ""),
        builders=texts(node.get("builders")),
        image=found.get("image", ""),
        cache=size(node.get("cache"), "engine.cache", problems),
        place=value_place(node),
    )


def schedule(node: Node | None, problems: list[Problem]) -> Schedule:
    if node is None:
        return Schedule()
    share = node.get("share")
    return Schedule(
        retry=_retry(node.get("retry"), problems),
        on_failure=_on_failure(node.get("onFailure")),
        silence=seconds(node.get("silence"), "schedule.silence", problems),
        share=share is None or share.value is not False,
        place=value_place(node),
    )


def _on_failure(node: Node | None) -> OnFailure:
    if node is None or node.value == "keep-going":
        return OnFailure()
    return OnFailure(limit=int(str(node["maxFailures"].value)) if node.entries else 1)


def _retry(node: Node | None, problems: list[Problem]) -> Retry:
    default = Retry()
    wait = node.get("wait") if node else None
    first, longest = (seconds(wait.get(name) if wait else None, f"schedule.retry.wait.{name}", problems) for name in ("initial", "max"))
    initial = default.initial if first is None else first
    maximum = max(default.maximum, initial) if longest is None else longest
    if wait and initial > maximum:
        place = (wait.get("max") or wait).place
        summary = "spec.schedule.retry.wait: the first wait is longer than the longest"
        problems.append(Problem(summary=summary, place=place, hint="raise max, or lower initial", code="wait"))
    on = tuple((str(entry.key.value), bool(entry.value.value)) for entry in entries(node.get("on") if node else None))
    return Retry(
        attempts=_number(node, "attempts") or default.attempts,
        initial=initial,
        maximum=maximum,
        on=on,
        budget=_number(node, "budget"),
        pause_after=_number(node, "pauseAfter") or default.pause_after,
        patterns=_patterns(node.get("patterns") if node else None, problems),
    )


def _patterns(node: Node | None, problems: list[Problem]) -> tuple[Pattern, ...]:
    return tuple(found for item in items(node) if (found := _pattern(item, problems)))


def _pattern(item: Node, problems: list[Problem]) -> Pattern | None:
    # Only manifests that have patterns pay for what a failure is.
    from matrixbuild.core.failure import FailureKind
    from matrixbuild.core.failure_patterns import Pattern, compiled

    kind, again, hint = (item.get(name) for name in ("class", "retry", "hint"))
    try:
        match = compiled(text(item["match"]).value)
    except ValueError as error:
        what = "write a regular expression of Python, of plain words if possible"
        problems.append(Problem(summary=f"schedule.retry.patterns: {error}", place=item["match"].place, hint=what, code="pattern"))
        return None
    return Pattern(
        match=match,
        kind=FailureKind(str(kind.value)) if kind else None,
        again=bool(again.value) if again else None,
        hint=text(hint).value if hint else "",
    )


def _number(node: Node | None, name: str) -> int | None:
    found = node.get(name) if node else None
    return int(str(found.value)) if found else None


def publish(node: Node | None) -> Publish:
    """A mode, or a mapping of mode and tags."""
    if node is None:
        return Publish()
    if not node.entries:
        return Publish(mode=PublishMode(str(node.value)), place=node.place) if node.value else Publish()
    mode, tags = node.get("mode"), node.get("tags")
    return Publish(
        mode=PublishMode(str(mode.value)) if mode else PublishMode.ATOMIC, mutable=bool(tags and tags.value == "mutable"), place=value_place(node)
    )


def network(node: Node | None) -> Network:
    if node is None:
        return Network()
    proxy = node.get("proxy")
    return Network(
        insecure=texts(node.get("insecure")), ca=texts(node.get("ca")), proxies=not (proxy and proxy.value == "none"), place=value_place(node)
    )
