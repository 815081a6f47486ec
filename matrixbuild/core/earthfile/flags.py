"""The words of a command in, its flags and the words left over out.

The order that Earthly keeps, and an evaluator must: (1) words that belong together by quotes or parentheses are joined
(`grouped`), (2) flags are read from the words as written, up to the first word that is none or to `--`, (3) only then is each
value and each word left over expanded, by itself. So `$FLAGS` never becomes flags, `--platform=$P` is expanded after reading,
and a boolean must be written out: `--if-exists=$X` is an error, except in RUN, which expands the values of its booleans first.
A value in double quotes has lost them (as Go unquotes) before it is expanded; one in single quotes has not. HEALTHCHECK's
durations and numbers are never expanded. Build args after the reference (`BUILD +t --X=1`) are words left over, not flags.
Not expanded at all: the expression of IF and FOR and the words of RUN (the shell does it), FOR's --sep, PROJECT, names of ENV,
ARG, LET, SET. WORKDIR, USER, CMD, ENTRYPOINT, EXPOSE, VOLUME, ENV, LABEL, HOST, PROJECT, LOCALLY have no flags and no step 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.flag_values import Form, Value, read_value
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.problems import Place, did_you_mean

_SWITCH, _TEXT, _LIST, _COUNT, _DURATION = Form.SWITCH, Form.TEXT, Form.LIST, Form.COUNT, Form.DURATION
_SHELL = {"privileged": _SWITCH, "ssh": _SWITCH, "no-cache": _SWITCH, "secret": _LIST, "mount": _LIST}
_REMOTE = {"allow-privileged": _SWITCH, "pass-args": _SWITCH}
_KEEP = {"keep-ts": _SWITCH, "keep-own": _SWITCH, "if-exists": _SWITCH, "symlink-no-follow": _SWITCH}

FLAGS: Mapping[str, Mapping[str, Form]] = {
    "FROM": {**_REMOTE, "build-arg": _LIST, "platform": _TEXT},
    "FROM DOCKERFILE": {"allow-privileged": _SWITCH, "build-arg": _LIST, "platform": _TEXT, "target": _TEXT, "f": _TEXT},
    "RUN": {
        **_SHELL,
        **dict.fromkeys(("push", "entrypoint", "with-docker", "aws", "interactive", "interactive-keep", "raw-output"), _SWITCH),
        "oidc": _TEXT,
        "network": _TEXT,
    },
    "COPY": {**_REMOTE, **_KEEP, "from": _TEXT, "dir": _SWITCH, "chown": _TEXT, "chmod": _TEXT, "platform": _TEXT, "build-arg": _LIST},
    "SAVE ARTIFACT": {**_KEEP, "force": _SWITCH},
    "SAVE IMAGE": {
        **dict.fromkeys(("push", "cache-hint", "insecure", "no-manifest-list", "without-earthly-labels"), _SWITCH),
        "cache-from": _LIST,
    },
    "BUILD": {**_REMOTE, "platform": _LIST, "build-arg": _LIST, "auto-skip": _SWITCH},
    "GIT CLONE": {"branch": _TEXT, "keep-ts": _SWITCH},
    "HEALTHCHECK": {"interval": _DURATION, "timeout": _DURATION, "start-period": _DURATION, "retries": _COUNT, "start-interval": _DURATION},
    "DOCKER": {**_REMOTE, **dict.fromkeys(("compose", "service", "load", "build-arg", "pull"), _LIST), "platform": _TEXT, "cache-id": _TEXT},
    "DO": _REMOTE,
    "IMPORT": _REMOTE,
    "ARG": {"required": _SWITCH, "global": _SWITCH},
    "LET": {},
    "SET": {},
    "CACHE": {"sharing": _TEXT, "chmod": _TEXT, "id": _TEXT, "persist": _SWITCH},
    "IF": _SHELL,
    "FOR": {**_SHELL, "sep": _TEXT},
}
"""The flags of each command, without their dashes (`f` is the one short flag, -f)."""

_SECOND = 1_000_000_000
DEFAULTS: Mapping[str, Mapping[str, Value]] = {
    "HEALTHCHECK": {"interval": 30 * _SECOND, "timeout": 30 * _SECOND, "retries": 3, "start-interval": 5 * _SECOND},
    "CACHE": {"chmod": "0644"},
    "FOR": {"sep": "\n\t "},
}

GATES: Mapping[tuple[str, str], str] = {
    **{(command, "pass-args"): "pass_args" for command in ("FROM", "COPY", "BUILD", "DO", "DOCKER")},
    ("COPY", "chmod"): "use_chmod",
    ("SAVE IMAGE", "no-manifest-list"): "use_no_manifest_list",
    ("SAVE IMAGE", "without-earthly-labels"): "allow_without_earthly_labels",
    ("BUILD", "auto-skip"): "build_auto_skip",
    ("FROM DOCKERFILE", "allow-privileged"): "allow_privileged_from_dockerfile",
    ("RUN", "network"): "no_network",
    ("RUN", "aws"): "run_with_aws",
    ("RUN", "oidc"): "run_with_aws_oidc",
    ("RUN", "raw-output"): "raw_output",
    ("DOCKER", "cache-id"): "docker_cache",
    ("CACHE", "persist"): "cache_persist_option",
    ("ARG", "global"): "explicit_global",
}
"""(command, flag) -> the field of Features it needs, where the flag is on.

COPY --pass-args is asked about for artifacts only, WITH DOCKER's for --load only. ARG --global without its feature is INVALID_ARG in
Earthly ("unknown flag"), all others are FEATURE_GATE."""

COMMAND_GATES: Mapping[str, str] = {
    "FOR": "for_in",
    "WAIT": "wait_block",
    "TRY": "try_",
    "CACHE": "use_cache_command",
    "HOST": "use_host_command",
    "PROJECT": "use_project_secrets",
    "LET": "arg_scope_and_set",
    "SET": "arg_scope_and_set",
}
"""Command -> the field of Features it needs; WAIT needs referenced_save_only too. LET before any FROM is let through, as Earthly does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The flags of one command as written (unexpanded), and `words`: what is left over. Ask for flags of the command's table only (KeyError else)."""

    command: str
    given: tuple[tuple[str, Value], ...]
    words: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Whether the command names this flag at all."""
        return any(name == given for given, _ in self.given)

    def on(self, name: str) -> bool:
        """Whether a boolean flag is on; the last one counts."""
        if not self.given and FLAGS[self.command][name] is Form.SWITCH:
            return False
        return bool(self._last(name, Form.SWITCH, default=False))

    def text(self, name: str) -> str:
        """The value of a flag, the last one; where there is none, Earthly's default or the empty string."""
        return str(self._last(name, Form.TEXT, default=""))

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of a flag that may be repeated, in order."""
        self._check(name, Form.LIST)
        return tuple(str(value) for given, value in self.given if given == name)

    def number(self, name: str) -> int:
        """A count, or a duration in nanoseconds; where there is none, Earthly's default or 0."""
        return int(self._last(name, FLAGS[self.command][name], default=0))

    def _last(self, name: str, form: Form, *, default: Value) -> Value:
        self._check(name, form)
        values = [value for given, value in self.given if given == name] if self.given else ()
        return values[-1] if values else DEFAULTS.get(self.command, {}).get(name, default)

    def _check(self, name: str, form: Form) -> None:
        if FLAGS[self.command][name] is not form:
            raise KeyError(f"--{name} of {self.command} is {FLAGS[self.command][name].name}")


def parse_flags(command: Command, *, expand: Callable[[str], str] | None = None) -> Flags:
    """The flags of a command that has a table in FLAGS; `expand` expands the values of RUN's booleans (without it they must be written out).

    Raises EarthfileError (INVALID_ARG) for an unknown flag, a missing or superfluous value, a value of the wrong form.
    """
    return read_flags(command.name, command.args, place=command.place, expand=expand)


def read_flags(command: str, args: Sequence[str], *, place: Place, expand: Callable[[str], str] | None = None) -> Flags:
    """As `parse_flags`, for the words of IF (its expression) and FOR (its args), which are no commands of their own."""
    if command != "RUN" or expand is None or not (args and args[0].startswith("-")):
        expand = None
        if (found := _read_before(command, tuple(args))) is not None:
            return found
    reader = _Reader(command, grouped(args), place, expand)
    given = reader.flags()
    return Flags(command=command, given=given, words=reader.rest())


@lru_cache(maxsize=8192)
def _read_before(command: str, args: tuple[str, ...]) -> Flags | None:
    """The flags of the same words, which are met in every evaluation; None where something is wrong with them, which is told with a place."""
    reader = _Reader(command, grouped(args), Place(file="", line=1), None)
    try:
        given = reader.flags()
    except EarthfileError:
        return None
    return Flags(command=command, given=given, words=reader.rest())


def grouped(args: Sequence[str]) -> tuple[str, ...]:
    """The words with those joined, by one blank, between which a quote or a parenthesis is open.

    Simple-minded as Earthly is here: neither nested nor escaped, and one that never closes reaches to the last word.
    """
    out: list[str] = []
    pending: list[str] = []
    closer = ""
    for arg in args:
        closer = _open_after(arg, closer)
        pending.append(arg)
        if not closer:
            out.append(" ".join(pending))
            pending = []
    return (*out, " ".join(pending)) if pending else tuple(out)


_CLOSERS = {'"': '"', "'": "'", "(": ")"}


def _open_after(arg: str, closer: str) -> str:
    """What would have to close after `arg`, if `closer` had to before it."""
    for character in arg:
        if not closer:
            closer = _CLOSERS.get(character, "")
        elif character == closer:
            closer = ""
    return closer


def _is_flag(word: str) -> bool:
    return len(word) > 1 and word[0] == "-" and (word[1] != "-" or (len(word) > 2 and word[2] != "-"))


class _Reader:
    """Reads flags off the front of some words, in the manner of the Go library that Earthly uses."""

    def __init__(self, command: str, words: Sequence[str], place: Place, expand: Callable[[str], str] | None) -> None:
        self._command = command
        self._forms = FLAGS[command]
        self._words = words
        self._at = 0
        self._place = place
        self._expand = expand

    def flags(self) -> tuple[tuple[str, Value], ...]:
        given: list[tuple[str, Value]] = []
        while self._at < len(self._words) and _is_flag(self._words[self._at]):
            word = self._words[self._at]
            self._at += 1
            given += self._long(word) if word.startswith("--") else self._short(word)
        return tuple(given)

    def rest(self) -> tuple[str, ...]:
        words = self._words[self._at :]
        return tuple(words[1:] if words and words[0] == "--" else words)

    def _long(self, word: str) -> list[tuple[str, Value]]:
        name, equals, value = word[2:].partition("=")
        if name not in self._forms or len(name) == 1:
            raise self._unknown(word, f"--{name}")
        return [(name, self._value(word, name, value if equals else None))]

    def _short(self, word: str) -> list[tuple[str, Value]]:
        """-f value, -fvalue, -f=value."""
        name, value = word[1], word[2:]
        if name not in self._forms:
            raise self._unknown(word, f"-{name}")
        return [(name, self._value(word, name, value.removeprefix("=") if value else None))]

    def _value(self, word: str, name: str, value: str | None) -> Value:
        form = self._forms[name]
        if form is Form.SWITCH:
            value = self._expand(value) if self._expand and value is not None else value
        elif value is None:
            value = self._next_word(word)
        try:
            return read_value(form, value or "")
        except ValueError as wrong:
            raise self._error(word, f"{self._shown} {word.partition('=')[0]}: {wrong}", "Earthly reads it before it expands variables") from None

    def _next_word(self, flag: str) -> str:
        form = self._forms[flag.lstrip("-")]
        word = self._words[self._at] if self._at < len(self._words) else "--"
        negative = form in (Form.COUNT, Form.DURATION) and word[:1] == "-" and word[1:2].isdigit()
        if word == "--" or (_is_flag(word) and not negative):
            raise self._error(flag, f"{self._shown} {flag} needs a value", f"write {flag}=value" if flag.startswith("--") else f"write {flag} value")
        self._at += 1
        return word

    @property
    def _shown(self) -> str:
        return "WITH DOCKER" if self._command == "DOCKER" else self._command

    def _unknown(self, word: str, flag: str) -> EarthfileError:
        known = [f"--{name}" if len(name) > 1 else f"-{name}" for name in self._forms]
        hint = did_you_mean(flag, known) or (f"it has {', '.join(sorted(known))}" if known else "it has none")
        return self._error(word, f"{self._shown} has no flag {flag}", hint)

    def _error(self, word: str, summary: str, hint: str) -> EarthfileError:
        column = self._place.text.find(word, self._place.column - 1) + 1
        place = replace(self._place, column=column, width=len(word)) if column else self._place
        return EarthfileError(Fault.INVALID_ARG, summary, place=place, hint=hint)
