"""How a call of the program ended, and everything else that can go wrong with an attempt -> a failure, told in the places of the source's author."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from matrixbuild.adapters.engines.base import Order
from matrixbuild.adapters.engines.earthly.artifacts import ARTIFACT_HINT
from matrixbuild.adapters.engines.earthly.calling import Called
from matrixbuild.adapters.engines.earthly.checkouts import Checkout
from matrixbuild.adapters.recorded import said_in
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.failure_patterns import Pattern
from matrixbuild.core.failures import classified, with_what_ran
from matrixbuild.core.problems import MatrixbuildError
from matrixbuild.core.process import ended_by_us
from matrixbuild.core.wrapper import WrapperError

_KINDS = {
    "auth": FailureKind.AUTH,
    "secret-argument": FailureKind.AUTH,
    "secret-short": FailureKind.AUTH,
    "nul": FailureKind.SYNTAX,
    "variable": FailureKind.SYNTAX,
}
"""Problems that a person has to mend, by their code: trying again helps none of them."""


def judged(order: Order, checkout: Checkout, called: Called, log: Path, patterns: tuple[Pattern, ...]) -> Failure | None:
    """Why the call failed whose attempt is in `log`, or None. Whose doing an end was we know best; the program's words tell the rest."""
    if called.ended.succeeded:
        return None
    said = replace(said_in(log), earthly=order.earthly, checkout=str(checkout.path), privileged=order.privileged, patterns=patterns)
    if ours := ended_by_us(called.command, called.ended):
        return _placed(with_what_ran(ours, said), checkout)
    failure = classified(said)
    if failure is None:
        raise AssertionError(f"a call that ended with {called.ended.status} counts as good")
    if called.writes and failure.kind is FailureKind.SYNTAX and failure.place is None:
        # No line of the source is wrong: it is the path that the manifest gives.
        return replace(failure, hint=failure.hint or ARTIFACT_HINT)
    return _placed(failure, checkout)


def _placed(failure: Failure, checkout: Checkout) -> Failure:
    """A generation adds lines to the files of a checkout: they are counted as their author does."""
    place = failure.place
    return replace(failure, place=replace(place, line=checkout.line(place.file, place.line))) if place else failure


@contextmanager
def told() -> Iterator[None]:
    """What a build can end with beside its program's failure, as a failure."""
    try:
        yield
    except WrapperError as error:
        raise BuildFailed(Failure(kind=FailureKind.SYNTAX, summary=error.summary, hint=error.hint)) from error
    except MatrixbuildError as error:
        problem = error.problems[0]
        kind = _KINDS.get(problem.code, FailureKind.UNKNOWN)
        raise BuildFailed(Failure(kind=kind, summary=problem.summary, place=problem.place, hint=problem.hint)) from error
    except OSError as error:
        kind = FailureKind.DISK if error.errno in (errno.ENOSPC, errno.EDQUOT) else FailureKind.UNKNOWN
        raise BuildFailed(Failure(kind=kind, summary=f"cannot write {error.filename or 'a file'}: {error.strerror or error}")) from error
