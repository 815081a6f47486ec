"""`matrixbuild validate MANIFEST...`: whether manifests are right; reads them and nothing else."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from matrixbuild.cli.arguments import file_path
from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from matrixbuild.core.problems import Problem


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "validate",
        help="Check manifests, and tell everything that is wrong at once.",
        description="Check manifests, and tell everything that is wrong at once. Reads them and nothing else; exits 3 where one is wrong.",
    )
    found.add_argument("manifest", type=file_path, nargs="+", help="the manifests to check")
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import json

    from matrixbuild.cli.show_problems import problem_json, show_problems

    checked = [(path, *_check(path)) for path in options.manifest]
    problems = [problem for _, _, found in checked for problem in found]
    if options.format == "json":
        results = [{"manifest": str(path), "valid": bool(line), "problems": [problem_json(one) for one in found]} for path, line, found in checked]
        sys.stdout.write(json.dumps({"valid": all(result["valid"] for result in results), "manifests": results}, indent=2, ensure_ascii=False) + "\n")
    else:
        show_problems(problems)
        sys.stdout.write("".join(f"{path}: {line}\n" for path, line, _ in checked if line))
    return ExitCode.DONE if all(line for _, line, _ in checked) else ExitCode.INVALID


def _check(path: Path) -> tuple[str, tuple[Problem, ...]]:
    """What a valid manifest comes to (nothing for one that is not), and what there is to say about it."""
    from matrixbuild.cli.show_cells import counted
    from matrixbuild.core.problems import InvalidError
    from matrixbuild.workflow.reading import read_and_expand

    try:
        expansion = read_and_expand(path)
    except InvalidError as error:
        return "", error.problems
    cells, targets = counted(len(expansion.cells), "cell"), counted(len(expansion.manifest.targets), "target")
    return f"valid: {cells}, {targets}", expansion.warnings
