"""What a run wants of the shared builder -> that builder, running in its container: made, started again, or left alone because others build on it."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from matrixbuild.adapters.engines.contained.certificates import certificates_archive
from matrixbuild.adapters.engines.contained.holds import Hold
from matrixbuild.adapters.engines.contained.host import Host, refusals
from matrixbuild.adapters.engines.contained.images import Image
from matrixbuild.adapters.engines.earthly.probing import DeafError, probe
from matrixbuild.core.builder_address import Address, Mistake, read_address
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.shared_builder import (
    ADDRESS_LABEL,
    BUILDER_LABEL,
    COMMAND,
    ENTRYPOINT,
    HOST,
    SETTINGS_LABEL,
    BuilderSettings,
    host_config,
    told,
    variables,
)

_PROBE = 1.0
_PAUSE = 0.1
_READY = 120.0
"""Seconds until a builder answers: one with a large cache looks through it first."""
_PORTS = range(20_000, 32_000)
"""Below those that connections going out get by themselves."""
_MOST_PORTS = 50
_LOG_LINES = 20
_STOP = 10
"""Seconds to end in: what it was writing to its cache it writes to the end."""


Trial = Callable[[Address], str]
"""Runs one step on the builder of an address; gives why it does not run, or ""."""


class Keeper:
    """Keeps one builder for all applies of a user on this engine; `close` lets go of it, and it goes on: its cache is what it is for.

    `trial` is made once of each container that is not privileged, and `say` hears what a person ought to know. Any thread may call `revive`.
    """

    def __init__(self, host: Host, image: Image, hold: Hold, *, name: str, trial: Trial, say: Callable[[str], None], seconds: float = _READY) -> None:
        self._host = host
        self._image = image
        self._hold = hold
        self._name = name
        self._trial = trial
        self._say = say
        self._seconds = seconds

    def open(self, wanted: BuilderSettings) -> Address:
        """The address of the builder, which answers. Raises UnusableError where there is none to be had."""
        with self._hold.alone():
            try:
                address = self._suitable(wanted)
            except BuildFailed as error:
                raise UnusableError(Problem(summary=error.failure.summary, hint=error.failure.hint, code="builder")) from error
            self._hold.use()
            return address

    def revive(self) -> None:
        """Start it again, if it has died; where it lives, it stays as it is, whether it answers or not: others build on it.

        Raises BuildFailed (builder) where it cannot be started.
        """
        try:
            with self._hold.alone():
                if (found := self._found(self._name)) is None:
                    raise BuildFailed(_failure(f"the container {self._name} was removed while it was in use", "apply again: it is made anew then"))
                if not _runs(found):
                    self._started(self._name, _address(found))
        except UnusableError as error:
            raise BuildFailed(_failure(error.problems[0].summary, error.problems[0].hint)) from error

    def close(self) -> None:
        self._hold.close()

    def _suitable(self, wanted: BuilderSettings) -> Address:
        found = self._found(self._name)
        if found is None:
            return self._made(wanted)
        label = _labels(found).get(SETTINGS_LABEL, "")
        if lacking := wanted.lacking(label):
            self._check_unused(lacking)
            self._remove(self._name)
            return self._made(wanted.keeping(label))
        return self._running(found, wanted)

    def _running(self, found: dict[str, Any], wanted: BuilderSettings) -> Address:
        """One that has all that is wanted, and that answers."""
        address = _address(found)
        try:
            if not _runs(found):
                self._started(self._name, address)
            else:
                self._answers(self._name, address)
        except (BuildFailed, UnusableError):
            # Another program may have its port by now, or it may hang: nobody who builds on it is disturbed by a new one.
            if not self._hold.unused():
                raise
            self._remove(self._name)
            return self._made(wanted.keeping(_labels(found).get(SETTINGS_LABEL, "")))
        return address

    def _check_unused(self, lacking: tuple[str, ...]) -> None:
        if not self._hold.unused():
            summary = f"the builder {self._name} has another {told(lacking)} than this apply wants, and another apply builds on it"
            hint = "wait until that one has ended, or give both manifests the same engine and network"
            raise UnusableError(Problem(summary=summary, hint=hint, code="builder-busy"))

    def _made(self, wanted: BuilderSettings) -> Address:
        """A new one. First without all rights, unless they are wanted; a machine on which no step runs so gets one that has them.

        It has its name only once it was tried: one that was not, because this program was killed, is nobody's.
        """
        address = _read(f"tcp://{HOST}:{_free_port()}")
        new = self._created(wanted, address)
        if fault := self._fault(new, address):
            self._remove(new)
            if wanted.privileged:
                raise BuildFailed(_failure(f"no step runs on the builder in Docker: {fault}", "name a builder elsewhere with engine.builders"))
            self._say(f"the builder in Docker gets --privileged, for without it no step runs here: {fault}")
            return self._made(replace(wanted, privileged=True))
        with refusals(f"Docker does not name the builder {self._name}"):
            self._host.api.rename(new, self._name)
        return address

    def _fault(self, new: str, address: Address) -> str:
        """Why it is of no use, or ""."""
        try:
            self._started(new, address)
            return self._trial(address)
        except (BuildFailed, UnusableError) as error:
            return str(error)
        except BaseException:
            self._remove(new)
            raise

    def _created(self, wanted: BuilderSettings, address: Address) -> str:
        """The name of a new container."""
        new, api = f"{self._name}-new", self._host.api
        self._remove(new)
        with refusals(f"Docker does not make the builder {self._name}"):
            api.create_volume(self._name, labels={BUILDER_LABEL: self._name})
            api.create_container(
                wanted.image,
                name=new,
                entrypoint=list(ENTRYPOINT),
                command=list(COMMAND),
                environment=variables(wanted, address.port),
                host_config=host_config(wanted, volume=self._name, root=self._image.root, cgroups=self._host.cgroups),
                labels={BUILDER_LABEL: self._name, SETTINGS_LABEL: wanted.written(), ADDRESS_LABEL: address.text},
            )
            if wanted.certificates:
                api.put_archive(new, "/", certificates_archive(wanted.certificates))
        return new

    def _started(self, name: str, address: Address) -> None:
        with refusals(f"Docker does not start the builder {self._name}"):
            self._host.api.start(name)
        self._answers(name, address)

    def _answers(self, name: str, address: Address) -> None:
        """Wait for it. Raises BuildFailed where it ends instead, or does not come to it."""
        until = time.monotonic() + self._seconds
        while True:
            try:
                probe(address, None, seconds=_PROBE)
            except DeafError as error:
                self._check_alive(name)
                if time.monotonic() > until:
                    raise BuildFailed(_failure(f"the builder {self._name} {error.reason}", f"`docker logs {name}` shows what it does")) from error
                time.sleep(_PAUSE)
            else:
                return

    def _check_alive(self, name: str) -> None:
        found = self._found(name)
        if found is None or not _runs(found):
            lines = self._said(name) if found else ()
            why = f": {lines[-1]}" if lines else ""
            raise BuildFailed(_failure(f"the builder {self._name} ends as soon as it is started{why}", "is engine.image an image of Earthly?", lines))

    def _said(self, name: str) -> tuple[str, ...]:
        with refusals(f"Docker does not tell what {name} said"):
            text: bytes = self._host.api.logs(name, tail=_LOG_LINES)
        return tuple(line for line in text.decode("utf-8", "replace").splitlines() if line.strip())

    def _found(self, name: str) -> dict[str, Any] | None:
        from docker import errors

        with refusals(f"Docker does not tell of the builder {self._name}"):
            try:
                found: dict[str, Any] = self._host.api.inspect_container(name)
            except errors.NotFound:
                return None
        if BUILDER_LABEL not in _labels(found):
            summary = f"a container is called {name}, and matrixbuild did not make it"
            raise UnusableError(Problem(summary=summary, hint=f"remove or rename it: docker rename {name} ANOTHER", code="builder"))
        return found

    def _remove(self, name: str) -> None:
        """The container; the volume, which has the cache, stays."""
        if self._found(name) is None:
            return
        with refusals(f"Docker does not remove the builder {name}"):
            self._host.api.stop(name, timeout=_STOP)
            self._host.api.remove_container(name, force=True)


def _failure(summary: str, hint: str, lines: tuple[str, ...] = ()) -> Failure:
    return Failure(kind=FailureKind.BUILDER, summary=summary, hint=hint, lines=lines)


def _labels(found: Mapping[str, Any]) -> Mapping[str, str]:
    return found["Config"].get("Labels") or {}


def _runs(found: Mapping[str, Any]) -> bool:
    return bool(found["State"]["Running"])


def _address(found: Mapping[str, Any]) -> Address:
    return _read(_labels(found).get(ADDRESS_LABEL, ""))


def _read(text: str) -> Address:
    found = read_address(text)
    if isinstance(found, Mistake):
        raise UnusableError(Problem(summary=f"the builder's container has no address: {found.summary}", hint=found.hint, code="builder"))
    return found


def _free_port() -> int:
    for port in random.sample(_PORTS, _MOST_PORTS):
        with socket.socket() as found:
            try:
                found.bind((HOST, port))
            except OSError:
                continue
            return port
    raise UnusableError(Problem(summary=f"no port of {HOST} is free for a builder", hint="this is Linux's own address; does the machine have it?"))
