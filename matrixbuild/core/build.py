"""Demands and what they read become builds: the deduplicated units of work, each with the key that is its identity (design.md 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core import collisions, graph, naming
from matrixbuild.core.build_key import KEY_VERSION, NEED_TOKEN, build_key, needed_keys, with_needs
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Asked, Demand, DockerDemand, Resources, Written
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
    for _, member in sorted(found.items(), key=lambda pair: graph.show(pair[0])):
        groups[member.counted.key].append(member)
    return groups, naming.names([_nameless(group) for group in groups.values()])


def keys(demands: Sequence[Demand], readings: Mapping[graph.Address, Reading]) -> Mapping[graph.Address, str]:
    """The key of each demand's build, by its address. Arguments and errors as of `builds`, but for those of builds among each other."""
    return {address: member.counted.key for address, member in members(demands, readings).items()}


def _nameless(group: Sequence[Member]) -> naming.Nameless:
    first = group[0].counted
    axes = frozenset().union(*{member.counted.axes for member in group}) if len(group) > 1 else first.axes
    cells = tuple([member.demand.cell for member in group])
    return naming.Nameless(key=first.key, target=group[0].demand.target, axes=axes, cells=cells)


def _build(group: Sequence[Member], named: Mapping[str, str], shared: _Shared, generations: Mapping[str, str]) -> Build:
    demand, counted, reading = group[0].demand, group[0].counted, group[0].reading
    asked = demand.asked
    asking = {id(member.demand.asked): member.demand.asked for member in group}
    image = min([member.demand.image for member in group if member.demand.image], default=None)
    needs = tuple(sorted([(named[key], key) for key in counted.needs])) if counted.needs else ()
    files, bases = shared.inputs(reading)
    name = named[counted.key]
    return Build(
        name=name,
        key=counted.key,
        target=asked.target,
        earthly=asked.earthly,
        engine=reading.engine,
        args=counted.args,
        name_only=group[0].name_only,
        needs=needs,
        cells=_cells(group),
        image=shared.repository(image) if image else None,
        artifacts=tuple(sorted([(artifact.path, artifact.name) for artifact in demand.artifacts])) if demand.artifacts else (),
        resources=_most(list(asking.values())),
        inputs=Inputs(
            target=reading.commands,
            args=counted.args,
            files=files,
            needs=needs,
            bases=bases,
            generation=generations.get(name, ""),
            secrets=counted.secrets,
        ),
        place=asked.place,
        tag=asked.tag,
        opaque=reading.opaque,
        secrets=reading.secrets,
        privileged=reading.privileged,
        targets=shared.targets(list(asking.values())),
        answers=tuple([member.demand.address for member in group]),
        variant=demand.variant,
        docker=demand.docker,
        ambient=asked.ambient,
        keeps_files=any(each.keeps_files for each in asking.values()),
        timeout=asked.timeout,
        uncovered=tuple(sorted(counted.axes - asked.covered)) if image else (),
        indexes=_indexes(group) if any(each.index for each in asking.values()) else (),
    )


class _Shared:
    """What thousands of builds have in common, made once."""

    def __init__(self) -> None:
        self._inputs: dict[int, tuple[Reading, Pairs, Pairs]] = {}
        self._repositories: dict[tuple[str, str], ImageName] = {}
        self._targets: dict[tuple[str, ...], tuple[str, ...]] = {}

    def inputs(self, reading: Reading) -> tuple[Pairs, Pairs]:
        """The files and the base images of a reading as the lock records them."""
        # By the identity of the reading, which is kept so that no other gets it.
        if id(reading) not in self._inputs:
            bases = sorted({(ref, digest) for ref, _, digest in (base.partition("@") for base in reading.bases)})
            self._inputs[id(reading)] = reading, folded(reading.files), tuple(bases)
        return self._inputs[id(reading)][1:]

    def targets(self, asking: Sequence[Asked]) -> tuple[str, ...]:
        """Their names, sorted."""
        names = tuple(sorted({asked.target for asked in asking}))
        return self._targets.setdefault(names, names)

    def repository(self, image: ImageName) -> ImageName:
        """The name without tag and digest."""
        place = image.registry, image.repository
        if place not in self._repositories:
            self._repositories[place] = image.with_tag("")
        return self._repositories[place]


def _cells(group: Sequence[Member]) -> tuple[tuple[Cell, tuple[ImageName, ...]], ...]:
    # Two targets may ask for the same bytes in one cell: then the cell has both image names.
    if len(group) == 1:
        demand = group[0].demand
        return ((demand.cell, (demand.image,) if demand.image else ()),)
    refs: defaultdict[Cell, set[ImageName]] = defaultdict(set)
    for member in group:
        refs[member.demand.cell] |= {member.demand.image} if member.demand.image else set()
    return tuple([(cell, tuple(sorted(refs[cell]))) for cell in sorted(refs, key=lambda cell: cell.text)])


def _indexes(group: Sequence[Member]) -> tuple[tuple[ImageName, tuple[str, ...]], ...]:
    demands = [member.demand for member in group]
    return tuple(sorted({(demand.image, demand.asked.index) for demand in demands if demand.image and demand.asked.index}))


def _most(asking: Sequence[Asked]) -> Resources:
    if len(asking) == 1:
        return asking[0].resources
    most: dict[str, int] = {}
    for asked in asking:
        for pool, amount in asked.resources.amounts:
            most[pool] = max(amount, most.get(pool, 0))
    return Resources(amounts=tuple(sorted(most.items())))
