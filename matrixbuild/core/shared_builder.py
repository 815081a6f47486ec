"""What a run wants of the builder that matrixbuild keeps in Docker -> the description of its container, and whether one that runs will do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from matrixbuild.core.engine_use import EARTHLY_LINE
from matrixbuild.core.names import sha256

BUILDER_LABEL = "dev.matrixbuild.builder"
"""Of containers, volumes and networks that are the builder's: `prune --builder` finds them by it. Its value is the builder's name."""
SETTINGS_LABEL = "dev.matrixbuild.settings"
ADDRESS_LABEL = "dev.matrixbuild.address"

INSTALLATIONS = ("earthly", "earth")
"""What the two projects call what they have on a machine (core.program.Program.installation)."""

HOST = "127.0.0.2"
"""This machine, under the one name that Earthly does not take for a daemon of its own (facts 8)."""

ENTRYPOINT = ("/usr/bin/entrypoint.sh",)
COMMAND = ("buildkitd", "--config=/etc/buildkitd.toml")
_CGROUPS = "/sys/fs/cgroup"
_MEGA = 1 << 20


def builder_name(installation: str, user: int) -> str:
    """The container and the volume of a user's builder: one for each project and line of versions, whose caches are their own."""
    return f"matrixbuild-{installation}-{EARTHLY_LINE}-{user}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderSettings:
    """`image` is the id of its image, `cache` how many bytes its cache may have (0: as the image likes), `privileged` whether steps may ask for all
    rights, `proxies` (variable, URL), `insecure` registries that may do without TLS, `certificates` the texts of CAs to trust."""

    image: str
    cache: int = 0
    privileged: bool = False
    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    insecure: tuple[str, ...] = ()
    certificates: tuple[str, ...] = field(default=(), repr=False)

    def written(self) -> str:
        """For a label: proxies, which may hold passwords, and certificates by their digests."""
        return json.dumps(self._digested(), sort_keys=True, separators=(",", ":"))

    def _digested(self) -> dict[str, Any]:
        return {
            "cache": self.cache,
            "certificates": sorted(map(_digest, self.certificates)),
            "image": self.image,
            "insecure": sorted(self.insecure),
            "privileged": self.privileged,
            "proxies": _digest(json.dumps(sorted(self.proxies))),
        }

    def lacking(self, label: str) -> tuple[str, ...]:
        """What a builder with this label has otherwise than it is wanted, in the words of the manifest; more than is wanted does no harm."""
        has, wants = _read(label), self._digested()
        differs = {
            "image": has["image"] != wants["image"],
            "engine.cache": self.cache not in (0, has["cache"]),
            "privileged": self.privileged and not has["privileged"],
            "proxies": has["proxies"] != wants["proxies"],
            "network.insecure": not set(wants["insecure"]) <= set(has["insecure"]),
            "network.ca": not set(wants["certificates"]) <= set(has["certificates"]),
        }
        return tuple(name for name, lacks in differs.items() if lacks)

    def keeping(self, label: str) -> BuilderSettings:
        """With what a builder of this label has beside, so that two manifests in turn do not make it anew each time."""
        has = _read(label)
        return replace(self, cache=self.cache or has["cache"], insecure=tuple(sorted({*self.insecure, *has["insecure"]})))


_NOTHING: Mapping[str, Any] = {"cache": 0, "certificates": [], "image": "", "insecure": [], "privileged": False, "proxies": ""}


def _read(label: str) -> Mapping[str, Any]:
    """A label that is none (somebody else's container, another version's) says that nothing is as it is wanted."""
    try:
        found = json.loads(label)
    except ValueError:
        return _NOTHING
    return {**_NOTHING, **found} if isinstance(found, dict) else _NOTHING


def _digest(text: str) -> str:
    return sha256(text.encode())


def variables(settings: BuilderSettings, port: int) -> list[str]:
    """The container's environment, beside the image's own; a name without `=` takes it away."""
    return [
        # Steps are in the network of this machine, as the builder itself is: a bridge of its own would need the rights to make one.
        "NETWORK_MODE=host",
        # Else it is asked of the default route, and without one the container ends.
        "CNI_MTU=1500",
        # A registry of outputs for everybody who reaches this machine; only WITH DOCKER could use it.
        "BUILDKIT_LOCAL_REGISTRY_LISTEN_PORT",
        # The image's own form of listening is for everybody as well.
        "BUILDKIT_TCP_TRANSPORT_ENABLED=false",
        f"EARTHLY_ADDITIONAL_BUILDKIT_CONFIG={_config(settings.insecure, port)}",
        *([f"CACHE_SIZE_MB={max(1, settings.cache // _MEGA)}", "CACHE_SIZE_PCT=0"] if settings.cache else []),
        *(f"{name}={value}" for name, value in settings.proxies),
    ]


def _config(insecure: Iterable[str], port: int) -> str:
    # json.dumps writes a string as TOML reads it.
    registries = "".join(f"[registry.{json.dumps(host, ensure_ascii=False)}]\n  http = true\n  insecure = true\n" for host in sorted(insecure))
    return f'[grpc]\n  address = ["tcp://{HOST}:{port}"]\n{registries}'


def rights(settings: BuilderSettings, *, cgroups: int) -> dict[str, Any]:
    """What the container may do, in the words of Docker's HostConfig.

    Not privileged, it has what builds need (facts 9.9): Docker's own capabilities and SYS_ADMIN, nothing hidden below /proc and /sys, and the
    machine's cgroups, which with version 2 have to be in the same namespace as their mount.
    """
    if settings.privileged:
        return {"Privileged": True}
    return {
        "CapAdd": ["SYS_ADMIN"],
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "Binds": [f"{_CGROUPS}:{_CGROUPS}:rw"],
        **({"CgroupnsMode": "host"} if cgroups > 1 else {}),
    }


def host_config(settings: BuilderSettings, *, volume: str, root: str, cgroups: int) -> dict[str, Any]:
    """Docker's HostConfig of the container; `root` is where the image keeps its cache, which is to be in `volume`."""
    found = rights(settings, cgroups=cgroups)
    return {
        **found,
        "Binds": [f"{volume}:{root}:rw", *found.get("Binds", ())],
        "NetworkMode": "host",
        "UsernsMode": "host",
        # Otherwise what buildkitd says goes on for as long as it lives.
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}},
    }


def told(differences: Sequence[str]) -> str:
    """Names in a sentence: `proxies and engine.cache`."""
    return " and ".join(filter(None, (", ".join(differences[:-1]), differences[-1])))
