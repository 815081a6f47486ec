"""Demands and what they read become builds: the deduplicated units of work, each with the key that is its identity (design.md 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core import collisions, graph, naming
from matrixbuild.core.build_key import KEY_VERSION, NEED_TOKEN, build_key, needed_keys, with_needs
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Demand, DockerDemand, Resources, Written
from matrixbuild.core.indexes import overlapping_demands
from matrixbuild.core.inputs import Inputs, Pairs, folded
from matrixbuild.core.members import Member, members
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import InvalidError, Place
from matrixbuild.core.reading import Reading

__all__ = ["KEY_VERSION", "NEED_TOKEN", "Build", "build_key", "builds", "keys", "needed_keys", "with_needs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One invocation of an engine, for all cells whose demands have its key.

    `args` are the used ones, sorted; a need token in them carries the key of the needed build. `name_only` are those that the Earthly target
    declares and that reach nothing but image names, as the first cell gives them: passed, and in no key. `needs` are (name, key), sorted. `cells`
    are each cell with its final image names (none where the target has no image). `image` is the repository the content tag goes to (None
    without an image), `artifacts` are (path in the target, file name). `inputs` is what the lock records. `opaque`, `secrets` and `privileged`
    are told of it, as in core.reading.Reading. `targets` are all whose demands it answers, `target` the first of them; `variant`, `docker`,
    `ambient`, `keeps_files` and `timeout` as in core.demand.Demand.
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
    opaque: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    privileged: bool = False
    targets: tuple[str, ...] = ()
    answers: tuple[graph.Address, ...] = ()
    """The addresses of the demands that it answers: `targets` and `cells` in the pairs that there are."""
    variant: tuple[int, ...] = ()
    docker: DockerDemand | None = None
    ambient: tuple[str, ...] = ()
    keeps_files: bool = False
    timeout: float | None = None
    uncovered: tuple[str, ...] = ()
    """Axes that change its content and that its image name does not tell."""
    indexes: tuple[tuple[ImageName, tuple[str, ...]], ...] = ()
    """Those of its final names that stand for an index over its image and others', each with the axes of the index; sorted."""

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

    def index_of(self, ref: ImageName) -> tuple[str, ...]:
        """The axes of the index that a final name stands for; none where it is the image's own."""
        return next((axes for name, axes in self.indexes if name == ref), ()) if self.indexes else ()


def builds(
    demands: Sequence[Demand], readings: Mapping[graph.Address, Reading], *, generations: Mapping[str, str] | None = None
) -> tuple[Build, ...]:
    """Demands with one key become one build; sorted by name, the same for every order of `demands`.

    `readings` has one for each demand's address. `generations` are tokens by build name: a build that has one, and what needs it, has another
    key than without, and the same name. Raises InvalidError with everything that is wrong: cycles and unmet needs; else image
    names that two keys would publish, artifact names that vary within a build, artifact paths that are written twice.
    """
    groups, named = _grouped(members(demands, readings))
    if generations and not generations.keys().isdisjoint(named.values()):
        names = {member.demand.address: named[key] for key, group in groups.items() for member in group}
        tokens = {address: generations[name] for address, name in names.items() if name in generations}
        # The same demands are together as before; names stay those of before, too, for tokens are by name, and a name may hold a part of the key.
        groups, _ = _grouped(members(demands, readings, tokens))
        named = {key: names[group[0].demand.address] for key, group in groups.items()}
    shared = _Shared()
    made = tuple(sorted((_build(group, named, shared, generations or {}) for group in groups.values()), key=lambda build: build.name))
    # A demand that is a build by itself cannot contradict another.
    several = {key: [member.demand for member in group] for key, group in groups.items() if len(group) > 1}
    varying = [problem for group in several.values() for problem in collisions.varying_artifacts(group)]
    overlaps = [problem for key, group in several.items() for problem in overlapping_demands(group, named[key])]
    if problems := [*varying, *overlaps, *collisions.shared_refs(made), *collisions.artifacts_written_twice(made)]:
        raise InvalidError(*problems)
    return made


def _grouped(found: Mapping[graph.Address, Member]) -> tuple[dict[str, list[Member]], dict[str, str]]:
    """The members of each build, and its name, both by build key."""
    groups: defaultdict[str, list[Member]] = defaultdict(list)
    for member in sorted(found.values(), key=lambda member: graph.show(member.demand.address)):
        groups[member.key].append(member)
    return groups, naming.names([_nameless(group) for group in groups.values()])


def keys(demands: Sequence[Demand], readings: Mapping[graph.Address, Reading]) -> Mapping[graph.Address, str]:
    """The key of each demand's build, by its address. Arguments and errors as of `builds`, but for those of builds among each other."""
    return {address: member.key for address, member in members(demands, readings).items()}


def _nameless(group: Sequence[Member]) -> naming.Nameless:
    axes = frozenset().union(*{member.axes for member in group}) if len(group) > 1 else group[0].axes
    cells = tuple([member.demand.cell for member in group])
    return naming.Nameless(key=group[0].key, target=group[0].demand.target, axes=axes, cells=cells)


def _build(group: Sequence[Member], named: Mapping[str, str], shared: _Shared, generations: Mapping[str, str]) -> Build:
    first = group[0]
    image = min((member.demand.image for member in group if member.demand.image), default=None)
    needs = tuple(sorted((named[key], key) for key in first.needs))
    files, bases = shared.inputs(first.reading)
    name = named[first.key]
    return Build(
        name=name,
        key=first.key,
        target=first.demand.target,
        earthly=first.demand.earthly,
        engine=first.reading.engine,
        args=first.args,
        name_only=first.name_only,
        needs=needs,
        cells=_cells(group),
        image=shared.repository(image) if image else None,
        artifacts=tuple(sorted((artifact.path, artifact.name) for artifact in first.demand.artifacts)),
        resources=_most(group),
        inputs=Inputs(
            target=first.reading.commands,
            args=first.args,
            files=files,
            needs=needs,
            bases=bases,
            generation=generations.get(name, ""),
            secrets=first.secrets,
        ),
        place=first.demand.place,
        tag=first.demand.tag,
        opaque=first.reading.opaque,
        secrets=first.reading.secrets,
        privileged=first.reading.privileged,
        targets=tuple(sorted({member.demand.target for member in group})),
        answers=tuple([member.demand.address for member in group]),
        variant=first.demand.variant,
        docker=first.demand.docker,
        ambient=first.demand.ambient,
        keeps_files=any(member.demand.keeps_files for member in group),
        timeout=first.demand.timeout,
        uncovered=tuple(sorted(first.axes - first.demand.covered)) if image else (),
        indexes=tuple(sorted({(member.demand.image, member.demand.index) for member in group if member.demand.image and member.demand.index})),
    )


class _Shared:
    """What thousands of builds have in common, made once."""

    def __init__(self) -> None:
        self._inputs: dict[int, tuple[Reading, Pairs, Pairs]] = {}
        self._repositories: dict[tuple[str, str], ImageName] = {}

    def inputs(self, reading: Reading) -> tuple[Pairs, Pairs]:
        """The files and the base images of a reading as the lock records them."""
        # By the identity of the reading, which is kept so that no other gets it.
        if id(reading) not in self._inputs:
            bases = sorted({(ref, digest) for ref, _, digest in (base.partition("@") for base in reading.bases)})
            self._inputs[id(reading)] = reading, folded(reading.files), tuple(bases)
        return self._inputs[id(reading)][1:]

    def repository(self, image: ImageName) -> ImageName:
        """The name without tag and digest."""
        return self._repositories.setdefault((image.registry, image.repository), image.with_tag(""))


def _cells(group: Sequence[Member]) -> tuple[tuple[Cell, tuple[ImageName, ...]], ...]:
    # Two targets may ask for the same bytes in one cell: then the cell has both image names.
    if len(group) == 1:
        demand = group[0].demand
        return ((demand.cell, (demand.image,) if demand.image else ()),)
    refs: defaultdict[Cell, set[ImageName]] = defaultdict(set)
    for member in group:
        refs[member.demand.cell] |= {member.demand.image} if member.demand.image else set()
    return tuple([(cell, tuple(sorted(refs[cell]))) for cell in sorted(refs, key=str)])


def _most(group: Sequence[Member]) -> Resources:
    different = {id(member.demand.resources): member.demand.resources for member in group}
    if len(different) == 1:
        return group[0].demand.resources
    most: dict[str, int] = {}
    for resources in different.values():
        for pool, amount in resources.amounts:
            most[pool] = max(amount, most.get(pool, 0))
    return Resources(amounts=tuple(sorted(most.items())))
