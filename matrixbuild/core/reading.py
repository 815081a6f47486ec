"""What one demand reads, as the analysis of its Earthly target found it: the material of its build key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What can change the bytes of one demand, besides what it needs (design.md 5 and 6).

    `engine` is kind and line (`embedded/1`), `commands` the digest of the commands on its path, `used` the names of the args in use, `named`
    those that are declared and reach nothing but image names, `files` are (path in the checkout, fingerprint of content and mode), `bases`
    the base images: `ref@digest` where pinned, else `ref`. `opaque` are the ways in which something on the path cannot be seen through
    (`inputs`, `time`, `values`), `secrets` the names of those that its commands ask for, both sorted; `privileged`: a command needs it.
    """

    engine: str
    commands: str
    used: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    bases: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    privileged: bool = False
