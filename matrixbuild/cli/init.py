"""`matrixbuild init [FILE]`: a first manifest with comments, for CanvOS as it is or as a checkout's `.arg` has it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from matrixbuild.cli.arguments import file_path
from matrixbuild.core.exit_codes import ExitCode

_FILE = "manifests/release.yaml"


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "init",
        help="Write a first manifest.",
        description="Write a first manifest, with comments. Overwrites nothing, and says what to do next.",
    )
    found.add_argument("file", type=file_path, nargs="?", default=_FILE, metavar="FILE", help=f"what to write (default: {_FILE})")
    help_text = "a CanvOS checkout: what its .arg and its list of versions say becomes the manifest; what cannot is told"
    found.add_argument("--from", type=file_path, metavar="CHECKOUT", dest="checkout", help=help_text)
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import shlex

    from matrixbuild.workflow.starting import start, start_from

    path = file_path(options.file) if isinstance(options.file, str) else options.file
    started = start_from(options.checkout, path) if options.checkout else start(path)
    manifest = shlex.quote(str(started.path))
    told = [f"wrote {started.path}", *(f"  {remark}" for remark in started.remarks)]
    told += ["next:", f"  matrixbuild validate {manifest}", f"  matrixbuild plan {manifest}"]
    sys.stderr.write("".join(f"{line}\n" for line in told))
    return ExitCode.DONE
