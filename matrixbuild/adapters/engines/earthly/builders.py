"""Where Earthly builds -> the builder for each build: the addresses of BuildKits that run, or the program's own daemon on this machine."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.earthly.own_daemon import OwnDaemon
from matrixbuild.adapters.engines.earthly.probing import Certificates, DeafError, probe
from matrixbuild.adapters.engines.earthly.starts import PER_CORE, Start, Starts
from matrixbuild.adapters.engines.earthly.user_config import Configs, UserConfig, read_user_config, write_configs
from matrixbuild.adapters.machine import cores
from matrixbuild.core.builder_address import Address, Mistake, read_address
from matrixbuild.core.buildkit_call import Spoken
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import Place, Problem, UnusableError
from matrixbuild.core.program import Program
from matrixbuild.core.surroundings import EngineUse

PROBE_SECONDS = 3.0
_SHORTEST_WAIT, _LONGEST_WAIT = 0.2, 1.0
_ASIDE = 10.0
"""Seconds for which a builder that did not answer is asked last."""
_FAITH = 1.5
"""Builds more than elsewhere that a builder may have before another one gets what shares its steps with what it has built."""


def _never() -> bool:
    return False


class Keeper(Protocol):
    """Whoever keeps a builder running, and starts it again when it has died."""

    def revive(self) -> None:
        """Raises BuildFailed (builder) where it cannot be started."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Builder:
    """One builder: a BuildKit at an address, which somebody may keep running (`keeper`), or the daemon of this machine (`own`), which the program
    itself starts and keeps."""

    configs: Configs | None
    place: Address | None = None
    certificates: Certificates | None = None
    own: OwnDaemon | None = None
    keeper: Keeper | None = None

    @property
    def address(self) -> str:
        """As the program is given it; "" for what it takes by itself."""
        return self.place.text if self.place else ""

    @property
    def local(self) -> bool:
        return self.own is not None

    @property
    def title(self) -> str:
        return f"the builder {self.address}" if self.address else "the daemon of this machine"

    def arguments(self, *, patient: bool = False) -> tuple[str, ...]:
        """What goes before the Earthly target. `patient`: with a minute to connect, for a second try after exit 6.

        The daemon of this machine keeps the user's own configuration: another one could make the program restart it under other builds.
        """
        if self.own:
            return (*self.own.arguments, "--no-buildkit-update")
        return ("--config", str(self.configs.of(patient=patient)), "--buildkit-host", self.address) if self.configs else ()

    def probe(self, timeout: float = PROBE_SECONDS) -> None:
        """Make sure that it answers: the daemon of this machine is started, once a run. Raises BuildFailed (builder)."""
        if self.own:
            self.own.warm_up()
            return
        spoken = self._revived(timeout)
        if spoken.stock:
            reason = f"is {spoken.package} {spoken.version}, and Earthly builds with the BuildKit of its own project only"
            raise BuildFailed(self._failure(reason, "start the buildkitd of Earthly or EarthBuild there", again=False))

    def _revived(self, timeout: float) -> Spoken:
        try:
            return self.spoken(timeout)
        except BuildFailed:
            if self.keeper is None:
                raise
            self.keeper.revive()
            return self.spoken(timeout)

    def spoken(self, timeout: float = PROBE_SECONDS) -> Spoken:
        """Which BuildKit answers at its address. Raises BuildFailed (builder)."""
        if self.place is None:
            raise ValueError("the daemon of this machine has no address to ask")
        try:
            return probe(self.place, self.certificates, seconds=timeout)
        except DeafError as error:
            raise BuildFailed(self._failure(error.reason, error.hint, again=None if error.again else False)) from error

    def _failure(self, reason: str, hint: str, *, again: bool | None) -> Failure:
        host = self.place.host if self.place else ""
        return Failure(kind=FailureKind.BUILDER, summary=f"{self.title} {reason}", hint=hint, host=host, again=again)

    def wait(self, seconds: float, stopped: Callable[[], bool] = _never) -> bool:
        """Until it answers again; False where it did not in that time, or `stopped` says that nobody wants to know any more."""
        until, pause = time.monotonic() + seconds, _SHORTEST_WAIT
        while not stopped():
            try:
                self.probe(min(PROBE_SECONDS, max(_SHORTEST_WAIT, until - time.monotonic())))
            except BuildFailed:
                if time.monotonic() + pause >= until:
                    return False
                time.sleep(pause)
                pause = min(_LONGEST_WAIT, 2 * pause)
            else:
                return True
        return False


class Builders:
    """Gives each build a builder, and its turn to start; any thread may ask."""

    def __init__(self, builders: Sequence[Builder], *, at_once: int) -> None:
        self.all = tuple(builders)
        self._starts = Starts(at_once)
        self._lock = threading.Lock()
        self._load = dict.fromkeys(self.all, 0)
        self._aside = dict.fromkeys(self.all, 0.0)
        self._last: dict[str, Builder] = {}

    def starting(self) -> AbstractContextManager[Start]:
        """Waits until few enough others start; `Start.connected()` lets the next one in, at the program's first line of output."""
        return self._starts.starting()

    @contextmanager
    def taken(self, target: str, *, number: int | None = None) -> Iterator[Builder]:
        """A builder that answers, for a build of an Earthly target: that with a `number`, where one is given; else of those with the fewest builds,
        rather that which built this target last, since it has the steps that they share. Raises BuildFailed (builder) where none answers."""
        found = self._answering(target, number)
        try:
            yield found
        finally:
            with self._lock:
                self._load[found] -= 1

    def _answering(self, target: str, number: int | None) -> Builder:
        """It counts as loaded from here on."""
        failures: list[Failure] = []
        untried = list(self.all)
        while untried:
            with self._lock:
                found = min(untried, key=lambda builder: self._rank(builder, target, number))
                self._load[found] += 1
                before = self._last.get(target)
                self._last[target] = found
            untried.remove(found)
            if failure := self._asked(found):
                failures.append(failure)
                self._give_back(found, target, before)
            else:
                return found
        raise BuildFailed(_together(failures))

    def _rank(self, builder: Builder, target: str, number: int | None) -> tuple[bool, bool, float, int]:
        faith = _FAITH if self._last.get(target) is builder else 0.0
        place = self.all.index(builder)
        return self._aside[builder] > time.monotonic(), place != number, self._load[builder] - faith, place

    def _asked(self, builder: Builder) -> Failure | None:
        try:
            builder.probe()
        except BuildFailed as error:
            return error.failure
        except BaseException:
            with self._lock:
                self._load[builder] -= 1
            raise
        return None

    def _give_back(self, builder: Builder, target: str, before: Builder | None) -> None:
        with self._lock:
            self._load[builder] -= 1
            self._aside[builder] = time.monotonic() + _ASIDE
            if before and self._last.get(target) is builder:
                self._last[target] = before


def _together(failures: Sequence[Failure]) -> Failure:
    if len(failures) == 1:
        return failures[0]
    # One that may answer later is worth another try, whatever the others are.
    again = False if all(failure.again is False for failure in failures) else None
    summary = f"none of the {len(failures)} builders answers"
    return Failure(kind=FailureKind.BUILDER, summary=summary, lines=tuple(map(str, failures)), hint=failures[0].hint, again=again)


def open_builders(
    use: EngineUse, program: Program, *, work: Path, children: Children, environ: Mapping[str, str] = os.environ, at_once: int = 0
) -> Builders:
    """The builders of a manifest, else of BUILDKIT_HOST in the program's variables, else of its own configuration, else its daemon on this machine.

    `work` is a private directory of the run, which gets configurations that may hold passwords; `at_once` are the builds that may start together
    (0: so many for each core). Asks none of them yet. Raises UnusableError for addresses that are none, and for a machine that cannot have a daemon.
    """
    user = read_user_config(program, environ)
    _ensure_directory(user)
    network = _Network(user, work, environ)
    addresses = addresses_of(use, program, user, environ)
    found = [network.builder(one) if one.remote else _container(one, program, children, work, environ) for one in addresses]
    return Builders(found or [_own(program, children, work, environ)], at_once=at_once or PER_CORE * cores())


def addresses_of(use: EngineUse, program: Program, user: UserConfig, environ: Mapping[str, str]) -> tuple[Address, ...]:
    """The builders that somebody names, in the order of `open_builders`; none where the program's own daemon is to build. Raises UnusableError."""
    named, source = _named(use, program, user, environ)
    found = tuple(_read(text, source, place) for text, place in named)
    texts = [address.text for address in found]
    if double := next((text for text in texts if texts.count(text) > 1), None):
        raise _wrong(f"{source} names {double} twice", "each builder counts once", use.place)
    return found


def _named(use: EngineUse, program: Program, user: UserConfig, environ: Mapping[str, str]) -> tuple[Sequence[tuple[str, Place | None]], str]:
    """Addresses as written, each with its place, and who names them."""
    if use.builders:
        return [(one.value, one.place) for one in use.builders], "engine.builders"
    for variable in (f"{prefix}BUILDKIT_HOST" for prefix in program.variables):
        if environ.get(variable):
            return [(environ[variable], None)], variable
    # A daemon that the program starts it finds in its configuration by itself.
    return ([(user.builder, None)] if user.builder and not _is_managed(user.builder) else []), f"buildkit_host in {user.file}"


def _is_managed(text: str) -> bool:
    found = read_address(text)
    return found.managed if isinstance(found, Mistake) else not found.remote


def _read(text: str, source: str, place: Place | None) -> Address:
    found = read_address(text)
    if isinstance(found, Mistake):
        raise _wrong(f"{source}: {found.summary}", found.hint, place)
    return found


def _wrong(summary: str, hint: str, place: Place | None) -> UnusableError:
    return UnusableError(Problem(summary=summary, place=place, hint=hint, code="builder-address"))


class _Network:
    """Makes builders on the network; the configurations that they share are written with the first one."""

    def __init__(self, user: UserConfig, work: Path, environ: Mapping[str, str]) -> None:
        self._user = user
        self._work = work
        # Podman has logins of its own, which the program takes only where it has found Podman.
        self._frontend = bool(shutil.which("podman", path=environ.get("PATH", os.defpath))) or "container_frontend" in user.settings
        self._configs: Configs | None = None

    def builder(self, address: Address) -> Builder:
        if self._configs is None:
            self._configs = write_configs(self._user, self._work, frontend=self._frontend)
        return Builder(configs=self._configs, place=address, certificates=self._user.certificates if self._user.tls else None)


def _container(address: Address, program: Program, children: Children, work: Path, environ: Mapping[str, str]) -> Builder:
    arguments = ("--buildkit-host", address.text, "--buildkit-container-name", address.host)
    own = OwnDaemon(program=program, children=children, work=work / address.host, environ=environ, arguments=arguments)
    return Builder(configs=None, place=address, own=own)


def _own(program: Program, children: Children, work: Path, environ: Mapping[str, str]) -> Builder:
    if not any(shutil.which(name, path=environ.get("PATH", os.defpath)) for name in ("docker", "podman")):
        summary = f"{program.title} has nothing to build with: neither Docker nor Podman is on PATH, and no builder is named"
        hint = 'name one that runs, engine: {builders: ["tcp://HOST:8372"]}, or install Docker'
        raise UnusableError(Problem(summary=summary, hint=hint, code="no-builder"))
    return Builder(configs=None, own=OwnDaemon(program=program, children=children, work=work / "own", environ=environ))


def _ensure_directory(user: UserConfig) -> None:
    """Where its directory is missing, the program takes this for its first call ever, sets itself up and starts a daemon, whatever it was asked."""
    try:
        user.directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        summary = f"Earthly keeps its lock in {user.directory}, and that cannot be made: {(error.strerror or str(error)).lower()}"
        raise UnusableError(Problem(summary=summary, hint="set HOME to a directory that may be written", code="home")) from error
