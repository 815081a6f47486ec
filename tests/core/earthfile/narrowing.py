"""An Earthfile and calls of it in, what narrowing makes of it and whether each call still builds the same out."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent

from matrixbuild.core.earthfile.analysis import Inspected, inspect
from matrixbuild.core.earthfile.calls import Call, Known, split_target
from matrixbuild.core.earthfile.evaluate import examine
from matrixbuild.core.earthfile.narrowing import Found, Given, Narrowing, Why, narrow
from matrixbuild.core.earthfile.narrowing_proof import Difference, Walked, difference, walked
from matrixbuild.core.earthfile.recipe import Wanted
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.reads import Reader
from tests.core.earthfile.analysing import words
from tests.core.earthfile.evaluating import listing

Args = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Files, and what is known of base images and of commands."""

    files: Mapping[str, str]
    images: Mapping[str, ImageConfig]
    statements: tuple[Statement, ...] = ()

    @property
    def earthfiles(self) -> dict[str, str]:
        return {path: text for path, text in self.files.items() if posixpath.basename(path) == "Earthfile"}

    def known(self, texts: Mapping[str, str | None]) -> Known:
        images = {(ref, Platform()): config for ref, config in self.images.items()}
        return Known(listing=listing(self.files), texts=texts, images=images, statements=self.statements)

    def inspected(self, target: str, args: Args) -> tuple[Inspected, dict[str, frozenset[str]]]:
        texts: dict[str, str | None] = {}
        while isinstance(found := examine(call(target, args), self.known(texts)), Wanted):
            texts |= {path: self.files.get(path) for path in found.texts}
        made = inspect(found, Reader(listing(self.files)))
        return made, {path: words(self.files.get(path, "")) for path in made.paths}

    def walked(self, target: str, args: Args, mentioned: Mapping[str, frozenset[str]], earthfile: str) -> Walked:
        texts: dict[str, str | None] = {}
        while isinstance(found := walked(call(target, args), self.known(texts), mentioned), Wanted):
            texts |= {path: earthfile if path == "Earthfile" else self.files.get(path) for path in found.texts}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What came of it; the author's text is `before`."""

    before: str
    narrowing: Narrowing
    checkout: Checkout
    mentioned: Mapping[str, frozenset[str]]

    def differs(self, target: str, args: Args) -> Difference | None:
        """The proof. Raises EarthfileError where Earthly would refuse the new text."""
        texts = (self.before, self.narrowing.text)
        before, after = (self.checkout.walked(target, args, self.mentioned, text) for text in texts)
        return difference(before, after)


def call(target: str, args: Args) -> Call:
    directory, name = split_target(target if "+" in target else f"+{target}")
    return Call(directory=directory, target=name, overrides=tuple(args.items()))


def narrowed(
    text: str,
    calls: Sequence[Args],
    target: str = "main",
    *,
    files: Mapping[str, str] | None = None,
    images: Mapping[str, ImageConfig] | None = None,
    statements: tuple[Statement, ...] = (),
    skipped: frozenset[Why] = frozenset(),
) -> Narrowed:
    """`calls` are the args of each call of `target`."""
    before = dedent(text).lstrip()
    checkout = Checkout(
        files={"Earthfile": before, **{path: dedent(content).lstrip() for path, content in (files or {}).items()}},
        images=images or {},
        statements=statements,
    )
    found = Found.of([checkout.inspected(target, args) for args in calls])
    texts = checkout.earthfiles | {path: checkout.files[path] for path in found.dockerfiles if path in checkout.files}
    narrowing = narrow("Earthfile", texts, Given.of(calls), found, skipped=skipped)
    return Narrowed(before=before, narrowing=narrowing, checkout=checkout, mentioned=found.mentioned(texts))
