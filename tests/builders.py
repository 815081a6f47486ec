"""Values for tests, with everything defaulted: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from matrixbuild.core.build import Build, builds
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.demand import Arg, ArtifactDemand, Asked, Demand, Resources, cell_digest, need_token
from matrixbuild.core.graph import Address
from matrixbuild.core.lock import Lock, LockedArtifact, LockedImage, Pins
from matrixbuild.core.lock_merge import Output, merge
from matrixbuild.core.names import ImageName, sha256
from matrixbuild.core.problems import Place
from matrixbuild.core.reading import Reading

LAYOUT = "oci-layout:out/registry"


def place(line: int = 1, *, file: str = "manifests/edge.yaml", text: str = "") -> Place:
    return Place(file=file, line=line, text=text)


def digest(text: str = "") -> str:
    """A well-formed digest: the same for the same text."""
    return sha256(text.encode())


def cell(**axes: str | bool | tuple[str, str]) -> Cell:
    """`cell(fips=True, os=("ubuntu", "22.04"))`: a tuple is distribution and version."""
    return Cell(values=tuple((name, _value(value)) for name, value in sorted(axes.items())))


def arg(name: str, value: str, *axes: str, line: int = 1) -> Arg:
    return Arg(name=name, value=value, axes=frozenset(axes), place=place(line))


def asking(one: Demand, **fields: object) -> Demand:
    """The demand of a target that asks for something else: `fields` are those of `Asked`."""
    return replace(one, asked=replace(one.asked, **fields))  # type: ignore[arg-type]


def need(target: str, needed: Cell) -> str:
    """The text that `{{ needs['target'].image }}` leaves in an arg."""
    return need_token(target, cell_digest(needed))


def demand(
    target: str = "provider",
    at: Cell | None = None,
    *,
    args: Iterable[Arg] = (),
    image: str | None = None,
    artifacts: Mapping[str, str] | None = None,
    needs: Iterable[tuple[str, Cell]] = (),
    resources: Mapping[str, int] | None = None,
    line: int = 1,
) -> Demand:
    """A demand for `target` at a cell; `artifacts` are path -> name."""
    pools = Resources(amounts=tuple(sorted((resources or {}).items())))
    return Demand(
        asked=Asked(target=target, earthly=f"+{target}", place=place(line), resources=pools),
        cell=at or cell(),
        args=tuple(args),
        image=ImageName.parse(image, layout=LAYOUT) if image else None,
        artifacts=tuple(ArtifactDemand(path=path, name=name, place=place(line)) for path, name in (artifacts or {}).items()),
        needs=tuple(needs),
    )


def reading(
    *used: str,
    engine: str = "embedded/1",
    commands: str = "FROM scratch",
    named: Iterable[str] = (),
    files: Mapping[str, str] | None = None,
    bases: Iterable[str] = (),
    opaque: Iterable[str] = (),
    secrets: Iterable[str] = (),
    privileged: bool = False,
) -> Reading:
    """What a demand reads; `commands` is any text that stands for the commands, `files` are path -> content."""
    fingerprints = tuple((path, digest(content)) for path, content in sorted((files or {}).items()))
    return Reading(
        engine=engine,
        commands=digest(commands),
        used=used,
        named=tuple(named),
        files=fingerprints,
        bases=tuple(bases),
        opaque=tuple(opaque),
        secrets=tuple(secrets),
        privileged=privileged,
    )


def read_by(demands: Iterable[Demand], **fields: Mapping[str, str] | str) -> dict[Address, Reading]:
    """Readings under which every demand uses all its args and reads the same `files`, by `commands` named after its target."""
    files = fields.get("files", {})
    assert not isinstance(files, str)
    return {each.address: reading(*(arg.name for arg in each.args), commands=f"COPY for {each.target}", files=files) for each in demands}


def build(target: str = "provider", at: Cell | None = None, *, files: Mapping[str, str] | None = None, value: str = "1", **fields: object) -> Build:
    """One build made of one demand that uses one ARG; other `fields` are those of `demand`."""
    one = demand(target, at, args=[arg("VALUE", value)], **fields)  # type: ignore[arg-type]
    (made,) = builds([one], read_by([one], files=files or {}))
    return made


def output(made: Build, text: str = "") -> Output:
    """What a build left: digests follow from its key and `text`."""
    image = LockedImage(digest=digest(f"{made.key}{text}"), media_type="application/vnd.oci.image.manifest.v1+json", size=7)
    artifacts = {name: LockedArtifact(sha256=digest(f"{made.key}{name}{text}")[7:], size=3) for _, name in made.artifacts}
    return Output(image=image if made.image else None, artifacts=tuple(sorted(artifacts.items())))


def lock_of(made: Iterable[Build], *, name: str = "edge", engine: str = "embedded/1", before: Lock | None = None) -> Lock:
    """The lock after all of these were built and published."""
    found = tuple(made)
    return merge(before, found, {each.key: output(each) for each in found}, name=name, pins=pins(engine))


def pins(engine: str = "embedded/1") -> Pins:
    return Pins(source=(("path", "edge"),), engine=engine)


def _value(value: str | bool | tuple[str, str]) -> AxisValue:
    if isinstance(value, tuple):
        return AxisValue(text="-".join(value), fields=(("distribution", value[0]), ("version", value[1])))
    return AxisValue(text=str(value).lower() if isinstance(value, bool) else value, scalar=value)
