"""A target as it is offered -> what it asks for in all of its cells alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrixbuild.core.declared import Text
from matrixbuild.core.demand import Asked, Resources, Written
from matrixbuild.core.facts import mendable
from matrixbuild.core.manifest import Manifest, Target
from matrixbuild.core.offers import Offer
from matrixbuild.core.uses import Uses

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile
    from matrixbuild.core.surroundings import ProfileUse


def asked(offer: Offer, profile: Profile | None, manifest: Manifest) -> Asked:
    """One value for all demands of the target; what is to be told of one of the profile's is told where the manifest names that."""
    target, use = offer.target, manifest.profile
    return Asked(
        target=target.name,
        earthly=target.earthly.value if target.earthly else "",
        resources=Resources(amounts=tuple(sorted((one.pool, one.amount) for one in target.resources))),
        place=mendable(target.place, profile, use),
        earthly_place=mendable(target.earthly.place, profile, use) if target.earthly else None,
        tag=_tag(target.image.tag, profile, use) if target.image else None,
        uses=_uses(target),
        ambient=tuple(sorted({text.value for text in (*(profile.ambient if profile else ()), *target.ambient)})),
        own_ambient=tuple(text for text in target.ambient if not manifest.inherits(text.place)),
        privileged=target.privileged,
        keeps_files=target.keeps_files,
        timeout=target.timeout,
        covered=frozenset[str](offer.index).union(*(template.axes for template in offer.image or ())),
        index=offer.index,
    )


def _tag(tag: Text, profile: Profile | None, use: ProfileUse | None) -> Written:
    place = mendable(tag.place, profile, use)
    return Written(text=tag.value, place=place, foreign=place != tag.place)


def _uses(target: Target) -> Uses | None:
    if not target.added and not target.ignored:
        return None
    add, ignore = (frozenset(text.value for text in texts) for texts in (target.added, target.ignored))
    places = tuple((text.value, text.place) for text in (*target.added, *target.ignored))
    return Uses(place=places[0][1], add=add, ignore=ignore, places=places)
