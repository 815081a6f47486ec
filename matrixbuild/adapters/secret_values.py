"""Where a manifest says that a secret comes from (environment, file, command) -> its value, byte for byte, trailing line ends too."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.core.masking import Masking
from matrixbuild.core.renderings import renderings
from matrixbuild.core.surroundings import DeclaredSecret

COMMAND_SECONDS = 60.0
LARGEST = (128 << 10) - 512
"""In bytes: a secret reaches the program that builds in a variable, and Linux allows 128 KiB for one with its name (MAX_ARG_STRLEN)."""

_SAID = 200
"""So many characters of what a failed command complained of are shown."""
_FILE_HINT = "the path of a secret is relative to the manifest that names it"
_COMMAND_HINT = "run it by hand in the manifest's directory: no shell reads it, and it may ask nothing"


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret that is there. What it is stands in neither `repr` nor `str`, and so in no log and no traceback."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Missing:
    """A secret that cannot be had: `why` in a clause, and what to do."""

    why: str
    hint: str


def secret_value(secret: DeclaredSecret, *, base: Path, environ: Mapping[str, str], seconds: float = COMMAND_SECONDS) -> SecretValue | Missing:
    """The value of a secret; `base` is what its file and the directory of its command are relative to, `seconds` how long the command may take.
    Bytes that are no UTF-8 become surrogates, as in `os.environ`. From now on nothing that this process says shows it (known_secrets)."""
    if secret.env:
        found: bytes | Missing = _from_environment(secret.env.value, environ)
    elif secret.file:
        found = _from_file(secret.file.value, base)
    else:
        found = _printed(secret.command, base, environ, seconds)
    if isinstance(found, Missing):
        return found
    value = os.fsdecode(found)
    KNOWN.learn((value,))
    return _passable(found) or SecretValue(secret.name, value)


def _passable(value: bytes) -> Missing | None:
    if b"\0" in value:
        return Missing("it holds a NUL byte, which no variable can", "encode it, for example with base64, and decode it in the step that uses it")
    if len(value) > LARGEST:
        return Missing(f"it has {len(value)} bytes, and a secret may have {LARGEST}", "give the step what it needs to fetch it instead")
    return None


def _from_environment(name: str, environ: Mapping[str, str]) -> bytes | Missing:
    value = environ.get(name)
    return Missing(f"{name} is not in the environment", f"export {name} before the run") if value is None else os.fsencode(value)


def _from_file(name: str, base: Path) -> bytes | Missing:
    try:
        with (base / name).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        return Missing(f"cannot read {name}: {error.strerror or error}", _FILE_HINT)


def _printed(words: tuple[str, ...], base: Path, environ: Mapping[str, str], seconds: float) -> bytes | Missing:
    """What a command prints. It has no terminal to ask on, and whatever it started ends with it."""
    try:
        # A session of its own: it can be ended with all it started, and Ctrl-C is ours to handle.
        process = subprocess.Popen(  # noqa: S603 (the manifest's own command)
            words, cwd=base, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Missing(f"cannot start {words[0]}: {why}", "is it installed, and on PATH?")
    with process:
        try:
            out, said = process.communicate(timeout=seconds)
        except BaseException as error:
            with suppress(ProcessLookupError):  # nothing of it is left
                os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return Missing(f"{words[0]} did not end within {seconds:g} s", _COMMAND_HINT)
    if process.returncode:
        return Missing(f"{words[0]} {_ended(process.returncode)}{_complaint(said, out, words)}", _COMMAND_HINT)
    return out


def _ended(code: int) -> str:
    return f"ended with {code}" if code > 0 else f"was ended by {signal.Signals(-code).name}"


def _complaint(said: bytes, out: bytes, words: Iterable[str]) -> str:
    """The last line that it said, without what it printed (a part of the secret, maybe) and without its arguments."""
    hidden = [os.fsdecode(out), *list(words)[1:]]
    masked = Masking(text for each in hidden for text in renderings(each)).masked(said)
    lines = [line.strip() for line in masked.decode("utf-8", "replace").splitlines() if line.strip()]
    return f": {lines[-1][:_SAID]}" if lines else ""
