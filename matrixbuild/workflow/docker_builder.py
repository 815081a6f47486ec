"""What was prepared, where no program is to be found -> Earthly through Docker: its image, one builder that stays, a container for each call."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.docker_config import docker_hosts
from matrixbuild.adapters.engines.contained.certificates import certificate_mounts
from matrixbuild.adapters.engines.contained.holds import Hold
from matrixbuild.adapters.engines.contained.host import Host, open_host
from matrixbuild.adapters.engines.contained.images import PROGRAM, Image, image_of, program_in
from matrixbuild.adapters.engines.contained.keeper import Keeper
from matrixbuild.adapters.engines.contained.logins import Logins
from matrixbuild.adapters.engines.contained.trial import StepTrial
from matrixbuild.adapters.engines.contained.vessel import Vessel, remove_left
from matrixbuild.adapters.engines.earthly.builders import Builder, Builders, addresses_of, open_builders
from matrixbuild.adapters.engines.earthly.starts import PER_CORE
from matrixbuild.adapters.engines.earthly.user_config import UserConfig, home, read_user_config, write_configs
from matrixbuild.adapters.git_mirror import cache_directory
from matrixbuild.adapters.machine import cores
from matrixbuild.core.build import Build
from matrixbuild.core.client_container import Client, Mount
from matrixbuild.core.engine_use import DEFAULT_IMAGE
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.problems import Problem, Severity, UnusableError
from matrixbuild.core.program import Program, scrubbed
from matrixbuild.core.shared_builder import BuilderSettings, builder_name
from matrixbuild.workflow.bench import Bench
from matrixbuild.workflow.planning import Prepared

HOLDS = "builders"
"""The directory of the cache directory where applies tell each other that they use a builder."""

_PROXIES = tuple(name for word in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY") for name in (word, word.lower()))
_KEPT = ("LANG", "LC_ALL", "TZ", "SSH_AUTH_SOCK")


def open_in_docker(
    prepared: Prepared,
    builds: Iterable[Build],
    held: ExitStack,
    *,
    children: Children,
    work: Path,
    remark: Callable[[Problem], None],
    environ: Mapping[str, str] = os.environ,
) -> Bench:
    """Everything that goes, goes with `held`; the builder stays, and its cache. `work` is a directory that only this run may read; `remark` hears
    what a person ought to know. Raises UnusableError where Docker, the image or a builder are not to be had."""

    def say(text: str) -> None:
        remark(Problem(summary=text, severity=Severity.WARNING, code="docker"))

    use = prepared.manifest.engine
    host = held.enter_context(open_host(environ))
    state = prepared.project.state(prepared.manifest.name)
    remove_left(host, state)
    held.callback(_remove_late, host, state, say)
    image = image_of(host, use.image or DEFAULT_IMAGE, place=use.place, say=say)
    network = _Network(prepared, work, environ)
    vessel = _vessel(host, image, network, Logins(network.home / ".docker", _hosts(prepared)), state)
    program = program_in(image, vessel, children, wanted=use.version, place=use.place)
    (network.home / program.directory).mkdir(exist_ok=True)
    user = read_user_config(program, environ)
    seen = network.seen
    if addresses := addresses_of(use, program, user, environ):
        _check_reachable(prepared, [address.text for address in addresses if not address.remote])
        vessel = replace(vessel, client=replace(vessel.client, mounts=(*vessel.client.mounts, *_known(user, network.home, program))))
        return Bench(program=program, builders=open_builders(use, program, work=work, children=children, environ=environ), seen=seen, vessel=vessel)
    plain = replace(user, data={**user.data, "global": {**user.settings, "tls_enabled": False}})
    configs = write_configs(plain, work, frontend=False)
    trial = StepTrial(
        vessel=vessel,
        children=children,
        program=PROGRAM,
        config=configs.patient,
        directory=work / "trial",
        architecture=image.architecture,
        environ=tuple(seen.items()),
    )
    name = builder_name(program.installation, os.getuid())
    hold = Hold(cache_directory(environ) / HOLDS, f"{name}-{host.fingerprint}")
    held.callback(hold.close)
    keeper = Keeper(host, image, hold, name=name, trial=trial, say=say)
    settings = BuilderSettings(
        image=image.id,
        cache=use.cache,
        privileged=any(build.privileged for build in builds),
        proxies=network.proxies,
        insecure=tuple(sorted({entry.value.lower() for entry in prepared.manifest.network.insecure})),
        certificates=network.certificates,
    )
    builder = Builder(configs=configs, place=keeper.open(settings), keeper=keeper)
    return Bench(program=program, builders=Builders([builder], at_once=PER_CORE * cores()), seen=seen, vessel=vessel)


def _remove_late(host: Host, state: Path, say: Callable[[str], None]) -> None:
    """A container that Docker had not made yet when its client was ended comes after everybody has looked for it, and hears no SIGTERM before its
    first process has a trap: once more, when no client is left that could start one."""
    try:
        remove_left(host, state)
    except UnusableError as error:
        say(f"{error.problems[0].summary}: what is left of this run is removed by the next one")


class _Network:
    """What a container sees of the user and his network: a home of its own, proxies, CAs to trust, the agent of ssh."""

    def __init__(self, prepared: Prepared, work: Path, environ: Mapping[str, str]) -> None:
        network = prepared.manifest.network
        self.work = work
        self.home = work / "home"
        self._environ = environ
        self.proxies = tuple((name, environ[name]) for name in _PROXIES if environ.get(name)) if network.proxies else ()
        base = prepared.project.manifest.parent
        self.certificates = tuple((base / entry.value).read_text(encoding="utf-8", errors="replace") for entry in network.ca)
        (self.home / ".ssh").mkdir(mode=0o700, parents=True)
        (work / "docker").mkdir()

    @property
    def seen(self) -> dict[str, str]:
        kept = {name: self._environ[name] for name in _KEPT if self._environ.get(name)}
        return scrubbed({**kept, **dict(self.proxies), "HOME": str(self.home), "USER": _USER, "DOCKER_CONFIG": str(self.home / ".docker")})

    def mounts(self, user: str) -> tuple[Mount, ...]:
        known, agent = home(self._environ) / ".ssh/known_hosts", self._environ.get("SSH_AUTH_SOCK", "")
        return (
            Mount(source=str(self.work), writable=True),
            Mount(source=str(self._accounts(user)), target="/etc/passwd"),
            *certificate_mounts(self.certificates, self.work / "ca"),
            *([Mount(source=str(known), target=str(self.home / ".ssh/known_hosts"))] if known.is_file() else []),
            *([Mount(source=agent, writable=True)] if agent and Path(agent).is_socket() else []),
        )

    def _accounts(self, user: str) -> Path:
        """ssh and git want the user to have a name."""
        file = self.work / "passwd"
        root = "root:x:0:0:root:/root:/bin/sh\n" if not user.startswith("0:") else ""
        file.write_text(f"{root}{_USER}:x:{user}::{self.home}:/bin/sh\n", encoding="utf-8")
        return file


_USER = "builder"


def _vessel(host: Host, image: Image, network: _Network, logins: Logins, state: Path) -> Vessel:
    client = Client(
        docker=host.program,
        config=str(network.work / "docker"),
        host=host.address,
        image=image.id,
        program=PROGRAM,
        user=host.user,
        state=str(state),
        mounts=network.mounts(host.user),
    )
    return Vessel(host=host, client=client, before=logins.refresh)


def _hosts(prepared: Prepared) -> set[str]:
    """The registries that builds may ask: those of their images and of the images that they begin with, and what the user is logged into."""
    names = [build.image for build in prepared.selected if build.image]
    bases = [ImageName.parse(ref, layout=prepared.manifest.layout) for ref in dict(prepared.pins.images)]
    registries = {name.registry for name in (*names, *bases) if not name.registry.startswith(LAYOUT_PREFIX)}
    return {*registries, *docker_hosts()}


def _check_reachable(prepared: Prepared, containers: list[str]) -> None:
    if containers:
        summary = f"the builder {containers[0]} can be reached by a program of this machine only, and Earthly runs in a container here"
        hint = "install Earthly, or give the builder's address on the network, tcp://HOST:PORT"
        raise UnusableError(Problem(summary=summary, place=prepared.manifest.engine.place, hint=hint, code="builder"))


def _known(user: UserConfig, directory: Path, program: Program) -> tuple[Mount, ...]:
    """The certificates for builders on the network, where the program in the container looks for them."""
    files = (user.certificates.ca, user.certificates.cert, user.certificates.key)
    below = directory / program.directory
    found = [(file, below / file.relative_to(user.directory)) for file in files if file.is_file() and file.is_relative_to(user.directory)]
    return tuple(Mount(source=str(file), target=str(target)) for file, target in found)
