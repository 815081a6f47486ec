"""Words of a command line -> values, where argparse's own types would cost an import at every start."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from matrixbuild.workflow.options import Options


class Once(argparse.Action):
    """A selector given once, where argparse would take the last of several: what the others select would silently be left out."""

    def __call__(self, _parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, _option: str | None = None) -> None:
        if not values.strip():
            # Of a shell variable without a value, say: everything would be taken for what was selected.
            raise argparse.ArgumentError(self, "the selector is empty: leave the option out, or write a condition such as fips=true")
        before = getattr(namespace, self.dest, self.default)
        if before not in (self.default, values):
            raise argparse.ArgumentError(self, f"given twice, {before!r} and {values!r}; conditions of one selector are joined with commas")
        setattr(namespace, self.dest, values)


def file_path(text: str) -> Path:
    """A path; pathlib alone takes a sixth of the time that `--help` takes. The empty text, of a shell variable without a value, is none: Path would
    take it for the working directory."""
    from pathlib import Path

    if not text:
        raise argparse.ArgumentTypeError("the name of a file is empty")
    return Path(text)


def add_reading(found: Any, *, selects: bool = True) -> None:
    """The options of every verb that reads a manifest."""
    help_text = "give a var of the manifest another value (repeatable)"
    found.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], dest="sets", help=help_text)
    found.add_argument("--source", metavar="DIR", type=file_path, help="a directory that stands in for spec.source")
    found.add_argument("--offline", action="store_true", help="fetch nothing: a git source has to be there already")
    if selects:
        help_text = "only what cells of these values ask for: os=ubuntu-24.04,fips!=true"
        found.add_argument("-l", "--select", metavar="SELECTOR", action=Once, default="", help=help_text)


def reading(options: argparse.Namespace) -> Options:
    """What they say. Raises UsageError for a --set that is none, and for two of one name that differ."""
    from matrixbuild.core.problems import Problem, UsageError
    from matrixbuild.workflow.options import Options

    pairs: dict[str, str] = {}
    for text in options.sets:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(Problem(summary=f"--set {text!r} gives no value", hint="write --set NAME=VALUE", code="set"))
        if pairs.setdefault(name, value) != value:
            summary = f"--set gives {name} twice, {pairs[name]!r} and {value!r}"
            raise UsageError(Problem(summary=summary, hint="leave one of them out", code="set"))
    return Options(sets=pairs, source=options.source, selector=getattr(options, "select", ""), offline=options.offline)


def plan_digest(text: str) -> str:
    """The digest of a plan as `plan` prints it; "" stays "". Raises UsageError for what is none."""
    from matrixbuild.core.names import DIGEST
    from matrixbuild.core.problems import Problem, UsageError

    if text and not DIGEST.fullmatch(text):
        hint = "give the whole one that `plan` prints last, sha256:..."
        raise UsageError(Problem(summary=f"{text!r} is no digest of a plan", hint=hint, code="usage"))
    return text


def room(text: str) -> dict[str, int]:
    """`cpu=16,memory=64Gi` -> amounts by pool; "" -> none. Raises UsageError for another form."""
    from matrixbuild.core.amounts import pools
    from matrixbuild.core.problems import Problem, UsageError

    try:
        return pools(text) if text else {}
    except ValueError as error:
        raise UsageError(Problem(summary=f"--what-if: {error}", hint="as in --what-if cpu=16,memory=64Gi", code="usage")) from None
