"""The vars that a manifest gives and what its targets offer -> a remark on each var that no template reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from matrixbuild.core.manifest import Manifest
from matrixbuild.core.offers import Offer
from matrixbuild.core.problems import Problem, Severity, did_you_mean

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile


def unread_vars(manifest: Manifest, offered: Iterable[Offer], profile: Profile | None) -> Iterator[Problem]:
    """A var that nothing reads changes nothing, and is a slip of the pen where a profile has one that is optional (`customtag`). Those of a profile
    may be for targets that are turned off, those of a manifest that this one extends for others."""
    of_profile = {name for name, _ in profile.vars} if profile else set()
    read = {name for offer in offered for template in offer.templates for name in template.vars}
    for name, value in manifest.vars:
        if name not in read | of_profile and not (manifest.inherits(value.place) and value.place.file != "--set"):
            yield Problem(
                summary=f"no template reads vars.{name}",
                place=value.place,
                hint=did_you_mean(name, sorted(read | of_profile)) or f"read it as {{{{ vars.{name} }}}}, or remove it",
                code="unread-var",
                severity=Severity.WARNING,
            )
