"""Amounts as people write them -> whole numbers: cores in thousandths, bytes, seconds."""

from __future__ import annotations

import re

_CPU = re.compile(r"(\d{1,6})(?:\.(\d{1,3}))?|(\d{1,9})m", re.ASCII)
_BYTES = re.compile(r"(\d{1,18})(?:\.(\d{1,3}))?([kKMGTP]i?)?", re.ASCII)
_DURATION = re.compile(r"(\d{1,9})(?:\.(\d{1,3}))?(ms|s|m|h)", re.ASCII)

# As Kubernetes writes them: Ki is 1024, k is 1000.
_UNITS = {
    "": 1,
    **{prefix: 1000**power for power, prefix in enumerate("kMGTP", 1)},
    **{f"{prefix}i": 1024**power for power, prefix in enumerate("KMGTP", 1)},
}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def cpu(text: str) -> int:
    """`2`, `1.5`, `500m` -> thousandths of a core; ValueError, with one sentence, for another form or nothing."""
    match = _CPU.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an amount of cores: write 2, 1.5 or 500m")
    whole, part, thousandths = match.groups()
    amount = int(thousandths) if thousandths else int(whole) * 1000 + int((part or "").ljust(3, "0"))
    return _positive(text, amount)


def memory(text: str) -> int:
    """`8Gi`, `512Mi`, `1G`, `1.5Gi` -> bytes; ValueError, with one sentence, for another form or nothing."""
    match = _BYTES.fullmatch(text)
    unit = match.group(3) or "" if match else ""
    if not match or unit not in _UNITS or (match.group(2) and not unit):
        raise ValueError(f"{text!r} is not an amount of bytes: write 8Gi, 512Mi or 1G")
    thousandths = int(match.group(1)) * 1000 + int((match.group(2) or "").ljust(3, "0"))
    return _positive(text, thousandths * _UNITS[unit] // 1000)


def seconds(text: str) -> float:
    """`500ms`, `5s`, `1.5m`, `1h` -> seconds; ValueError, with one sentence, for another form."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a time: write 500ms, 5s, 5m or 1h")
    return float(f"{match.group(1)}.{match.group(2) or 0}") * _SECONDS[match.group(3)]


def told_amount(pool: str, amount: int) -> str:
    """An amount of a pool as people write it: `1.5` cores, `8Gi` of memory or disk, a number of anything else."""
    if pool == "cpu":
        return f"{amount / 1000:g}"
    if pool not in ("memory", "disk"):
        return str(amount)
    unit, size = next(((unit, size) for unit, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)) if amount % size == 0), ("", 1))
    return f"{amount // size}{unit}"


def _positive(text: str, amount: int) -> int:
    if amount < 1:
        raise ValueError(f"{text!r} is nothing: leave it out, or write more")
    return amount
