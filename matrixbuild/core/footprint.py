"""An examined Earthly target -> what of a checkout can reach it, path by path, whether or not there is (still, or already) such a file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from matrixbuild.core.earthfile.evaluate import Examined
from matrixbuild.core.earthfile.findings import Opacity
from matrixbuild.core.earthfile.recipe import FromContext
from matrixbuild.core.listing import Kind, Listing
from matrixbuild.core.lookup import Listed, LookupFailedError, resolve
from matrixbuild.core.patterns import PathPatterns, PatternError, glob_match

EARTHFILES = ("Earthfile", "build.earth")
_CLASS = re.compile(r"(?:\\.)|(\[(?:\\.|[^\]\\])*\]?)", re.DOTALL)
_IN_DIRECTORY = frozenset({*EARTHFILES, ".earthignore", ".earthlyignore"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What one call of an Earthly target goes through, on every branch that may be taken.

    `target` is the one that was called, `targets` are all Earthly targets on its path (`sub+image`). `texts` are (path, Earthly target) as in
    recipe.Evaluation, `folders` patterns of directories in which Earthfiles are looked for, `sources` what an Earthly target copies from the
    checkout. `whole`: it is not known what is read, so that every path counts.
    """

    target: str
    targets: tuple[str, ...]
    texts: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()
    sources: tuple[tuple[str, FromContext], ...] = ()
    whole: bool = False


def footprint(examined: Examined) -> Footprint:
    findings, evaluation = examined.findings, examined.evaluation
    sources = ((str(taken.visit), source) for taken in findings.taken for source in taken.copied.sources if isinstance(source, FromContext))
    distinct = {(target, _key(source)): (target, source) for target, source in sources}
    return Footprint(
        target=str(examined.visit),
        targets=evaluation.targets,
        texts=evaluation.texts,
        folders=evaluation.folders,
        sources=tuple(distinct.values()),
        whole=any(opaque.kind is Opacity.INPUTS for opaque in findings.opaque),
    )


class Reach:
    """Answers for many footprints over one listing; what one COPY can take is worked out once."""

    def __init__(self, listing: Listing) -> None:
        self._listed = Listed(listing.entries)
        self._links = {path: entry.target for path, entry in listing.entries.items() if entry.kind is Kind.SYMLINK}
        self._areas: dict[tuple[object, ...], _Area] = {}
        self._known: dict[tuple[tuple[object, ...], str], bool] = {}

    def targets(self, found: Footprint, path: str) -> tuple[str, ...]:
        """The Earthly targets of a footprint that a path can reach, sorted; none where it can reach none. At least those that read it, for any
        state of that path before and after. A directory's path counts for everything in it."""
        reached = {target for target, source in found.sources if self.copies(source, path)}
        reached.update(target for text, of in found.texts if _within(text, path) for target in _readers(found, text, of))
        if any(_touches((*pattern.split("/"), name), path) for pattern in found.folders for name in EARTHFILES) or (found.whole and not reached):
            reached.add(found.target)
        return tuple(sorted(reached))

    def copies(self, source: FromContext, path: str) -> bool:
        """Whether a source of a COPY can come to take something at, below or above a path."""
        key = _key(source), path
        if key not in self._known:
            self._known[key] = self._area(source).has(path)
        return self._known[key]

    def _area(self, source: FromContext) -> _Area:
        key = _key(source)
        if key not in self._areas:
            self._areas[key] = _Area.of(source, self._listed, self._links)
        return self._areas[key]


@dataclass(slots=True, kw_only=True)
class _Area:
    """Where the source of a COPY leads: `ways` are the paths that decide where it leads, `places` are patterns of what it takes, each as parts;
    `hidden` tells what below `directory` an ignore file keeps away."""

    directory: str
    hidden: PathPatterns | None
    ways: set[tuple[str, ...]]
    places: set[tuple[str, ...]]

    @classmethod
    def of(cls, source: FromContext, listed: Listed, links: dict[str, str]) -> _Area:
        ways = {_parts(source.directory)}
        try:
            directory = resolve(listed, source.directory, on_link=lambda link: ways.add(_parts(link)))
        except LookupFailedError:
            directory = source.directory
        ways.add(_parts(directory))
        pattern = posixpath.normpath(f"/{source.pattern}").lstrip("/")
        area = cls(directory=directory, hidden=_hidden(source.ignored), ways=ways, places={(*map(_literal, _parts(directory)), *_parts(pattern))})
        area._follow(links)
        return area

    def _follow(self, links: dict[str, str]) -> None:
        """Where a link stands in a place, what it leads to is one too: all of it, however little of it is taken."""
        waiting = dict(links)
        while met := [link for link in waiting if self._below(link) and any(_touches(place, link) for place in self.places)]:
            for link in met:
                inside = posixpath.join("/", posixpath.dirname(link[len(self.directory) :].lstrip("/")), waiting.pop(link))
                self.places.add(tuple(map(_literal, _parts(posixpath.join(self.directory, posixpath.normpath(inside).lstrip("/"))))))

    def has(self, path: str) -> bool:
        # A way that ends is a directory of its own: only what is on it counts, not what is below.
        if any(way[: len(_parts(path))] == _parts(path) for way in self.ways if way):
            return True
        if not any(_touches(place, path) for place in self.places):
            return False
        return not (self.hidden and self._below(path) and self.hidden.matches(path[len(self.directory) :].lstrip("/")))

    def _below(self, path: str) -> bool:
        return not self.directory or path.startswith(f"{self.directory}/")


def _hidden(ignored: tuple[str, ...]) -> PathPatterns | None:
    """None where a path that is hidden could still hold one that is not."""
    try:
        return None if any(pattern.startswith("!") for pattern in ignored) else PathPatterns.of(ignored)
    except PatternError:
        return None


def _readers(found: Footprint, text: str, of: str) -> Iterator[str]:
    """The Earthly targets that a text is one of: those of its directory for an Earthfile; the called one where nothing tells."""
    directory, name = posixpath.split(text)
    here = [target for target in found.targets if target.rpartition("+")[0] == directory] if name in _IN_DIRECTORY else []
    named = [target for target in here if not target.endswith("+base")]
    yield from [of] if of else named or here or [found.target]


def _within(text: str, path: str) -> bool:
    return text == path or text.startswith(f"{path}/")


def _touches(place: tuple[str, ...], path: str) -> bool:
    """Whether a path is at, below or above what a pattern means. What cannot be told part by part counts as meant."""
    for pattern, name in zip(place, _parts(path), strict=False):
        if any(_matches(each, "/") for each in _CLASS.findall(pattern) if each):
            return True  # parts no longer stand side by side
        if not _matches(pattern, name):
            return False
    return True


def _matches(pattern: str, name: str) -> bool:
    try:
        return pattern == name or glob_match(pattern, name)
    except PatternError:
        return True


def _literal(name: str) -> str:
    r"""A name as a pattern of itself: `a*` as `a\*`."""
    return "".join(f"\\{char}" if char in "\\*?[" else char for char in name)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _key(source: FromContext) -> tuple[object, ...]:
    return source.directory, source.pattern, source.ignored
