"""What a manifest's target says of its uses and an analysis in, the corrected analysis out."""

from __future__ import annotations

from dataclasses import replace

from matrixbuild.core.earthfile.analysis import Analysis, Correction, Use
from matrixbuild.core.uses import Uses


def corrected(analysis: Analysis, uses: Uses) -> Analysis:
    """An analysis with its used ARGs corrected, each correction that changes something told in it.

    An ignored ARG is passed all the same: only its value is no longer part of the key. Which way is gone through it still decides.
    """
    names = uses.applied(analysis.used_names, analysis.declared)
    kept = [use for use in analysis.used if use.name in names]
    new = [Use(name=name, place=uses.place_of(name)) for name in names - analysis.used_names]
    gone = analysis.used_names - names
    return replace(
        analysis,
        used=tuple(sorted((*kept, *new), key=lambda use: use.name)),
        name_only=tuple(name for name in analysis.name_only if name not in names),
        unused=tuple(sorted((set(analysis.unused) | gone) - names)),
        corrections=tuple(Correction(name=name, adds=name in names, place=uses.place_of(name)) for name in sorted({use.name for use in new} | gone)),
    )
