"""One call that builds (or lists): from its flags to its exit code, with the run manifest written whatever becomes of it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from tests.double.build import Build
from tests.double.config_file import Config, ConfigError, read_config
from tests.double.connection import GONE, AddressError, ConnectError, Connection, connect, parse_address
from tests.double.console import Console
from tests.double.ends import Cancelled, DaemonKilled, Ended, Unable
from tests.double.flags import Flags
from tests.double.flavors import Flavor
from tests.double.listing import listed
from tests.double.records import Records
from tests.double.request import check_modes, read_args, request_of, split_words
from tests.double.signals import Signals
from tests.double.told import Instructions

_LOCAL = ("127.0.0.1", "localhost", "::1")
_GRACE = 3.0
"""Seconds that a daemon which answers nothing is waited for when a build is cancelled."""


class Session:
    """A call; signals may come at any moment of it."""

    def __init__(self, argv: list[str], flags: Flags, *, flavor: Flavor, told: Instructions, signals: Signals) -> None:
        self._argv = argv
        self._flags = flags
        self._flavor = flavor
        self._told = told
        self._signals = signals
        self._records = Records(stream=flags.text("logstream-debug-file"), manifest=flags.text("logstream-debug-manifest-file"))
        self._console = Console(self._records)
        self._connection: Connection | None = None
        self._build: Build | None = None

    def run(self) -> int:
        """The exit code."""
        signal.signal(GONE, self._on_gone)
        try:
            with self._signals.cancelling():
                self._perform()
        except Cancelled:
            return self._end_cancelled()
        except DaemonKilled:
            return self._end_failed(Ended(kind="OTHER", message="error reading from server: EOF"))
        except Ended as ended:
            return self._end_failed(ended)
        except Unable as unable:
            print(f"double: {unable}", file=sys.stderr)
            return 70
        self._leave()
        self._records.end("RUN_STATUS_SUCCESS")
        return 0

    def _on_gone(self, number: int, _: FrameType | None) -> None:
        if self._signals.cancels and self._connection:
            self._signals.cancels = False
            raise Cancelled if self._connection.stopped else DaemonKilled

    # What is done -----------------------------------------------------------------

    def _perform(self) -> None:
        config = self._config()
        address = self._flags.text("buildkit-host")
        where = self._address(address) if address else None
        self._console.general("frontend", "Unable to detect Docker or Podman. Use --verbose to see details (or errors)")
        match self._flags.words[:1]:
            case ["ls"]:
                print("\n".join(listed(self._flags.words[1:])))
            case ["bootstrap"]:
                self._bootstrap(where, address, config)
            case _:
                self._target(where, address, config)

    def _target(self, where: tuple[str, int] | None, address: str, config: Config) -> None:
        check_modes(self._flags)
        reference, words, to = split_words(self._flags, self._flavor.program)
        args = read_args(words, self._flags.words)
        self._bootstrap(where, address, config)
        self._console.heading("Init 🚀")
        request = request_of(self._flags, reference, args, to, os.environ)
        self._connection = self._connected(where, address, config)
        self._build = Build(
            request,
            flavor=self._flavor,
            told=self._told,
            connection=self._connection,
            address=address,
            console=self._console,
            records=self._records,
        )
        self._build.run()

    def _config(self) -> Config:
        path = self._flags.text("config")
        if path:
            self._console.plain(f'loading config values from "{path}"')
        default = self._home() / "config.yml"
        try:
            return read_config(path or (str(default) if default.exists() else ""))
        except ConfigError as error:
            raise Ended(kind="OTHER", message=str(error)) from error

    def _home(self) -> Path:
        return Path(os.environ.get("HOME", "/")) / self._flavor.home

    @staticmethod
    def _address(address: str) -> tuple[str, int]:
        try:
            return parse_address(address)
        except AddressError as error:
            raise Ended(kind="OTHER", message=str(error)) from error

    def _bootstrap(self, where: tuple[str, int] | None, address: str, config: Config) -> None:
        """The first call of a user's sets things up, whatever it was made for."""
        if self._home().is_dir():
            return
        if where:
            self._connected(where, address, config).leave(_GRACE)
        self._home().mkdir(parents=True)
        self._console.general("bootstrap", "Bootstrapping successful.")

    def _connected(self, where: tuple[str, int] | None, address: str, config: Config) -> Connection:
        if where is None:
            raise Ended(kind="OTHER", message="could not determine buildkit address - is Docker or Podman running?")
        if where[0] in _LOCAL:
            self._console.general("buildkitd", "Is  installed and running? Are you part of any needed groups?")
            raise Ended(kind="OTHER", message="build new buildkitd client:  not available")
        self._console.general("buildkitd", f"Connecting to {address}...")
        self._check_certificates(config)
        try:
            connection = connect(*where, config)
        except ConnectError as error:
            raise Ended(kind="CONNECTION_FAILURE", message=str(error), code=6) from error
        self._console.general("buildkitd", "...Done")
        self._console.general("buildkitd", f"Version {self._flavor.buildkit}")
        self._console.general("buildkitd", "Platforms: linux/amd64 (native) linux/amd64/v2 linux/amd64/v3 linux/amd64/v4 linux/386")
        self._console.general("buildkitd", "Utilization: 0 other builds, 0/8 op load")
        self._console.general("buildkitd", "GC stats: 0 B cache, avg GC duration 0s, all-time GC duration 0s, last GC duration 0s, last cleared 0 B")
        return connection

    def _check_certificates(self, config: Config) -> None:
        if not config.tls:
            return
        file = self._home() / "certs" / "ca_cert.pem"
        if file.exists():
            raise Unable("its daemon speaks no TLS: write tls_enabled: false into the configuration")
        why = f"could not connect to buildkit: could not read ca certificate: open {file}: no such file or directory"
        words = f"build new buildkitd client: connect provided buildkit: timeout {config.patience:g}s: {why}: buildkitd did not respond (in time)"
        raise Ended(kind="CONNECTION_FAILURE", message=words, code=6)

    # How it ends ------------------------------------------------------------------

    def _leave(self) -> None:
        if self._connection:
            self._connection.leave(_GRACE)

    def _end_cancelled(self) -> int:
        self._leave()
        if self._build:
            self._build.cancelled()
        self._console.plain("Canceled")
        self._records.end("RUN_STATUS_CANCELED")
        return 2

    def _end_failed(self, ended: Ended) -> int:
        if self._connection:
            self._connection.leaving = True
        if ended.name:
            self._repeat(ended)
        help_ = self._debugging() if ended.kind == "NONZERO_EXIT" else ended.help
        before = ended.kind == "RATE_LIMITED"
        if help_ and before:
            self._console.plain(f"\nHelp: {help_}")
        if not ended.name:
            self._console.plain(f"Error: {ended.message}")
        if help_ and not before:
            self._console.plain(f"\nHelp: {help_}\n")
        self._records.end("RUN_STATUS_FAILURE", ended.fields())
        return ended.code

    def _repeat(self, ended: Ended) -> None:
        self._console.bar("❌ FAILURE")
        lines = ["Repeating the failure error...", *([f"--> {ended.shown}"] if ended.shown else []), *(ended.output.splitlines() or ["[no output]"])]
        for line in [*lines, *ended.message.split("\n")]:
            self._console.only_shown(ended.name, line, command=ended.command, target=ended.target, failed=True)

    def _debugging(self) -> str:
        called = " ".join((str(Path(self._argv[0]).absolute()), "-i", *self._argv[1:]))
        return f'To debug your build, you can use the --interactive (-i) flag to drop into a shell of the failing RUN step: "{called}"'
