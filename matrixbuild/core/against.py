"""Two plans of one manifest, before a change and with it -> what the change brings, and what was pending anyway."""

from __future__ import annotations

from dataclasses import dataclass, replace

from matrixbuild.core.image_names import ImageAction, PlannedImage
from matrixbuild.core.plan import Action, Plan, PlannedBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What a plan would do, apart by whose doing it is: `change` and `pending` are the plan with only those builds and image names; what is left
    as it is stands in neither. `settled` are builds that were pending before and are no more. `revision` names what came before, as a person
    wrote it; `notes` say what is not known of it."""

    revision: str
    change: Plan
    pending: Plan
    settled: tuple[PlannedBuild, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """What schemas/plan.schema.json has under `against`: names only, for the plan itself tells the rest."""
        return {
            "revision": self.revision,
            "byThisChange": _names(self.change),
            "alreadyPending": _names(self.pending),
            "settled": [build.name for build in self.settled],
            "notes": list(self.notes),
        }


def against(before: Plan | None, now: Plan, *, revision: str, notes: tuple[str, ...] = ()) -> Against:
    """`before` is the plan without the change; without one (there was no manifest, or `notes` say why it cannot be had) all is the change's.

    A build is pending if the same would be done with it anyway: the same action, for the same key. An image name is, if the same would be done
    with it and its build is pending itself or left as it is.
    """
    builds = {build.name: (build.action, build.key) for build in before.builds} if before else {}
    images = {image.ref: _deed(image) for image in before.images} if before else {}
    doing = [build for build in now.builds if build.action is not Action.REUSE]
    pending = {build.name for build in doing if builds.get(build.name) == (build.action, build.key)}
    changing = {build.name for build in doing} - pending
    given = [image for image in now.images if image.action is not ImageAction.LEAVE]
    waiting = {image.ref for image in given if images.get(image.ref) == _deed(image) and image.build not in changing}
    return Against(
        revision=revision,
        change=replace(
            now,
            builds=tuple(build for build in doing if build.name in changing),
            images=tuple(image for image in given if image.ref not in waiting),
        ),
        pending=replace(
            now, builds=tuple(build for build in doing if build.name in pending), images=tuple(image for image in given if image.ref in waiting)
        ),
        settled=_settled(before, now),
        notes=notes,
    )


def _deed(image: PlannedImage) -> tuple[ImageAction, str, str, str]:
    return image.action, image.build, image.old, image.new


def _settled(before: Plan | None, now: Plan) -> tuple[PlannedBuild, ...]:
    idle = {build.name for build in now.builds if build.action is Action.REUSE}
    return tuple(build for build in before.builds if build.action is not Action.REUSE and build.name in idle) if before else ()


def _names(plan: Plan) -> dict[str, object]:
    return {"builds": [build.name for build in plan.builds], "images": [image.ref for image in plan.images]}
