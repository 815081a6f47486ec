"""IF, FOR and shell-outs that go wrong without a word: no shell, no such program, a broken test, a value that is empty."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrixbuild.core.earthfile.linting_findings import Finding, Kind, Rule
from matrixbuild.core.earthfile.linting_origins import Origin, Origins
from matrixbuild.core.earthfile.linting_recipes import Part, Sheet, Step
from matrixbuild.core.earthfile.reserved import RESERVED

NO_SHELL = Rule(name="no-shell", kind=Kind.TRAP, about="an IF, FOR or RUN needs a shell, and the image has none")
NO_PROGRAM = Rule(name="missing-program", kind=Kind.TRAP, about="an IF asks a program that the image lacks, which counts as false")
BROKEN = Rule(name="broken-test", kind=Kind.TRAP, about="a test of an IF is written so that it is always false")
UNQUOTED = Rule(name="unquoted-test", kind=Kind.TRAP, about="a test of an IF goes wrong where a value is empty")
BARE = Rule(name="bare-condition", kind=Kind.TRAP, about="IF $NAME is true where the value is empty")
SHELL_OUT = Rule(name="failing-shell-out", kind=Kind.TRAP, about="a command in $( ) that fails gives an empty value, or a shorter list")

_NEVER_FAILS = frozenset({"cat", "echo", "printf", "seq"})
"""`cat` of a file is what the hint says."""

_SEPARATORS = frozenset({"&&", "||", "|", ";", "!", "{", "("})
_UNARY = re.compile(r"-[a-zA-Z]|!")
_GLUED = re.compile(r"\[\[?[\"'$A-Za-z0-9!-]")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_SMALL = frozenset({"bash", "curl", "docker", "file", "gcc", "git", "go", "jq", "make", "node", "npm", "perl", "python", "python3", "sudo", "yq"})
_LACKS = {
    "alpine": _SMALL,
    "busybox": _SMALL,
    "debian": _SMALL - {"bash", "perl"} | {"wget", "unzip"},
    "ubuntu": _SMALL - {"bash", "perl"} | {"wget", "unzip"},
}
"""What official images come without."""

_HARMLESS = frozenset({"ARG", "LET", "SET", "ENV", "LABEL", "WORKDIR", "USER", "IF", "ELSE IF", "EXPOSE", "CMD", "ENTRYPOINT", "BUILD", "SAVE IMAGE"})
"""Steps that bring no program into an image."""

_NO_SHELL = re.compile(r"scratch|gcr\.io/distroless/(?![^:@]*(?:busybox|debug))[^:@]*(?::(?!debug)[^@:]*)?")


def conditions(sheet: Sheet, origins: Origins) -> Iterator[Finding]:
    """What each IF, ELSE IF and FOR of an Earthfile, and each ARG with a shell-out, is told of."""
    for part in sheet.everything:
        yield from _shells(sheet, part, origins)
        for step in part.of("IF", "ELSE IF"):
            yield from _programs(sheet, part, step, origins)
            yield from _tests(sheet, part, step)
            yield from _bare(sheet, part, step)
        yield from _shell_outs(sheet, part)


def _shells(sheet: Sheet, part: Part, origins: Origins) -> Iterator[Finding]:
    """The first of a recipe; what comes after it is not reached."""
    for step in part.of("IF", "FOR", "RUN"):
        origin = origins.before(sheet, part, step)
        if origin and _NO_SHELL.fullmatch(origin.image) and _brings_nothing(origin):
            summary = f"{step.name} needs a shell, and {part} begins with {origin.image}, which has none: the build fails here"
            yield Finding(rule=NO_SHELL, summary=summary, place=step.place, hint="do it before the FROM, or begin with an image that has /bin/sh")
            return


def _brings_nothing(origin: Origin) -> bool:
    return all(step.name in _HARMLESS for step in origin.steps)


def _programs(sheet: Sheet, part: Part, step: Step, origins: Origins) -> Iterator[Finding]:
    words = [program for program, _ in simple_commands(step) if program in _LACKS["debian"] | _SMALL]
    origin = origins.before(sheet, part, step) if words else None
    image = origin and re.fullmatch(r"(?:docker\.io/)?(?:library/)?([a-z]+)(?:[:@].*)?", origin.image)
    if not origin or not image or not _brings_nothing(origin):
        return
    for program in words:
        if program in _LACKS.get(image[1], ()):
            summary = f"{origin.image} has no {program}, and an {step.name} over a program that is missing counts as false"
            yield Finding(rule=NO_PROGRAM, summary=summary, place=step.place, hint=f"install {program} in a RUN above")


def simple_commands(step: Step) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The programs of a condition, each with its words."""
    words: list[str] = []
    for word in (*step.flags.words, ";"):
        if word not in _SEPARATORS:
            words.append(word)
        elif words and not (word in ("!", "(") and words[0] in ("[", "[[")):
            yield words[0], tuple(words[1:])
            words = []
        elif words:
            words.append(word)


def _tests(sheet: Sheet, part: Part, step: Step) -> Iterator[Finding]:
    for program, words in simple_commands(step):
        if why := _broken(program, words):
            summary = f"the test {_shown(program, words)} is no valid one: {why}; it fails, which counts as false"
            yield Finding(rule=BROKEN, summary=summary, place=step.place, hint='write it as [ "$NAME" = "value" ], with blanks between all its words')
        elif program == "[" and (name := _empty_operand(sheet, part, step, words)):
            outcome = "true" if words[0] == "-n" else "an error, which counts as false"
            summary = f"the test {_shown(program, words)} is {outcome} where {name} is empty, as it is unless somebody gives it"
            yield Finding(rule=UNQUOTED, summary=summary, place=step.place, hint=f'quote it: "${name}"')


def _shown(program: str, words: tuple[str, ...]) -> str:
    return " ".join((program, *words))


def _broken(program: str, words: tuple[str, ...]) -> str:
    """Why a test is none, as a clause; "" for what may be right."""
    if _GLUED.match(program):
        return f"a blank is missing after {'[[' if program.startswith('[[') else '['}"
    if program not in ("[", "[["):
        return ""
    closing = "]" * len(program)
    if not words or words[-1] != closing:
        return f"a blank is missing before {closing}" if words and words[-1].endswith(closing) else f"its last word is not {closing}"
    operator = words[0]
    if len(words) == 3 and operator.startswith(("!", "-")) and not _UNARY.fullmatch(operator):
        return f"there is no operator {operator}"
    return ""


def _empty_operand(sheet: Sheet, part: Part, step: Step, words: tuple[str, ...]) -> str:
    """The ARG without a value that a test takes unquoted, where that turns its answer round."""
    match words:
        case ("-n", word, "]") | (word, "!=", _, "]") | (_, "!=", word, "]"):
            found = _VARIABLE.fullmatch(word)
            return found[1] if found and is_empty_arg(sheet, part, step, found[1]) else ""
    return ""


def is_empty_arg(sheet: Sheet, part: Part, step: Step, name: str) -> bool:
    """Whether a name stands at a step for an ARG whose default is empty, and for nothing else."""
    if name in RESERVED:
        return False
    own = [each for each in part.before(step) if each.name in ("ARG", "LET", "FOR", "ENV") and name == (each.declared or each.args[0])]
    ground = sheet.global_args.get(name) if part is not sheet.base else None
    others = [each for other in sheet.everything for each in other.of("ENV") if each.args[0] == name]
    base = [each for each in sheet.base.of("ARG") if each.declared == name] if not own and ground else []
    found = own or base
    return bool(found) and not others and all(each.name == "ARG" and _is_empty(each) for each in found)


def _is_empty(arg: Step) -> bool:
    return (arg.value or "").strip("\"'") == "" and not arg.flags.on("required")


def _bare(sheet: Sheet, part: Part, step: Step) -> Iterator[Finding]:
    words = step.flags.words
    found = _VARIABLE.fullmatch(words[-1]) if len(words) == 1 or (len(words) == 2 and words[0] == "!") else None
    if found and is_empty_arg(sheet, part, step, found[1]):
        name = found[1]
        summary = f"{step.name} ${name} is true where {name} is empty, as it is unless somebody gives it: an empty command succeeds"
        hint = f'write {step.name} [ "${name}" = "true" ], or give the ARG the default false'
        yield Finding(rule=BARE, summary=summary, place=step.place, hint=hint)


def _shell_outs(sheet: Sheet, part: Part) -> Iterator[Finding]:
    for step in part.of("FOR"):
        command = _shell_out(" ".join(step.flags.words[2:]))
        if command and not _always_succeeds(command):
            summary = f"where $({command}) fails, the loop is left out or cut short, and the build goes on"
            hint = "do it in a RUN that writes a file, which fails the build, and loop over $(cat file)"
            yield Finding(rule=SHELL_OUT, summary=summary, place=step.place, hint=hint, remark=True)
    for step in part.of("ARG") if not sheet.features.shell_out_anywhere else ():
        command = _shell_out(step.value or "")
        if command and not _always_succeeds(command):
            summary = f"where $({command}) fails, {step.declared} is empty, and the build goes on"
            hint = f"write VERSION --shell-out-anywhere {sheet.features.number}, with which it fails the build"
            yield Finding(rule=SHELL_OUT, summary=summary, place=step.place, hint=hint)


def _shell_out(text: str) -> str:
    text = text.strip("\"'")
    return text[2:-1].strip() if text.startswith("$(") and text.endswith(")") else ""


def _always_succeeds(command: str) -> bool:
    return command.split(maxsplit=1)[0] in _NEVER_FAILS or "|| true" in command
