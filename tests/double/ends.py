"""The ways a call can end before it is through, as exceptions that carry what is printed and written down."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Ended(Exception):  # noqa: N818
    """A failure: `kind` as in the run manifest without its prefix, `code` the exit code; `command` and `target` are ids where a command failed,
    `name` the name of its Earthly target, `shown` how the command was announced and `output` what it printed."""

    kind: str
    message: str
    code: int = 1
    help: str = ""
    command: str = ""
    target: str = ""
    name: str = ""
    shown: str = ""
    output: str = ""

    def fields(self) -> dict[str, str]:
        """As the run manifest has it."""
        return {
            "type": f"FAILURE_TYPE_{self.kind}",
            "targetId": self.target,
            "commandId": self.command or "_generic:default",
            "errorMessage": self.message,
            "output": b64encode(self.output.encode()).decode(),
            "helpMessage": self.help,
        }


class Cancelled(BaseException):
    """Something ended the call: a signal, or a daemon that took its leave. Raised by signal handlers, so nothing on the way may take it for its own."""


class DaemonKilled(BaseException):
    """The daemon went away without a word; raised as Cancelled is."""


class Unable(Exception):  # noqa: N818
    """The double cannot do what the real programs would do; no test may take that for theirs."""


RATE_HELP = (
    "The remote registry responded with a rate limit error. This is usually because you are not logged in.\n"
    "You can login using the command:\n  docker login <server>"
)
SECRET_HELP = (
    "Make sure to set the project at the top of the Earthfile by using the PROJECT command.\n"
    "Note, if this secret was called from a FUNCTION, the project needs to be set in the Earthfile that calls the FUNCTION.\n"
)
