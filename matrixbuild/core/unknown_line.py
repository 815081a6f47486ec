"""A profile and the upstream version that a source is (or stands for) -> what is wrong where the profile begins with a later one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from matrixbuild.core.problems import Problem
from matrixbuild.core.spans import holds

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile
    from matrixbuild.core.surroundings import ProfileUse


def unknown_line(profile: Profile | None, use: ProfileUse | None, line: str) -> Iterator[Problem]:
    """Axes, rules and targets of an earlier version are nowhere: without them an Earthly target would be called with half of its ARGs."""
    if profile is None or use is None or holds(profile.span, line):
        return
    first, named = profile.span.since, f"the profile {use.name.value!r}"
    if use.stands_for:
        summary, place = f"spec.profile.as: {named} knows no {use.stands_for.value}, its first version is {first}", use.stands_for.place
        hint = f"write {first} or a later tag, whichever the source is most like"
    else:
        summary, place = f"{named} knows no {line}, which the source is: its first version is {first}", use.name.place
        hint = f"take a later source, or name the tag that this one is most like: profile: {{name: {use.name.value}, as: {first}}}"
    yield Problem(summary=summary, place=place, hint=hint, code="unknown-line")
