"""A RUN -> what the double does in its place: the little that `echo`, `sleep` and `exit` say, or what a test told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core.earthfile.flags import parse_flags
from matrixbuild.core.earthfile.shell_words import NeedsShell, Operator, Reader, ShellSyntax, Token, UnknownVariable, Word, fields, tokens
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.values import Value
from tests.double.told import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`text` is the command with its words as written, `shown` what the programs print of it; `env` what its shell would see; `secrets` are
    (variable, name of the secret)."""

    text: str
    shown: str
    env: Mapping[str, str]
    secrets: tuple[tuple[str, str], ...]
    push: bool
    no_cache: bool
    privileged: bool

    @property
    def key(self) -> str:
        """What another run must have in common with this one to be the same: its text, and every ARG that is active, used or not."""
        return json.dumps([self.text, sorted(self.env.items())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that happens: lines on stdout (1) or stderr (2), seconds that pass, bytes of memory, or the end with a code."""

    output: str = ""
    stream: int = 1
    seconds: float = 0.0
    memory: int = 0
    exit: int | None = None


def run_of(target: Target, command: Command) -> Run:
    flags = parse_flags(command, expand=lambda word: target.known_text(word, command.place))
    words = json.dumps(flags.words) if command.exec_mode else " ".join(flags.words)
    switches = ["--no-cache"] if flags.on("no-cache") else []
    return Run(
        text=words,
        shown=" ".join((*switches, words)),
        env=_env(target),
        secrets=tuple(_secret(word) for word in flags.texts("secret")),
        push=flags.on("push"),
        no_cache=flags.on("no-cache"),
        privileged=flags.on("privileged"),
    )


def _env(target: Target) -> dict[str, str]:
    variables = target.variables
    names = {name for scope in variables._layers() for name in scope.active_names()}
    return {name: value.text for name in sorted(names) if (value := variables.active(name)) is not None}


def _secret(word: str) -> tuple[str, str]:
    """`TOKEN`, `VARIABLE=TOKEN`, or the old `VARIABLE=+secrets/TOKEN`."""
    variable, equals, name = word.partition("=")
    return variable, name.removeprefix("+secrets/") if equals else variable


def acts(run: Run, told: Sequence[Told], secrets: Mapping[str, str]) -> Iterator[Act]:
    """What happens, in order; after an `exit` nothing does."""
    found = next((each for each in told if each.match in run.text), None)
    if found:
        yield Act(seconds=found.seconds, memory=found.memory)
        yield from ([Act(output=found.output)] if found.output else [])
        yield from ([Act(exit=found.exit)] if found.exit else [])
        return
    env = dict(run.env) | {variable: secrets[name].rstrip("\n") for variable, name in run.secrets if name in secrets}
    try:
        lines = [_command(words, env) for words in _commands(list(tokens(run.text)))]
    except (NeedsShell, ShellSyntax, UnknownVariable):
        return  # more than the double can read: it succeeds, and says nothing
    yield from (act for act in lines if act)


def _commands(found: list[Token]) -> Iterator[list[Token]]:
    """The commands between `;`, `&&` and line ends. Raises NeedsShell for anything else."""
    one: list[Token] = []
    for token in [*found, Operator(";")]:
        if isinstance(token, Operator) and token.text in (";", "&&", "\n"):
            yield one
            one = []
        elif isinstance(token, Operator) and token.text not in (">", "&"):
            raise NeedsShell(token.text)
        else:
            one.append(token)


def _command(found: list[Token], env: Mapping[str, str]) -> Act | None:
    reader = Reader(lambda name: Value(text=env[name]) if name in env else None)
    at = next((number for number, token in enumerate(found) if isinstance(token, Operator)), len(found))
    words = [field.text for token in found[:at] if isinstance(token, Word) for field in fields(token, reader)]
    to_stderr = [getattr(token, "text", "") for token in found[at:]] == [">", "&", "2"]
    match words:
        case ["echo" | "printf", *rest]:
            shown = at == len(found) or to_stderr
            return Act(output=" ".join(rest), stream=2 if to_stderr else 1) if shown else None
        case ["sleep", seconds]:
            return Act(seconds=float(seconds))
        case ["exit", code]:
            return Act(exit=int(code)) if code != "0" else None
        case ["false"]:
            return Act(exit=1)
    return None
