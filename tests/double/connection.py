"""The address of a daemon -> a connection that tells where its cache is, and notices when the daemon goes away."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.double.config_file import Config
from tests.double.ends import Cancelled, DaemonKilled

GONE = signal.SIGUSR1
"""Sent to this process itself when the daemon has gone: what the main thread is waiting for does not matter then."""


class AddressError(Exception):
    """The address cannot be one; the text is what the program says."""


class ConnectError(Exception):
    """Nobody answered (in time); the text is what the program says."""


class Connection:
    """A daemon that answered. `stopped` is set before GONE comes where it took its leave, and not where it was killed."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._lines = connected.makefile("rb")
        self._answered = threading.Semaphore(0)
        self.stopped = False
        self.leaving = False
        self.answers = True
        """Whether it still did when we took leave."""
        self.cache = Path(self._ask({"hello": "double"})["cache"])
        connected.settimeout(None)
        threading.Thread(target=self._watch, daemon=True).start()

    def creating(self, text: str) -> None:
        """Tell that a command is executed. Raises as a signal would where nobody is there to hear it."""
        try:
            self._send({"creating": text})
        except OSError as error:
            raise Cancelled if self.stopped else DaemonKilled from error
        self._answered.acquire(timeout=10)

    def leave(self, seconds: float) -> None:
        """Take leave; wait for an answer at most so long."""
        self.leaving = True
        if self.stopped:
            return
        try:
            self._send({"bye": "double"})
            self.answers = self._answered.acquire(timeout=seconds)
        except OSError:
            self.answers = False

    def _ask(self, message: dict[str, str]) -> dict[str, Any]:
        self._send(message)
        answer: dict[str, Any] = json.loads(self._lines.readline() or b"null") or {}
        if "cache" not in answer:
            raise ConnectionError("error reading server preface: EOF")
        return answer

    def _send(self, message: dict[str, str]) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def _watch(self) -> None:
        try:
            for line in self._lines:
                if "stop" in json.loads(line):
                    self.stopped = True
                else:
                    self._answered.release()
        except OSError:
            pass  # as gone as after an orderly end
        if not self.leaving:
            os.kill(os.getpid(), GONE)


def parse_address(address: str) -> tuple[str, int]:
    """`tcp://host:port`. Raises AddressError."""
    url = urlsplit(address)
    where = "failed stub frontend initialization: failed to calculate buildkit URLs: "
    if url.scheme not in ("tcp", "docker-container", "podman-container"):
        raise AddressError(
            f"{where}{url.scheme} is not a valid scheme. Only tcp or docker-container is allowed at this time: URL did not pass validation"
        )
    if url.scheme != "tcp" or not url.port:
        raise AddressError(f"{where}{address} does not contain a port number: URL did not pass validation")
    return url.hostname or "", url.port


def connect(host: str, port: int, config: Config) -> Connection:
    """Try for as long as the configuration says; where that is no time at all, once. Raises ConnectError."""
    end = time.monotonic() + config.patience
    if config.patience:
        time.sleep(1)  # the real ones do, before their first attempt
    while True:
        try:
            return _connected(host, port)
        except OSError as error:
            if time.monotonic() >= end:
                raise ConnectError(_words(host, port, error, config)) from error
        time.sleep(min(0.2, max(0.0, end - time.monotonic())))


def _connected(host: str, port: int) -> Connection:
    made = socket.create_connection((host, port), timeout=1)
    try:
        return Connection(made)
    except (OSError, ValueError) as error:
        made.close()
        raise ConnectionError(str(error)) from error


def _words(host: str, port: int, error: OSError, config: Config) -> str:
    spent = f"{config.patience:g}s" if config.patience < 60 else f"{config.patience // 60:g}m{config.patience % 60:g}s"
    if isinstance(error, socket.gaierror):
        why = f"dial tcp: lookup {host}: no such host"
    else:
        why = f"dial tcp {host}:{port}: connect: {(error.strerror or str(error)).lower()}"
    return (
        f"build new buildkitd client: connect provided buildkit: timeout {spent}: could not connect to buildkit: failed to list workers: "
        f'Unavailable: connection error: desc = "transport: Error while dialing: {why}": buildkitd did not respond (in time)'
    )
