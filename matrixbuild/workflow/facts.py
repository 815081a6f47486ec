"""A profile and a source -> the facts that expansion is told: values, upstream version, catalog, lines that prove a rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matrixbuild.adapters.sources import Source
from matrixbuild.core import surroundings
from matrixbuild.core.facts import Facts
from matrixbuild.core.picks import Pinned
from matrixbuild.core.problems import Problem
from matrixbuild.core.spans import holds
from matrixbuild.core.surroundings import ProfileUse
from matrixbuild.workflow.sources import Trees, base_variant

if TYPE_CHECKING:
    from matrixbuild.core.catalogs import Catalog
    from matrixbuild.core.profile import Profile, ProfileValue

EARTHFILE = "Earthfile"


def facts_of(
    profile: Profile | None,
    use: ProfileUse | None,
    source: Source | None,
    problems: list[Problem],
    *,
    pinned: Mapping[str, Pinned] | None = None,
    ref: str = "",
    commit: str = "",
) -> Facts:
    """`source` is None where it is not at hand: the facts are then not known. A value that the source does not have is a problem."""
    if profile is None or use is None:
        return Facts(known=source is not None, ref=ref, commit=commit)
    stands_for = _stands_for(profile, use, {})
    if source is None:
        return Facts(profile=profile, known=False, line=stands_for, ref=ref, commit=commit, pinned=pinned or {})
    values = {value.name: found for value in profile.values if (found := _value(value, source, use, problems)) is not None}
    line = _stands_for(profile, use, values)
    return Facts(
        profile=profile,
        line=line,
        values=values,
        catalog=_catalog(profile, source, problems),
        ref=ref,
        commit=commit,
        pinned=pinned or {},
        lines=_lines(profile, source),
        statements=tuple(each for each in profile.statements if holds(each.span, line)),
    )


def check_alike(facts: Facts, use: ProfileUse | None, declared: surroundings.Source, trees: Trees, problems: list[Problem]) -> None:
    """`facts` are those of all cells: a file laid over the source for some cells alone must not say another version or list other versions."""
    profile = facts.profile
    if profile is None or use is None:
        return
    asked = {EARTHFILE, *(value.file for value in profile.values if value.file), *([profile.catalog.file] if profile.catalog else [])}
    common = trees.aside(base_variant(declared))
    for index, file in enumerate(declared.files):
        if file.when and trees.laid(index) & asked:
            tree = trees.aside(tuple(sorted((*base_variant(declared), index))))
            laid = [path for path in sorted(asked) if tree.text(path) != common.text(path)]
            mistakes: list[Problem] = []
            there = facts_of(profile, use, tree, mistakes)
            if mistakes or (there.values, _listed(there)) != (facts.values, _listed(facts)):
                problems.append(_other(file, laid, profile))


def _listed(facts: Facts) -> object:
    return facts.catalog and (facts.catalog.plain, facts.catalog.fips)


def _other(file: surroundings.SourceFile, laid: Sequence[str], profile: Profile) -> Problem:
    what = " and ".join(laid)
    summary = f"{what} would be another for some cells, and the profile {profile.name!r} reads versions from one for all"
    hint = f"lay {what} over the source without `when`, or make a manifest of their own for these cells"
    return Problem(summary=summary, place=file.place, hint=hint, code="other-versions")


def _stands_for(profile: Profile, use: ProfileUse, values: Mapping[str, str]) -> str:
    """The upstream version that the code is of: what the manifest says (a tag may be another version's code), else what the source says."""
    if use.stands_for:
        return profile.stands_for.get(use.stands_for.value, use.stands_for.value)
    return values.get(profile.version, "")


def _value(value: ProfileValue, source: Source, use: ProfileUse, problems: list[Problem]) -> str | None:
    if value.text:
        return value.text
    text = source.text(value.file)
    found = re.search(value.pattern, text, re.MULTILINE) if text is not None else None
    if found and found["value"] is not None:
        return found["value"]
    hint = f"is it the root of a {use.name.value} checkout?"
    summary = f"the source has no {value.file}" if text is None else f"{value.file} of the source does not say {value.name}"
    problems.append(Problem(summary=f"{summary}, which the profile {use.name.value!r} reads", place=use.name.place, hint=hint, code="no-value"))
    return None


def _catalog(profile: Profile, source: Source, problems: list[Problem]) -> Catalog | None:
    if profile.catalog is None:
        return None
    from matrixbuild.core.catalogs import catalog_for

    texts = {file: text for file in (profile.catalog.file, EARTHFILE) if (text := source.text(file)) is not None}
    return catalog_for(profile.catalog, texts, problems)


def _lines(profile: Profile, source: Source) -> dict[str, tuple[int, ...]]:
    """By rule, the lines of the Earthfile that prove it."""
    asking = [each for each in profile.rules if each.lines]
    text = source.text(EARTHFILE) if asking else None
    lines = text.split("\n") if text else []
    return {each.rule.name: tuple(number for number, line in enumerate(lines, start=1) if re.search(each.lines, line)) for each in asking}
