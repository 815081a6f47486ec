"""A process id -> whether the process behind it is still the one that was meant."""

from __future__ import annotations

from pathlib import Path


def start_token(pid: int) -> str:
    """What tells the process that has this id now from every other that had it or will: when it started, in one word. Empty where there is none."""
    if Path("/proc/self/stat").exists():
        return _of_proc(pid)
    return _of_ps(pid)


def _of_ps(pid: int) -> str:
    """As macOS says it."""
    import subprocess

    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().replace(" ", "_")  # noqa: S603 (no shell, a number)


def _of_proc(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    # The name, in brackets, may hold anything; what follows is fixed: the state, then numbers, the start being the 20th of these fields.
    fields = stat.rpartition(b")")[2].split()
    # A zombie is dead, and only waits for its parent.
    return "" if fields[0] == b"Z" else f"{fields[19].decode()}@{boot}"
