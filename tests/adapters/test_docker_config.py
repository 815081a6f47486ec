from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from matrixbuild.adapters.docker_config import docker_login
from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.adapters.registry_auth import Login
from matrixbuild.core.problems import UnusableError

ACCOUNT = base64.b64encode(b"me:se:cret").decode()


def written(directory: Path, content: object) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("key", ["registry.example.com", "https://registry.example.com", "https://registry.example.com/v2/"])
def test_an_account_in_the_file(tmp_path: Path, key: str) -> None:
    config = written(tmp_path, {"auths": {key: {"auth": ACCOUNT}}})
    assert docker_login("registry.example.com", config=config) == Login(username="me", password="se:cret")
    assert docker_login("other.example.com", config=config) is None


def test_docker_io_is_known_by_its_old_address(tmp_path: Path) -> None:
    config = written(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": ACCOUNT}}})
    assert docker_login("docker.io", config=config) == Login(username="me", password="se:cret")


def test_an_identity_token(tmp_path: Path) -> None:
    config = written(tmp_path, {"auths": {"r.example.com": {"auth": ACCOUNT, "identitytoken": "long"}}})
    assert docker_login("r.example.com", config=config) == Login(identity_token="long")


@pytest.mark.parametrize("shown", ["se:cret", ACCOUNT, base64.b64encode(b"se:cret").decode(), "eyJ-token"])
def test_what_logs_in_is_hidden_from_then_on(tmp_path: Path, shown: str) -> None:
    config = written(tmp_path, {"auths": {"r.example.com": {"auth": ACCOUNT}, "s.example.com": {"auth": ACCOUNT, "identitytoken": "eyJ-token"}}})
    assert KNOWN.hidden(f"got {shown}, me") == f"got {shown}, me"
    docker_login("r.example.com", config=config)
    docker_login("s.example.com", config=config)
    assert KNOWN.hidden(f"got {shown}, me") == "got ***, me"


@pytest.mark.parametrize("content", [{}, {"auths": {}}, {"auths": {"r.example.com": {}}}, {"credHelpers": {}}])
def test_no_account(tmp_path: Path, content: object) -> None:
    assert docker_login("r.example.com", config=written(tmp_path, content)) is None


HELPER = """#!/bin/sh
read host
case "$host" in
  h.example.com) echo '{"ServerURL": "h", "Username": "helped", "Secret": "by a program"}' ;;
  t.example.com) echo '{"ServerURL": "t", "Username": "<token>", "Secret": "identity"}' ;;
  *) echo "credentials not found in native keychain"; exit 1 ;;
esac
"""

ASK = """
import sys
from pathlib import Path
from matrixbuild.adapters.docker_config import docker_login
from matrixbuild.adapters.known_secrets import KNOWN
print(docker_login(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("h.example.com", Login(username="helped", password="by a program")),
        ("t.example.com", Login(identity_token="identity")),
        ("f.example.com", Login(username="me", password="se:cret")),
        ("n.example.com", None),
    ],
)
@pytest.mark.parametrize("kind", ["credsStore", "credHelpers"])
def test_helpers_come_first(tmp_path: Path, host: str, expected: Login | None, kind: str) -> None:
    program = tmp_path / "docker-credential-test"
    program.write_text(HELPER)
    program.chmod(0o755)
    helper: object = "test" if kind == "credsStore" else {host: "test"}
    written(tmp_path, {"auths": {"f.example.com": {"auth": ACCOUNT}}, kind: helper})
    environ = {**os.environ, "DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-c", ASK, host], env=environ, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(expected)


def test_a_helper_that_is_not_there_is_told(tmp_path: Path) -> None:
    config = written(tmp_path, {"credHelpers": {"r.example.com": "not-installed"}})
    with pytest.raises(UnusableError) as caught:
        docker_login("r.example.com", config=config)
    assert str(caught.value) == f"{config} keeps the login of r.example.com in docker-credential-not-installed, which is not on PATH"
    assert caught.value.problems[0].hint == "install it, or take it out of the file"


def test_a_helper_that_fails_is_told(tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-broken"
    program.write_text("#!/bin/sh\necho the keychain is locked\nexit 1\n")
    program.chmod(0o755)
    config = written(tmp_path, {"credsStore": "broken"})
    environ = {**os.environ, "DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-c", ASK, "r.example.com"], check=False, env=environ, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "matrixbuild.core.problems.UnusableError: "
        f"the login of r.example.com cannot be read from {config}: "
        'Credentials store docker-credential-broken exited with "the keychain is locked ".'
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [("", "Expecting value: line 1 column 1 (char 0)"), ("[]", "it is not a JSON object")],
)
def test_a_file_that_cannot_be_read_is_no_missing_login(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UnusableError) as caught:
        docker_login("r.example.com", config=tmp_path / "config.json")
    assert str(caught.value) == f"the Docker config {tmp_path / 'config.json'} cannot be read: {why}"


def test_an_account_that_is_not_base64_is_told(tmp_path: Path) -> None:
    config = written(tmp_path, {"auths": {"r.example.com": {"auth": "?"}}})
    with pytest.raises(UnusableError) as caught:
        docker_login("r.example.com", config=config)
    assert str(caught.value).startswith(f"the login of r.example.com cannot be read from {config}: ")


def test_docker_is_imported_only_when_asked() -> None:
    code = "import sys, matrixbuild.adapters.registry; print('docker' in sys.modules, 'requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False False\n"
