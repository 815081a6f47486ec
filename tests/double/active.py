"""One command while it is played: what is printed and written down of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.double.console import Console
from tests.double.ends import Ended
from tests.double.records import Records, now
from tests.double.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """`name` is its Earthly target's, `place` where it stands, both as printed; `target` and `command` are ids."""

    step: Step
    target: str
    command: str
    name: str
    place: str
    console: Console
    records: Records

    def note(self, **fields: Any) -> None:
        self.records.command(self.command, **fields)

    def show(self, text: str) -> None:
        """A line that the program makes itself."""
        self.console.only_shown(self.name, text, command=self.command, target=self.target)

    def output(self, text: str, stream: int) -> None:
        """Lines that the command printed."""
        for line in text.split("\n"):
            self.console.line(self.name, line, command=self.command, target=self.target, stream=stream)

    def announce(self, *, cached: bool = False) -> None:
        """That it comes now, under the args of its target."""
        if self.step.args:
            self.show(" ".join(f"{name}={value}" for name, value in self.step.args))
        self.show(f"{'*cached* ' if cached else ''}--> {self.step.text}")
        if cached:
            self.note(isCached=True)

    def warn(self, why: str) -> None:
        """That it did not come to its end, for a reason that is not its own."""
        message = f"WARN {self.place}: The command\n          {self.step.text}\nfailed: {why}"
        self._end(message)

    def failed(self, kind: str, how: str, *, output: str = "") -> Ended:
        """Tell that it failed; the end of the call that comes of it."""
        message = f"ERROR {self.place}\n      The command\n          {self.step.text}\n      {how}"
        self._end(message)
        return Ended(kind=kind, message=message, target=self.target, command=self.command, name=self.name, shown=self.step.text, output=output)

    def _end(self, message: str) -> None:
        self.show(message)
        self.note(status="RUN_STATUS_FAILURE", endedAtUnixNanos=now(), errorMessage=message)
        self.records.target(self.target, status="RUN_STATUS_FAILURE", endedAtUnixNanos=now())
