# ruff: noqa: N802  (http.server calls methods by these names)

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path

import pytest

from matrixbuild.adapters.network import Reach
from matrixbuild.adapters.registry_access import Access, try_push
from matrixbuild.core.problems import UnusableError
from tests.fakes.serving import QuietHandler, serving
from tests.services import RunningRegistry, free_port

REACH = Reach()


def summary(host: str, repository: str = "edge/a") -> str:
    with pytest.raises(UnusableError) as caught:
        try_push(host, repository, REACH)
    return str(caught.value)


def uploads(root: Path) -> list[Path]:
    # What is left of one that was cancelled is a directory of its own bookkeeping.
    return list(root.rglob("doctor/a/_uploads/*/data"))


@pytest.mark.registry
def test_who_may_push_is_told_so_and_leaves_nothing(docker_registry: RunningRegistry) -> None:
    assert try_push(docker_registry.host, "doctor/a", REACH) == Access(ahead=0.0)
    assert not uploads(docker_registry.root)


@pytest.mark.registry
def test_who_has_no_login_hears_of_it(basic_registry: RunningRegistry) -> None:
    assert summary(basic_registry.host) == f"{basic_registry.host} wants a login to push to edge/a, and the Docker config has none for it"


def test_nobody_there_is_told_at_once() -> None:
    host = f"127.0.0.1:{free_port()}"
    assert summary(host) == f"cannot push to edge/a at {host}: {host} refuses the connection"


class Registry(QuietHandler):
    """Takes uploads, at another time than ours."""

    ahead: float | None = 0.0
    status = 202
    cancelled: list[str]

    def do_POST(self) -> None:
        self.answer(self.status, {"Location": f"{self.path}17"}, b"")

    def do_DELETE(self) -> None:
        type(self).cancelled.append(self.path)
        self.answer(204, {}, b"")

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Date":
            if self.ahead is None:
                return
            value = formatdate(time.time() + self.ahead, usegmt=True)
        super().send_header(keyword, value)


@pytest.mark.parametrize("ahead", [-7200.0, -90.0, 0.0, 90.0, 7200.0])
def test_another_time_is_told_by_how_much(ahead: float) -> None:
    kind = type("Other", (Registry,), {"ahead": ahead, "cancelled": []})
    with serving(kind) as host:
        found = try_push(host, "edge/a", REACH).ahead
    assert found == pytest.approx(ahead, abs=2)
    assert kind.cancelled == ["/v2/edge/a/blobs/uploads/17"]  # type: ignore[attr-defined]


def test_a_registry_without_a_clock_is_none_of_our_business() -> None:
    with serving(type("Timeless", (Registry,), {"ahead": None, "cancelled": []})) as host:
        assert try_push(host, "edge/a", REACH) == Access(ahead=None)


def test_one_that_cannot_be_written_is_told() -> None:
    with serving(type("Mirror", (Registry,), {"status": 405, "cancelled": []})) as host:
        assert summary(host) == f"cannot push to edge/a at {host}: the registry answers 405 Method Not Allowed"
