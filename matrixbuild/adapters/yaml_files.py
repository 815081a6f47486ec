"""Bytes of a YAML file -> a Document that knows the place of everything; hostile input is refused before it costs memory or stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from matrixbuild.adapters.yaml_scalars import resolve
from matrixbuild.core.document import Document, Entry, Kind, Node
from matrixbuild.core.problems import InvalidError, Place, Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
MAX_NODES = 50_000
"""Values in the file, each alias counted as everything it stands for."""


def read_document(path: Path) -> Document:
    """The YAML file at `path`; InvalidError with place and hint where it is not there, cannot be read, or is not fit to be."""
    return parse_document(_bytes(path), file=str(path))


def parse_document(data: bytes, *, file: str) -> Document:
    """The document in `data`; `file` names it in messages.

    What can be told beside other mistakes is in the document's own problems. Raises InvalidError for the rest: syntax, encoding, size,
    depth, aliases that multiply, several documents, none.
    """
    lines = _Lines(file=file, text=_decoded(data, file=file))
    builder = _Builder(lines=lines)
    for event in _events(lines):
        builder.feed(event)
    if builder.root is None:
        raise InvalidError(
            Problem(
                summary=f"{file} is empty", place=lines.place(0, 0), hint="`matrixbuild schema` prints what a manifest may hold", code="yaml-empty"
            )
        )
    return Document(file=file, root=builder.root, problems=tuple(builder.problems))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = "name a manifest, for example manifests/release.yaml"
        raise InvalidError(Problem(summary=f"there is no file {path}", hint=hint, code="no-file")) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InvalidError(Problem(summary=f"{path} cannot be read: {reason}", hint="name a manifest file", code="no-file")) from error


def _decoded(data: bytes, *, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise _refused(
            f"a manifest has at most {MAX_BYTES // 1024} KiB",
            hint="split it, or generate fewer entries",
            place=Place(file=file, line=1),
            code="too-big",
        )
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _refused("the file starts with a byte order mark", hint="save it as UTF-8 without BOM", place=Place(file=file, line=1), code="encoding")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _byte_place(data, error.start, file=file)
        raise _refused(f"byte 0x{data[error.start]:02x} is not UTF-8", hint="save the file as UTF-8", place=place, code="encoding") from None
    if bad := _UNPRINTABLE.search(text):
        place = _byte_place(data, len(text[: bad.start()].encode()), file=file)
        name = "a NUL byte" if bad.group() == "\0" else f"the control character U+{ord(bad.group()):04X}"
        raise _refused(f"{name} is not allowed in YAML", hint="remove it, or write it as an escape in double quotes", place=place, code="encoding")
    return text


# What YAML 1.2.2, production [1], does not let stand in a file as it is: named itself, for all the rest takes `re` 3 ms to compile.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def _byte_place(data: bytes, offset: int, *, file: str) -> Place:
    before = data[:offset].decode("utf-8", "replace")
    line = len(_BREAK.findall(before)) + 1
    return Place(file=file, line=line, column=len(_BREAK.split(before)[-1]) + 1)


def _refused(summary: str, *, place: Place, code: str, hint: str = "") -> InvalidError:
    return InvalidError(Problem(summary=summary, place=place, hint=hint, code=code))


_BREAK = re.compile(r"\r\n|\n|\r")  # what ruamel counts as the end of a line in YAML 1.2


class _Lines:
    """The text, and the places in it; counts from 0 as the YAML library does, and gives places that count from 1."""

    def __init__(self, *, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines = _BREAK.split(text)

    def place(self, line: int, column: int, end: tuple[int, int] | None = None) -> Place:
        """From (line, column) to `end`, at most to the end of the line."""
        text = self.lines[line] if line < len(self.lines) else ""
        stop = end[1] if end and end[0] == line else len(text.rstrip())
        return Place(file=self.file, line=line + 1, column=column + 1, text=text, width=max(1, stop - column))

    def of(self, event: Event) -> Place:
        start, end = event.start_mark, event.end_mark
        return self.place(start.line, start.column, (end.line, end.column))


def _events(lines: _Lines) -> Iterator[Event]:
    # The pure-Python parser is a state machine without recursion; the C one overruns its stack on a long run of brackets. Events, unlike
    # composed nodes, let the caller stop before anything is built of them.
    event: Event | None = None
    try:
        for event in YAML(typ="safe", pure=True).parse(lines.text):
            yield event
    except YAMLError as error:
        raise InvalidError(_syntax_problem(error, lines)) from None
    except (ValueError, OverflowError, LookupError, TypeError, AttributeError) as error:
        # Where the library itself trips over the input (an escape beyond Unicode, a broken directive) it has no place to give.
        place = lines.of(event) if event else lines.place(0, 0)
        hint = "look for an escape in double quotes that is no character"
        raise _refused("this is not YAML: the parser gives up on what follows", place=place, hint=hint, code="yaml-syntax") from error


def _syntax_problem(error: YAMLError, lines: _Lines) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = lines.place(mark.line, mark.column, (mark.line, mark.column + 1)) if mark else lines.place(0, 0)
    if mark and (found := _tab(place.text, mark.column)):
        return Problem(summary=found, place=place, hint="use spaces", code="yaml-syntax")
    parts = [error.context, error.problem] if isinstance(error, MarkedYAMLError) else [str(error)]
    said = ", ".join(" ".join(part.split()) for part in parts if part)
    return Problem(
        summary=f"this is not YAML: {said}", place=place, hint="quote a value that holds any of : # [ ] { } , & * ! | > % @", code="yaml-syntax"
    )


def _tab(line: str, column: int) -> str:
    """What a tab has to do with an error at a column of a line; nothing where it stands in a value before it."""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab cannot indent in YAML"
    return "a tab between values is not taken here" if line[column : column + 1] == "\t" else ""


@dataclass(slots=True, kw_only=True)
class _Frame:
    """A list or mapping whose end has not come yet; `size` counts the values in it."""

    start: Event
    anchor: str | None
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Node | None = None
    size: int = 1


@dataclass(slots=True, kw_only=True)
class _Builder:
    """Events in, one root node out; keeps its own stack of open lists and mappings."""

    lines: _Lines
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    nodes: int = 0
    documents: int = 0

    def feed(self, event: Event) -> None:
        match event:
            case ScalarEvent():
                self._check_tag(event)
                self._add(self._scalar(event), size=1, anchor=event.anchor)
            case DocumentStartEvent():
                self._begin_document(event)
            case AliasEvent():
                self._add_alias(event)
            case MappingStartEvent() | SequenceStartEvent():
                self._open(event, is_mapping=isinstance(event, MappingStartEvent))
            case MappingEndEvent() | SequenceEndEvent():
                self._close(event)

    def _begin_document(self, event: DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _refused(
                "a second document starts here",
                place=self.lines.of(event),
                hint="one manifest a file: put it into a file of its own",
                code="yaml-documents",
            )
        if event.tags or event.version not in (None, (1, 2)):
            self._problem(
                "a manifest is YAML 1.2 and takes no directives",
                self.lines.place(0, 0),
                hint="remove the lines that start with %",
                code="yaml-directive",
            )

    def _add_alias(self, event: AliasEvent) -> None:
        known = self.anchors.get(event.anchor, ())
        if known is None:
            raise _refused(f"*{event.anchor} stands for something that holds it", place=self.lines.of(event), code="yaml-alias", hint="write it out")
        if not known:
            raise _refused(f"there is no &{event.anchor} before *{event.anchor}", place=self.lines.of(event), code="yaml-alias", hint="write it out")
        node, size = known
        self._count(size, event)
        self._add(node, size=size, anchor=None)

    def _scalar(self, event: ScalarEvent) -> Node:
        self._count(1, event)
        if bad := _UNSAFE.search(event.value):
            self._problem(f"a value holds the character U+{ord(bad.group()):04X}", self.lines.of(event), hint="remove it", code="yaml-character")
        plain = event.style is None and event.ctag is None
        kind, value = resolve(event.value) if plain else (Kind.STRING, event.value)
        return Node(kind=kind, place=self.lines.of(event), value=value, source=event.value, plain=plain)

    def _open(self, event: MappingStartEvent | SequenceStartEvent, *, is_mapping: bool) -> None:
        self._check_tag(event)
        self._count(1, event)
        if len(self.frames) >= MAX_DEPTH:
            raise _refused(
                f"this is nested more than {MAX_DEPTH} deep",
                place=self.lines.place(event.start_mark.line, event.start_mark.column, (event.start_mark.line, event.start_mark.column + 1)),
                hint="close the brackets, or write less nesting",
                code="too-deep",
            )
        if event.anchor is not None:
            self.anchors[event.anchor] = None  # known, but not finished: an alias to it from inside is a loop
        self.frames.append(_Frame(start=event, anchor=event.anchor, is_mapping=is_mapping))

    def _close(self, event: Event) -> None:
        frame = self.frames.pop()
        kind = Kind.MAPPING if frame.is_mapping else Kind.SEQUENCE
        node = Node(kind=kind, place=self._span(frame, event), items=tuple(frame.items), entries=frame.entries)
        self._add(node, size=frame.size, anchor=frame.anchor)

    def _span(self, frame: _Frame, end: Event) -> Place:
        start = frame.start.start_mark
        flow = getattr(frame.start, "flow_style", False)
        return self.lines.place(start.line, start.column, (end.end_mark.line, end.end_mark.column) if flow else None)

    def _add(self, node: Node, *, size: int, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, size)
        if not self.frames:
            self.root = node
            return
        frame = self.frames[-1]
        frame.size += size
        if not frame.is_mapping:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            key, frame.key = frame.key, None
            self._put(frame, key, node)

    def _put(self, frame: _Frame, key: Node, value: Node) -> None:
        if key.plain and key.source == "<<":
            self._problem("merge keys are not part of YAML 1.2", key.place, hint="write the keys out", code="yaml-merge")
        elif key.kind is not Kind.STRING:
            shown = f"{key.source} is {_ARTICLES[key.kind]}" if key.source else f"this is {_ARTICLES[key.kind]}"
            self._problem(
                f"a key is a string, and {shown}", key.place, hint=f'quote it: "{key.source}"' if key.source else "give it a name", code="yaml-key"
            )
        elif not isinstance(key.value, str) or (first := frame.entries.get(key.value)) is None:
            frame.entries[str(key.value)] = Entry(key=key, value=value)
        else:
            self._problem(f"{key.value!r} is given twice", key.place, hint=f"the first is in line {first.key.place.line}", code="yaml-duplicate")

    def _check_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.ctag is not None:
            self._problem(
                "a manifest takes no YAML tags", self.lines.of(event), hint=f"remove {_short_tag(event.tag)}, and quote a string", code="yaml-tag"
            )

    def _count(self, size: int, event: NodeEvent) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            summary = f"a manifest has at most {MAX_NODES:,} values, an alias counted as all it stands for"
            raise _refused(summary, place=self.lines.of(event), hint="write less, or without aliases of aliases", code="too-many-values")

    def _problem(self, summary: str, place: Place, *, hint: str, code: str) -> None:
        self.problems.append(Problem(summary=summary, place=place, hint=hint, code=code))


# What escapes in double quotes could bring in: half characters that no encoding takes, and what steers a terminal or ends a C string.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_ARTICLES = {
    Kind.MAPPING: "a mapping",
    Kind.SEQUENCE: "a list",
    Kind.BOOLEAN: "a boolean",
    Kind.INTEGER: "a number",
    Kind.NUMBER: "a number",
    Kind.NULL: "null",
}


def _short_tag(tag: str | None) -> str:
    return (tag or "!").replace("tag:yaml.org,2002:", "!!")
