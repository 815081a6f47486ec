"""What was said of an attempt, read once: its run manifest, the words of its message, and the command that all is about."""

from __future__ import annotations

import re
from dataclasses import dataclass

from matrixbuild.core.failures.run_manifest import Ran, RunManifest, relative, run_manifest
from matrixbuild.core.failures.said import Said
from matrixbuild.core.failures.words import Words, capped, plain, words
from matrixbuild.core.problems import Place

_LAST = 20
"""Lines at the end of stderr that may hold the error of a program that wrote no run manifest."""
_ERROR_LINE = re.compile(r"^\s*(?:Error|error|ERROR): (?P<words>.+)")
_CONSOLE = re.compile(r"^\s*\S+(?: \*failed\*)? \| +")
"""What stands before a line of a target."""
_INNERMOST = re.compile(r"^in\t\t(?P<target>\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`message` is the failure's (where no run manifest has one, the last error of stderr); `ran` the command it is about, if one can be told;
    `output` what that one printed, where the failure is its own."""

    said: Said
    manifest: RunManifest
    message: str
    words: Words
    ran: Ran | None

    @property
    def output(self) -> str:
        return self.manifest.output

    @property
    def place(self) -> Place | None:
        places = (self.manifest.failed, self.words, self.ran)
        return next((found.place for found in places if found and found.place), None)

    @property
    def earthly(self) -> str:
        """The innermost Earthly target of the message, else the one that was asked for."""
        found, checkout = _INNERMOST.search(self.message), self.manifest.checkout
        # One that is not below the checkout is our wrapper's.
        return relative(found["target"], checkout) if found and found["target"].startswith(checkout) else self.said.earthly

    @property
    def stopped(self) -> tuple[Ran, ...]:
        """The commands that ran when an end came from outside."""
        return tuple(ran for ran in self.manifest.commands if ran.status in ("IN_PROGRESS", "CANCELED") or "context canceled" in ran.error)


def attempt(said: Said) -> Attempt:
    manifest = run_manifest(said.manifest, said.checkout)
    message = capped(manifest.message) or _last_error(said.stderr)
    found = words(message, checkout=manifest.checkout, wrapper=manifest.wrapper, first_column=manifest.first_column)
    return Attempt(said=said, manifest=manifest, message=message, words=found, ran=manifest.failed or _about(manifest, found.line))


def _last_error(stderr: str) -> str:
    lines = [_CONSOLE.sub("", line) for line in plain(stderr).splitlines() if line.strip()][-_LAST:]
    errors = [found["words"] for line in lines if (found := _ERROR_LINE.match(line))]
    return (errors or [line.strip() for line in lines] or [""])[-1]


def _about(manifest: RunManifest, line: str) -> Ran | None:
    """The command that was given the same error, one with a place before one of the program's own."""
    same = [ran for ran in manifest.commands if line and line in " ".join(ran.error.split())]
    return next((ran for ran in same if ran.place), None)
