"""A target as it is offered -> what it asks for in all of its cells alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrixbuild.core.demand import Asked, Resources, Written
from matrixbuild.core.manifest import Target
from matrixbuild.core.offers import Offer
from matrixbuild.core.uses import Uses

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile


def asked(offer: Offer, profile: Profile | None) -> Asked:
    """One value for all demands of the target."""
    target = offer.target
    return Asked(
        target=target.name,
        earthly=target.earthly.value if target.earthly else "",
        resources=Resources(amounts=tuple(sorted((one.pool, one.amount) for one in target.resources))),
        place=target.place,
        earthly_place=target.earthly.place if target.earthly else None,
        tag=Written(text=target.image.tag.value, place=target.image.tag.place) if target.image else None,
        uses=_uses(target),
        ambient=tuple(sorted({text.value for text in (*(profile.ambient if profile else ()), *target.ambient)})),
        privileged=target.privileged,
        keeps_files=target.keeps_files,
        timeout=target.timeout,
        covered=frozenset[str](offer.index).union(*(template.axes for template in offer.image or ())),
        index=offer.index,
    )


def _uses(target: Target) -> Uses | None:
    if not target.added and not target.ignored:
        return None
    add, ignore = (frozenset(text.value for text in texts) for texts in (target.added, target.ignored))
    places = tuple((text.value, text.place) for text in (*target.added, *target.ignored))
    return Uses(place=places[0][1], add=add, ignore=ignore, places=places)
