"""The Docker config and its credential helpers -> the login for one registry."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.adapters.registry_auth import Login
from matrixbuild.core.problems import Problem, UnusableError


def docker_login(host: str, *, config: Path | None = None) -> Login | None:
    """The account of a registry in `config`, else in $DOCKER_CONFIG/config.json, else in ~/.docker/config.json; None where there is none.

    The docker SDK reads the file and calls the helpers (credHelpers before credsStore before auths). It takes a file that it cannot
    read for an empty one, which would look like a missing login: so that is asked first. Raises UnusableError then, and where a
    helper fails.
    """
    # 150 ms, and most registries ask for nothing.
    from docker import auth, errors
    from docker.utils.config import find_config_file

    found_path = find_config_file(str(config) if config else None)
    if not isinstance(found_path, str):
        return None
    path = Path(found_path)
    _check_readable(path)
    try:
        logins = auth.load_config(str(path))
        _check_helper(logins.get_credential_store(host), host, path)
        login = _login(logins.resolve_authconfig(host) or {})
    except (errors.DockerException, ValueError, OSError) as error:
        hint = f"`docker login {host}` shows whether the helper works"
        raise _unusable(f"the login of {host} cannot be read from {path}: {' '.join(str(error.__cause__ or error).split())}", hint) from error
    if login is not None:
        # The account as the file and the request have it, too: the base64 of both words holds none of the password's own forms.
        KNOWN.learn([text for text in (login.password, login.password and login.basic.removeprefix("Basic "), login.identity_token) if text])
    return login


def docker_hosts(*, config: Path | None = None) -> tuple[str, ...]:
    """The registries whose logins stand in the Docker config itself, as they are written there. Raises UnusableError for one that cannot be read."""
    from docker import auth
    from docker.utils.config import find_config_file

    found_path = find_config_file(str(config) if config else None)
    if not isinstance(found_path, str):
        return ()
    _check_readable(Path(found_path))
    return tuple(host for host, entry in auth.load_config(found_path).auths.items() if entry)


def _check_readable(path: Path) -> None:
    if path.name == ".dockercfg":  # the old form, which is not JSON
        return
    try:
        readable = isinstance(json.loads(path.read_bytes()), dict)
        why = "it is not a JSON object"
    except (OSError, ValueError) as error:
        readable, why = False, str(error)
    if not readable:
        raise _unusable(f"the Docker config {path} cannot be read: {why}", "correct it, or log in anew")


def _check_helper(name: str | None, host: str, path: Path) -> None:
    # The SDK only warns of this one, and then fails with other words.
    if name and shutil.which(f"docker-credential-{name}") is None:
        summary = f"{path} keeps the login of {host} in docker-credential-{name}, which is not on PATH"
        raise _unusable(summary, "install it, or take it out of the file")


def _unusable(summary: str, hint: str) -> UnusableError:
    return UnusableError(Problem(summary=summary, hint=hint, code="auth"))


def _login(found: dict[str, str]) -> Login | None:
    # Entries of auths have lower-case keys, those of the helpers capitals.
    values = {key.lower(): value for key, value in found.items() if value}
    if "identitytoken" in values:
        return Login(identity_token=values["identitytoken"])
    if "username" in values:
        return Login(username=values["username"], password=values.get("password", ""))
    return None
