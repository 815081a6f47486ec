"""Fixtures that every test may ask for: real neighbours, started once a session and only if asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests import services
from tests.fakes import token_server as tokens

# A loaded machine is no failing law; `make soak` looks at ten times as many examples.
hypothesis.settings.register_profile("ci", deadline=None)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("soak" if os.environ.get("MATRIXBUILD_SOAK") else "ci")


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.RunningRegistry]:
    """A docker-registry that lets everybody in; tests take repositories of their own."""
    with services.running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def basic_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.RunningRegistry]:
    """A docker-registry that wants services.USER and services.PASSWORD."""
    with services.running_registry(tmp_path_factory.mktemp("basic"), auth=services.basic_auth) as running:
        yield running


@pytest.fixture(scope="session")
def token_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tokens.TokenServer]:
    with tokens.token_server(tmp_path_factory.mktemp("tokens")) as server:
        yield server


@pytest.fixture(scope="session")
def token_registry(tmp_path_factory: pytest.TempPathFactory, token_server: tokens.TokenServer) -> Iterator[services.RunningRegistry]:
    """A docker-registry that wants tokens of `token_server`."""
    with services.running_registry(tmp_path_factory.mktemp("token"), auth=token_server.auth) as running:
        yield running


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[str]:
    """DOCKER_HOST of a Docker engine of this session's own."""
    with services.running_docker_engine() as host:
        yield host
