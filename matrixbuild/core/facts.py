"""What expansion has to be told of the world: the profile, what the source says of itself, what the lock has pinned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matrixbuild.core.picks import Pinned

if TYPE_CHECKING:
    from matrixbuild.core.catalogs import Catalog
    from matrixbuild.core.problems import Place
    from matrixbuild.core.profile import Profile, ProfileStatement
    from matrixbuild.core.surroundings import ProfileUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`known` says whether the source was looked at: without it versions stay unresolved, templates that name profile values unrendered.

    `line` is the upstream version that the source stands for ("" where nothing says), `values` the profile's values for templates, `ref` and
    `commit` those of a git source. `pinned`: by axis, what picks of versions meant when they were pinned. `lines`: by the name of a profile's
    rule, the lines of the Earthfile that its expression finds. `statements` are those of the profile that hold.
    """

    profile: Profile | None = None
    known: bool = True
    line: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None
    ref: str = ""
    commit: str = ""
    pinned: Mapping[str, Pinned] = field(default_factory=dict)
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    statements: tuple[ProfileStatement, ...] = ()


def mendable(place: Place, profile: Profile | None, use: ProfileUse | None) -> Place:
    """The place; for what stands in the profile, where no author writes, the place where the manifest names it."""
    return use.name.place if use and profile and place.file == profile.file else place
