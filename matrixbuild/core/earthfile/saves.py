"""SAVE IMAGE: which states of a target are saved under which names."""

from __future__ import annotations

from dataclasses import replace

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.flags import Flags, parse_flags
from matrixbuild.core.earthfile.recipe import Image, SavedImage
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.visits import Item
from matrixbuild.core.problems import Place


def save_image(target: Target, command: Command) -> None:
    """SAVE IMAGE [--push] name ...; the names alone are no use of an override."""
    place = command.place
    flags = parse_flags(command)
    for ref in flags.texts("cache-from"):
        target.expand(ref, place)
    if flags.on("push") and not flags.words:
        raise EarthfileError(Fault.INVALID_ARG, "SAVE IMAGE --push needs a name", place=place, hint="write SAVE IMAGE --push registry/repository:tag")
    values = [target.expand(word, place) for word in flags.words]
    names = tuple(value.text for value in values)
    target.walk.decisions.verbatim.update(*(value.taint for value in values))
    if target.walk.findings:
        target.walk.findings.named.update(*(value.taint for value in values))
    if not names and not flags.on("cache-hint") and not flags.texts("cache-from"):
        return
    if flags.on("without-earthly-labels"):
        target.check_feature("allow_without_earthly_labels", place=place, what="SAVE IMAGE --without-earthly-labels")
    target.check_from(place, command.name)
    if flags.on("no-manifest-list"):
        target.check_feature("use_no_manifest_list", place=place, what="SAVE IMAGE --no-manifest-list")
    _save(target, names, flags, place)
    # A target that is referred to by FROM gives the configuration of its last SAVE IMAGE, a cache hint's too.
    if names or flags.on("cache-hint"):
        target.images.append(target.visit.config)
    if flags.on("push") and not target.features.wait_block:
        target.pushed = True


def _save(target: Target, names: tuple[str, ...], flags: Flags, place: Place) -> None:
    names = tuple(name for name in names if name)
    if not names:
        return
    visit = target.visit
    output = SavedImage(
        names=names,
        push=flags.on("push"),
        image=Image(tree=visit.tree, config=visit.config),
        platform=target.materialized(visit.current),
        multi_platform=visit.current is not None and not flags.on("no-manifest-list"),
        place=place,
    )
    checked = target.features.check_duplicate_images or target.features.wait_block
    item = Item(output=output, order=target.walk.order(), checked=checked, certain=target.certain)
    if target.features.wait_block:
        target.blocks[-1].add(item)
        visit.items.append(item)
    else:
        visit.legacy.append(item)


def as_referred(target: Target) -> None:
    """At its end a target's configuration becomes the one that a FROM of it sees; the history goes with the files."""
    if target.images:
        target.visit.config = replace(target.images[-1], history=target.visit.config.history)
