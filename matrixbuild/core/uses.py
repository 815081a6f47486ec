"""What a manifest's target says of its uses (`uses: {add, ignore}`): ARGs that count, or do not, whatever the analysis shows."""

from __future__ import annotations

from dataclasses import dataclass

from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """ARGs that count though nothing shows it (`add`), and that do not though something does (`ignore`); `place` is where that is written, `places`
    where each name is."""

    place: Place
    add: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    places: tuple[tuple[str, Place], ...] = ()

    def place_of(self, name: str) -> Place:
        """Where a name is written."""
        return dict(self.places).get(name, self.place)

    def applied(self, used: frozenset[str], declared: frozenset[str]) -> frozenset[str]:
        """The used ARGs after the correction; what is not declared on the path cannot be used."""
        return (used | (self.add & declared)) - self.ignore
