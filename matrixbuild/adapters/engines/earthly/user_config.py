"""What the user's own configuration of Earthly says -> that, and the configurations with which matrixbuild calls the program: theirs below ours."""

from __future__ import annotations

import io
import os
import pwd
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from matrixbuild.adapters.engines.earthly.probing import Certificates
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.program import Program

_FILES = ("config.yml", "config.yaml")
_CERTIFICATES = {"tlsca": "certs/ca_cert.pem", "tlscert": "certs/earthly_cert.pem", "tlskey": "certs/earthly_key.pem"}
_WAITS = "buildkit_restart_timeout_s"
_PATIENCE = 60
_NO = ("false", "no", "off", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserConfig:
    """A user's configuration: `directory` is where the program keeps its things, `file` where it stands (None: nowhere), `data` what it says."""

    directory: Path
    file: Path | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Any]:
        found = self.data.get("global")
        return found if isinstance(found, Mapping) else {}

    @property
    def builder(self) -> str:
        """The address of the builder that it names, or ""."""
        return str(self.settings.get("buildkit_host") or "")

    @property
    def certificates(self) -> Certificates:
        # Relative to the program's directory, whatever its help says (both programs).
        ca, cert, key = (self.directory / str(self.settings.get(name) or default) for name, default in _CERTIFICATES.items())
        return Certificates(ca=ca, cert=cert, key=key)

    @property
    def tls(self) -> bool:
        """Whether builders on the network are asked over TLS: as it says, else where the certificates for that are there.

        (The program's own default is TLS, and a builder that somebody just started has none.)
        """
        said = self.settings.get("tls_enabled")
        return not self.certificates.missing if said is None else str(said).lower() not in _NO


def read_user_config(program: Program, environ: Mapping[str, str]) -> UserConfig:
    """The configuration that this program would read by itself. Raises UnusableError for one that cannot be read."""
    directory = home(environ) / program.directory
    named = next((environ[f"{prefix}CONFIG"] for prefix in program.variables if environ.get(f"{prefix}CONFIG")), "")
    files = [Path(named)] if named else [directory / name for name in _FILES]
    file = next((file for file in files if file.exists()), None)
    if file is None:
        if named:
            raise _unusable(Path(named), "there is no such file")
        return UserConfig(directory=directory)
    return UserConfig(directory=directory, file=file, data=_read(file))


def home(environ: Mapping[str, str]) -> Path:
    """The directory that the program takes for the user's home: below sudo that of who called it, where it may be written."""
    if (user := environ.get("SUDO_USER", "")) and (found := _home_of(user)) and os.access(found, os.W_OK):
        return found
    return Path(environ["HOME"]) if "HOME" in environ else Path(pwd.getpwuid(os.getuid()).pw_dir)


def _home_of(user: str) -> Path | None:
    try:
        return Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        return None


def _yaml() -> YAML:
    # What it does not know stays as it is written.
    found = YAML(typ="rt")
    found.width = 1 << 16
    return found


def _read(file: Path) -> Mapping[str, Any]:
    try:
        data = _yaml().load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise _unusable(file, str(getattr(error, "strerror", None) or error).lower()) from error
    except YAMLError as error:
        raise _unusable(file, f"it is no YAML ({' '.join(str(error).split())[:200]})") from error
    if data is not None and not isinstance(data, Mapping):
        raise _unusable(file, "it is no mapping")
    return data or {}


def _unusable(file: Path, why: str) -> UnusableError:
    summary = f"the configuration of Earthly in {file} cannot be read: {why}"
    return UnusableError(Problem(summary=summary, hint="correct it: Earthly itself would refuse it", code="earthly-config"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Configs:
    """Two files for `--config`: `fast` connects once and at once, `patient` as long as the user's own says (a minute)."""

    fast: Path
    patient: Path

    def of(self, *, patient: bool) -> Path:
        return self.patient if patient else self.fast


def write_configs(user: UserConfig, directory: Path, *, frontend: bool) -> Configs:
    """The configurations for builders on the network, in a directory that only its owner may enter: a user's may hold passwords of git.

    Without `frontend` the program does not look for Docker and Podman, three calls for each build that such a builder has no use for.
    Raises UnusableError where they cannot be written.
    """
    waits = user.settings.get(_WAITS) or _PATIENCE
    return Configs(
        fast=_written(directory / "fast.yml", _merged(user, waits=0, frontend=frontend)),
        patient=_written(directory / "patient.yml", _merged(user, waits=waits, frontend=frontend)),
    )


def _merged(user: UserConfig, *, waits: object, frontend: bool) -> Mapping[str, Any]:
    settings = dict(deepcopy(user.settings)) | {"tls_enabled": user.tls, _WAITS: waits}
    settings.pop("buildkit_host", None)  # the command line has it
    if not frontend:
        settings["container_frontend"] = "none"
    return {**deepcopy(dict(user.data)), "global": settings}


def _written(file: Path, data: Mapping[str, Any]) -> Path:
    text = io.StringIO()
    _yaml().dump(dict(data), text)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        summary = f"the configuration for Earthly cannot be written to {file}: {(error.strerror or str(error)).lower()}"
        raise UnusableError(Problem(summary=summary, hint="check its permissions and the space left", code="earthly-config")) from error
    return file
