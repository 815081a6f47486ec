"""The axes that a manifest gives and what its targets offer -> a remark on each axis of its own that makes no difference to anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from matrixbuild.core.declared import Condition
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.offers import Offer
from matrixbuild.core.problems import Problem, Severity, did_you_mean

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile


def idle_axes(manifest: Manifest, offered: Sequence[Offer], profile: Profile | None) -> Iterator[Problem]:
    """Cells that differ in such an axis are the same builds under the same names, and a slip of the pen (`fipz: [true]`) would pass for FIPS. Those
    of a profile are none: it says what they do. Nor are those of a manifest that this one extends."""
    of_profile = {axis.name for axis in profile.axes} if profile else set()
    named = {condition.axis for condition in _conditions(manifest)} | set(chain.from_iterable(map(_named, offered)))
    for axis in manifest.axes:
        if axis.name not in named | of_profile and not manifest.inherits(axis.place):
            yield Problem(
                summary=f"the axis {axis.name!r} makes no difference: no template, arg or condition names it",
                place=axis.place,
                hint=did_you_mean(axis.name, sorted(of_profile)) or f"read it as {{{{ {axis.name} }}}}, or remove it",
                code="idle-axis",
                severity=Severity.WARNING,
            )


def _conditions(manifest: Manifest) -> Iterator[Condition]:
    yield from (one for rule in manifest.rules for one in (*rule.when, *rule.conditions))
    yield from (one for file in manifest.source.files for one in file.when)
    yield from (one for secret in manifest.secrets for one in secret.when)
    yield from (one for target in manifest.targets for one in target.when)


def _named(offer: Offer) -> Iterator[str]:
    """The axes that a target names itself, or that bring it ARGs."""
    yield from (text.value for text in offer.target.axes or ())
    yield from offer.index
    yield from chain.from_iterable(template.axes for template in offer.templates)
    yield from (axis for axis, values in offer.values.items() if any(values.values()))
