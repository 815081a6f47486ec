"""What --help prints: the frame of the real program's and its flags, in words of our own."""

from __future__ import annotations

from collections.abc import Iterator

from tests.double.flags import KINDS, Kind
from tests.double.flavors import Flavor

_COMMANDS = {
    "bootstrap": "Set the program up for this user",
    "config": "Change the configuration file",
    "doc": "Tell what targets are for",
    "ls": "Name the targets of an Earthfile",
    "prune": "Empty the cache",
    "help, h": "Tell of the commands, or of one of them",
}
_HIDDEN = ("logstream-debug-file", "logstream-debug-manifest-file", "exec-stats-summary", "no-buildkit-update", "version-flag-overrides", "debug",
           "installation-name", "git-branch", "pull", "platform", "build-arg", "secret", "secret-file", "cache-from")  # fmt: skip


def help_text(flavor: Flavor) -> str:
    return "\n".join(_lines(flavor)) + "\n"


def _lines(flavor: Flavor) -> Iterator[str]:
    program = flavor.program
    yield from ("NAME:", f"   {program} - a test double of it", "", "USAGE:", f"        {program} [options] <target-ref>")
    yield from (f"        {program} [options] --artifact <target-ref>/<artifact-path> [<dest-path>]", f"        {program} [options] command", "")
    yield from (f"   See https://{flavor.docs}/docs/earthly-command.", "", "VERSION:", f"   {flavor.version_words}", "", "COMMANDS:")
    yield from (f"   {name:<13} {what}" for name, what in _COMMANDS.items())
    yield from ("", "GLOBAL OPTIONS:")
    for name, kind in KINDS.items():
        if name not in _HIDDEN:
            yield f"   --{name}{'' if kind is Kind.SWITCH else f' {kind.value}'}"
