"""A call of an Earthly target -> its evaluation and the trees of it, over directories anywhere on this machine."""

from __future__ import annotations

from pathlib import Path

from matrixbuild.adapters.engines.embedded.answers import answered
from matrixbuild.adapters.engines.embedded.bases import Bases
from matrixbuild.adapters.engines.embedded.execute import Executor
from matrixbuild.adapters.engines.embedded.images import Images
from matrixbuild.core.earthfile.calls import Call, Known
from matrixbuild.core.earthfile.evaluate import evaluate
from matrixbuild.core.earthfile.recipe import Evaluation, Wanted
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from tests.double.steps import Recorder, recording
from tests.double.world import World


class Evaluated:
    """One call; `evaluation` is None where it failed, and `error` says how. `executor` and `images` make trees and images of it in `work`."""

    def __init__(self, call: Call, *, bases: Bases, work: Path, pretend: bool) -> None:
        self.recorder = Recorder(pretend=pretend)
        self.bases = bases
        self._world = World()
        self._world.enter(call.directory)
        self.evaluation: Evaluation | None = None
        self.error: Exception | None = None
        with recording(self.recorder):
            try:
                self.evaluation = self._evaluate(call)
            except Exception as error:  # noqa: BLE001  (told by the caller, after what came before it)
                self.error = error
        self.executor = self._executor()
        self.images = Images(self.executor, bases, work)

    def _evaluate(self, call: Call) -> Evaluation:
        texts: dict[str, str | None] = {}
        images: dict[tuple[str, Platform], ImageConfig] = {}
        answers: list[tuple[str, ...]] = []
        while True:
            self.recorder.forget()
            known = Known(listing=self._world.listing, texts=texts, images=images, answers=tuple(answers))
            found = evaluate(call, known)
            if not isinstance(found, Wanted):
                return found
            texts |= {path: self._world.text(path) for path in found.texts}
            images |= {(ref, platform): self.bases.base(ref, platform).config for ref, platform in found.images}
            if found.question:
                answers.append(answered(self._executor().tree(found.question.tree), found.question))

    def _executor(self) -> Executor:
        return Executor(self._world, lambda node: self.bases.tree(self.bases.base(node.ref, node.platform)))
