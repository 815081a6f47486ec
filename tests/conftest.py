"""Fixtures that every test may ask for: real neighbours, started once a session and only if asked for."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from matrixbuild.adapters.known_secrets import KNOWN
from tests import services
from tests.fakes import token_server as tokens

# A loaded machine is no failing law; `make soak` looks at 25 times as many examples.
hypothesis.settings.register_profile("ci", deadline=None, max_examples=40)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("soak" if os.environ.get("MATRIXBUILD_SOAK") else "ci")


IN_CHILDREN = (
    *("contract/test_earthly_", "contract/test_sharing", "double/", "hostile/", "kills/", "mutants/", "orphans/"),
    *("test_docs", "test_makefile", "test_packaging", "test_quickstart"),
)
"""How the paths begin, below this folder, of tests that call the program in processes of its own."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Tracing makes Python three times as slow, so it is left out where it measures nothing: the product's part of what runs in processes of its
    own is not traced anyway, and what the random samples of a law reach is another thing with each run.

    pytest-cov's `no_cover` would be the same, but for workers of xdist: two traces are on in these, and it ends one.
    """
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    if not (path.startswith(IN_CHILDREN) or any(map(item.get_closest_marker, ("hypothesis", "untraced")))):
        return (yield)
    own, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(own)
        threading.settrace(of_threads)


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """A secret of one test is no secret in the next."""
    yield
    KNOWN.forget()


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
