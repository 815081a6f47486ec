"""The configuration blob of an OCI or Docker image <-> the part of it that Earthfile commands see and change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matrixbuild.core.images import Healthcheck, HistoryStep, ImageConfig
from matrixbuild.core.names import Platform

CREATED = "2020-04-16T12:00:00Z"
"""The time of every image and every step of ours: Earthly's (earthly.md 9)."""


def read_config(document: Mapping[str, Any], platform: Platform) -> ImageConfig:
    """A base image's configuration document -> ImageConfig without history; `platform` stands where the document names none."""
    told = document.get("config") or {}
    return ImageConfig(
        env=tuple(_pair(entry) for entry in told.get("Env") or ()),
        user=told.get("User") or "",
        workdir=told.get("WorkingDir") or "",
        entrypoint=_words(told.get("Entrypoint")),
        cmd=_words(told.get("Cmd")),
        exposed_ports=frozenset(told.get("ExposedPorts") or ()),
        volumes=frozenset(told.get("Volumes") or ()),
        labels=tuple(sorted((told.get("Labels") or {}).items())),
        healthcheck=_read_check(told.get("Healthcheck")),
        stop_signal=told.get("StopSignal") or "",
        shell=_words(told.get("Shell")),
        on_build=tuple(told.get("OnBuild") or ()),
        platform=Platform(
            os=document.get("os") or platform.os,
            architecture=document.get("architecture") or platform.architecture,
            variant=document.get("variant") or ("" if document.get("architecture") else platform.variant),
        ),
    )


def write_config(config: ImageConfig, *, diff_ids: Sequence[str], base_history: Sequence[Any] = ()) -> dict[str, Any]:
    """The whole configuration document of an image: `diff_ids` of all its layers, the base's first, and the base's history before ours."""
    ours = [{"created": CREATED, "created_by": step.created_by, **({} if step.layer else {"empty_layer": True})} for step in config.history]
    platform = config.platform
    return {
        "architecture": platform.architecture,
        "config": _settings(config),
        "created": CREATED,
        "history": [*base_history, *ours],
        "os": platform.os,
        "rootfs": {"diff_ids": list(diff_ids), "type": "layers"},
        **({"variant": platform.variant} if platform.variant else {}),
    }


def _settings(config: ImageConfig) -> dict[str, Any]:
    """What is not set is not written, as Docker does; an entrypoint or command that was emptied is written so, for it hides the base's."""
    settings: dict[str, Any] = {
        "Env": [f"{name}={value}" for name, value in config.env],
        "User": config.user,
        "WorkingDir": config.workdir,
        "ExposedPorts": {port: {} for port in sorted(config.exposed_ports)},
        "Volumes": {volume: {} for volume in sorted(config.volumes)},
        "Labels": dict(config.labels),
        "Healthcheck": _write_check(config.healthcheck),
        "StopSignal": config.stop_signal,
        "OnBuild": list(config.on_build),
    }
    lists = {"Entrypoint": config.entrypoint, "Cmd": config.cmd, "Shell": config.shell}
    return {name: value for name, value in settings.items() if value} | {name: list(value) for name, value in lists.items() if value is not None}


def join_history(config: ImageConfig, layers: int) -> tuple[HistoryStep, ...]:
    """The steps of a configuration with exactly `layers` that made one.

    An evaluator may tell fewer steps than an engine made layers (a COPY from several artifacts is one step and many layers): the rest is
    told by name. It may not tell more: ValueError.
    """
    told = sum(step.layer for step in config.history)
    if told > layers:
        raise ValueError(f"{told} commands of the history made layers, but there are {layers}")
    return (*config.history, *(HistoryStep(created_by="COPY", layer=True) for _ in range(layers - told)))


def _pair(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def _words(value: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


_CHECK = (
    ("interval", "Interval"),
    ("timeout", "Timeout"),
    ("start_period", "StartPeriod"),
    ("start_interval", "StartInterval"),
    ("retries", "Retries"),
)


def _read_check(told: Mapping[str, Any] | None) -> Healthcheck | None:
    if not told:
        return None
    return Healthcheck(test=tuple(told.get("Test") or ()), **{name: int(told.get(key) or 0) for name, key in _CHECK})


def _write_check(check: Healthcheck | None) -> dict[str, Any] | None:
    if check is None:
        return None
    numbers = {key: getattr(check, name) for name, key in _CHECK if getattr(check, name)}
    return {"Test": list(check.test), **numbers}
