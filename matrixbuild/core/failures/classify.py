"""A finished attempt -> its failure, by the evidence in the order in which it can be trusted.

What we did ourselves; exit 0; exit codes and the status of the run; the type of the failure, where it says something by itself; the output of the
step that failed; the message of the failure. Never the whole of stderr: good runs print errors that were got over, and failed ones those of innocent
siblings. The manifest's own patterns come before all that is found out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.failure_patterns import Pattern
from matrixbuild.core.failures.attempt import Attempt, attempt
from matrixbuild.core.failures.hosts import host_of
from matrixbuild.core.failures.said import TIMEOUT, Said
from matrixbuild.core.failures.steps import step
from matrixbuild.core.failures.table import LIMITED, MESSAGES, Rule
from matrixbuild.core.failures.telling import Told, doing_told, memory_told, message_told, step_told
from matrixbuild.core.failures.words import capped, plain, words

_CANCELLED, _NO_BUILDER, _CRASHED, _NEEDS_RIGHTS = 2, 6, 7, 9
_ASKED_TO_END = frozenset({1, 2, 9, 15})
_RECEIVED = re.compile(r"^Received (?:an? )?(?:signal\b|interrupt\b)", re.MULTILINE)
_PANIC = re.compile(r"^(?:panic: |fatal error: |goroutine \d+ \[)", re.MULTILINE)
_STEP_FAILED = re.compile(r"\bdid not complete successfully: exit code: \d+")
_NO_FILE = re.compile(r"\A\"[^\"]*\": not found\Z")
_LONGEST_LINE = 2000

_BUILDER_TYPES = frozenset({"BUILDKIT_CRASHED", "CONNECTION_FAILURE"})
_CALLED_WRONGLY = frozenset({"INVALID_PARAM", "AUTO_SKIP"})

_BUILDER_HINT = "look at the log of the builder"
_MEMORY_HINT = "reserve more memory for it (resources.memory of its target), or let less run at once (schedule.limits.memory)"
_PRIVILEGED_HINT = "say privileged: true for that target, if its steps may have all rights of the builder's machine"


def classified(said: Said) -> Failure | None:
    """Why an attempt did not succeed; None where it did."""
    if said.ended_by_us is not None:
        return _ours(attempt(said))
    if said.exit == 0:
        return None
    found = attempt(said)
    return _as_the_author_says(found, _by_its_end(found) or _by_its_type(found) or _by_its_message(found))


def with_what_ran(failure: Failure, said: Said) -> Failure:
    """A failure that says why an attempt was ended from outside, and now during what, and where in the Earthfile."""
    found = attempt(said)
    told = doing_told(failure.summary, found.stopped, earthly=found.earthly)
    return replace(failure, summary=told.summary, place=told.place)


def _ours(found: Attempt) -> Failure:
    late = found.said.ended_by_us == TIMEOUT
    told = doing_told("stopped for taking or saying nothing for too long" if late else "stopped", found.stopped, earthly=found.earthly)
    hint = "give it more time (timeout of its target, schedule.silence) if that is what it needs" if late else ""
    return _failure(found, FailureKind.TIMEOUT if late else FailureKind.CANCELLED, told, hint=hint)


def _by_its_end(found: Attempt) -> Failure | None:
    said = found.said
    if said.exit is None:
        asked = said.signal in _ASKED_TO_END
        told = doing_told(f"ended by signal {said.signal}, which was not ours", found.stopped, earthly=found.earthly)
        return _failure(found, FailureKind.CANCELLED if asked else FailureKind.UNKNOWN, told)
    if said.exit == _NEEDS_RIGHTS or found.manifest.type == "NEEDS_PRIVILEGED":
        return _ended_elsewhere(found) or _needs_rights(found)
    if said.exit in (_NO_BUILDER, _CRASHED):
        return _failure(found, FailureKind.BUILDER, _message(found), hint=_BUILDER_HINT)
    if said.exit == _CANCELLED or found.manifest.status == "CANCELED":
        return _ended_elsewhere(found) or _panicked(found) or _left_alone(found)
    return None


def _ended_elsewhere(found: Attempt) -> Failure | None:
    """The program says so itself where it was sent a signal that was not ours."""
    if not _RECEIVED.search(found.said.stdout):
        return None
    return _failure(found, FailureKind.CANCELLED, doing_told("ended by a signal that was not ours", found.stopped, earthly=found.earthly))


def _panicked(found: Attempt) -> Failure | None:
    """A crash of the program has the exit code of a cancelled run."""
    if found.manifest.status or not (panic := _PANIC.search(plain(found.said.stderr))):
        return None
    line = plain(found.said.stderr)[panic.start() :].partition("\n")[0]
    told = message_told(f"the program crashed: {line}", None, earthly=found.earthly)
    return _failure(found, FailureKind.UNKNOWN, told, hint="report it to its makers")


def _left_alone(found: Attempt) -> Failure:
    """Cancelled, and nobody asked for it: the builder was stopped."""
    told = doing_told("cancelled by the builder, which was stopped or restarted", found.stopped, earthly=found.earthly)
    return _failure(found, FailureKind.BUILDER, told, hint=_BUILDER_HINT)


def _needs_rights(found: Attempt) -> Failure:
    if found.said.privileged:
        told = message_told("needs privileged steps, which the builder or the reference does not allow", found.ran, earthly=found.earthly)
        return _failure(found, FailureKind.BUILDER, told, again=False, hint="allow the entitlement security.insecure in the builder's configuration")
    told = message_told("needs privileged steps (RUN --privileged or WITH DOCKER), and they are not allowed", found.ran, earthly=found.earthly)
    return _failure(found, FailureKind.SYNTAX, told, hint=_PRIVILEGED_HINT)


def _by_its_type(found: Attempt) -> Failure | None:
    kind = found.manifest.type
    if kind == "NONZERO_EXIT" or _STEP_FAILED.search(found.message):
        return _step(found)
    if kind in _BUILDER_TYPES:
        return _failure(found, FailureKind.BUILDER, _message(found), hint=_BUILDER_HINT)
    if kind == "RATE_LIMITED":
        return _by_rule(found, LIMITED)
    if kind == "OOM_KILLED":
        return _failure(found, FailureKind.OOM, _message(found), hint=_MEMORY_HINT)
    if kind in _CALLED_WRONGLY or (kind == "FILE_NOT_FOUND" and (_NO_FILE.match(found.words.cause) or not _rule(found.words.cause))):
        return _failure(found, FailureKind.SYNTAX, _message(found))
    return None


def _step(found: Attempt) -> Failure:
    said = found.said
    command = found.manifest.failed.name if found.manifest.failed else ""
    what = step(command, found.message, found.output, peak=said.peak, limit=said.limit)
    told = step_told(found.ran, what, found.output, earthly=found.earthly, held=memory_told(said.peak, said.limit))
    hint = _MEMORY_HINT if what.kind is FailureKind.OOM else ""
    return _failure(found, what.kind, told, again=what.again, hint=hint)


def _by_its_message(found: Attempt) -> Failure:
    if rule := _rule(found.words.cause):
        return _by_rule(found, rule)
    if found.manifest.type == "GIT":
        return _cloning(found)
    if found.manifest.type in ("SYNTAX", "FILE_NOT_FOUND") or (found.manifest.type and found.words.place):
        # The interpreter of the Earthfile stopped at a line of it, for none of the reasons that lie elsewhere.
        return _failure(found, FailureKind.SYNTAX, _message(found))
    return _failure(found, FailureKind.UNKNOWN, _message(found), hint="look at the log of this attempt")


def _cloning(found: Attempt) -> Failure:
    """git was often ended because something else had failed first, and that is told by another command alone."""
    for ran in found.manifest.commands:
        other = words(capped(ran.error), checkout=found.manifest.checkout, wrapper=found.manifest.wrapper)
        if ran.error and "context canceled" not in ran.error and (rule := _rule(other.cause)):
            return _by_rule(replace(found, words=other, message=ran.error, ran=ran), rule)
    return _failure(found, FailureKind.NETWORK, _message(found))


def _by_rule(found: Attempt, rule: Rule) -> Failure:
    failure = _failure(found, rule.kind, _message(found), again=rule.again, hint=rule.hint)
    if rule.kind not in _ABOUT_A_SERVER:
        return failure
    return replace(failure, host=host_of(plain(found.message)), retry_after=0.0 if rule is LIMITED else None)


_ABOUT_A_SERVER = frozenset({FailureKind.NETWORK, FailureKind.REGISTRY, FailureKind.AUTH, FailureKind.PUSH, FailureKind.TIMEOUT})


def _rule(cause: str) -> Rule | None:
    return next((rule for rule in MESSAGES if rule.match.search(cause)), None)


def _message(found: Attempt) -> Told:
    return message_told(found.words.line or "it said nothing that tells why", found.ran, earthly=found.earthly)


def _failure(found: Attempt, kind: FailureKind, told: Told, *, again: bool | None = None, hint: str = "") -> Failure:
    return Failure(kind=kind, summary=told.summary, lines=told.lines, place=told.place or found.place, hint=hint, again=again)


def _as_the_author_says(found: Attempt, failure: Failure) -> Failure:
    """The first pattern of the manifest that finds something, line by line, in the message, the command or what it printed."""
    command = found.ran.name if found.ran else ""
    lines = [line[-_LONGEST_LINE:] for line in plain(f"{found.message}\n{command}\n{found.output}").splitlines()]
    pattern = _first(found.said.patterns, lines)
    if pattern is None:
        return failure
    again = pattern.again if pattern.again is not None or pattern.kind else failure.again
    return replace(failure, kind=pattern.kind or failure.kind, again=again, hint=pattern.hint or failure.hint)


def _first(patterns: Iterable[Pattern], lines: list[str]) -> Pattern | None:
    return next((pattern for pattern in patterns if any(pattern.match.search(line) for line in lines)), None)
