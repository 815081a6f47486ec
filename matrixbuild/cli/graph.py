"""`matrixbuild graph MANIFEST`: the builds, what becomes of each, and what each needs, as a graph."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from matrixbuild.cli.arguments import add_reading, file_path, reading
from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from matrixbuild.core.graph_view import GraphView


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "graph",
        help="Draw the builds and what each needs.",
        description="Draw the graph of builds: each with what plan says of it, and an arrow from each need to what needs it. Reads what plan reads.",
    )
    found.add_argument("manifest", type=file_path, help="the manifest whose builds are drawn")
    add_reading(found)
    found.add_argument("--cells", action="store_true", help="name the cells that each build is for")
    help_text = "the language of the graph; svg is drawn by Graphviz, where that is installed (default: dot)"
    found.add_argument("--format", choices=("dot", "mermaid", "json", "svg"), default="dot", help=help_text)
    found.add_argument("-o", "--output", metavar="FILE", type=file_path, help="write it into a file")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.core.graph_view import graph_view
    from matrixbuild.workflow.planning import plan_manifest

    planned = plan_manifest(options.manifest, options=reading(options))
    show_problems(planned.prepared.warnings)
    drawn = _drawn(graph_view(planned.plan, planned.prepared.builds), options)
    if options.output is None:
        sys.stdout.write(drawn)
        return ExitCode.DONE
    from matrixbuild.adapters.text_files import write_over

    write_over(options.output, drawn)
    return ExitCode.DONE


def _drawn(view: GraphView, options: argparse.Namespace) -> str:
    from matrixbuild.cli.show_graph import graph_text

    if options.format != "svg":
        return graph_text(view, options.format, cells=options.cells)
    from matrixbuild.adapters.graphviz import svg

    return svg(graph_text(view, "dot", cells=options.cells))
