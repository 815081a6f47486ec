"""Words of a command line -> values, where argparse's own types would cost an import at every start."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def file_path(text: str) -> Path:
    """A path; pathlib alone takes a sixth of the time that `--help` takes."""
    from pathlib import Path

    return Path(text)
