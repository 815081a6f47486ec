"""A catalog with lists of their own for FIPS -> the rules that drop cells whose version is not in the list for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrixbuild.core.axes import Axes
from matrixbuild.core.cells import AxisValue
from matrixbuild.core.declared import Effect, Rule
from matrixbuild.core.picks import UNKNOWN_VERSION
from matrixbuild.core.rules import Deed, Matcher, Ruling

if TYPE_CHECKING:
    from matrixbuild.core.catalogs import Catalog
    from matrixbuild.core.profile import Profile


def not_listed(axes: Axes, profile: Profile, catalog: Catalog, *, fips: bool, deed: Deed = Deed.DROP) -> Ruling:
    """For cells with (or without) FIPS: drops the versions that the source builds only the other way. Where the axis is a constant, for all of
    its cells or for none."""
    names = list(axes)
    having = frozenset(value.text for value in axes.known[profile.fips_axis].all_values() if (value.text == "true") is fips)
    lacking = frozenset(value.text for value in axes[profile.catalog_axis].all_values() if _lacks(catalog, value, fips=fips))
    rule = Rule(
        name=UNKNOWN_VERSION,
        reason=f"{catalog.file} lists the version only {'without' if fips else 'for'} FIPS",
        effect=Effect.EXCLUDE,
        when=(),
        conditions=(),
        place=axes[profile.catalog_axis].place,
        inherited=True,
    )
    when = Matcher(accepts=((names.index(profile.fips_axis), having),)) if profile.fips_axis in axes else Matcher(never=not having)
    return Ruling(rule=rule, deed=deed, when=when, conditions=Matcher(accepts=((names.index(profile.catalog_axis), lacking),)))


def _lacks(catalog: Catalog, value: AxisValue, *, fips: bool) -> bool:
    """Only what the other list has: a version in neither was told, or let pass, when versions were resolved."""
    distribution, version = value.field("distribution") or "", value.field("version") or ""
    return version not in catalog.versions(distribution, fips=fips) and version in catalog.versions(distribution, fips=not fips)
