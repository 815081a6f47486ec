"""Plans as files: written whole, and read again by whoever got them from somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

from matrixbuild.adapters.text_files import write_over
from matrixbuild.core.documents import DocumentError, no_doubles
from matrixbuild.core.plan import Plan
from matrixbuild.core.problems import InvalidError, Place, Problem
from matrixbuild.core.saved_plan import NewerPlanError, is_plan, saved_plan

MAX_BYTES = 128 * 1024 * 1024
"""A plan of 100,000 cells takes half of it."""

_HEAD = 64
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_SAYS_SO = re.compile(rb'"kind"\s*:\s*"Plan"')


def write_plan(path: Path, plan: Plan) -> None:
    """Put a plan in a file, in place of what was there. Raises UnusableError naming the path."""
    write_over(path, f"{json.dumps(plan.to_dict(), indent=2, ensure_ascii=False)}\n")


def read_plan(path: Path) -> Plan | None:
    """The plan in a file; None where the file does not say that it is one (a manifest; or no file at all: that is told where manifests are read).

    Raises InvalidError for a file that says so and is none that this program can hold to.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_HEAD)
            data += stream.read(MAX_BYTES + 1 - len(data)) if _OBJECT.match(data) else b""
    except OSError:
        return None
    if not _OBJECT.match(data) or not _SAYS_SO.search(data):
        return None
    if len(data) > MAX_BYTES:
        raise _broken(path, f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return _parsed(data, path)


def _parsed(data: bytes, path: Path) -> Plan | None:
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=no_doubles)
        return saved_plan(document) if is_plan(document) else None
    except UnicodeDecodeError as error:
        raise _broken(path, "is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise _broken(path, f"is not JSON: {error.msg}", line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise _broken(path, "is nested too deeply for a plan") from error
    except NewerPlanError as error:
        summary = f"the saved plan's {error.summary}"
        raise InvalidError(Problem(summary=summary, place=Place(file=str(path), line=1), hint="update matrixbuild", code="newer-plan")) from error
    except DocumentError as error:
        raise _broken(path, f"is not a plan of matrixbuild: {error}") from error
    except ValueError as error:  # a number too long to read
        raise _broken(path, f"is not JSON: {error}") from error


def _broken(path: Path, what: str, *, line: int = 1, column: int = 1) -> InvalidError:
    place = Place(file=str(path), line=line, column=column)
    hint = "save it again: matrixbuild plan MANIFEST -o FILE"
    return InvalidError(Problem(summary=f"the saved plan {what}", place=place, hint=hint, code="broken-plan"))
