"""`matrixbuild validate MANIFEST...`: whether manifests are right, each and all together; reads them and nothing else."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from matrixbuild.cli.arguments import add_reading, file_path, reading
from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from matrixbuild.core.expand import Expansion
    from matrixbuild.workflow.validating import Checked, Validation


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "validate",
        help="Check manifests, and tell everything that is wrong at once.",
        description="Check manifests, each by itself and all together: no two may publish one image name, or share a name in one project. Tells"
        " everything that is wrong at once. Reads them and nothing else; exits 3 where one is wrong.",
    )
    found.add_argument("manifest", type=file_path, nargs="+", help="the manifests to check; a directory stands for those in it")
    add_reading(found, selects=False)
    formats = ("text", "json", "github", "sarif")
    help_text = "how to print: github are annotations for a workflow, sarif a log for code scanning (default: text)"
    found.add_argument("--format", choices=formats, default="text", help=help_text)
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.validating import validate

    validation = validate(options.manifest, reading(options))
    if options.format == "json":
        sys.stdout.write(_json(validation))
    else:
        show_problems(validation.problems, options.format)
    if options.format == "text":
        sys.stdout.write("".join(f"{checked.path}: {_told(checked.expansion)}\n" for checked in validation.manifests if checked.expansion))
    return ExitCode.DONE if validation.valid else ExitCode.INVALID


def _told(expansion: Expansion) -> str:
    from matrixbuild.core.counts import counted

    sizes = [*([counted(len(expansion.cells), "cell")] if expansion.cells else []), counted(len(expansion.manifest.targets), "target")]
    return f"{'valid' if expansion.complete else 'valid as far as it is known without its source'}: {', '.join(sizes)}"


def _json(validation: Validation) -> str:
    import json

    from matrixbuild.cli.show_problems import problem_json

    found = {
        "valid": validation.valid,
        "manifests": [_summary(checked) for checked in validation.manifests],
        "problems": [problem_json(problem) for problem in validation.problems],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _summary(checked: Checked) -> dict[str, object]:
    expansion = checked.expansion
    return {
        "manifest": str(checked.path),
        "valid": expansion is not None,
        "complete": expansion is not None and expansion.complete,
        "cells": len(expansion.cells) or None if expansion else None,
        "targets": len(expansion.manifest.targets) if expansion else None,
    }
