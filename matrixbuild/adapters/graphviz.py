"""A graph in the language of Graphviz -> an SVG picture, drawn by its `dot`, where that is installed."""

from __future__ import annotations

import os
import subprocess

from matrixbuild.core.problems import Problem, UnusableError


def svg(graph: str) -> str:
    """Raises UnusableError where Graphviz is not installed or cannot draw the graph."""
    try:
        done = subprocess.run(["dot", "-Tsvg"], input=graph.encode("utf-8", "backslashreplace"), capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError as error:
        problem = Problem(
            summary="an SVG is drawn by Graphviz, whose `dot` is not installed",
            hint="install graphviz; --format dot or mermaid needs nothing",
            code="graphviz",
        )
        raise UnusableError(problem) from error
    if done.returncode:
        said = os.fsdecode(done.stderr).strip().partition("\n")[0] or "it says nothing"
        hint = "--format dot gives what it was asked to draw"
        raise UnusableError(Problem(summary=f"`dot` cannot draw the graph: {said}", hint=hint, code="graphviz"))
    return done.stdout.decode("utf-8", "replace")
