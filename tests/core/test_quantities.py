from __future__ import annotations

from collections.abc import Callable

import pytest

from matrixbuild.core import quantities


@pytest.mark.parametrize(("text", "thousandths"), [("2", 2000), ("1.5", 1500), ("500m", 500), ("0.25", 250), ("0.001", 1), ("16", 16000)])
def test_cpu(text: str, thousandths: int) -> None:
    assert quantities.cpu(text) == thousandths


@pytest.mark.parametrize(
    ("text", "amount"),
    [("8Gi", 8 * 2**30), ("512Mi", 512 * 2**20), ("1G", 10**9), ("1.5Gi", 3 * 2**29), ("10k", 10_000), ("4096", 4096), ("2Ti", 2**41)],
)
def test_memory(text: str, amount: int) -> None:
    assert quantities.memory(text) == amount


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("5s", 5.0), ("1.5m", 90.0), ("1h", 3600.0), ("0s", 0.0)])
def test_seconds(text: str, seconds: float) -> None:
    assert quantities.seconds(text) == seconds


@pytest.mark.parametrize(
    ("reader", "text", "message"),
    [
        (quantities.cpu, "two", "'two' is not an amount of cores: write 2, 1.5 or 500m"),
        (quantities.cpu, "-1", "'-1' is not an amount of cores: write 2, 1.5 or 500m"),
        (quantities.cpu, "0", "'0' is nothing: leave it out, or write more"),
        (quantities.cpu, "1٣", "'1٣' is not an amount of cores: write 2, 1.5 or 500m"),
        (quantities.memory, "8GB", "'8GB' is not an amount of bytes: write 8Gi, 512Mi or 1G"),
        (quantities.memory, "8 Gi", "'8 Gi' is not an amount of bytes: write 8Gi, 512Mi or 1G"),
        (quantities.memory, "8ki", "'8ki' is not an amount of bytes: write 8Gi, 512Mi or 1G"),
        (quantities.memory, "1.5", "'1.5' is not an amount of bytes: write 8Gi, 512Mi or 1G"),
        (quantities.memory, "0Gi", "'0Gi' is nothing: leave it out, or write more"),
        (quantities.seconds, "5", "'5' is not a time: write 500ms, 5s, 5m or 1h"),
        (quantities.seconds, "1d", "'1d' is not a time: write 500ms, 5s, 5m or 1h"),
    ],
)
def test_other_forms(reader: Callable[[str], float], text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        reader(text)
    assert str(caught.value) == message
