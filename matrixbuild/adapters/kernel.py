"""This machine's kernel -> what it lets containers do."""

from __future__ import annotations

from pathlib import Path

SYS_RESOURCE = 24
"""CAP_SYS_RESOURCE: without it no container starts with --privileged (executed)."""


def has_capability(number: int, *, proc: Path = Path("/proc")) -> bool | None:
    """Whether processes here can have a capability at all; None where the kernel does not say (macOS)."""
    try:
        lines = (proc / "self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    bounding = next((line.split()[1] for line in lines if line.startswith("CapBnd:")), None)
    return None if bounding is None else bool(int(bounding, 16) >> number & 1)


def runs_fips(*, proc: Path = Path("/proc")) -> bool | None:
    """Whether the kernel runs in FIPS mode; None where it does not say."""
    try:
        return (proc / "sys/crypto/fips_enabled").read_text(encoding="ascii").strip() == "1"
    except OSError:
        return None
