"""What an apply has built -> final image names and the lock, as `publish.mode` says: all at the end, each as it is done, or no names at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.lock_file import write_lock
from matrixbuild.core.build import Build
from matrixbuild.core.image_names import ImageAction
from matrixbuild.core.indexes import indexes
from matrixbuild.core.lock import Lock, LockedImage
from matrixbuild.core.lock_merge import Holdings, Output, merge
from matrixbuild.core.pacing import Pace
from matrixbuild.core.problems import MatrixbuildError
from matrixbuild.core.publish import PutTag
from matrixbuild.core.releases import Releases, Unit
from matrixbuild.core.surroundings import PublishMode
from matrixbuild.workflow.planning import Planned
from matrixbuild.workflow.publishing import Keeping, final_refs, held_tags, publish


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who hears of every image name that is given, and of every lock that is written (its path, how many builds it holds)."""

    on_put: Callable[[PutTag], None]
    on_lock: Callable[[Path, int], None]


class Release:
    """One apply's way to its image names and its lock. `digests` are those of the images there are by now, by build key.

    With mode `each` the lock is written after every build that got its names (a large one not quite so often, see core.pacing, and always by
    `flush`): it never claims more than the registry has. A name that must not move keeps its build, and what needs it, out of the release, and
    nothing else (`refusals`).
    """

    def __init__(self, found: Planned, overwrite: frozenset[str], watcher: Watcher) -> None:
        prepared = found.prepared
        self._prepared = prepared
        self._watcher = watcher
        self._mode = prepared.manifest.publish.mode
        self._builds = prepared.selected
        self._reused = [build for build in self._builds if build.name not in found.plan.to_build]
        moves = {image.ref: image.old for image in found.plan.images if image.action is ImageAction.MOVE}
        self._keeping = Keeping(mutable=prepared.manifest.publish.mutable, moves=moves, overwrite=overwrite)
        self._releases = Releases(self._builds)
        self._keys = {build.name: build.key for build in self._builds}
        self._outputs = dict(found.adopted)
        self._indexes = indexes(prepared.builds)
        self._published: dict[str, LockedImage] = {}
        self._lock = prepared.lock
        self._pace = Pace()
        self.digests = _known_digests(found)
        self.puts: list[PutTag] = []
        self.refusals: list[MatrixbuildError] = []
        self.lock_changed = False

    @property
    def names(self) -> frozenset[str]:
        """The builds that have their final image names now."""
        return self._releases.names

    @property
    def indexes(self) -> dict[str, str]:
        """The digests of the indexes that are published, by image name."""
        return {ref: index.digest for ref, index in self._published.items()}

    @property
    def pinned(self) -> bool:
        """Whether the lock has the pins of this apply."""
        return self._lock is not None and self._lock.pins == self._prepared.pins

    @property
    def held_back(self) -> tuple[Build, ...]:
        """Built, and kept out of the release by a refusal."""
        return self._releases.held_back if self._mode is PublishMode.EACH else ()

    def begin(self) -> None:
        """What needs no building. Raises as `publish` for what keeps a registry from being asked at all."""
        if self._mode is PublishMode.EACH:
            held = held_tags(final_refs(self._reused), self._prepared.registries)
            self._release((unit for build in self._reused for unit in self._releases.made(build.name)), held)

    def built(self, name: str, output: Output, *, now: bool = True) -> None:
        """A build is done; its names are given now where the mode is `each`, unless `now` is false."""
        self._outputs[self._keys[name]] = output
        if output.image:
            self.digests[self._keys[name]] = output.image.digest
        if self._mode is PublishMode.EACH and now:
            self._release(self._releases.made(name), None)

    def finish(self) -> None:
        """Everything is built. Raises RefusedError, with mode `atomic`, before any name is given where one must not move."""
        if self._mode is PublishMode.ATOMIC:
            self._publish(self._builds, None)
            self._releases.released(self._builds)
        if self._mode is PublishMode.NONE or self._releases.complete:
            self._write(self._merged(self._prepared.chosen))

    def _release(self, free: Iterable[Unit], held: Mapping[str, str | None] | None) -> None:
        waiting = list(free)
        for unit in waiting:
            try:
                self._publish(unit, held)
            except MatrixbuildError as error:
                self.refusals.append(error)
                continue
            waiting += self._releases.released(unit)
        if self._pace.due(len(self._builds), now=time.monotonic()):
            self.flush()

    def flush(self) -> None:
        """Record the builds that have their names by now."""
        if self._mode is not PublishMode.EACH:
            return
        began = time.monotonic()
        # With a selection nothing is retired and what is not named stays as it is: so a lock in the middle of a run tells of both times.
        lock = self._merged(self._releases.names)
        # New pins alone are nothing to record: they belong to what is built with them.
        if lock.builds != (self._lock.builds if self._lock else ()):
            self._write(lock)
            self._pace.wrote(began=began, ended=time.monotonic())

    def _publish(self, builds: Sequence[Build], held: Mapping[str, str | None] | None) -> None:
        done = publish(
            builds,
            self.digests,
            self._prepared.registries,
            keeping=self._keeping,
            indexes=self._indexes,
            held=held,
            on_put=self._watcher.on_put,
        )
        self.puts += done.puts
        self._published |= done.indexes

    def _merged(self, selected: frozenset[str] | None) -> Lock:
        prepared = self._prepared
        return merge(
            prepared.lock,
            prepared.builds,
            self._outputs,
            name=prepared.manifest.name,
            pins=prepared.pins,
            tagged=self._mode is not PublishMode.NONE,
            selected=selected,
            commit=prepared.trees.commit,
            indexes=self._published,
        )

    def _write(self, lock: Lock) -> None:
        path = self._prepared.project.lock
        if write_lock(path, lock):
            self.lock_changed = True
            self._watcher.on_lock(path, len(lock.builds))
        self._lock = lock


def _known_digests(found: Planned) -> dict[str, str]:
    """The image digest of every build that has one before anything is built, by key: from the lock, or found in the registry."""
    held = Holdings(found.prepared.lock)
    digests = {build.key: entry.image.digest for build in found.prepared.builds if (entry := held.same(build)) and entry.image}
    kept = {key: image.digest for key, image in found.images.items()}
    return digests | kept | {key: output.image.digest for key, output in found.adopted.items() if output.image}
