"""When the files that others wait for are with the builder: at once where they are small, else when the copies that take them have ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Order
from matrixbuild.adapters.engines.earthly.checkouts import Checkout
from matrixbuild.adapters.engines.earthly.sending import LARGE, Sending
from matrixbuild.core.earthfile.generation import Renewed
from matrixbuild.core.usage import Progress

SENT = (("Earthfile", 3, "content"), ("sub/Earthfile", 7, "more/*.bin"))
STEP = Progress(step=1, steps=2)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "content").mkdir()
    (tmp_path / "more").mkdir()
    (tmp_path / "content" / "small").write_bytes(b"x")
    return tmp_path


def large(path: Path, size: int = LARGE) -> None:
    with path.open("wb") as file:
        file.truncate(size)


class Sent:
    def __init__(self, checkout: Path, *sent: tuple[str, int, str], rewritten: dict[str, Renewed] | None = None) -> None:
        order = Order(earthly="+image", args=(), key="k", push=None, artifacts=(), output=checkout, sent=sent)
        self.told: list[Progress] = []
        self.checkout = checkout
        self.sending = Sending(order, Checkout(path=checkout, rewritten=rewritten or {}), self.told.append)

    def copied(self, *places: tuple[str, int]) -> None:
        self.sending.copied(frozenset((str(self.checkout / file), line) for file, line in places))

    @property
    def uploaded(self) -> list[bool]:
        return [each.uploaded for each in self.told]


def test_small_files_are_there_at_once(checkout: Path) -> None:
    found = Sent(checkout, *SENT)
    assert found.told == [Progress(uploaded=True)]
    found.sending.tell(STEP)
    assert found.uploaded == [True, True]


def test_large_ones_when_every_copy_of_them_has_ended(checkout: Path) -> None:
    large(checkout / "content" / "large", LARGE - 1)
    large(checkout / "more" / "a.bin", 1 << 20)
    found = Sent(checkout, *SENT)
    found.sending.tell(STEP)
    found.copied(("Earthfile", 3))
    found.copied(("Earthfile", 3), ("Earthfile", 9))
    assert found.uploaded == [False]
    found.copied(("Earthfile", 3), ("sub/Earthfile", 7))
    assert found.told[-1] == Progress(step=1, steps=2, uploaded=True)
    found.copied(("Earthfile", 3), ("sub/Earthfile", 7), ("Earthfile", 12))
    assert found.uploaded == [False, True]


def test_copies_of_little_or_of_nothing_are_not_waited_for(checkout: Path) -> None:
    large(checkout / "more" / "a.bin")
    found = Sent(checkout, *SENT, ("Earthfile", 9, "not there"))
    found.copied(("sub/Earthfile", 7))
    assert found.uploaded == [True]


def test_a_pattern_that_takes_less_is_small(checkout: Path) -> None:
    large(checkout / "more" / "a.iso")
    assert Sent(checkout, *SENT).uploaded == [True]
    large(checkout / "more" / "a.bin")
    assert Sent(checkout, *SENT).uploaded == []


@pytest.mark.parametrize("pattern", [".", "content/*", "content"])
def test_whole_directories_count_and_what_links_lead_to_does_not(checkout: Path, pattern: str) -> None:
    (checkout / "content" / "link").symlink_to("../large")
    assert Sent(checkout, ("Earthfile", 3, "content")).uploaded == [True]
    large(checkout / "large")
    assert Sent(checkout, ("Earthfile", 3, "content")).uploaded == [True]
    large(checkout / "content" / "deep")
    assert Sent(checkout, ("Earthfile", 3, pattern)).uploaded == []


def test_patterns_that_nothing_can_be_found_by_take_nothing(checkout: Path) -> None:
    assert Sent(checkout, ("Earthfile", 3, "/etc"), ("Earthfile", 4, "no/such/**"), ("Earthfile", 5, "\0")).uploaded == [True]


def test_lines_are_the_authors_and_other_places_are_nobodys(checkout: Path) -> None:
    large(checkout / "content" / "large")
    found = Sent(checkout, SENT[0], rewritten={"Earthfile": Renewed(text="", added=(1, 2))})
    found.copied(("Earthfile", 3))
    found.sending.copied(frozenset({("/elsewhere/Earthfile", 5), ("", 0)}))
    assert found.uploaded == []
    found.copied(("Earthfile", 5))
    assert found.uploaded == [True]


def test_who_sends_nothing_that_others_wait_for_says_nothing_of_it(checkout: Path) -> None:
    found = Sent(checkout)
    found.sending.tell(STEP)
    found.copied(("Earthfile", 3))
    assert found.told == [STEP]
