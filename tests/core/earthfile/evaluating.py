"""Texts of a checkout in, what the evaluator makes of an Earthly target out: asked again until it wants nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from textwrap import dedent

import pytest

from matrixbuild.core.earthfile.evaluate import Call, Known, evaluate
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.recipe import Copied, Evaluation, Question, SavedImage, Tree, Wanted
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import Platform

BUSYBOX = ImageConfig(env=(("PATH", "/bin"),), cmd=("/bin/sh",))


def listing(files: Mapping[str, str]) -> Listing:
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents if str(parent) != "."}
    entries = {path: Entry(kind=Kind.DIRECTORY, mode=0o755) for path in folders} | {path: Entry(kind=Kind.FILE) for path in files}
    return Listing(entries=entries)


def evaluated(
    text: str,
    target: str = "main",
    *,
    files: Mapping[str, str] | None = None,
    base: ImageConfig | None = BUSYBOX,
    platform: Platform | None = None,
    outputs: bool = True,
    directory: str = "",
    args: Mapping[str, str] | None = None,
    answers: Callable[[Question], tuple[str, ...]] | None = None,
) -> Evaluation:
    """`base` is the configuration of every base image; None: they are unknown. `answers` says what its files are."""
    checkout = {"Earthfile": dedent(text).lstrip(), **{path: dedent(content).lstrip() for path, content in (files or {}).items()}}
    call = Call(
        directory=directory, target=target, overrides=tuple((args or {}).items()), platform=platform, outputs=outputs, unknown_images=base is None
    )
    texts: dict[str, str | None] = {}
    images: dict[tuple[str, Platform], ImageConfig] = {}
    told: list[tuple[str, ...]] = []
    while isinstance(found := evaluate(call, Known(listing=listing(checkout), texts=texts, images=images, answers=tuple(told))), Wanted):
        assert found.texts or found.images or (found.question and answers)
        told += [answers(found.question)] if found.question and answers else []
        texts |= {path: checkout.get(path) for path in found.texts}
        images |= dict.fromkeys(found.images, base or BUSYBOX)
    return found


def refused(text: str, target: str = "main", **how: object) -> tuple[str, str, str]:
    """Class, located sentence and hint of the fault."""
    with pytest.raises(EarthfileError) as caught:
        evaluated(text, target, **how)  # type: ignore[arg-type]
    return caught.value.fault.value, str(caught.value), caught.value.hint


def saved(evaluation: Evaluation) -> dict[str, SavedImage]:
    return {name: image for image in evaluation.images for name in image.names}


def env(text: str, **how: object) -> dict[str, str]:
    """The ENV of the target's image, without PATH."""
    return {name: value for name, value in evaluated(text, **how).image.config.env if name != "PATH"}  # type: ignore[arg-type]


def copies(tree: Tree) -> list[Copied]:
    """The copies a tree was made by, first one first."""
    found: list[Copied] = []
    while parent := getattr(tree, "parent", None):
        found += [tree] if isinstance(tree, Copied) else []
        tree = parent
    return found[::-1]
