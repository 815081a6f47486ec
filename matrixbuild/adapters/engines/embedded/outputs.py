"""What an Earthly target saves (SAVE IMAGE --push, AS LOCAL), as `earthly --push` does: images into registries, files into the checkout."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from matrixbuild.adapters.engines.embedded.bases import Bases
from matrixbuild.adapters.engines.embedded.checkout import Checkout
from matrixbuild.adapters.engines.embedded.exports import Found, kept, save_local, to_save
from matrixbuild.adapters.engines.embedded.images import Built, index_of, push
from matrixbuild.adapters.engines.embedded.run import Run
from matrixbuild.core.earthfile.calls import Call
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import Evaluation, SavedImage
from matrixbuild.core.names import ImageName
from matrixbuild.core.reads import Reader
from matrixbuild.core.registry import Registry


def evaluate_and_save(
    call: Call,
    *,
    checkout: Checkout,
    locate: Callable[[str], tuple[Registry, ImageName]],
    work: Path,
    local: Path | None,
) -> Mapping[str, str]:
    """Name -> digest of every image that was pushed; an image without layers never is. `local` is where AS LOCAL paths start (None: none is written).

    Everything is built before anything is pushed or written. Raises EarthfileError, ExportError, UnusableError.
    """
    with tempfile.TemporaryDirectory(dir=work, prefix="save-", ignore_cleanup_errors=True) as folder:
        run = Run(checkout=checkout, bases=Bases(locate, work / "layers"), reader=Reader(checkout.listing), work=Path(folder))
        evaluation = run.evaluate(call)
        images = _built(run, evaluation, locate)
        # What is saved first may be what a later one was copied from: all of it is read before any of it is written.
        locals_ = evaluation.locals if local else ()
        found = [(_kept(to_save(run.tree(saved.tree), saved), Path(folder)), saved) for saved in locals_]
        pushed = {name: digest for name, built in images.items() if (digest := _pushed(built, *locate(name)))}
        for nodes, saved in found:
            save_local(nodes, saved, local or Path())
        return pushed


def _kept(found: Found, folder: Path) -> Found:
    return [(path, kept(node, folder)) for path, node in found]


def _check_names(saved: SavedImage, locate: Callable[[str], tuple[Registry, ImageName]]) -> None:
    for name in saved.names:
        try:
            locate(name)
        except ValueError as error:
            raise EarthfileError(Fault.INVALID_ARG, f"{error}", place=saved.place, hint="correct the name") from error


def _built(run: Run, evaluation: Evaluation, locate: Callable[[str], tuple[Registry, ImageName]]) -> dict[str, list[Built]]:
    """Name -> its image, or one a platform. Of two images for one platform the later one counts, as it would overwrite the other."""
    # Artifacts that nothing copies are not made: so it is with Earthly.
    for tree in (evaluation.image.tree, *evaluation.built):
        run.tree(tree)
    found: dict[str, dict[str, Built]] = {}
    for saved in evaluation.images:
        if not saved.push:
            continue
        _check_names(saved, locate)
        built = run.image(saved.image)
        for name in saved.names:
            key = str(saved.platform) if saved.multi_platform else ""
            found[name] = {**(found.get(name, {}) if saved.multi_platform else {}), key: built}
    return {name: list(by_platform.values()) for name, by_platform in found.items()}


def _pushed(images: list[Built], registry: Registry, name: ImageName) -> str:
    """The digest, or the empty text where there is nothing that a registry would take."""
    whole = [built for built in images if built.has_layers]
    if len(whole) == 1:
        return push(whole[0], registry, name.repository, name.tag).digest
    if not whole:
        return ""
    for built in whole:
        push(built, registry, name.repository, built.manifest.digest)
    return registry.put_manifest(name.repository, name.tag, index_of(whole))
