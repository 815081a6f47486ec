"""The flags that stand before the target: their names and kinds, and the variables that set them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tests.double.flavors import Flavor


class Kind(Enum):
    SWITCH = "switch"
    TEXT = "value"
    LIST = "list"


_SWITCHES = {
    "verbose": "VERBOSE", "debug": "DEBUG", "artifact": "", "image": "", "push": "PUSH", "ci": "CI", "output": "OUTPUT", "no-output": "NO_OUTPUT",
    "no-cache": "NO_CACHE", "auto-skip": "AUTO_SKIP", "no-auto-skip": "NO_AUTO_SKIP", "allow-privileged": "ALLOW_PRIVILEGED",
    "max-remote-cache": "MAX_REMOTE_CACHE", "save-inline-cache": "SAVE_INLINE_CACHE", "use-inline-cache": "USE_INLINE_CACHE",
    "interactive": "INTERACTIVE", "strict": "STRICT", "no-buildkit-update": "NO_BUILDKIT_UPDATE",
    "disable-remote-registry-proxy": "DISABLE_REMOTE_REGISTRY_PROXY", "pull": "PULL", "github-annotations": "", "help": "", "version": "",
}  # fmt: skip
_TEXTS = {
    "config": "CONFIG", "ssh-auth-sock": "SSH_AUTH_SOCK", "git-username": "", "git-password": "", "git-branch": "GIT_BRANCH_OVERRIDE",
    "buildkit-host": "BUILDKIT_HOST", "buildkit-image": "BUILDKIT_IMAGE", "env-file-path": "ENV_FILE_PATH", "arg-file-path": "ARG_FILE_PATH",
    "secret-file-path": "SECRET_FILE_PATH", "auto-skip-db-path": "AUTO_SKIP_DB_PATH", "remote-cache": "REMOTE_CACHE",
    "logstream-debug-file": "LOGSTREAM_DEBUG_FILE", "logstream-debug-manifest-file": "LOGSTREAM_DEBUG_MANIFEST_FILE",
    "exec-stats-summary": "EXEC_STATS_SUMMARY", "version-flag-overrides": "VERSION_FLAG_OVERRIDES", "installation-name": "INSTALLATION_NAME",
}  # fmt: skip
_LISTS = {
    "platform": "PLATFORMS", "build-arg": "BUILD_ARGS", "secret": "SECRETS", "secret-file": "SECRET_FILES", "cache-from": "CACHE_FROM",
}  # fmt: skip
_SHORT = {"V": "verbose", "D": "debug", "a": "artifact", "P": "allow-privileged", "i": "interactive", "h": "help", "v": "version", "s": "secret"}

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(_SWITCHES, Kind.SWITCH),
    **dict.fromkeys(_TEXTS, Kind.TEXT),
    **dict.fromkeys(_LISTS, Kind.LIST),
}
_VARIABLES = _SWITCHES | _TEXTS | _LISTS


class UsageError(Exception):
    """The flags cannot be read; the text is what the program says."""


@dataclass(slots=True, kw_only=True)
class Flags:
    """Flags as given, and the words after them; `deprecated` are variables that EarthBuild warns of."""

    switches: dict[str, bool] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    deprecated: list[str] = field(default_factory=list)

    def on(self, name: str) -> bool:
        return self.switches.get(name, False)

    def text(self, name: str, default: str = "") -> str:
        return self.texts.get(name, default)

    def list_(self, name: str) -> list[str]:
        return self.lists.get(name, [])


def read_flags(argv: Sequence[str], environ: Mapping[str, str], flavor: Flavor) -> Flags:
    """The flags up to the first word that is none; what is not given comes from variables. Raises UsageError."""
    found = Flags()
    waiting = list(argv)
    while waiting and waiting[0].startswith("-") and waiting[0] != "-":
        word = waiting.pop(0)
        if word == "--":
            break
        name, equals, value = word.lstrip("-").partition("=")
        name = _SHORT.get(name, name)
        if name not in KINDS:
            raise UsageError(f"flag provided but not defined: -{name}")
        if not equals and KINDS[name] is not Kind.SWITCH:
            if not waiting:
                raise UsageError(f"flag needs an argument: {word}")
            value = waiting.pop(0)
        _set(found, name, value if equals or value else "true")
    found.words = waiting
    _from_variables(found, environ, flavor)
    return found


def _set(found: Flags, name: str, value: str) -> None:
    if KINDS[name] is Kind.SWITCH:
        found.switches[name] = value.lower() in ("true", "1", "t")
    elif KINDS[name] is Kind.TEXT:
        found.texts[name] = value
    else:
        # A comma separates entries here, and nowhere else on the command line.
        found.lists.setdefault(name, []).extend(value.split(","))


def _from_variables(found: Flags, environ: Mapping[str, str], flavor: Flavor) -> None:
    given = {*found.switches, *found.texts, *found.lists}
    for name, variable in _VARIABLES.items():
        for prefix in flavor.variables if variable and name not in given else ():
            if value := environ.get(prefix + variable, ""):
                _set(found, name, value)
                found.deprecated += [prefix + variable] if prefix != flavor.variables[0] else []
                break
