"""This machine -> what builds may take of it where the manifest sets no limit."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def capacity(directory: Path) -> dict[str, int]:
    """cpu in thousandths of a core that this process may use, memory in bytes, disk in bytes free where `directory` is."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": 1000 * cores(), "memory": memory, "disk": max(1, free_disk(directory))}


def free_disk(directory: Path) -> int:
    """Bytes free where `directory` is, now."""
    return shutil.disk_usage(directory).free


def cores() -> int:
    """Cores that this process may use."""
    # Only Linux tells what of the machine this process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
