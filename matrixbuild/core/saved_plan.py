"""A plan as it was saved -> the plan again; and whether what it says still holds when it is to be applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from matrixbuild.core import documents
from matrixbuild.core.basis import Basis, moved
from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.documents import DocumentError
from matrixbuild.core.image_names import ImageAction, PlannedImage
from matrixbuild.core.names import DIGEST
from matrixbuild.core.plan import PLAN_VERSION, Action, Corrected, Counts, Dropped, Plan, PlannedBuild
from matrixbuild.core.problems import Problem
from matrixbuild.core.shared_work import SharedWork

KIND = "Plan"
"""What tells a plan from a manifest."""

_PLAN = frozenset(
    {"kind", "planVersion", "name", "engine", "counts", "images", "builds", "toPin", "dropped", "uses", "shared", "basis", "against", "digest"}
)
_COUNTS = frozenset({"cells", "demands", "builds"})
_IMAGE = frozenset({"ref", "action", "reason", "build", "old", "new", "index"})
_BUILD = frozenset({"name", "action", "reasons", "key", "cells", "opaque", "secrets", "privileged"})
_REASON = frozenset({"kind", "changes", "build", "ref", "old", "new"})
_CHANGE = frozenset({"field", "name", "how"})
_DROPPED = frozenset({"rule", "reason", "cells"})
_CORRECTED = frozenset({"target", "effect", "arg", "where"})
_digest = documents.matching(DIGEST, "sha256:<64 hex digits>")
_Word = TypeVar("_Word", bound=StrEnum)


class NewerPlanError(DocumentError):
    """The plan was saved by a newer matrixbuild."""


def is_plan(document: object) -> bool:
    """Whether a parsed JSON document says that it is a plan."""
    return isinstance(document, dict) and document.get("kind") == KIND


def saved_plan(document: object) -> Plan:
    """The plan in a parsed JSON document; what it was compared with (`against`) is no part of it. Raises DocumentError naming the path to what is
    wrong (its digest included), NewerPlanError for one of a newer version."""
    # The version first: everything else may mean something else in another one.
    _check_version(documents.is_a(document, dict))
    found = documents.mapping(document, _PLAN)
    plan = Plan(
        name=documents.field(found, "name", documents.text),
        engine=documents.field(found, "engine", documents.text),
        counts=documents.field(found, "counts", _counts),
        images=documents.field(found, "images", lambda value: documents.listed(value, _image)),
        builds=documents.field(found, "builds", lambda value: documents.listed(value, _build)),
        to_pin=documents.field(found, "toPin", _texts),
        dropped=documents.field(found, "dropped", lambda value: documents.listed(value, _dropped)),
        uses=documents.optional(found, "uses", lambda value: documents.listed(value, _corrected), ()),
        shared=documents.optional(found, "shared", lambda value: documents.listed(value, SharedWork.from_dict), ()),
        basis=documents.field(found, "basis", Basis.from_dict),
    )
    if plan.digest != documents.field(found, "digest", _digest):
        raise DocumentError("Unexpected value: it is not the digest of this plan, which was changed after it was saved", "digest")
    return plan


def stale(then: Plan, now: Plan) -> tuple[Problem, ...]:
    """What keeps a saved plan from being carried out, each as a problem: what it was made from that is not so any more; none where it holds.

    `now` is the plan as it comes out today from the files alone, with the same options.
    """
    if then.basis is None or now.basis is None:
        raise ValueError("a plan that was made from no file cannot be stale")
    told = moved(then.basis, now.basis, to_pin=then.to_pin)
    # Keys that rest on an image which is still to be pinned are known where a registry was asked, and to that plan alone.
    keyed = not then.to_pin
    if not told and then.basis.pins == now.basis.pins and _units(then, keyed=keyed) != _units(now, keyed=keyed):
        told = ("another matrixbuild made it: this one plans the same files otherwise",)
    manifest = then.basis.manifest
    hint = f"look at what it comes to now, and save that: matrixbuild plan {manifest} -o FILE"
    return tuple(Problem(summary=f"the saved plan is stale: {one}", hint=hint, code="stale-plan") for one in told)


def unforeseen(then: Plan, now: Plan) -> tuple[Problem, ...]:
    """The image names that would move now, with the registry asked, and in the plan that was approved did not, or from another digest: an apply
    must not move them."""
    foreseen = {image.ref: image.old for image in then.images if image.action is ImageAction.MOVE}
    moves = [image for image in now.images if image.action is ImageAction.MOVE and foreseen.get(image.ref) != image.old]
    hint = "find out who moved it; `matrixbuild plan --refresh` shows what holds it"
    return tuple(
        Problem(summary=f"the saved plan is stale: {image.ref} holds {image.old} now, which it does not say", hint=hint, code="stale-plan")
        for image in moves
    )


def _units(plan: Plan, *, keyed: bool) -> tuple[set[tuple[str, str]], set[str]]:
    """What is built (under which keys, where these are `keyed`), and which names are given."""
    return {(build.name, build.key if keyed else "") for build in plan.builds}, {image.ref for image in plan.images}


def _check_version(document: Mapping[str, object]) -> None:
    version = documents.field(document, "planVersion", lambda value: documents.is_a(value, int))
    if version > PLAN_VERSION:
        raise NewerPlanError(f"planVersion {version} is of a newer matrixbuild than this one, which knows {PLAN_VERSION}")
    if version < 1:
        raise DocumentError(f"Unexpected value {version} (expected {PLAN_VERSION})", "planVersion")


def _counts(value: object) -> Counts:
    document = documents.mapping(value, _COUNTS)
    return Counts(**{name: documents.field(document, name, documents.size) for name in sorted(_COUNTS)})


def _image(value: object) -> PlannedImage:
    document = documents.mapping(value, _IMAGE)
    return PlannedImage(
        ref=documents.field(document, "ref", documents.text),
        action=documents.field(document, "action", _one_of(ImageAction)),
        reason=documents.field(document, "reason", _reason),
        build=documents.optional(document, "build", documents.text, ""),
        old=documents.optional(document, "old", _digest, ""),
        new=documents.optional(document, "new", _digest, ""),
        index=documents.optional(document, "index", _texts, ()),
    )


def _build(value: object) -> PlannedBuild:
    document = documents.mapping(value, _BUILD)
    return PlannedBuild(
        name=documents.field(document, "name", documents.text),
        action=documents.field(document, "action", _one_of(Action)),
        reasons=documents.field(document, "reasons", lambda value: documents.listed(value, _reason)),
        key=documents.field(document, "key", _digest),
        cells=documents.field(document, "cells", _texts),
        opaque=documents.optional(document, "opaque", _texts, ()),
        secrets=documents.optional(document, "secrets", _texts, ()),
        privileged=documents.optional(document, "privileged", lambda value: documents.is_a(value, bool), default=False),
    )


def _reason(value: object) -> Reason:
    document = documents.mapping(value, _REASON)
    told = {name: documents.optional(document, name, documents.text, "") for name in ("build", "ref", "old", "new")}
    return Reason(
        why=documents.field(document, "kind", _one_of(Why)),
        changes=documents.optional(document, "changes", lambda value: documents.listed(value, _change), ()),
        **told,
    )


def _change(value: object) -> Change:
    document = documents.mapping(value, _CHANGE)
    return Change(**{name: documents.field(document, name, documents.text) for name in sorted(_CHANGE)})


def _dropped(value: object) -> Dropped:
    document = documents.mapping(value, _DROPPED)
    return Dropped(
        rule=documents.field(document, "rule", documents.text),
        reason=documents.field(document, "reason", documents.text),
        cells=documents.field(document, "cells", documents.size),
    )


def _corrected(value: object) -> Corrected:
    document = documents.mapping(value, _CORRECTED)
    return Corrected(**{name: documents.field(document, name, documents.text) for name in sorted(_CORRECTED)})


def _texts(value: object) -> tuple[str, ...]:
    return documents.listed(value, documents.text)


def _one_of(words: type[_Word]) -> Callable[[object], _Word]:
    """A reader of one of a few words."""
    known = {word.value: word for word in words}

    def read(value: object) -> _Word:
        found = documents.text(value)
        if found not in known:
            raise DocumentError(f"Unexpected value {found!r} (expected one of {', '.join(known)})")
        return known[found]

    return read

