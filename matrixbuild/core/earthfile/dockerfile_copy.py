"""The flags and the destination of a Dockerfile's COPY or ADD in, what they ask of the copy out."""

from __future__ import annotations

import re
from collections.abc import Callable

from matrixbuild.core.earthfile.dockerfile_config import workdir
from matrixbuild.core.earthfile.dockerfile_text import Instruction
from matrixbuild.core.earthfile.faults import Fault
from matrixbuild.core.earthfile.recipe import CopyFlags
from matrixbuild.core.images import ImageConfig

ONLY_EARTHLY = "install Earthly and set `engine: earthly`"
"""The hint where something needs a container or the network."""

_FLAGS = {"COPY": {"from", "chown", "chmod", "link", "parents"}, "ADD": {"chown", "chmod", "link", "keep-git-dir", "checksum"}}
"""Of Earthly's BuildKit. --parents does nothing in it, --keep-git-dir nothing to files."""


def check_flags(instruction: Instruction) -> None:
    """Raise EarthfileError (INVALID_ARG) for a flag that Earthly's BuildKit does not know, or one that fits no file."""
    for name, _ in instruction.flags:
        if name not in _FLAGS[instruction.name]:
            hint = f"it has {', '.join(f'--{each}' for each in sorted(_FLAGS[instruction.name]))}"
            raise instruction.error(f"{instruction.name} has no flag --{name} that Earthly knows", fault=Fault.INVALID_ARG, hint=hint)
        if name == "checksum" and not re.search("https?://", instruction.rest):
            raise instruction.error("ADD --checksum is for files of the network only", fault=Fault.INVALID_ARG)


def destination(path: str, config: ImageConfig) -> str:
    """The absolute path; one that is to be a directory ends with a slash."""
    dest = workdir(config, path or ".")
    return f"{dest}/" if path in ("", ".") or (path.endswith("/") and dest != "/") else dest


def copy_flags(instruction: Instruction, expand: Callable[[str], str], *, partial: bool) -> CopyFlags:
    """A Dockerfile's COPY keeps times and, without --chown, owners; it copies a directory's contents, and a wildcard may match nothing.

    A mode that is no octal number counts for nothing in BuildKit.
    """
    chmod = expand(instruction.flag("chmod"))
    octal = re.fullmatch("[0-7]+", chmod)
    linked = any(name == "link" for name, _ in instruction.flags) and not (octal if partial else chmod)
    return CopyFlags(
        keep_ts=True,
        keep_own=True,
        empty_wildcard=True,
        unpack=instruction.name == "ADD",
        chmod=int(chmod, 8) if octal else None,
        chown=expand(instruction.flag("chown")),
        link=linked,
    )
