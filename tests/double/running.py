"""A RUN that is not in the cache: time passes, lines are printed, memory is used, and it ends as it was told."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.double.active import Active
from tests.double.ends import SECRET_HELP, Ended
from tests.double.runs import Act, Run, acts
from tests.double.told import Told

_NO_LIMIT = 9223372036854771712
_EVERY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """`told` is what tests want of certain RUNs, `secrets` their values by name."""

    told: Sequence[Told]
    secrets: Mapping[str, str]

    def check_secrets(self, active: Active, run: Run) -> None:
        """Raises Ended where one is not there: nothing is executed then."""
        if missing := next((secret for _, secret in run.secrets if secret not in self.secrets), ""):
            why = f'unable to lookup secret "{missing}": not found'
            active.warn(why)
            raise Ended(kind="OTHER", message=f"async force execution for {active.name}: unlazy force execution: {why}", help=SECRET_HELP)

    def run(self, active: Active, run: Run) -> None:
        """Raises Ended where it fails."""
        output = ""
        for act in acts(run, self.told, self.secrets):
            if act.output:
                output += f"{act.output}\n"
                active.output(act.output, act.stream)
            _pass(act, active)
            if act.exit is not None:
                raise active.failed("NONZERO_EXIT", f"did not complete successfully. Exit code {act.exit}", output=output)


def _pass(act: Act, active: Active) -> None:
    """Let time pass; each second, and at least once where memory is used, tell what it takes."""
    began = time.monotonic()
    waiting = bool(act.seconds or act.memory)
    while waiting:
        time.sleep(max(0.0, min(_EVERY, began + act.seconds - time.monotonic())))
        spent = time.monotonic() - began
        active.records.log(_usage(act.memory, spent), command=active.command, target=active.target, stream=99)
        waiting = spent < act.seconds


def _usage(memory: int, cpu: float) -> str:
    """What the container used so far, as runc tells it."""
    taken = {"limit": _NO_LIMIT, "usage": memory, "max": memory, "failcnt": 0}
    total = int(cpu * 1_000_000_000)
    return json.dumps({"cpu": {"usage": {"total": total, "percpu": [total], "kernel": 0, "user": total}}, "memory": {"cache": 0, "usage": taken}})
