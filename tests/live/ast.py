"""A parsed Earthfile -> the form that `debug ast` of the real program prints, so that the two can be compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.earthfile.syntax import Command, Earthfile, For, If, Recipe, Statement, Try, Wait, With
from tests.live.program import Program

REFUSED = "refused"
_CONTINUED = re.compile(r"\\\n(?:\s*#.*\n)*|\s")


def theirs(program: Program, path: Path, scratch: Path) -> Any:
    """What the real program makes of a file, or REFUSED."""
    done = program.call("debug", "ast", str(path), scratch=scratch)
    if done.rc:
        return REFUSED
    # What it tells of the machine stands before, on stderr.
    return _plain(json.loads(next(line for line in done.output.splitlines() if line.startswith("{"))))


def ours(path: Path) -> Any:
    """What our parser makes of a file, or REFUSED."""
    try:
        return _earthfile(parse(path.read_bytes().decode("utf-8", "surrogateescape"), file=path.name))
    except EarthfileError:
        return REFUSED


def differences(mine: Any, real: Any, path: str = "") -> list[str]:
    """Where two of them differ, each with the way to it."""
    if isinstance(mine, dict) and isinstance(real, dict):
        return [line for key in sorted({*mine, *real}) for line in differences(mine.get(key), real.get(key), f"{path}/{key}")]
    if isinstance(mine, list) and isinstance(real, list) and len(mine) == len(real):
        return [line for number, (one, two) in enumerate(zip(mine, real, strict=True)) for line in differences(one, two, f"{path}/{number}")]
    return [] if mine == real else [f"{path}: ours {_shown(mine)}, really {_shown(real)}"]


def forgiving(value: Any) -> Any:
    """Without what the two real programs see otherwise in values: blanks, line continuations, and `=` with nothing behind it."""
    if isinstance(value, dict):
        found = {key: forgiving(each) for key, each in value.items()}
        if found.get("name") in ("ARG", "ENV", "LABEL", "LET", "SET"):
            found["args"] = [word for word in (_CONTINUED.sub("", word) for word in found.get("args", [])) if word not in ("", "=")]
        return found
    return [forgiving(each) for each in value] if isinstance(value, list) else value


def _shown(value: Any) -> str:
    return json.dumps(value)[:300]


def _plain(value: Any) -> Any:
    """Without what is empty, and without documentation and places, which take no part in what is built."""
    if isinstance(value, dict):
        kept = {key: _plain(each) for key, each in value.items() if key not in ("docs", "sourceLocation")}
        if kept.get("name") == "STOP SIGNAL":  # the one command that Earthly calls otherwise than it is written
            kept["name"] = "STOPSIGNAL"
        return {key: each for key, each in kept.items() if each not in (None, [], {}, False, "")}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _earthfile(found: Earthfile) -> Any:
    return _plain(
        {
            "version": {"args": list(found.version.args)} if found.version else None,
            "baseRecipe": _body(found.base),
            "targets": [_recipe(each) for each in found.targets],
            "functions": [_recipe(each) for each in found.functions],
        }
    )


def _recipe(recipe: Recipe) -> dict[str, Any]:
    return {"name": recipe.name, "recipe": _body(recipe.body)}


def _body(body: tuple[Statement, ...] | None) -> list[dict[str, Any]]:
    return [_statement(each) for each in body or ()]


def _command(command: Command) -> dict[str, Any]:
    return {"name": command.name, "args": list(command.args), "execMode": command.exec_mode}


def _statement(statement: Statement) -> dict[str, Any]:
    match statement:
        case Command():
            return {"command": _command(statement)}
        case If():
            return {"if": _if(statement)}
        case For():
            return {"for": {"args": list(statement.args), "body": _body(statement.body)}}
        case Wait():
            return {"wait": {"args": list(statement.args), "body": _body(statement.body)}}
        case Try():
            parts = {"tryBody": statement.body, "catchBody": statement.caught, "finallyBody": statement.finally_}
            return {"try": {key: _body(body) for key, body in parts.items()}}
        case With():
            return {"with": {"command": _command(statement.command), "body": _body(statement.body)}}


def _if(statement: If) -> dict[str, Any]:
    others = [{"expression": list(each.expression), "execMode": each.exec_mode, "body": _body(each.body)} for each in statement.else_ifs]
    return {
        "expression": list(statement.expression),
        "execMode": statement.exec_mode,
        "ifBody": _body(statement.body),
        "elseIf": others,
        "elseBody": _body(statement.otherwise),
    }
