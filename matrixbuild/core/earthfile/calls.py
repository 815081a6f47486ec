"""What an evaluation is asked for (Call) and what it may look at (Known)."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.listing import Listing
from matrixbuild.core.names import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The checkout's listing; texts of its files by path (None: there is no such file); configurations of base images by ref and platform;
    the answers to the questions that the evaluation asked so far, in order (it asks the same ones each time); what a profile states of
    commands that read their whole environment."""

    listing: Listing
    texts: Mapping[str, str | None] = field(default_factory=dict)
    images: Mapping[tuple[str, Platform], ImageConfig] = field(default_factory=dict)
    answers: tuple[tuple[str, ...], ...] = ()
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One Earthly target to evaluate: `directory` relative to the checkout ("" is its root), `overrides` as on the command line.

    `native` is the machine's platform, `platform` a --platform for the whole call. `outputs`: SAVE IMAGE and AS LOCAL of the target and of
    what it BUILDs take effect. `unknown_images`: a base image that is not in Known has an unknown configuration instead of being wanted, and
    no question is asked of a tree.
    `partial`: what only Earthly can do is not refused: values become unknown, and both branches of an unknown condition are gone through.
    """

    directory: str
    target: str
    overrides: tuple[tuple[str, str], ...] = ()
    platform: Platform | None = None
    native: Platform = field(default_factory=Platform)
    outputs: bool = True
    unknown_images: bool = False
    partial: bool = False


def split_target(earthly: str) -> tuple[str, str]:
    """`./sub+image` -> ("sub", "image"): directory relative to the checkout (empty for its root) and name."""
    directory, _, name = earthly.rpartition("+")
    clean = posixpath.normpath(directory) if directory else ""
    return ("" if clean == "." else clean), name
