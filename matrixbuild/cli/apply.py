"""`matrixbuild apply MANIFEST`: build what changed, publish it, and write the lock."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from typing import Any

from matrixbuild.cli.arguments import file_path
from matrixbuild.core.exit_codes import ExitCode


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "apply",
        help="Build what changed, publish it, and write the lock.",
        description="Build what changed, push it under content tags, give the final tags when everything has succeeded, and write the lock.",
    )
    found.add_argument("manifest", type=file_path, help="the manifest to apply")
    found.add_argument("--overwrite", metavar="REF", action="append", default=[], help="let this image name move despite immutable tags (repeatable)")
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print what was done (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_apply import Progress, applied_json, applied_text, failed_text
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.applying import Listener, apply_manifest

    began = time.monotonic()
    progress = Progress(sys.stderr)
    listener = Listener(on_plan=progress.plan, on_report=progress.report, on_warnings=show_problems)
    applied = apply_manifest(options.manifest, listener, overwrite=frozenset(options.overwrite))
    if options.format == "json":
        sys.stdout.write(applied_json(applied))
    if not applied.succeeded or applied.signal:
        sys.stderr.write(failed_text(applied))
        return _ended(applied.signal)
    if options.format == "text":
        sys.stdout.write(applied_text(applied, seconds=time.monotonic() - began))
    return ExitCode.DONE


def _ended(by: signal.Signals | None) -> int:
    return {None: ExitCode.BUILDS_FAILED, signal.SIGINT: ExitCode.INTERRUPTED}.get(by, ExitCode.TERMINATED)
