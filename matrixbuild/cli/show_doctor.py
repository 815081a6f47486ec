"""A checkup -> a line for each check, with what to do below it, and JSON (schemas/doctor.schema.json)."""

from __future__ import annotations

import json

from matrixbuild.core.checkup import Check, Checkup, Level

_WIDTH = max(len(level.value) for level in Level)


def checkup_text(checkup: Checkup) -> str:
    names = max((len(check.name) for check in checkup.checks), default=0)
    return "".join(_lines(check, names) for check in checkup.checks) + f"{_verdict(checkup)}\n"


def _lines(check: Check, names: int) -> str:
    line = f"{check.level.value:{_WIDTH}}  {check.name:{names}}  {check.summary}\n"
    return line + (f"{'':{_WIDTH + names + 4}}hint: {check.hint}\n" if check.hint else "")


def _verdict(checkup: Checkup) -> str:
    failed, odd = (sum(check.level is level for check in checkup.checks) for level in (Level.FAIL, Level.WARN))
    if failed:
        return f"not ready: {failed} of {len(checkup.checks)} checks failed"
    return f"ready, with {odd} to look at" if odd else "ready"


def checkup_json(checkup: Checkup) -> str:
    return f"{json.dumps(checkup.to_dict(), indent=2, ensure_ascii=False)}\n"
