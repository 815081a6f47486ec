"""`matrixbuild lock update MANIFEST`: move the pins of its lock, and show what that moves and rebuilds."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from matrixbuild.cli.arguments import Once, file_path
from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from matrixbuild.core.pins import Parts


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser("lock", help="Move what the lock pins.", description="Move what the lock of a manifest pins.")
    inner = found.add_subparsers(metavar="COMMAND", required=True)
    update = inner.add_parser(
        "update",
        help="Resolve pins anew, and show what that rebuilds.",
        description="Resolve pins anew: the commit of the source, what ranges of versions come to, the digests of base images, the kind of"
        " engine. Shows what has moved and what that rebuilds, and writes the pins into the lock; builds nothing, and leaves what the lock"
        " says of builds as it is. Without an option that names some, all pins move; no generation is drawn but with --rebuild.",
    )
    update.add_argument("manifest", type=file_path, help="the manifest whose lock is updated")
    update.add_argument("--source", action="store_true", dest="move_source", help="the commit that the ref of a git source is at now")
    update.add_argument("--versions", action="store_true", help="what ranges of versions come to, by the catalog of the source")
    update.add_argument("--images", action="store_true", help="the digests that the tags of base images have now")
    help_text = "draw a generation, so that the builds of these cells run again"
    update.add_argument("--rebuild", metavar="SELECTOR", action=Once, default="", help=help_text)
    update.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], dest="sets", help="give a var of the manifest another value (repeatable)"
    )
    update.add_argument("--dry-run", action="store_true", help="show what would move, and write nothing")
    update.add_argument("--all", action="store_true", help="every commit, file and build, one by one")
    update.add_argument("--detailed-exitcode", action="store_true", help="exit 2 where a pin has moved, or would")
    update.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    # What `reading` asks for and this verb has not: another directory has no commit, and what asks nobody can move nothing.
    update.set_defaults(run=run, source=None, offline=False)


def run(options: argparse.Namespace) -> int:
    import json

    from matrixbuild.cli.arguments import reading
    from matrixbuild.cli.show_lock import update_text
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.pinning import update_lock

    found = update_lock(options.manifest, _parts(options), reading(options), rebuild=options.rebuild, dry_run=options.dry_run)
    show_problems(found.warnings)
    told = json.dumps(found.update.to_dict(), indent=2, ensure_ascii=False) + "\n" if options.format == "json" else ""
    sys.stdout.write(told or update_text(found.update, lock=found.lock, dry_run=options.dry_run, every=options.all))
    return ExitCode.CHANGES if options.detailed_exitcode and found.update.moved else ExitCode.DONE


def _parts(options: argparse.Namespace) -> Parts:
    from matrixbuild.core.pins import EVERYTHING, Parts

    if options.move_source or options.versions or options.images or options.rebuild:
        return Parts(source=options.move_source, versions=options.versions, images=options.images)
    return EVERYTHING
