"""The identity of a plan is that of what it does and was made from, whatever is in it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.compact import digest_of
from matrixbuild.core.image_names import ImageAction, PlannedImage
from matrixbuild.core.plan import Action, Plan, PlannedBuild
from tests.plans import basis, plan_of

TEXTS = st.text(max_size=3) | st.sampled_from(["", 'a"b', "\\", "é", "\udc80", "p[os=a]"])
FEW = st.lists(TEXTS, max_size=2).map(tuple)
CHANGES = st.lists(st.builds(Change, field=st.sampled_from(["args", "image"]), name=TEXTS), max_size=2).map(tuple)
REASONS = st.builds(Reason, why=st.sampled_from(Why), changes=CHANGES, build=TEXTS, ref=TEXTS, old=TEXTS, new=TEXTS)
SHARED = (Reason(why=Why.NEW),)
BUILDS = st.builds(
    PlannedBuild,
    name=TEXTS,
    action=st.sampled_from(Action),
    reasons=st.just(SHARED) | st.lists(REASONS, max_size=2).map(tuple),
    key=TEXTS,
    cells=FEW,
    opaque=FEW,
    secrets=FEW,
    privileged=st.booleans(),
)
IMAGES = st.builds(
    PlannedImage,
    ref=TEXTS,
    action=st.sampled_from(ImageAction),
    reason=st.sampled_from(SHARED) | REASONS,
    build=TEXTS,
    old=TEXTS,
    new=TEXTS,
    index=FEW,
)


@given(st.lists(BUILDS, max_size=4), st.lists(IMAGES, max_size=4), st.booleans())
def test_it_is_that_of_what_the_plan_does_and_was_made_from(builds: list[PlannedBuild], images: list[PlannedImage], based: bool) -> None:
    plan = replace(plan_of(builds, images), basis=basis() if based else None)
    assert plan.digest == digest_of(_identity(plan))


def _identity(plan: Plan) -> dict[str, object]:
    """The plan as it is written, without what is no part of its identity."""
    document = plan.to_dict()
    identity = {name: document[name] for name in ("kind", "planVersion", "name", "engine", "counts", "images", "builds")}
    return identity | ({"basis": plan.basis.identity} if plan.basis else {})
