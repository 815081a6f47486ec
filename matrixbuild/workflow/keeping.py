"""The pins of an apply that is not published -> kept in its state until its lock is written, and found again by the next one."""

from __future__ import annotations

from matrixbuild.adapters.kept_pins import forget_kept, read_kept, write_kept
from matrixbuild.adapters.state import called
from matrixbuild.core.lock import Pins
from matrixbuild.core.pins import Kept, kept
from matrixbuild.workflow.projects import Project


def kept_of(project: Project, name: str) -> Kept | None:
    """What an apply of a manifest kept. Raises RefusedError and UnusableError as the adapter does."""
    return read_kept(project.state(name), manifest=called(project.manifest, project.root))


def keep(project: Project, name: str, *, lock: Pins | None, pins: Pins) -> None:
    """Keep what the lock does not have; whoever calls holds the state. Raises UnusableError."""
    found = kept(lock, pins)
    if found:
        write_kept(project.state(name), found, manifest=called(project.manifest, project.root))
    else:
        forget(project, name)


def forget(project: Project, name: str) -> None:
    """The lock has it now. Whoever calls holds the state. Raises UnusableError."""
    forget_kept(project.state(name))
