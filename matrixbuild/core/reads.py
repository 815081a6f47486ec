"""An evaluated Earthly target and the listing of its checkout -> which entries of the checkout its images and artifacts copy."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import Copied, Evaluation, FromContext, FromTree, copies_of
from matrixbuild.core.listing import Listing
from matrixbuild.core.lookup import Files, Listed, LookupFailedError, context, expand, links_below, resolve
from matrixbuild.core.patterns import PatternError, clean, has_wildcard, if_exists_pattern, include_pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """`paths`: every file, directory and symlink of the checkout that is copied, sorted, relative to its root. `absent`: the sources of
    COPY --if-exists that matched nothing, as `directory/pattern`, sorted: they read nothing now and will once there is something."""

    paths: tuple[str, ...]
    absent: tuple[str, ...] = ()


def reads(evaluation: Evaluation, listing: Listing) -> Reads:
    """As `Reader.reads`, for one evaluation alone."""
    return Reader(listing).reads(evaluation)


class Reader:
    """Answers for many evaluations over one listing: what one COPY reads is worked out once, however many builds share it."""

    def __init__(self, listing: Listing) -> None:
        self.listed = Listed(listing.entries)
        self._views: dict[tuple[object, ...], Listed] = {}
        self._found: dict[tuple[object, ...], tuple[tuple[str, ...], tuple[str, ...]] | EarthfileError] = {}

    def reads(self, evaluation: Evaluation) -> Reads:
        """What the target's image, its artifacts, its saved images and its local files read.

        Raises EarthfileError at the place of the COPY: FILE_NOT_FOUND where a source (not of --if-exists) means nothing,
        INVALID_ARG where a pattern is malformed.
        """
        paths: set[str] = set()
        absent: set[str] = set()
        for copied in copies(evaluation):
            found, missed = self._copied(copied)
            paths.update(found)
            absent.update(missed)
        return Reads(paths=tuple(sorted(paths)), absent=tuple(sorted(absent)))

    def read(self, copied: Copied) -> Reads:
        """What one COPY reads. Raises as `reads`."""
        paths, absent = self._copied(copied)
        return Reads(paths=tuple(sorted(paths)), absent=tuple(sorted(absent)))

    def _copied(self, copied: Copied) -> tuple[tuple[str, ...], tuple[str, ...]]:
        flags = copied.flags
        sources = tuple(_key(source) for source in copied.sources if isinstance(source, FromContext))
        key = (sources, flags.if_exists, flags.wildcard, flags.empty_wildcard)
        known = self._found.get(key)
        if known is None:
            self._found[key] = known = self._look(copied)
        if isinstance(known, EarthfileError):
            # The same sources may stand in another COPY, which has its own place.
            raise EarthfileError(known.fault, known.summary, place=copied.place, hint=known.hint)
        return known

    def _look(self, copied: Copied) -> tuple[tuple[str, ...], tuple[str, ...]] | EarthfileError:
        paths: list[str] = []
        absent: list[str] = []
        try:
            for source in copied.sources:
                if isinstance(source, FromContext):
                    found = list(self._source(source, copied))
                    paths += found
                    absent += [] if found else [posixpath.join(source.directory, source.pattern)]
        except EarthfileError as error:
            return error
        except LookupFailedError as error:
            return not_found(copied, error.path)
        return tuple(paths), tuple(absent)

    def _source(self, source: FromContext, copied: Copied) -> Iterator[str]:
        directory = resolve(self.listed, source.directory)
        view = self.view(source, copied)
        links: list[str] = []
        for path in matched(view, source, copied):
            real = resolve(view, path, follow=follows(source, copied), on_link=links.append)
            if view.kind(real) is None:
                raise not_found(copied, f"/{real}")
            yield from (posixpath.join(directory, below) for below in view.below(real))
        yield from (posixpath.join(directory, link) for link in links)

    def view(self, source: FromContext, copied: Copied) -> Listed:
        """What the build of `copied` sees of the directory of `source`."""
        included = sent_with(source, copied)
        key = (source.directory, source.ignored, included)
        if key not in self._views:
            try:
                self._views[key] = context(self.listed, source.directory, included=included, ignored=source.ignored)
            except PatternError as error:
                raise EarthfileError(Fault.INVALID_ARG, f"{error}", place=copied.place) from error
        return self._views[key]


def sent_with(source: FromContext, copied: Copied) -> tuple[str, ...] | None:
    """The patterns of what is sent to the build for a source: all sources of its COPY from the same directory travel together
    (so a symlink can lead to a file that is copied beside it); None for a Dockerfile's, which sees the whole directory.
    """
    if source.whole:
        return None
    beside = [other for other in copied.sources if isinstance(other, FromContext) and other.directory == source.directory]
    return tuple(include_pattern(other.pattern) for other in beside)


def follows(source: FromContext | FromTree, copied: Copied) -> bool:
    """Whether a source that is a symlink is followed: Earthly hears --symlink-no-follow for artifacts alone."""
    return copied.flags.follow_symlinks or isinstance(source, FromContext)


def matched(files: Files, source: FromContext | FromTree, copied: Copied) -> list[str]:
    """The paths in `files` that one source of a COPY means, relative to the root of `files`.

    EarthfileError where that is nothing and may not be: FILE_NOT_FOUND, or INVALID_ARG for a malformed pattern.
    """
    flags = copied.flags
    wanted = if_exists_pattern(source.pattern) if flags.if_exists else source.pattern
    if flags.if_exists and source.pattern and (not wanted or clean(source.pattern) == "/"):
        summary = "COPY --if-exists cannot take all there is: Earthly crashes over it"
        raise EarthfileError(Fault.INVALID_ARG, summary, place=copied.place, hint="leave --if-exists out, or name what may not be there")
    absolute = clean(f"/{wanted}")
    if not flags.wildcard:
        return [absolute.lstrip("/")]
    try:
        paths = expand(files, absolute, follow=follows(source, copied))
        if follows(source, copied) and has_wildcard(absolute):
            _check_links(files, paths)
    except LookupFailedError as error:
        raise not_found(copied, error.path) from error
    except PatternError as error:
        raise EarthfileError(Fault.INVALID_ARG, f"{error}", place=copied.place) from error
    if not paths and not (flags.if_exists or flags.empty_wildcard):
        raise not_found(copied, absolute)
    return paths


def _check_links(files: Files, paths: list[str]) -> None:
    """LookupFailedError where a symlink at or below a path leads nowhere: BuildKit follows all of them where there was a wildcard, for its cache key
    (contenthash, Checksum with FollowLinks and Wildcard), though it copies those below a directory as they are."""
    for link in (link for path in paths for link in links_below(files, path)):
        if files.kind(real := resolve(files, link)) is None:
            raise LookupFailedError(f"/{real}")


def not_found(copied: Copied, path: str) -> EarthfileError:
    return EarthfileError(
        Fault.FILE_NOT_FOUND,
        f"nothing to copy at {path}",
        place=copied.place,
        hint=_NOT_ASCII
        if any(isinstance(source, FromContext) and not source.whole and not source.pattern.isascii() for source in copied.sources)
        else "paths start at the Earthfile's directory; a link is followed only to what the same COPY names, and an ignore file may hide it",
    )


_NOT_ASCII = "Earthly cannot copy files by names that are not ASCII: write * for such letters, or copy the directory that the files are in"


def copies(evaluation: Evaluation) -> Iterator[Copied]:
    """Every COPY that anything of the evaluation rests on, each once."""
    saved = (*(image.image.tree for image in evaluation.images), *(local.tree for local in evaluation.locals))
    return copies_of(evaluation.image.tree, evaluation.artifacts, *saved, *evaluation.consulted)


def _key(source: FromContext) -> tuple[object, ...]:
    return source.directory, source.pattern, source.ignored, source.whole
