"""The directory of a build below out/ -> the manifest whose artifacts are in it, and of which build: written beside them, and gone with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.text_files import read_text, write_over
from matrixbuild.core.problems import Problem, UnusableError

MARKER = ".written-by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A manifest, as a path from the project's root, and the key of the build that it wrote."""

    manifest: str
    key: str


def owner_of_output(directory: Path) -> Owner | None:
    """Whose a directory is; None where nobody has said so. Raises UnusableError where that cannot be read."""
    words = (read_text(directory / MARKER) or "").splitlines()
    return Owner(manifest=words[0], key=words[1]) if len(words) == 2 else None


def own_output(directory: Path, owner: Owner) -> None:
    """Say whose a directory is, which is made where there is none. Raises UnusableError where that cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        summary = f"cannot make {directory}: {error.strerror or error}"
        raise UnusableError(Problem(summary=summary, hint="check its directory, its permissions and the space left", code="output")) from error
    write_over(directory / MARKER, f"{owner.manifest}\n{owner.key}\n")
