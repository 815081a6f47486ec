"""A recorded attempt that was classified -> text for a person, and JSON as schemas/explain.schema.json describes it."""

from __future__ import annotations

import json

from matrixbuild.workflow.classifying import Classified


def failure_text(found: Classified) -> str:
    """The class and whether it is tried again, then what was said and the lines that decided."""
    failure = found.failure
    if failure is None:
        return "success\n"
    lines = [f"{failure.kind.value}, {'tried again' if found.again else 'not tried again'}", str(failure)]
    lines += [f"  | {line}" for line in failure.lines]
    if failure.hint:
        lines.append(f"  hint: {failure.hint}")
    return "\n".join(lines) + "\n"


def failure_json(found: Classified) -> str:
    failure = found.failure
    subject = {
        "kind": "failure",
        "attempt": str(found.directory),
        "class": failure.kind.value if failure else "success",
        "retry": found.again,
        "summary": failure.summary if failure else "",
        "place": str(failure.place) if failure and failure.place else "",
        "decisive": list(failure.lines) if failure else [],
        "hint": failure.hint if failure else "",
        **({"host": failure.host} if failure and failure.host else {}),
    }
    return json.dumps({"kind": "Explanation", "name": found.name, "subjects": [subject], "problems": []}, indent=2, ensure_ascii=False) + "\n"
