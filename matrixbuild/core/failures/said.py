"""A finished attempt as the caller knows it: how its program ended, whose doing that was, and what it said and wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matrixbuild.core.failure_patterns import Pattern

TIMEOUT = "timeout"
INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """`exit` is the exit status (None: ended by `signal`); `ended_by_us` is None, TIMEOUT (silence too) or INTERRUPT. `manifest` is the parsed run
    manifest (None where the program wrote none), `stderr` and `stdout` what it said, of very much the beginning and the end. `peak` and `limit` are
    bytes of memory: the most that a command held, and all it could have. `privileged`: the call allowed privileged steps. `earthly` is the Earthly
    target that was asked for, for the words, `checkout` the directory from which files and targets are told ("": that of the first target that our
    wrapper needs); `patterns` are the manifest's own."""

    exit: int | None
    signal: int | None = None
    ended_by_us: str | None = None
    manifest: Mapping[str, object] | None = None
    stderr: str = ""
    stdout: str = ""
    peak: int | None = None
    limit: int | None = None
    privileged: bool = False
    earthly: str = ""
    checkout: str = ""
    patterns: tuple[Pattern, ...] = ()
