"""Texts of a checkout in, the analysis of an Earthly target out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from textwrap import dedent

from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT, Analysis, analysis, inspect
from matrixbuild.core.earthfile.environment import reads_everything
from matrixbuild.core.earthfile.evaluate import Call, Known, examine
from matrixbuild.core.earthfile.recipe import Wanted
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.reads import Reader
from tests.core.earthfile.evaluating import listing


def analysed(
    text: str,
    target: str = "main",
    *,
    files: Mapping[str, str] | None = None,
    args: Mapping[str, str] | None = None,
    directory: str = "",
    statements: tuple[Statement, ...] = (),
    images: Mapping[str, ImageConfig] | None = None,
) -> Analysis:
    """`images` are configurations of base images for linux/amd64, by ref; all others are unknown."""
    checkout = {"Earthfile": dedent(text).lstrip(), **{path: dedent(content).lstrip() for path, content in (files or {}).items()}}
    call = Call(directory=directory, target=target, overrides=tuple((args or {}).items()))
    texts: dict[str, str | None] = {}
    configs = {(ref, Platform()): config for ref, config in (images or {}).items()}
    while isinstance(found := examine(call, Known(listing=listing(checkout), texts=texts, images=configs, statements=statements)), Wanted):
        assert found.texts
        assert not found.images
        texts |= {path: checkout.get(path) for path in found.texts}
    inspected = inspect(found, Reader(listing(checkout)))
    return analysis(inspected, {path: words(checkout.get(path, "")) for path in inspected.paths})


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text)) | ({WHOLE_ENVIRONMENT} if reads_everything(text) else frozenset())


def used(text: str, target: str = "main", **how: object) -> dict[str, int]:
    """The line that proves each ARG used."""
    return {use.name: use.place.line for use in analysed(text, target, **how).used}  # type: ignore[arg-type]


def opaque(found: Analysis) -> list[tuple[str, int, str]]:
    return [(each.kind.value, each.place.line, each.why) for each in found.opaque]
