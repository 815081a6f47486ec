"""What the Docker client prints while it builds or pushes -> where it is, and why it failed.

Its plain output has a number before each line of a step: `#7 [2/4] RUN make`, `#7 0.51 output`, `#7 CACHED`, `#7 DONE 0.6s`, `#7 ERROR: why`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.failure_patterns import Pattern
from matrixbuild.core.failures.hosts import host_of
from matrixbuild.core.failures.steps import step
from matrixbuild.core.failures.table import LIMITED, MESSAGES
from matrixbuild.core.failures.words import plain
from matrixbuild.core.usage import Progress

_STEP = re.compile(r"#(?P<number>\d+) (?P<rest>.*)")
_NAMED = re.compile(r"\[(?:[\w.-]+ +)*(?P<step>\d+)/(?P<steps>\d+)\] (?P<command>.*)")
_PRINTED = re.compile(r"\d+\.\d+ (?P<text>.*)")
_FAILED_COMMAND = re.compile(r"did not complete successfully|executor failed running")
_BEFORE = re.compile(r"^(?:ERROR: |error: )?(?:failed to solve(?: with frontend \S+)?: )?(?:rpc error: code = \w+ desc = )?", re.IGNORECASE)
_DAEMON = re.compile(r"Cannot connect to the Docker daemon|error during connect|Is the docker daemon running", re.IGNORECASE)
_NO_BUILDKIT = re.compile(r"buildx component is missing|unknown (?:flag|shorthand flag).*(?:progress|secret)")
_FINAL = re.compile(
    r"^(?:error: |failed to solve|error response from daemon|denied: |unauthorized: |cannot connect|received unexpected)", re.IGNORECASE
)
_LAST_LINES = 40
_TOLD = 10


class DockerSaid:
    """Takes lines as they come; keeps little of them."""

    def __init__(self, dockerfile: str) -> None:
        self._dockerfile = dockerfile
        self._commands: dict[str, str] = {}
        self._printed: dict[str, deque[str]] = {}
        self._cached: set[str] = set()
        self._failed = ""
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._step = self._steps = 0
        self._line = ""

    @property
    def progress(self) -> Progress:
        return Progress(earthly=self._dockerfile, step=self._step, steps=self._steps, cached=len(self._cached), line=self._line)

    def feed(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._take(plain(line.decode("utf-8", "replace")).rstrip())

    def failure(self, *, pushing: str = "", patterns: tuple[Pattern, ...] = ()) -> Failure:
        """Of a call that ended badly; `pushing` is the image that it pushed, where it did not build."""
        why = self._why()
        about = f"pushing {pushing}" if pushing else f"building {self._dockerfile}"
        if found := next((pattern for pattern in patterns if pattern.match.search(f"{why}\n{self._output}")), None):
            kind = found.kind or FailureKind.UNKNOWN
            return Failure(kind=kind, summary=f"{about} failed: {why}", lines=self._told(), again=found.again, hint=found.hint)
        if _FAILED_COMMAND.search(why):
            return self._of_command(why)
        return self._of_message(about, why)

    def _take(self, line: str) -> None:
        if not line:
            return
        self._last.append(line)
        self._line = line
        if found := _STEP.fullmatch(line):
            self._of_step(found["number"], found["rest"])

    def _of_step(self, number: str, rest: str) -> None:
        if named := _NAMED.match(rest):
            self._commands[number] = named["command"]
            self._step, self._steps = int(named["step"]), int(named["steps"])
        elif printed := _PRINTED.fullmatch(rest):
            self._line = printed["text"]
            self._printed.setdefault(number, deque(maxlen=_LAST_LINES)).append(printed["text"])
        elif rest == "CACHED":
            self._cached.add(number)
        elif rest.startswith("ERROR"):
            self._failed = number

    @property
    def _output(self) -> str:
        return "\n".join(self._printed.get(self._failed, ()))

    def _why(self) -> str:
        final = [line for line in self._last if _FINAL.match(line)]
        line = (final or list(self._last) or ["it said nothing"])[-1]
        return _BEFORE.sub("", line).strip()

    def _told(self) -> tuple[str, ...]:
        return tuple(list(self._printed.get(self._failed, ()))[-_TOLD:])

    def _of_command(self, why: str) -> Failure:
        command = self._commands.get(self._failed, "")
        found = step(command, why, self._output)
        code = "" if found.code is None else f" with exit code {found.code}"
        summary = f"{self._dockerfile}: {_shown(command) or 'a command'} ended{code}"
        return Failure(kind=found.kind, summary=summary, lines=self._told(), again=found.again)

    def _of_message(self, about: str, why: str) -> Failure:
        if _NO_BUILDKIT.search("\n".join(self._last)):
            hint = "install Docker's buildx, or a Docker that has BuildKit in it"
            summary = f"{about} failed: this Docker client cannot build with BuildKit"
            return Failure(kind=FailureKind.BUILDER, summary=summary, hint=hint, again=False)
        if _DAEMON.search(why):
            return Failure(kind=FailureKind.BUILDER, summary=f"{about} failed: {why}", hint="start the Docker engine; DOCKER_HOST says where it is")
        rule = next((rule for rule in MESSAGES if rule.match.search(why)), None)
        if rule is None:
            return Failure(kind=FailureKind.UNKNOWN, summary=f"{about} failed: {why}", lines=self._told())
        retry_after = 0.0 if rule is LIMITED else None
        summary = f"{about} failed: {why}"
        return Failure(kind=rule.kind, summary=summary, hint=rule.hint, again=rule.again, host=host_of(why), retry_after=retry_after)


def _shown(command: str) -> str:
    """The first line of a command, short enough for a sentence."""
    line = command.split("\n", 1)[0]
    return line if len(line) <= 80 else f"{line[:79]}…"
