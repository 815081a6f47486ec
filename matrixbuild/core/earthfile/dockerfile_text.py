"""The text of a Dockerfile in, its instructions out: name, flags and the rest, each with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from dockerfile_parse import DockerfileParser

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.problems import Place

_KNOWN = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"}
    | {"MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"},
)
_FLAG = re.compile(r"""\s*--([a-zA-Z][a-zA-Z-]*)(?:=((?:"[^"]*"|'[^']*'|\\.|[^\s\\"'])*))?(?=\s|$)""")
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"?|'[^']*'?|\\.|[^\s"'\\])+""", re.DOTALL)
_DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*=\s*(\S*)\s*$")
_HERE = re.compile(r"""<<(-?)(["']?)([a-zA-Z_]\w*)\2(?=\s|$)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A here-document: `text` with its last line end; `expands`: variables in it stand for their values."""

    name: str
    text: str
    expands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: `flags` as (name, value; empty where none is given), `rest` the text after them, `value` all the text.

    `escape` is what a backslash is elsewhere (`# escape=`); `documents` are those that `<<NAME` words name, in order.
    """

    name: str
    flags: tuple[tuple[str, str], ...]
    rest: str
    value: str
    place: Place
    escape: str = "\\"
    documents: tuple[Document, ...] = ()

    def word(self, text: str) -> str:
        """Text of this instruction with a backslash as its escape character, as words are expanded. Within single quotes nothing is one."""
        if self.escape == "\\":
            return text
        return re.sub(r"'[^']*'|`(.)|\\", self._plain, text, flags=re.DOTALL)

    @staticmethod
    def _plain(found: re.Match[str]) -> str:
        if found[0].startswith("'"):
            return found[0]
        return f"\\{found[1]}" if found[1] else "\\\\"

    def flag(self, name: str) -> str:
        return next((value for given, value in self.flags if given == name), "")

    def error(self, summary: str, *, fault: Fault = Fault.SYNTAX, hint: str = "") -> EarthfileError:
        return EarthfileError(fault, summary, place=self.place, hint=hint)


class _File:
    """What DockerfileParser needs of a file that is at hand."""

    def __init__(self, text: str) -> None:
        self._lines = text.encode("utf-8", "surrogateescape").splitlines(keepends=True)

    def seek(self, _: int) -> None:
        """Every reading gives all of it."""

    def readlines(self) -> list[bytes]:
        return self._lines


@lru_cache(maxsize=64)  # the same Dockerfile is met in every evaluation
def instructions(text: str, *, file: str) -> tuple[Instruction, ...]:
    """Raises EarthfileError (SYNTAX) for what no Dockerfile is."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    escape = _escape(lines)
    prepared, documents = _prepared(lines, escape)
    structure = DockerfileParser(fileobj=_File(prepared)).structure
    return tuple(_instruction(found, file, escape, documents) for found in structure if found["instruction"] != "COMMENT")


def one(text: str, *, place: Place) -> Instruction:
    """One instruction in a line of its own, such as an ONBUILD of a base image."""
    name, _, value = text.strip().partition(" ")
    return _made(name.upper(), value.strip(), place)


def _escape(lines: list[str]) -> str:
    """The character that `# escape=` names among the directives on top."""
    for line in lines:
        directive = _DIRECTIVE.match(line)
        if not directive:
            break
        if directive[1].lower() == "escape" and directive[2] == "`":
            return "`"
    return "\\"


def _prepared(lines: list[str], escape: str) -> tuple[str, dict[int, tuple[Document, ...]]]:
    """The text as the parser needs it, and the here-documents by the 0-based line of their instruction's end.

    Comments stand for what the parser does not know: here-documents, and blank lines inside a continued one (it would end the instruction).
    """
    out: list[str] = []
    documents: dict[int, tuple[Document, ...]] = {}
    inside = False
    while len(out) < len(lines):
        line = lines[len(out)]
        blank = inside and not line.strip()
        out.append("#" if blank else line)
        if blank or line.lstrip().startswith("#"):
            continue
        inside = line.rstrip(" \t").endswith(escape)
        if not inside and (found := _HERE.findall(line)):
            end = len(out)
            documents[end - 1], end = _documents(lines, end, found)
            out += ["#"] * (end - len(out))
    return "\n".join(out) + "\n", documents


def _documents(lines: list[str], at: int, found: list[tuple[str, str, str]]) -> tuple[tuple[Document, ...], int]:
    """The here-documents that start at line `at`, and the line after the last one. One that never ends reaches to the end of the file."""
    out: list[Document] = []
    for tabs, quote, name in found:
        text = ""
        while at < len(lines):
            line = lines[at].lstrip("\t") if tabs else lines[at]
            at += 1
            if line == name:
                break
            text += f"{line}\n"
        out.append(Document(name=name, text=text, expands=not quote))
    return tuple(out), at


def _instruction(found: dict[str, object], file: str, escape: str, documents: dict[int, tuple[Document, ...]]) -> Instruction:
    text = str(found["content"]).split("\n", 1)[0]
    place = Place(file=file, line=int(str(found["startline"])) + 1, text=text)
    made = _made(str(found["instruction"]), str(found["value"]).strip(), place)
    return replace(made, escape=escape, documents=documents.get(int(str(found["endline"])), ()))


def _made(name: str, value: str, place: Place) -> Instruction:
    flags, rest = _flags(value)
    made = Instruction(name=name, flags=flags, rest=rest, value=value, place=place)
    if name not in _KNOWN:
        raise made.error(f"unknown instruction {name}")
    if not value:
        raise made.error(f"{name} needs an argument")
    return made


def _flags(value: str) -> tuple[tuple[tuple[str, str], ...], str]:
    flags: list[tuple[str, str]] = []
    while found := _FLAG.match(value):
        flags.append((found[1], re.sub(r"""["']""", "", found[2] or "")))
        value = value[found.end() :]
    return tuple(flags), value.strip()


def json_words(text: str) -> tuple[str, ...] | None:
    """The exec form: a JSON list of strings; None for any other text."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return tuple(found) if isinstance(found, list) and all(isinstance(item, str) for item in found) else None


def listed(instruction: Instruction) -> tuple[str, ...]:
    """Words of COPY, EXPOSE and the like, ready to be expanded: a JSON list, or what is between blanks."""
    words = json_words(instruction.rest)
    return tuple(instruction.word(word) for word in (instruction.rest.split() if words is None else words))


def pairs(instruction: Instruction) -> Iterator[tuple[str, str]]:
    """`name=value ...` of ENV and LABEL as written, quotes kept; or the old `name the value`."""
    rest = instruction.word(instruction.rest)
    words = _WORD.findall(rest)
    if "=" not in words[0]:
        name, _, value = rest.partition(" ")
        if not value.strip():
            raise instruction.error(f"{instruction.name} needs a name and a value", hint=f"write {instruction.name} {name}=value")
        yield name, value.strip()
        return
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise instruction.error(f"{word!r} is no name=value")
        yield name, value


def arg_words(instruction: Instruction) -> Iterator[tuple[str, str | None]]:
    """`name` and `name=default` of ARG as written."""
    for word in _WORD.findall(instruction.word(instruction.rest)):
        name, equals, value = word.partition("=")
        yield name, value if equals else None
