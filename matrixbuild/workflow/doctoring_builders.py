"""What is to be built -> whether there is something here to build it with: the program, its builders, Docker; and the room and rights for that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.docker_engine import DockerEngine, container_state, docker_engine
from matrixbuild.adapters.engines.earthly.builders import addresses_of
from matrixbuild.adapters.engines.earthly.probing import DeafError, probe
from matrixbuild.adapters.engines.earthly.programs import NAMES, PROGRAM_VARIABLE, search_program
from matrixbuild.adapters.engines.earthly.user_config import UserConfig, read_user_config
from matrixbuild.adapters.kernel import SYS_RESOURCE, has_capability
from matrixbuild.adapters.machine import free_disk
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.builder_address import Address
from matrixbuild.core.buildkit_call import Spoken
from matrixbuild.core.checkup import Check, fail, warn
from matrixbuild.core.engine_use import EARTHLY_LINE
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.program import Program
from matrixbuild.core.quantities import told_amount
from matrixbuild.core.surroundings import EngineUse
from matrixbuild.workflow.doctoring_docker import check_contained, in_docker
from matrixbuild.workflow.doctoring_needs import Needs

_SECONDS = 5
_GI = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What there is to build with here: with `own` the program starts its daemon in Docker; `powerful`: containers here can have all rights."""

    program: Program | None = None
    engine: DockerEngine | None = None
    own: bool = False
    powerful: bool = True

    @property
    def elsewhere(self) -> bool:
        """Whether Docker itself is on another machine."""
        return bool(self.engine and self.engine.host and not self.engine.host.startswith("unix://"))


def check_builders(needs: Needs, environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Program, builders, Docker, disk and rights, in this order."""
    use = needs.manifest.engine if needs.manifest else EngineUse()
    try:
        engine, trouble = docker_engine(environ, seconds=_SECONDS), None
    except UnusableError as error:
        engine, trouble = None, error
    if in_docker(needs, use, engine, environ):
        contained = check_contained(use, needs, environ)
        bench = Bench(engine=engine, own=True, powerful=has_capability(SYS_RESOURCE) is not False)
        return (*contained, *_docker(needs, bench, trouble, environ), *_disk(needs, bench), *_privileges(needs, bench))
    program, first = _program(needs, use, environ)
    bench, checks = _builders(program, engine, needs, use, environ)
    docker = _docker(needs, bench, trouble, environ)
    return (*first, *checks, *docker, *_disk(needs, bench), *_privileges(needs, bench))


def _program(needs: Needs, use: EngineUse, environ: Mapping[str, str]) -> tuple[Program | None, tuple[Check, ...]]:
    if not needs.may_have("earthly"):
        return None, (Check(name="program", summary="no Earthly is needed: nothing of this manifest is built by it"),)
    try:
        found = search_program(use, environ, base=needs.base)
    except UnusableError as error:
        return None, (fail("program", str(error), error.problems[0].hint, needed=needs.has("earthly")),)
    passed = tuple(warn("program", f"passed over: {text}", "remove it from PATH if it is not used") for text in found.passed)
    if found.program:
        program = found.program
        return program, (Check(name="program", about=program.path, summary=f"{program.title}, {program.path} ({program.found})"), *passed)
    hint = f"install Earthly or EarthBuild {EARTHLY_LINE}, or name the program with engine.program or {PROGRAM_VARIABLE}"
    return None, (fail("program", f"neither {' nor '.join(NAMES)} is on PATH", hint, needed=needs.has("earthly")), *passed)


def _builders(
    program: Program | None, engine: DockerEngine | None, needs: Needs, use: EngineUse, environ: Mapping[str, str]
) -> tuple[Bench, tuple[Check, ...]]:
    if program is None:
        return Bench(engine=engine), ()
    try:
        user = read_user_config(program, environ)
        addresses = addresses_of(use, program, user, environ)
    except UnusableError as error:
        return Bench(program=program, engine=engine), (fail("builder", str(error), error.problems[0].hint, needed=needs.has("earthly")),)
    bench = Bench(program=program, engine=engine, own=not addresses, powerful=has_capability(SYS_RESOURCE) is not False)
    if bench.own:
        return bench, (_own_daemon(program, bench, needs, environ),)
    return bench, tuple(side_by_side(lambda address: _builder(address, program, user, needs, environ), addresses))


def _builder(address: Address, program: Program, user: UserConfig, needs: Needs, environ: Mapping[str, str]) -> Check:
    if not address.remote:
        return _container(address, needs, environ)
    try:
        spoken = probe(address, user.certificates if user.tls else None, seconds=_SECONDS)
    except DeafError as error:
        return fail("builder", f"{address.text} {error.reason}", error.hint, about=address.text, needed=needs.has("earthly"))
    return _known_builder(address, program, spoken, needs)


def _known_builder(address: Address, program: Program, spoken: Spoken, needs: Needs) -> Check:
    told = f"{address.text} is {spoken.package} {spoken.version}"
    if spoken.stock:
        hint = "start the buildkitd of Earthly or EarthBuild there"
        return fail("builder", f"{told}, with which Earthly cannot build", hint, about=address.text, needed=needs.has("earthly"))
    if program.flavor.value not in spoken.package:
        hint = "give program and builder of one project: only such are tested together"
        return warn("builder", f"{told}, and the program is {program.title}", hint, about=address.text)
    if not spoken.version.startswith(f"v{EARTHLY_LINE}."):
        return warn("builder", f"{told}, and the program is {program.title}", f"start a builder of {EARTHLY_LINE} there", about=address.text)
    return Check(name="builder", about=address.text, summary=told)


def _container(address: Address, needs: Needs, environ: Mapping[str, str]) -> Check:
    try:
        state = container_state(address.host, environ, seconds=_SECONDS)
    except UnusableError as error:
        return fail("builder", str(error), error.problems[0].hint, about=address.text, needed=needs.has("earthly"))
    if state == "running":
        return Check(name="builder", about=address.text, summary=f"{address.text} runs")
    what = f"is {state}" if state else "is not there"
    return warn("builder", f"the container {address.host} {what}", "the program starts it with the first build", about=address.text)


def _own_daemon(program: Program, bench: Bench, needs: Needs, environ: Mapping[str, str]) -> Check:
    name = f"{program.installation}-buildkitd"
    if bench.engine is None:
        hint = 'start Docker, or name a builder that runs: engine: {builders: ["tcp://HOST:8372"]}'
        if shutil.which("podman", path=environ.get("PATH")):
            return warn("builder", f"{program.title} is to start its own daemon with Podman, which was not looked into", hint)
        summary = f"{program.title} has nothing to build with: no builder is named, and no Docker answers to start its daemon in"
        return fail("builder", summary, hint, needed=needs.has("earthly"))
    return check_own_daemon(program, bench, needs, state=container_state(name, environ, seconds=_SECONDS))


def check_own_daemon(program: Program, bench: Bench, needs: Needs, *, state: str) -> Check:
    """The daemon that a program keeps in Docker; `state` is its container's ("": there is none)."""
    name = f"{program.installation}-buildkitd"
    if state == "running":
        return Check(name="builder", summary=f"the daemon of {program.title} runs on this machine (container {name})")
    if not bench.powerful and not bench.elsewhere:
        summary = f"{program.title} starts its daemon with --privileged, and this machine gives nobody CAP_SYS_RESOURCE: no such container starts"
        hint = 'name a builder that runs: engine: {builders: ["tcp://HOST:8372"]}'
        return fail("builder", summary, hint, needed=needs.has("earthly"))
    return Check(name="builder", summary=f"{program.title} starts its daemon on this machine with the first build (container {name})")


def _docker(needs: Needs, bench: Bench, trouble: UnusableError | None, environ: Mapping[str, str]) -> Iterator[Check]:
    needed = needs.has("docker") or (bench.own and needs.has("earthly") and not shutil.which("podman", path=environ.get("PATH")))
    if bench.engine is None:
        if needed:
            problem = trouble.problems[0] if trouble else None
            yield fail("docker", problem.summary if problem else "no Docker engine answers", problem.hint if problem else "")
        else:
            yield Check(name="docker", summary="no Docker engine answers, and nothing needs one")
    elif bench.engine.snap:
        hint = "install it from its own packages: in builds on this one, signatures of packages fail"
        yield warn("docker", f"Docker {bench.engine.version} was installed by snap", hint)
    else:
        rootless = ", rootless" if bench.engine.rootless else ""
        told = f"Docker {bench.engine.version}, cgroups v{bench.engine.cgroups}{rootless}, keeps its data in {bench.engine.root}"
        yield Check(name="docker", summary=told)


def _disk(needs: Needs, bench: Bench) -> Iterator[Check]:
    """What is free where builds leave their layers, against what they want of it; of a builder elsewhere nobody can tell from here."""
    place = _layers(needs, bench)
    free = free_disk(place)
    told = f"{free / _GI:.1f} GiB are free at {place}"
    wanted = {name: amount for build in needs.builds or () for name, amount in [(build.name, dict(build.resources.amounts).get("disk", 0))]}
    largest = max(wanted, key=lambda name: wanted[name], default="")
    limit = next((one.amount for one in needs.manifest.limits if one.pool == "disk"), 0) if needs.manifest else 0
    if largest and wanted[largest] > free:
        hint = "free some (`docker system prune`), or lower targets.*.resources.disk"
        yield fail("disk", f"{told}, and {largest} wants {told_amount('disk', wanted[largest])}", hint)
    elif limit > free:
        yield warn("disk", f"{told}, and schedule.limits.disk is {told_amount('disk', limit)}", "free some, or lower the limit")
    elif largest and wanted[largest]:
        yield Check(name="disk", summary=f"{told}; the largest build wants {told_amount('disk', wanted[largest])}")
    else:
        yield Check(name="disk", summary=told)


def _layers(needs: Needs, bench: Bench) -> Path:
    """Where the layers go: to Docker's own directory where its daemon is on this machine, else artifacts alone are written here."""
    root = Path(bench.engine.root) if bench.engine and bench.engine.root else None
    return root if root and root.is_dir() and (bench.own or needs.has("docker")) and not bench.elsewhere else needs.root


def _privileges(needs: Needs, bench: Bench) -> Sequence[Check]:
    targets = sorted({build.target for build in needs.builds or () if build.privileged})
    if not targets:
        return (Check(name="privileges", summary="no build asks for privileges"),) if needs.builds is not None else ()
    told = f"{', '.join(targets)} {'need' if len(targets) > 1 else 'needs'} privileges"
    if not bench.own:
        return (Check(name="privileges", summary=f"{told}, which their builders have to allow (insecure-entitlements of buildkitd)"),)
    if bench.engine and bench.engine.rootless:
        return (warn("privileges", f"{told}, and Docker is rootless", "privileged steps may fail there: use a builder elsewhere"),)
    return (Check(name="privileges", summary=f"{told}, and Docker on this machine can give them"),)
