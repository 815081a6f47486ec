"""An order -> an image under its content tag and artifacts on disk, made without any other program."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.adapters.attempt_logs import say
from matrixbuild.adapters.engines.base import Made, Order
from matrixbuild.adapters.engines.embedded.bases import Bases
from matrixbuild.adapters.engines.embedded.checkout import Checkout
from matrixbuild.adapters.engines.embedded.exports import ExportError, described, matches, write
from matrixbuild.adapters.engines.embedded.images import push
from matrixbuild.adapters.engines.embedded.run import Run, called
from matrixbuild.adapters.engines.embedded.trees import Directory
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.recipe import Evaluation
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.images import KEY_LABEL
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.reads import Reader
from matrixbuild.core.registry import Descriptor, Registry, refused


class EmbeddedEngine:
    """Builds RUN-free Earthly targets. Safe for several threads where checkouts and registries are.

    `checkout` gives the checkout as builds of a variant see it, always the same one; `locate` gives registry and name of a base image's ref
    (ValueError: no such name), `registry` the registry an image is pushed to. `work`
    is a directory for temporary files and for unpacked base layers, which may be kept for the next run.
    """

    def __init__(
        self,
        *,
        checkout: Callable[[tuple[int, ...]], Checkout],
        locate: Callable[[str], tuple[Registry, ImageName]],
        registry: Callable[[ImageName], Registry],
        work: Path,
    ) -> None:
        self._checkout = checkout
        self._registry = registry
        self._work = work
        self._bases = Bases(locate, work / "layers")
        self._readers: dict[tuple[int, ...], Reader] = {}

    def build(self, order: Order) -> Made:
        """Push the image (its label carries the key), then write the artifacts below `order.output`. Raises BuildFailed.

        A directory artifact is told as its files: `name/file`. An image without layers cannot be pushed, as no registry would get it from
        Earthly either.
        """
        self._work.mkdir(parents=True, exist_ok=True)
        # A program that ends while this thread still writes removes it under its hands: what stays, the next run removes.
        with _told(), tempfile.TemporaryDirectory(dir=self._work, prefix="build-", ignore_cleanup_errors=True) as folder:
            checkout = self._checkout(order.variant)
            run = Run(checkout=checkout, bases=self._bases, reader=self._reader(order.variant, checkout), work=Path(folder))
            evaluation = run.evaluate(called(order.earthly, order.args, outputs=False))
            say(order.log, [command for command in evaluation.commands if command != "END"])
            image = self._pushed(run, evaluation, order)
            say(order.log, [f"pushed {order.push} as {image.digest}"] if image else [])
            artifacts = _artifacts(run.tree(evaluation.artifacts), order)
            say(order.log, [f"wrote {name}, {size} bytes, {digest}" for name, digest, size in artifacts])
            return Made(image=image, artifacts=artifacts)

    def _reader(self, variant: tuple[int, ...], checkout: Checkout) -> Reader:
        # Two threads may make one each the first time: they answer alike.
        if variant not in self._readers:
            self._readers[variant] = Reader(checkout.listing)
        return self._readers[variant]

    def _pushed(self, run: Run, evaluation: Evaluation, order: Order) -> Descriptor | None:
        if order.push is None:
            return None
        built = run.image(evaluation.image, labels=((KEY_LABEL, order.key),))
        if not built.has_layers:
            summary = f"the image of {order.earthly} has no layers, and such an image cannot be pushed"
            raise BuildFailed(Failure(kind=FailureKind.PUSH, summary=summary, hint="copy at least one file into it", again=False))
        try:
            return push(built, self._registry(order.push), order.push.repository, order.push.tag)
        except UnusableError as error:
            raise BuildFailed(refused(error, FailureKind.PUSH, host=order.push.registry)) from error


def _artifacts(tree: Directory, order: Order) -> tuple[tuple[str, str, int], ...]:
    return tuple(each for path, name in order.artifacts for each in _artifact(tree, path, order.output / name, name))


def _artifact(tree: Directory, path: str, to: Path, name: str) -> Iterator[tuple[str, str, int]]:
    found = matches(tree, path)
    if len(found) != 1:
        told = "matches nothing" if not found else f"matches {len(found)} paths: {', '.join(f'/{each}' for each, _ in found[:3])}"
        raise ExportError(f"the artifact {path} {told}", "artifacts are what the target's SAVE ARTIFACT commands name; a pattern means one of them")
    write(found[0][1], to)
    return described(to, name)


@contextmanager
def _told() -> Iterator[None]:
    """Everything that a build can end with, as a failure."""
    try:
        yield
    except EarthfileError as error:
        raise BuildFailed(Failure(kind=FailureKind.SYNTAX, summary=error.summary, place=error.place, hint=error.hint)) from error
    except ExportError as error:
        raise BuildFailed(Failure(kind=FailureKind.SYNTAX, summary=error.summary, hint=error.hint)) from error
    except UnusableError as error:
        raise BuildFailed(refused(error, FailureKind.REGISTRY)) from error
    except OSError as error:
        kind = FailureKind.DISK if error.errno in (errno.ENOSPC, errno.EDQUOT) else FailureKind.UNKNOWN
        summary = f"cannot write {error.filename or 'a file'}: {error.strerror or error}"
        raise BuildFailed(Failure(kind=kind, summary=summary)) from error
