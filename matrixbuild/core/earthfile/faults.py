"""What is wrong with an Earthfile, or with how it is called, as one exception with a class and a place."""

from __future__ import annotations

from enum import StrEnum

from matrixbuild.core.earthfile.recipe import Tree
from matrixbuild.core.problems import Place, Problem


class Fault(StrEnum):
    """The classes of conformance/README.md, and the two that are ours alone."""

    REQUIRED_ARG = "required-arg"
    BUILTIN_ARG = "builtin-arg"
    IMAGE_CONFLICT = "image-conflict"
    REDECLARED = "redeclared"
    REASSIGNED = "reassigned"
    UNKNOWN_VARIABLE = "unknown-variable"
    INVALID_ARG = "invalid-arg"
    FEATURE_GATE = "feature-gate"
    UNSUPPORTED_COMMAND = "unsupported-command"
    PUSH_ORDER = "push-order"
    VERSION = "version"
    SYNTAX = "syntax"
    VALIDATION = "validation"
    CYCLE = "cycle"
    UNKNOWN_TARGET = "unknown-target"
    NO_FROM = "no-from"
    NO_SHELL = "no-shell"
    FILE_NOT_FOUND = "file-not-found"
    IGNORE_CONFLICT = "ignore-conflict"
    NEEDS_EARTHLY = "needs-earthly"
    """Valid for Earthly, but this evaluator or engine cannot execute it (RUN, WITH DOCKER, a shell-out, LOCALLY, a remote reference)."""
    UNKNOWN_VALUE = "unknown-value"
    """Evaluated without the base image's configuration, and the result depends on it."""


USE_EARTHLY = "write `engine: earthly` and install Earthly 0.8, EarthBuild 0.8 or Docker, which run it (`matrixbuild doctor` finds them)"
"""The hint of NEEDS_EARTHLY."""


class EarthfileError(Exception):
    """Raised by parser, evaluator and embedded engine; `summary` is one sentence, `hint` what to do.

    `made_before` are the trees that Earthly would have made by then: what is wrong with one of them it would have told instead.
    """

    def __init__(self, fault: Fault, summary: str, *, place: Place | None = None, hint: str = "") -> None:
        super().__init__(f"{place}: {summary}" if place else summary)
        self.fault = fault
        self.summary = summary
        self.place = place
        self.hint = hint
        self.made_before: tuple[Tree, ...] = ()

    def problem(self) -> Problem:
        return Problem(summary=self.summary, place=self.place, hint=self.hint, code=self.fault.value)


def needs_earthly(what: str, place: Place) -> EarthfileError:
    """`what` ends with `which`."""
    return EarthfileError(Fault.NEEDS_EARTHLY, f"{what} only Earthly can do", place=place, hint=USE_EARTHLY)
