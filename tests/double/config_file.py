"""The program's configuration file -> the few settings that the double keeps to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


class ConfigError(Exception):
    """The text is what the program says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`patience` is how many seconds a daemon is waited for; `tls` whether it is talked to with certificates."""

    patience: float = 60.0
    tls: bool = True


def read_config(path: str) -> Config:
    """The file at `path` ("" for none). Raises ConfigError."""
    if not path:
        return Config()
    try:
        document: Any = YAML(typ="safe", pure=True).load(Path(path).read_text())
    except OSError as error:
        raise ConfigError(f"read config: failed to read from {path}: open {path}: {(error.strerror or '').lower()}") from error
    except YAMLError as error:
        raise ConfigError(f"failed to parse config file {path}: {error}") from error
    told = (document or {}).get("global") or {}
    return Config(patience=float(told.get("buildkit_restart_timeout_s", 60)), tls=bool(told.get("tls_enabled", True)))
