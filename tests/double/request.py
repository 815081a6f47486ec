"""The words and flags of a command line -> what a build is asked to do, by the program's rules."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.core.earthfile.argfile import ArgFileProblem, parse_arg_file
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.names import Platform
from tests.double.ends import Ended
from tests.double.flags import Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`target` as written; `directory` without its first slash; `artifact` and `to` are the path below an Earthly target and where it goes ("" for
    none). `output` says whether files and images leave the daemon."""

    target: str
    called: str
    directory: str
    name: str
    args: Mapping[str, str]
    artifact: str
    to: str
    push: bool
    output: bool
    no_cache: bool
    privileged: bool
    platform: Platform | None
    secrets: Mapping[str, str]


def check_modes(flags: Flags) -> None:
    """What is refused before anything is looked at. Raises Ended."""
    if flags.on("artifact") and flags.on("image"):
        raise Ended(kind="INVALID_PARAM", message="both image and artifact modes cannot be active at the same time")
    if (flags.on("artifact") or flags.on("image")) and flags.on("no-output") and not flags.on("ci"):
        raise Ended(kind="INVALID_PARAM", message="cannot use --no-output with image or artifact modes")


def split_words(flags: Flags, program: str) -> tuple[str, list[str], str]:
    """The reference, the words of its args, and the destination of an artifact. Raises Ended."""
    if not flags.words:
        raise Ended(kind="INVALID_PARAM", message=f"no target reference provided. Try {program} +<target-name>")
    at = next((number for number, word in enumerate(flags.words) if word.startswith("-")), len(flags.words))
    names, words = flags.words[:at], flags.words[at:]
    most = 2 if flags.on("artifact") else 1
    if len(names) > most:
        raise Ended(kind="INVALID_PARAM", message=f"invalid arguments {' '.join(flags.words)}")
    if not names or "+" not in names[0]:
        raise Ended(kind="INVALID_PARAM", message=f"invalid target {' '.join(flags.words[:1])}")
    return names[0], words, names[1] if len(names) > 1 else ""


def read_args(words: Sequence[str], whole: Sequence[str]) -> dict[str, str]:
    """`--K=v` and `--K v`; what `v` holds does not matter. Raises Ended."""
    found: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        name, equals, value = waiting.pop(0).removeprefix("--").partition("=")
        if not equals:
            if not waiting:
                raise Ended(kind="OTHER", message=f"parse args {' '.join(whole)}: no value provided for --{name}")
            value = waiting.pop(0)
        found[name] = value
    return found


def request_of(flags: Flags, reference: str, args: Mapping[str, str], to: str, environ: Mapping[str, str]) -> Request:
    """Everything that is read before a daemon is asked. Raises Ended."""
    target, _, artifact = _cut(reference) if flags.on("artifact") else (reference, "", "")
    called, _, name = target.rpartition("+")
    given = _build_args(flags, environ) | dict(args)
    if built_in := next((each for each in given if each in RESERVED), ""):
        raise Ended(kind="OTHER", message=f"parse build args: built-in arg {built_in} cannot be passed on the command line")
    return Request(
        target=f"{called}+{name}",
        called=called,
        directory=posixpath.normpath(posixpath.join(str(Path.cwd()), called)).lstrip("/"),
        name=name,
        args=given,
        artifact=f"/{artifact}" if artifact else "",
        to=to or "./" if artifact else "",
        push=flags.on("push"),
        output=flags.on("output") or flags.on("artifact") or flags.on("image") or not (flags.on("no-output") or flags.on("ci")),
        no_cache=flags.on("no-cache"),
        privileged=flags.on("allow-privileged"),
        platform=_platform(flags, reference),
        secrets=_secrets(flags, environ),
    )


def _cut(reference: str) -> tuple[str, str, str]:
    directory, _, rest = reference.rpartition("+")
    name, slash, artifact = rest.partition("/")
    return f"{directory}+{name}", slash, artifact


def _platform(flags: Flags, target: str) -> Platform | None:
    given = flags.list_("platform")
    if len(given) > 1:
        words = "multi-platform builds are not yet supported on the command line. You may, however, create a target with the instruction BUILD"
        raise Ended(kind="OTHER", message=f"{words} --platform ... --platform ... {target}")
    return Platform.parse(given[0]) if given else None


def _build_args(flags: Flags, environ: Mapping[str, str]) -> dict[str, str]:
    found = _assignments(flags, "arg-file-path", ".arg")
    for entry in flags.list_("build-arg"):
        name, equals, value = entry.partition("=")
        found[name] = value if equals else environ.get(name, "")
    return found


def _secrets(flags: Flags, environ: Mapping[str, str]) -> dict[str, str]:
    found = _assignments(flags, "secret-file-path", ".secret")
    for entry in flags.list_("secret"):
        name, equals, value = entry.partition("=")
        if not equals and name not in environ:
            help_ = f'Try to set an env var by the name "{name}" with the secret value or pass the value as part of the --secret flag\n'
            raise Ended(kind="OTHER", message=f'failed to set secret "{name}" via --secret flag without a value', help=help_)
        found[name] = value if equals else environ[name]
    for entry in flags.list_("secret-file"):
        name, _, path = entry.partition("=")
        found[name] = _read(path, f'failed to open "{path}": open {path}')
    return found


def _assignments(flags: Flags, flag: str, default: str) -> dict[str, str]:
    """A file of the directory that the program is called in: that one may be missing, one that was asked for may not."""
    path = flags.text(flag)
    if not path and not Path(default).is_file():
        return {}
    text = _read(path or default, f"read {path}: open {path}")
    try:
        return parse_arg_file(text)
    except ArgFileProblem as problem:
        raise Ended(kind="OTHER", message=f"read {path or default}: {problem.summary}") from problem


def _read(path: str, message: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        raise Ended(kind="OTHER", message=f"{message}: {(error.strerror or '').lower()}") from error
