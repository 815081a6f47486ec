"""Errors of registries become failures of the kind, about the host and with the wait that the registry told."""

from __future__ import annotations

import pytest

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.registry import RegistryUnavailableError, refused

HOST = "registry.lab:5000"


def unavailable(*, answered: bool = True, retry_after: float | None = None) -> RegistryUnavailableError:
    return RegistryUnavailableError(Problem(summary="not now", hint="wait"), host=HOST, answered=answered, retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "kind", "found"),
    [
        (unavailable(), FailureKind.REGISTRY, FailureKind.REGISTRY),
        (unavailable(), FailureKind.PUSH, FailureKind.PUSH),
        (unavailable(answered=False), FailureKind.REGISTRY, FailureKind.NETWORK),
        (unavailable(answered=False), FailureKind.PUSH, FailureKind.PUSH),
        (unavailable(retry_after=0.0), FailureKind.PUSH, FailureKind.REGISTRY),
        (unavailable(retry_after=30.0), FailureKind.PUSH, FailureKind.REGISTRY),
    ],
)
def test_what_is_not_to_be_had_now(error: RegistryUnavailableError, kind: FailureKind, found: FailureKind) -> None:
    assert refused(error, kind) == Failure(kind=found, summary="not now", hint="wait", host=HOST, retry_after=error.retry_after)


def test_a_login_that_is_refused_and_what_else_is_wrong() -> None:
    auth = UnusableError(Problem(summary="forbidden", hint="login", code="auth"))
    assert refused(auth, FailureKind.PUSH, host=HOST) == Failure(kind=FailureKind.AUTH, summary="forbidden", hint="login", host=HOST)
    other = UnusableError(Problem(summary="no TLS", code="insecure"))
    assert refused(other, FailureKind.PUSH, host=HOST) == Failure(kind=FailureKind.PUSH, summary="no TLS", host=HOST)
