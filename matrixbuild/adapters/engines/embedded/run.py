"""One run over a checkout: evaluate an Earthly target, make its trees and images. What Engine.build and evaluate_and_save share."""

from __future__ import annotations

from pathlib import Path

from matrixbuild.adapters.engines.embedded.answers import answered
from matrixbuild.adapters.engines.embedded.bases import BaseImageError, Bases
from matrixbuild.adapters.engines.embedded.checkout import Checkout
from matrixbuild.adapters.engines.embedded.execute import Executor
from matrixbuild.adapters.engines.embedded.images import Images
from matrixbuild.adapters.engines.embedded.trees import Directory
from matrixbuild.core.earthfile.calls import Call, Known, split_target
from matrixbuild.core.earthfile.evaluate import evaluate
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.recipe import BaseImage, Evaluation, Wanted
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.reads import Reader


class Run:
    """`work` is a directory of this run's own, for layers until they are pushed; `reader` one that other runs over the checkout use too."""

    def __init__(self, *, checkout: Checkout, bases: Bases, reader: Reader, work: Path) -> None:
        self._checkout = checkout
        self._bases = bases
        executor = Executor(checkout, self._base_tree, reader)
        self.tree = executor.tree
        self.image = Images(executor, bases, work).build

    def evaluate(self, call: Call) -> Evaluation:
        """Answer what the evaluation asks for until it is through. Raises EarthfileError (BaseImageError is one), UnusableError."""
        texts: dict[str, str | None] = {}
        images: dict[tuple[str, Platform], ImageConfig] = {}
        answers: list[tuple[str, ...]] = []
        while True:
            found = self._evaluated(call, Known(listing=self._checkout.listing, texts=texts, images=images, answers=tuple(answers)))
            if not isinstance(found, Wanted):
                return found
            texts |= {path: self._checkout.text(path) for path in found.texts}
            images |= self._configs(found)
            if found.question:
                answers.append(answered(self.tree(found.question.tree), found.question))

    def _configs(self, wanted: Wanted) -> dict[tuple[str, Platform], ImageConfig]:
        try:
            return {(ref, platform): self._bases.base(ref, platform).config for ref, platform in wanted.images}
        except BaseImageError as error:
            raise BaseImageError(error.summary, error.hint, wanted.place, error.fault) from error

    def _base_tree(self, node: BaseImage) -> Directory:
        try:
            return self._bases.tree(self._bases.base(node.ref, node.platform))
        except BaseImageError as error:
            raise BaseImageError(error.summary, error.hint, node.place, error.fault) from error

    def _evaluated(self, call: Call, known: Known) -> Evaluation | Wanted:
        try:
            return evaluate(call, known)
        except EarthfileError as error:
            for tree in error.made_before:
                self.tree(tree)
            raise


def called(earthly: str, args: tuple[tuple[str, str], ...], *, outputs: bool) -> Call:
    """`+image` or `./sub/dir+image`, relative to the checkout. ValueError where it is neither.

    The platform that is built for by default is the same everywhere: what is built must not depend on the machine that builds.
    """
    directory, target = split_target(earthly)
    if "+" not in earthly or not target or directory.startswith(("/", "..")):
        raise ValueError(f"{earthly!r} is no Earthly target of the checkout, such as +image or ./directory+image")
    return Call(directory=directory, target=target, overrides=args, native=Platform(), outputs=outputs)
