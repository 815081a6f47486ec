"""Everything that can change a build's bytes becomes its key (design.md 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as _quoted

from matrixbuild.core.compact import compact, digest_of
from matrixbuild.core.demand import NEED_HOST, need_token
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.names import DIGEST, sha256
from matrixbuild.core.reading import Reading

KEY_VERSION = 1
"""Goes into every key: raise it when the same inputs must count as another build."""

NEED_TOKEN = re.compile(rf"{re.escape(NEED_HOST)}/(?P<target>[^@\s]*)@(?P<digest>{DIGEST.pattern})")
"""A need token inside an arg (demand.need_token)."""


def build_key(
    *,
    engine: str,
    commands: str,
    args: Pairs = (),
    files: Pairs = (),
    bases: Sequence[str] = (),
    needs: Sequence[str] = (),
    artifacts: Sequence[str] = (),
    secrets: Sequence[str] = (),
    generation: str = "",
    versions: Pairs = (),
) -> str:
    """The identity of a build: a digest of everything that can change its bytes (design.md 6), in any order.

    `needs` are keys; a need token in `args` counts as the key it carries, whatever the needed target is called. `artifacts` are the paths
    that are taken out: what they are called afterwards changes no bytes. `secrets` are names, `versions` those
    of secrets, by name.
    """
    material: dict[str, object] = {
        "keyVersion": KEY_VERSION,
        "engine": engine,
        "commands": commands,
        "args": {name: _nameless(value) for name, value in args},
        "files": _files_digest(files),
        "bases": sorted(set(bases)),
        "needs": sorted(set(needs)),
        "artifacts": sorted(set(artifacts)),
    }
    # What few builds have is only there where they have it: so it left the keys of all others as they were.
    rare: dict[str, object] = {"secrets": sorted(set(secrets)), "generation": generation, "secretVersions": dict(versions)}
    return digest_of(material | {name: value for name, value in rare.items() if value})


class Keys:
    """Keys of many builds: what those with one reading have in common is written down once, and equal builds are asked for once."""

    def __init__(self) -> None:
        self._rests: dict[tuple[int, tuple[str, ...], tuple[str, ...], str, Pairs], tuple[Reading, str]] = {}
        self._keys: dict[tuple[str, Pairs], str] = {}
        self._told: dict[tuple[str, str], str] = {}
        """Args as they stand in the canonical JSON."""

    def key(
        self,
        reading: Reading,
        args: Pairs,
        *,
        needs: Sequence[str] = (),
        artifacts: Sequence[str] = (),
        generation: str = "",
        secrets: Pairs = (),
    ) -> str:
        """`build_key` of all of these; `args` are sorted by name, each name once, `needs` and `artifacts` sorted, `secrets` versions by name."""
        # By the identity of the reading, which is kept so that no other gets it.
        place = (id(reading), tuple(needs), tuple(artifacts), generation, secrets)
        if place not in self._rests:
            self._rests[place] = reading, _rest(reading, needs, artifacts, generation, secrets)
        rest = self._rests[place][1]
        whole = (rest, args)
        if found := self._keys.get(whole):
            return found
        # "args" sorts before every other field.
        told = ",".join([self._told.get(pair) or self._tell(pair) for pair in args])
        self._keys[whole] = made = sha256(f'{{"args":{{{told}}},{rest}'.encode("utf-8", "surrogatepass"))
        return made

    def _tell(self, pair: tuple[str, str]) -> str:
        name, value = pair
        self._told[pair] = f"{_quoted(name)}:{_quoted(_nameless(value))}"
        return self._told[pair]


def _rest(reading: Reading, needs: Sequence[str], artifacts: Sequence[str], generation: str, versions: Pairs) -> str:
    """The canonical JSON of a key's material behind the args."""
    material: dict[str, object] = {
        "keyVersion": KEY_VERSION,
        "engine": reading.engine,
        "commands": reading.commands,
        "files": _files_digest(reading.files),
        "bases": sorted(set(reading.bases)),
        "needs": sorted(set(needs)),
        "artifacts": sorted(set(artifacts)),
        **({"secrets": sorted(set(reading.secrets))} if reading.secrets else {}),
        **({"generation": generation} if generation else {}),
        **({"secretVersions": dict(versions)} if versions else {}),
    }
    return compact(material).decode("utf-8", "surrogatepass").removeprefix("{")


def needed_keys(value: str) -> tuple[str, ...]:
    """The keys of the builds whose images an arg of a Build holds, in order."""
    return tuple(token["digest"] for token in NEED_TOKEN.finditer(value))


def with_needs(value: str, images: Mapping[str, str]) -> str:
    """An arg of a Build as an engine gets it: each need token replaced by the image (`repository@digest`) of that key. KeyError without one."""
    return NEED_TOKEN.sub(lambda token: images[token["digest"]], value)


def _nameless(value: str) -> str:
    """An arg without the names of the targets it needs."""
    return NEED_TOKEN.sub(lambda token: need_token("", token["digest"]), value) if NEED_HOST in value else value


@lru_cache(maxsize=4096)  # thousands of builds read the same files
def _files_digest(files: Pairs) -> str:
    return digest_of(sorted(files))
