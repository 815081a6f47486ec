"""The text of an Earthfile and the checkout around it -> what its authors could change to share more, and what goes wrong without a word."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import chain

from matrixbuild.core.earthfile import linting_args, linting_caches, linting_conditions, linting_ignores, linting_images, linting_values
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.features import features
from matrixbuild.core.earthfile.linting_findings import Finding, Rule
from matrixbuild.core.earthfile.linting_names import Naming
from matrixbuild.core.earthfile.linting_origins import Origins
from matrixbuild.core.earthfile.linting_recipes import Checkout, Sheet, sheet_of
from matrixbuild.core.earthfile.linting_variation import Variation
from matrixbuild.core.earthfile.parser import parse

NAMES = ("Earthfile", "build.earth")
"""The names of Earthfiles; where a directory has both, the first counts."""

_MODULES = (linting_args, linting_caches, linting_conditions, linting_values, linting_images, linting_ignores)
RULES: tuple[Rule, ...] = tuple(rule for module in _MODULES for rule in vars(module).values() if isinstance(rule, Rule))
"""All there are: what shares first, then the traps."""


def lint(text: str, *, file: str, directory: str, checkout: Checkout) -> tuple[Finding, ...]:
    """Sorted by where they are. `file` is how messages name the Earthfile, `directory` where it stands in the checkout ("" is its root).

    Raises EarthfileError for a text that no Earthly reads. What it refers to in the checkout is read where needed, and what of that cannot be
    read counts as unknown.
    """
    sheet = _sheet(text, file=file, directory=directory, checkout=checkout)
    found = dict.fromkeys(_findings(sheet, Origins(_Others(checkout).sheet)))
    return tuple(sorted(found, key=lambda finding: (finding.place.line, finding.place.column, finding.remark, finding.rule.name)))


def _findings(sheet: Sheet, origins: Origins) -> Iterator[Finding]:
    naming = Naming(sheet)
    variation = Variation(sheet)
    return chain(
        linting_args.wide_args(sheet, naming, variation),
        linting_args.early_args(sheet, naming, variation),
        linting_args.passed_args(sheet),
        linting_caches.whole_copies(sheet),
        linting_caches.uncached(sheet),
        linting_caches.locked_caches(sheet),
        linting_caches.upgrades_after_args(sheet, naming, variation),
        linting_conditions.conditions(sheet, origins),
        linting_values.early_uses(sheet),
        linting_values.unset_builtins(sheet),
        linting_values.hidden_lets(sheet),
        linting_values.overruled(sheet),
        linting_values.secrets(sheet),
        linting_images.images(sheet, origins),
        linting_ignores.escaped_patterns(sheet),
    )


def _sheet(text: str, *, file: str, directory: str, checkout: Checkout) -> Sheet:
    earthfile = parse(text, file=file)
    return sheet_of(earthfile, directory=directory, features=features(earthfile.version, file=file), checkout=checkout)


class _Others:
    """The Earthfiles of other directories, each read once."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._known: dict[str, Sheet | None] = {}

    def sheet(self, directory: str) -> Sheet | None:
        if directory not in self._known:
            self._known[directory] = self._read(directory)
        return self._known[directory]

    def _read(self, directory: str) -> Sheet | None:
        for name in NAMES:
            path = posixpath.join(directory, name)
            text = self._checkout.text(path)
            if text is not None:
                try:
                    return _sheet(text, file=path, directory=directory, checkout=self._checkout)
                except EarthfileError:
                    return None
        return None
