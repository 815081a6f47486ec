"""The source of a variant, and a generation's token -> one checkout on the disk for all builds that have them, at a path named by its content.

BuildKit keeps what it was sent by the path that it came from: a path for each state of the files has them sent once (facts: Earthly 9.3). Modes are
those that images show, times are fixed, and there is no `.git`: what is built depends on the files alone, as the plan has it.
"""

from __future__ import annotations

import contextlib
import posixpath
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from matrixbuild.adapters.overlay import Overlay
from matrixbuild.adapters.sources import Source, fingerprint_of, pieces
from matrixbuild.adapters.tree_files import Extent, write_tree
from matrixbuild.adapters.tree_store import Held, TreeStore
from matrixbuild.core.earthfile import reach
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.generation import Renewed, renewed_dockerfile, renewed_earthfile
from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.listing import Entry, Kind
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import Place
from matrixbuild.core.renderings import SHORTEST

Variant = tuple[int, ...]

CHECKOUTS = "checkouts"
PRIVATE = "build-source"
"""Below the state's work directory, of which a later run removes `build-*`: what a killed one left."""

_EARTHFILES = ("Earthfile", "build.earth")
_LARGEST = 1 << 20
"""In bytes: no Dockerfile has more."""


class Rewritten(Protocol):
    """A file as it is built from, of which somebody else wrote the most."""

    @property
    def text(self) -> str: ...

    def original(self, line: int) -> int:
        """The author's number of a line of this text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A directory to build from; nobody writes into it.

    `secrets` are (path, content) of the files in it that no output may show. `foreign` are the commands whose steps a generation's token does not
    reach, as they are in other repositories: a call that may go through one has to be made without the cache. Empty without a generation.
    """

    path: Path
    secrets: Pairs = field(default=(), repr=False)
    foreign: tuple[Place, ...] = ()
    rewritten: Mapping[str, Rewritten] = field(default_factory=dict)

    def line(self, file: str, line: int) -> int:
        """The author's number of a line that a program names: `file` is a path in the checkout."""
        return self.rewritten[file].original(line) if file in self.rewritten else line


class Checkouts:
    """The checkouts of one run. `source` gives the files of a variant with its secrets in them, `hidden` the paths of the secret ones, `dockerfiles`
    are those that builds use without an Earthfile (core.docker_reading.dockerfile_path), `narrowed` the Earthfiles of a variant that stand in for
    their author's, by path.

    They are below `cache`, and below `private` (the work directory of the state, which this run alone holds) where something in them is secret.
    Safe to use from several threads: whoever needs one waits while another makes it.
    """

    def __init__(
        self,
        source: Callable[[Variant], Source],
        *,
        hidden: Callable[[Variant], frozenset[str]],
        cache: Path,
        private: Path,
        dockerfiles: Iterable[str] = (),
        narrowed: Callable[[Variant], Mapping[str, Rewritten]] = lambda _: {},
    ) -> None:
        self._source = source
        self._narrowed = narrowed
        self._dockerfiles = frozenset(reach.Named(path=path, whole=True) for path in dockerfiles)
        self._hidden = hidden
        self._shared = TreeStore(cache / CHECKOUTS, hint="free some there, or set XDG_CACHE_HOME to a directory with more")
        self._private_root = private / PRIVATE
        self._private: TreeStore | None = None
        self._made: dict[tuple[Variant, str], Checkout] = {}
        self._held: list[Held] = []
        self._lock = threading.Lock()

    def of(self, variant: Variant, generation: str = "") -> Checkout:
        """Raises BuildFailed (disk), UnusableError where it cannot be made or something in the source cannot be read, SourceChangedError where a
        file is no longer what the plan was made from."""
        key = (variant, generation)
        if key not in self._made:
            with self._lock:
                if key not in self._made:
                    self._made[key] = self._make(variant, generation)
        return self._made[key]

    def _make(self, variant: Variant, generation: str) -> Checkout:
        source, narrowed = self._source(variant), self._narrowed(variant)
        if narrowed:
            source = Overlay(source, [_Texts(source, narrowed)], reveal=True)
        renewing = _renewing(source, generation, self._dockerfiles) if generation else _Renewing()
        if renewing.texts:
            source = Overlay(source, [_Texts(source, renewing.texts)], reveal=True)

        def write(directory: Path) -> Extent:
            return write_tree(source, directory)

        held = self._store(variant).hold(content_name(source), write)
        self._held.append(held)
        secrets = tuple(_secret_files(source, self._hidden(variant)))
        return Checkout(path=held.path, secrets=secrets, foreign=renewing.foreign, rewritten=_composed(narrowed, renewing.texts))

    def _store(self, variant: Variant) -> TreeStore:
        if not self._hidden(variant):
            return self._shared
        if self._private is None:
            # The content of a secret is in no name: what is there may hold another.
            shutil.rmtree(self._private_root, ignore_errors=True)
            self._private = TreeStore(self._private_root, hint="free some there")
        return self._private

    def close(self) -> None:
        """Remove what is private, let go of the rest, and remove what was long unused of it."""
        with self._lock:
            for held in self._held:
                held.release()
            self._held.clear()
            self._made.clear()
            if self._private is not None:
                # What cannot be removed now, the next run removes.
                shutil.rmtree(self._private_root, ignore_errors=True)
                self._private = None
            self._shared.clean()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def content_name(source: Source) -> str:
    """40 hex digits for all that a build can see of a source: paths, kinds, modes and contents (of secrets name and version)."""
    prints = sorted((path, source.fingerprint(path)) for path in source.listing.entries)
    text = "".join(f"{path}\0{found}\n" for path, found in prints)
    return sha256(text.encode("utf-8", "surrogateescape")).partition(":")[2][:40]


def _secret_files(source: Source, hidden: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in sorted(hidden):
        content = source.open(path).decode("utf-8", "surrogateescape")
        # What is shorter stands in ordinary words: it cannot be masked, and tells nobody anything.
        if len(content.strip()) >= SHORTEST:
            yield path, content


@dataclass(frozen=True, slots=True, kw_only=True)
class _Twice:
    """A text that was made from another rewritten one."""

    first: Rewritten
    then: Rewritten

    @property
    def text(self) -> str:
        return self.then.text

    def original(self, line: int) -> int:
        return self.first.original(self.then.original(line))


def _composed(narrowed: Mapping[str, Rewritten], renewed: Mapping[str, Rewritten]) -> dict[str, Rewritten]:
    """The token of a generation comes into what was narrowed."""
    twice = {path: _Twice(first=narrowed[path], then=renewed[path]) for path in narrowed.keys() & renewed.keys()}
    return {**narrowed, **renewed, **twice}


# Generations ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renewing:
    """What a token changes in a checkout."""

    texts: Mapping[str, Renewed] = field(default_factory=dict)
    foreign: tuple[Place, ...] = ()


def _renewing(source: Source, token: str, dockerfiles: frozenset[reach.Named]) -> _Renewing:
    """Every Earthfile, these Dockerfiles, and every file that an Earthfile may take for one: builds that share a token share the checkout."""
    texts: dict[str, Renewed] = {}
    wanted = set(dockerfiles)
    foreign: list[Place] = []
    for path, text in _earthfiles(source):
        texts[path] = renewed_earthfile(text, token, file=path)
        with contextlib.suppress(EarthfileError):  # nothing can be built from it, and whoever tries is told
            parsed = parse(text, file=path)
            wanted |= reach.dockerfiles(parsed, posixpath.dirname(path))
            foreign += reach.foreign(parsed)
    for path, text in _candidates(source, wanted):
        texts[path] = renewed_dockerfile(text, token, file=path)
    return _Renewing(texts={path: found for path, found in texts.items() if found.added}, foreign=tuple(foreign))


def _earthfiles(source: Source) -> Iterator[tuple[str, str]]:
    for path, entry in sorted(source.listing.entries.items()):
        if entry.kind is Kind.FILE and posixpath.basename(path) in _EARTHFILES:
            yield path, source.text(path) or ""


def _candidates(source: Source, wanted: set[reach.Named]) -> Iterator[tuple[str, str]]:
    for path, entry in sorted(source.listing.entries.items()):
        is_candidate = entry.kind is Kind.FILE and posixpath.basename(path) not in _EARTHFILES and any(named.matches(path) for named in wanted)
        if is_candidate and (text := _small_text(source, path)) is not None:
            yield path, text


def _small_text(source: Source, path: str) -> str | None:
    found = b""
    for piece in pieces(source, path):
        found += piece
        if len(found) > _LARGEST:
            return None
    return found.decode("utf-8", "surrogateescape")


class _Texts:
    """Files with other texts, as a layer over the source that has them."""

    def __init__(self, source: Source, texts: Mapping[str, Rewritten]) -> None:
        self._texts = texts
        self.entries: Mapping[str, Entry] = {path: source.listing.entries[path] for path in texts}

    def open(self, path: str) -> bytes:
        return self._texts[path].text.encode("utf-8", "surrogateescape")

    def fingerprint(self, path: str) -> str:
        return fingerprint_of(self.entries[path], sha256(self.open(path)))
