"""Small programs that stand in for Earthly, and for what else may be called like it."""

from __future__ import annotations

from pathlib import Path

EARTHLY = """case "$1" in
--version) echo "earthly version v0.8.16 6e641c15 linux/amd64; Debian GNU/Linux 12 (bookworm)" ;;
--help) echo "   see https://docs.earthly.dev/docs" ;;"""
EARTHBUILD = """case "$1" in
--version) echo "earth version v0.8.18 b0385986 linux/amd64; Debian GNU/Linux 12 (bookworm)" ;;
--help) echo "   see https://docs.earthbuild.dev/docs" ;;"""


def script(path: Path, body: str, *, otherwise: str = "") -> Path:
    """An executable; `otherwise` is what one of the two above does when it is asked for anything else."""
    ending = f"\n*) {otherwise or 'exit 64'} ;;\nesac\n" if body.startswith("case ") else "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}{ending}")
    path.chmod(0o755)
    return path
