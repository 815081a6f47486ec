"""`matrixbuild explain MANIFEST [SUBJECT]`: why a cell, build, tag or field is as it is, and what an Earthly target depends on."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from matrixbuild.cli.arguments import add_reading, file_path, reading
from matrixbuild.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matrixbuild.core.subjects import Subject


def add_parser(verbs: Any) -> None:
    found = verbs.add_parser(
        "explain",
        help="Explain why a cell, build, tag or field is as it is, or what an Earthly target depends on.",
        description="Explain a cell (why it is built, or all rules that drop it), a build (what it depends on, and why it would run again), a tag"
        " (who publishes it, what the lock says), a field of the manifest (its documentation), or an Earthly target of the source: ARGs with the line"
        " that proves each, files, base images, other Earthly targets, and what cannot be seen through; called as the manifest's cells call it or,"
        " where no target builds it, with what every target is given. Without a subject, an overview of all Earthly targets. Reads the"
        " manifest and its source; runs nothing.",
    )
    found.add_argument("manifest", nargs="?", type=file_path, help="the manifest whose source is looked at; for --failure, whose patterns count")
    forms = "os=ubuntu-24.04,fips=true (or cell:...), target[axis=value] (build:...), registry/repository:tag (tag:...), spec.publish (field:...)"
    help_text = f"{forms}, or an Earthly target: +target, ./directory+target (default: all of these, in short)"
    found.add_argument("subject", nargs="?", metavar="SUBJECT", help=help_text)
    help_text = "call an Earthly target with this arg instead of what is given (repeatable)"
    found.add_argument("--arg", metavar="NAME=VALUE", action="append", default=[], help=help_text)
    help_text = "say of a recorded attempt (.matrixbuild/NAME/runs/RUN/BUILD/ATTEMPT) what it failed with, and whether it is tried again"
    found.add_argument("--failure", metavar="ATTEMPT_DIR", type=file_path, help=help_text)
    help_text = "show what builds share of each Earthfile, or of one Earthly target; what stands in the way, and the rewritten lines as a diff"
    found.add_argument("--cache", action="store_true", help=help_text)
    add_reading(found, selects=False)
    found.add_argument("--format", choices=("text", "json"), default="text", help="how to print (default: text)")
    found.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from matrixbuild.core.problems import Problem, UsageError
    from matrixbuild.core.subjects import SubjectKind, subject

    if options.failure is not None:
        return _failure(options)
    if options.manifest is None:
        raise UsageError(Problem(summary="explain needs a manifest", hint="give one, or --failure with the directory of an attempt", code="usage"))
    wanted = subject(options.subject) if options.subject else None
    if options.cache:
        return _cache(options, wanted)
    if wanted is None or wanted.kind is SubjectKind.EARTHLY_TARGET:
        return _earthly(options, wanted.text if wanted else None)
    if options.arg:
        raise UsageError(Problem(summary=f"--arg is for Earthly targets, and {options.subject} is none", hint="leave it out", code="usage"))
    return _matrix(options, wanted)


def _failure(options: argparse.Namespace) -> int:
    from matrixbuild.cli.show_failure import failure_json, failure_text
    from matrixbuild.core.problems import Problem, UsageError
    from matrixbuild.workflow.classifying import classify_attempt

    if options.subject or options.arg:
        summary = "--failure is about an attempt, which has no subject and no --arg"
        raise UsageError(Problem(summary=summary, hint="leave them out", code="usage"))
    found = classify_attempt(options.failure, options.manifest)
    sys.stdout.write(failure_json(found) if options.format == "json" else failure_text(found))
    return ExitCode.DONE


def _cache(options: argparse.Namespace, wanted: Subject | None) -> int:
    from matrixbuild.cli.show_cache import cache_json, cache_text
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.core.problems import Problem, UsageError
    from matrixbuild.core.subjects import SubjectKind
    from matrixbuild.workflow.explaining_cache import explain_cache

    if options.arg or (wanted and wanted.kind is not SubjectKind.EARTHLY_TARGET):
        summary = "--cache is about the builds of a manifest, of one Earthly target at most"
        raise UsageError(Problem(summary=summary, hint="give +target or nothing after the manifest, and no --arg", code="usage"))
    found = explain_cache(options.manifest, wanted.text if wanted else None, options=reading(options))
    show_problems(found.warnings)
    sys.stdout.write(cache_json(found) if options.format == "json" else cache_text(found))
    return ExitCode.DONE


def _earthly(options: argparse.Namespace, earthly: str | None) -> int:
    from matrixbuild.cli.show_explain_json import overview_json
    from matrixbuild.cli.show_overview import overview_text
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.explaining import explain_manifest

    found = explain_manifest(options.manifest, earthly, options=reading(options), overrides=_overrides(options.arg))
    show_problems(found.warnings)
    sys.stdout.write(overview_json(found) if options.format == "json" else overview_text(found))
    return ExitCode.DONE


def _matrix(options: argparse.Namespace, wanted: Subject) -> int:
    from matrixbuild.cli.show_explain_matrix import explanations_text
    from matrixbuild.cli.show_explain_matrix_json import explanations_json
    from matrixbuild.cli.show_problems import show_problems
    from matrixbuild.workflow.explaining_matrix import explain_subject

    found = explain_subject(options.manifest, wanted, reading(options))
    show_problems(found.warnings)
    sys.stdout.write(explanations_json(found) if options.format == "json" else explanations_text(found))
    return ExitCode.DONE


def _overrides(words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`NAME=VALUE` words as pairs, sorted. Raises UsageError for another form, and for a name that is given twice."""
    from matrixbuild.core.problems import Problem, UsageError

    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(Problem(summary=f"--arg {word!r} is not NAME=VALUE", hint="write --arg ARCH=amd64", code="usage"))
        if name in found:
            raise UsageError(Problem(summary=f"--arg gives {name} twice", hint="leave one of them out", code="usage"))
        found[name] = value
    return tuple(sorted(found.items()))
