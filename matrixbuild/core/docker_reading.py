"""A Dockerfile and the directory it is built in -> what a build of it depends on, at most: every file of the context, every ARG that is given."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from matrixbuild.core.earthfile.dockerfile_text import Instruction, arg_words, instructions, listed, one
from matrixbuild.core.earthfile.expansion import Dialect, expand
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.values import Value
from matrixbuild.core.listing import Kind, Listing
from matrixbuild.core.problems import Place

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
_BUILT_IN = frozenset({*_PROXIES, *map(str.lower, _PROXIES), "BUILDKIT_INLINE_CACHE", "SOURCE_DATE_EPOCH"})
"""ARGs that a Dockerfile need not declare (Docker's predefined ones, and BuildKit's)."""
_PLATFORM = {"PLATFORM": "linux/amd64", "OS": "linux", "ARCH": "amd64", "VARIANT": ""}
_PLATFORM_ARGS = {f"{prefix}{name}": value for prefix in ("BUILD", "TARGET") for name, value in _PLATFORM.items()}
"""A build's platform is a constant: what is built must not depend on the machine that builds."""
_DESTINATIONS = ("target", "dst", "destination")
_REMOTE = re.compile(r"(?:https?|git|ssh)://|git@|github\.com/", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerReading:
    """`files` are entries of the source, `bases` refs, `declared` ARGs; `timed`: it executes commands or fetches, whose results hang on when.
    `secrets` are those that a RUN mounts, by id; None where one is named by a variable, and could be any."""

    files: tuple[str, ...]
    bases: tuple[str, ...]
    declared: frozenset[str]
    timed: bool
    secrets: frozenset[str] | None = frozenset()


def dockerfile_path(context: str, dockerfile: str) -> str:
    """Where in the source a Dockerfile is; EarthfileError for one outside it."""
    path = posixpath.normpath(posixpath.join(context, dockerfile))
    if path.startswith(("../", "/")) or path == "..":
        raise EarthfileError(Fault.FILE_NOT_FOUND, f"the Dockerfile {path} is outside the source")
    return path


def read_dockerfile(text: str, *, context: str, dockerfile: str, listing: Listing, args: Mapping[str, str]) -> DockerReading:
    """Raises EarthfileError for a Dockerfile that is none, for a FROM that names no image, and for a context that is no directory of the source."""
    path = dockerfile_path(context, dockerfile)
    found = instructions(text, file=path)
    if not any(each.name == "FROM" for each in found):
        raise EarthfileError(Fault.SYNTAX, "the Dockerfile has no FROM", place=Place(file=path, line=1))
    everything = tuple(_with_triggers(found))
    declared = frozenset(name for each in everything if each.name == "ARG" for name, _ in arg_words(each))
    return DockerReading(
        files=tuple(dict.fromkeys((*_inside(context, listing), *_beside(path, listing)))),
        bases=tuple(dict.fromkeys((*_started_from(found, args), *_taken_from(everything)))),
        declared=declared | _BUILT_IN,
        secrets=_mounted(everything),
        timed=any(each.name == "RUN" or _fetches(each) for each in everything),
    )


def _inside(context: str, listing: Listing) -> tuple[str, ...]:
    """All that is below the context. What an ignore file keeps away counts too."""
    below = posixpath.normpath(context)
    if below == ".":
        return tuple(sorted(listing.entries))
    entry = listing.entries.get(below)
    if entry is None or entry.kind is not Kind.DIRECTORY:
        raise EarthfileError(Fault.FILE_NOT_FOUND, f"the source has no directory {below}", place=None)
    return tuple(sorted(each for each in listing.entries if each.startswith(f"{below}/")))


def _beside(path: str, listing: Listing) -> tuple[str, ...]:
    """The Dockerfile, and the ignore file of its own: it counts wherever the context is."""
    ignoring = f"{path}.dockerignore"
    return (path, ignoring) if ignoring in listing.entries else (path,)


def _with_triggers(found: Iterable[Instruction]) -> Iterator[Instruction]:
    """The instructions, and those that an ONBUILD has a later stage do."""
    for each in found:
        yield each
        if each.name == "ONBUILD":
            yield one(each.value, place=each.place)


def _started_from(found: tuple[Instruction, ...], args: Mapping[str, str]) -> Iterator[str]:
    """The images that a FROM names and no stage above it is; ARGs before the first FROM count."""
    values = {**_PLATFORM_ARGS, **{name: args[name] for name in _PLATFORM_ARGS if name in args}}
    stages: set[str] = set()
    started = False
    for each in found:
        if each.name == "ARG" and not started:
            for name, default in arg_words(each):
                given = args.get(name, None if default is None else _expanded(default, values))
                values |= {} if given is None else {name: given}
        elif each.name == "FROM":
            started = True
            base = _base(each, values)
            if base != "scratch" and base.lower() not in stages:
                yield base
            stages |= _named(each)


def _base(instruction: Instruction, values: Mapping[str, str]) -> str:
    words = instruction.rest.split()
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
        raise instruction.error("FROM needs an image, and AS before a name", hint="write FROM image AS name")
    base = _expanded(words[0], values)
    if not base:
        raise instruction.error(f"the base image {words[0]} is empty", fault=Fault.INVALID_ARG, hint="give its ARG a default, or pass it")
    return base


def _named(instruction: Instruction) -> set[str]:
    """The name of the stage that a FROM begins, if it has one."""
    return {word.lower() for word in instruction.rest.split()[2:3]}


def _taken_from(found: tuple[Instruction, ...]) -> Iterator[str]:
    """The images that files are copied or mounted from. A stage further down is one too: BuildKit knows all before it builds any."""
    stages = set[str]().union(*(_named(each) for each in found if each.name == "FROM"))
    for each in found:
        for origin in _origins(each):
            if "$" in origin:
                hint = "write FROM ... AS name with the variable, and name that stage"
                raise each.error(f"{each.name} cannot take from {origin}: variables do not count there", fault=Fault.INVALID_ARG, hint=hint)
            if origin.lower() not in stages and not origin.isdecimal() and origin != "scratch":
                yield origin


def _origins(instruction: Instruction) -> Iterator[str]:
    if instruction.name in ("COPY", "ADD") and (origin := instruction.flag("from")):
        yield origin
    for mount in _mounts(instruction):
        if mount.get("from"):
            yield mount["from"]


def _mounts(instruction: Instruction) -> Iterator[dict[str, str]]:
    for name, value in instruction.flags if instruction.name == "RUN" else ():
        if name == "mount":
            yield {key.strip().lower(): text for key, _, text in (each.partition("=") for each in value.split(","))}


def _mounted(found: Iterable[Instruction]) -> frozenset[str] | None:
    """The ids of secrets; one without has the name of the file it is mounted as (Dockerfile reference, RUN --mount=type=secret)."""
    mounts = [mount for each in found for mount in _mounts(each) if mount.get("type") == "secret"]
    ids = [mount.get("id") or posixpath.basename(next((mount[key] for key in _DESTINATIONS if mount.get(key)), "")) for mount in mounts]
    return None if any("$" in each for each in ids) else frozenset(filter(None, ids))


def _fetches(instruction: Instruction) -> bool:
    """Whether it is an ADD of what the network has. A variable may hold an address."""
    return instruction.name == "ADD" and any(_REMOTE.match(word) or word.startswith("$") for word in listed(instruction)[:-1])


def _expanded(word: str, values: Mapping[str, str]) -> str:
    def value(name: str) -> Value | None:
        return Value(text=values[name]) if name in values else None

    return expand(word, value, dialect=Dialect.DOCKER).text
