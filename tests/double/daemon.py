"""A pretend buildkitd: a TCP listener that keeps the cache of what was built and the count of what ran, and that can die in every way."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.double.flavors import FLAVORS
from tests.double.spoken import PREFACE, info

# Earthly takes 127.0.0.1 for a daemon of its own that it has to start; all of 127.0.0.0/8 is this machine.
HOST = "127.0.0.2"


class Daemon:
    """`folder` is its state, and outlives it. A client says `hello` in a line of JSON and is told where the cache is; then it names each command that
    it runs, and keeps the connection: its end, with or without a farewell, is how a client learns that the daemon has gone. Whoever speaks gRPC
    is told that this is the BuildKit of a `flavor`."""

    def __init__(self, folder: Path, *, flavor: str = "earthly") -> None:
        self._folder = folder
        self._spoken = FLAVORS[flavor].buildkit.split()[:2]
        self._answering = threading.Event()
        self._answering.set()
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._port = 0
        (folder / "cache").mkdir(parents=True)
        (folder / "log").touch()

    @property
    def address(self) -> str:
        return f"tcp://{HOST}:{self._port}"

    def start(self) -> None:
        """Listen, at the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self._port))
        listener.listen(64)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def kill(self) -> None:
        """As SIGKILL does it: connections end, and nobody said a word."""
        if self._listener:
            # A thread in accept() keeps a closed socket alive; this wakes it.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def stop(self) -> None:
        """As SIGTERM does it: what is being built is cancelled first."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.sendall(b'{"stop": true}\n')
        self.kill()

    def freeze(self) -> None:
        """From now on answer nothing (connections stay)."""
        self._answering.clear()

    def thaw(self) -> None:
        self._answering.set()

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self._folder / "cache")
        (self._folder / "cache").mkdir()

    def executed(self) -> list[str]:
        """The commands that really ran and did not come from the cache, in order."""
        return [json.loads(line)["creating"] for line in (self._folder / "log").read_text().splitlines()]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            for line in connection.makefile("rb"):
                self._answering.wait()
                if line == PREFACE:
                    connection.sendall(info(*self._spoken))
                    connection.recv(1 << 16)
                    break
                connection.sendall(self._answer(json.loads(line)))
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)

    def _answer(self, asked: dict[str, str]) -> bytes:
        if "creating" in asked:
            with self._lock, (self._folder / "log").open("a") as log:
                log.write(json.dumps(asked) + "\n")
        return json.dumps({"cache": str(self._folder / "cache")}).encode() + b"\n"


@contextlib.contextmanager
def running_daemon(folder: Path, *, flavor: str = "earthly") -> Iterator[Daemon]:
    daemon = Daemon(folder, flavor=flavor)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.thaw()
        daemon.kill()
