"""What Earthly or EarthBuild said of an attempt, and how it ended -> why it failed, as a value (the order of evidence: facts of both, executed)."""

from __future__ import annotations

from matrixbuild.core.failure_patterns import Pattern as Pattern
from matrixbuild.core.failures.classify import classified as classified
from matrixbuild.core.failures.classify import with_what_ran as with_what_ran
from matrixbuild.core.failures.said import Said as Said

__all__ = ["Pattern", "Said", "classified", "with_what_ran"]
