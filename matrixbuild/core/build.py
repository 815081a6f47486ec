"""Demands and what they read become builds: the deduplicated units of work, each with the key that is its identity (design.md 6)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from matrixbuild.core import collisions, graph, naming
from matrixbuild.core.cells import Cell
from matrixbuild.core.compact import digest_of
from matrixbuild.core.demand import NEED_HOST, Demand, Resources, Written, cell_digest, need_token
from matrixbuild.core.inputs import Inputs, Pairs, folded
from matrixbuild.core.names import DIGEST, ImageName
from matrixbuild.core.problems import InvalidError, Place
from matrixbuild.core.reading import Reading

KEY_VERSION = 1
"""Goes into every key: raise it when the same inputs must count as another build."""

NEED_TOKEN = re.compile(rf"{re.escape(NEED_HOST)}/(?P<target>[^@\s]*)@(?P<digest>{DIGEST.pattern})")
"""A need token inside an arg (demand.need_token)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One invocation of an engine, for all cells whose demands have its key.

    `args` are the used ones, sorted; a need token in them carries the key of the needed build. `name_only` are those that the Earthly target
    declares and that reach nothing but image names, as the first cell gives them: passed, and in no key. `needs` are (name, key), sorted. `cells`
    are each cell with its final image names (none where the target has no image). `image` is the repository the content tag goes to (None
    without an image), `artifacts` are (path in the target, file name). `inputs` is what the lock records.
    """

    name: str
    key: str
    target: str
    earthly: str
    engine: str
    args: Pairs
    name_only: Pairs
    needs: Pairs
    cells: tuple[tuple[Cell, tuple[ImageName, ...]], ...]
    image: ImageName | None
    artifacts: Pairs
    resources: Resources
    inputs: Inputs
    place: Place
    tag: Written | None = None

    @property
    def slug(self) -> str:
        """The name made safe for paths, at most 89 characters."""
        return naming.slug(self.name)

    @property
    def passed(self) -> Pairs:
        """All args that an engine is given, sorted."""
        return tuple(sorted((*self.args, *self.name_only)))

    @property
    def content_tag(self) -> str:
        return f"mb-{self.key.partition(':')[2][:20]}"

    @property
    def content_image(self) -> ImageName | None:
        """Where the build is pushed before it is published."""
        return self.image.with_tag(self.content_tag) if self.image else None

    @property
    def refs(self) -> tuple[ImageName, ...]:
        """All final image names, sorted, each once."""
        return tuple(sorted({ref for _, refs in self.cells for ref in refs}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """One demand of a build."""

    demand: Demand
    reading: Reading
    key: str
    args: Pairs
    name_only: Pairs
    needs: frozenset[str]


def build_key(
    *,
    engine: str,
    commands: str,
    args: Pairs = (),
    files: Pairs = (),
    bases: Sequence[str] = (),
    needs: Sequence[str] = (),
    artifacts: Sequence[str] = (),
    generation: str = "",
) -> str:
    """The identity of a build: a digest of everything that can change its bytes (design.md 6), in any order.

    `needs` are keys; a need token in `args` counts as the key it carries, whatever the needed target is called. `artifacts` are the paths
    that are taken out: what they are called afterwards changes no bytes.
    """
    material: dict[str, object] = {
        "keyVersion": KEY_VERSION,
        "engine": engine,
        "commands": commands,
        "args": {name: NEED_TOKEN.sub(lambda token: need_token("", token["digest"]), value) for name, value in args},
        "files": _files_digest(files),
        "bases": sorted(set(bases)),
        "needs": sorted(set(needs)),
        "artifacts": sorted(set(artifacts)),
    }
    return digest_of(material | ({"generation": generation} if generation else {}))


def builds(demands: Sequence[Demand], readings: Mapping[graph.Address, Reading]) -> tuple[Build, ...]:
    """Demands with one key become one build; sorted by name, the same for every order of `demands`.

    `readings` has one for each demand's address. Raises InvalidError with everything that is wrong: cycles and unmet needs; else image
    names that two keys would publish, artifact names that vary within a build, artifact paths that are written twice.
    """
    members = _members(demands, readings)
    groups: defaultdict[str, list[_Member]] = defaultdict(list)
    for member in sorted(members.values(), key=lambda member: graph.show(member.demand.address)):
        groups[member.key].append(member)
    named = naming.names([_nameless(group) for group in groups.values()])
    made = tuple(sorted((_build(group, named) for group in groups.values()), key=lambda build: build.name))
    varying = [problem for group in groups.values() for problem in collisions.varying_artifacts([member.demand for member in group])]
    if problems := [*varying, *collisions.shared_refs(made), *collisions.artifacts_written_twice(made)]:
        raise InvalidError(*problems)
    return made


def needed_keys(value: str) -> tuple[str, ...]:
    """The keys of the builds whose images an arg of a Build holds, in order."""
    return tuple(token["digest"] for token in NEED_TOKEN.finditer(value))


def with_needs(value: str, images: Mapping[str, str]) -> str:
    """An arg of a Build as an engine gets it: each need token replaced by the image (`repository@digest`) of that key. KeyError without one."""
    return NEED_TOKEN.sub(lambda token: images[token["digest"]], value)


@lru_cache(maxsize=4096)  # thousands of builds read the same files
def _files_digest(files: Pairs) -> str:
    return digest_of(sorted(files))


def _members(demands: Sequence[Demand], readings: Mapping[graph.Address, Reading]) -> dict[graph.Address, _Member]:
    # From the leaves up, in steps and without recursion: a key holds the keys of its needs, and chains may be thousands long.
    by_address = {demand.address: demand for demand in demands}
    members: dict[graph.Address, _Member] = {}
    for step in graph.generations(demands):
        for address in step:
            members[address] = _member(by_address[address], readings[address], members)
    return members


def _member(demand: Demand, reading: Reading, done: Mapping[graph.Address, _Member]) -> _Member:
    tokens = {need_token(target, cell_digest(cell)): need_token(target, done[target, cell].key) for target, cell in demand.needs}
    values = {arg.name: NEED_TOKEN.sub(lambda token: tokens[token[0]], arg.value) for arg in demand.args}
    args = tuple(sorted((name, value) for name, value in values.items() if name in reading.used))
    needs = frozenset(done[need].key for need in demand.needs)
    key = build_key(
        engine=reading.engine,
        commands=reading.commands,
        args=args,
        files=reading.files,
        bases=reading.bases,
        needs=tuple(needs),
        artifacts=tuple(artifact.path for artifact in demand.artifacts),
    )
    name_only = tuple(sorted((name, value) for name, value in values.items() if name in reading.named))
    return _Member(demand=demand, reading=reading, key=key, args=args, name_only=name_only, needs=needs)


def _nameless(group: Sequence[_Member]) -> naming.Nameless:
    axes = frozenset(axis for member in group for arg in member.demand.args if arg.name in member.reading.used for axis in arg.axes)
    cells = tuple(member.demand.cell for member in group)
    return naming.Nameless(key=group[0].key, target=group[0].demand.target, axes=axes, cells=cells)


def _build(group: Sequence[_Member], named: Mapping[str, str]) -> Build:
    first = group[0]
    images = sorted(member.demand.image for member in group if member.demand.image)
    needs = tuple(sorted((named[key], key) for key in first.needs))
    return Build(
        name=named[first.key],
        key=first.key,
        target=first.demand.target,
        earthly=first.demand.earthly,
        engine=first.reading.engine,
        args=first.args,
        name_only=first.name_only,
        needs=needs,
        cells=_cells(group),
        image=images[0].with_tag("") if images else None,
        artifacts=tuple(sorted((artifact.path, artifact.name) for artifact in first.demand.artifacts)),
        resources=_most(group),
        inputs=_inputs(first, needs),
        place=first.demand.place,
        tag=first.demand.tag,
    )


def _cells(group: Sequence[_Member]) -> tuple[tuple[Cell, tuple[ImageName, ...]], ...]:
    # Two targets may ask for the same bytes in one cell: then the cell has both image names.
    refs: defaultdict[Cell, set[ImageName]] = defaultdict(set)
    for member in group:
        refs[member.demand.cell] |= {member.demand.image} if member.demand.image else set()
    return tuple((cell, tuple(sorted(refs[cell]))) for cell in sorted(refs, key=str))


def _most(group: Sequence[_Member]) -> Resources:
    most: dict[str, int] = {}
    for member in group:
        for pool, amount in member.demand.resources.amounts:
            most[pool] = max(amount, most.get(pool, 0))
    return Resources(amounts=tuple(sorted(most.items())))


def _inputs(member: _Member, needs: Pairs) -> Inputs:
    bases = sorted({tuple(base.partition("@")[::2]) for base in member.reading.bases})
    return Inputs(
        target=member.reading.commands,
        args=member.args,
        files=folded(member.reading.files),
        needs=needs,
        bases=tuple((ref, digest) for ref, digest in bases),
    )
