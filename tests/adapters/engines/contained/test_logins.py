"""Logins as a program in a container finds them, whoever keeps them on this machine."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from matrixbuild.adapters.docker_config import docker_hosts
from matrixbuild.adapters.engines.contained.logins import Logins
from matrixbuild.adapters.registry_auth import Login
from matrixbuild.core.problems import UnusableError

KNOWN = {
    "registry.test:5000": Login(username="me", password="a:b"),
    "https://index.docker.io/v1/": Login(username="hub", password="x"),
    "cloud.test": Login(identity_token="token"),
}


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_they_stand_in_one_file_for_its_owner_alone(tmp_path: Path) -> None:
    hosts = ["registry.test:5000", "https://registry.test:5000/v1/", "docker.io", "cloud.test", "nobody.test"]
    Logins(tmp_path / "docker", hosts, KNOWN.get).refresh()
    file = tmp_path / "docker/config.json"
    assert json.loads(file.read_text()) == {
        "auths": {
            "registry.test:5000": {"auth": encoded("me:a:b")},
            "https://index.docker.io/v1/": {"auth": encoded("hub:x")},
            "cloud.test": {"auth": encoded("<token>:"), "identitytoken": "token"},
        }
    }
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [path.name for path in file.parent.iterdir()] == ["config.json"]


def test_they_are_asked_for_once_and_not_for_every_call(tmp_path: Path) -> None:
    asked: list[str] = []

    def login(host: str) -> None:
        asked.append(host)

    logins = Logins(tmp_path / "docker", ["a.test", "a.test"], login)
    logins.refresh()
    logins.refresh()
    assert asked == ["a.test"]


def test_a_helper_that_fails_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {"cloud.test": "that-nobody-has"}}))

    def login(host: str) -> Login | None:
        from matrixbuild.adapters.docker_config import docker_login

        return docker_login(host, config=tmp_path / "config.json")

    with pytest.raises(UnusableError) as caught:
        Logins(tmp_path / "docker", ["cloud.test"], login).refresh()
    assert "keeps the login of cloud.test in docker-credential-that-nobody-has, which is not on PATH" in str(caught.value)
    assert not (tmp_path / "docker/config.json").exists()


def test_hosts_are_those_whose_logins_stand_in_the_config(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    auths = {"registry.test:5000": {"auth": encoded("me:x")}, "kept-elsewhere.test": {}}
    config.write_text(json.dumps({"auths": auths, "credHelpers": {"cloud.test": "cloud"}}))
    assert docker_hosts(config=config) == ("registry.test:5000",)
    config.write_text("{")
    with pytest.raises(UnusableError):
        docker_hosts(config=config)
