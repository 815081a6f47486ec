"""A Dockerfile without RUN, its build args and where its files come from in; the recipe of one of its stages out (BuildKit's rules)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from matrixbuild.core.earthfile.dockerfile_config import changed, with_env, with_step, workdir
from matrixbuild.core.earthfile.dockerfile_copy import ONLY_EARTHLY, check_flags, copy_flags, destination
from matrixbuild.core.earthfile.dockerfile_text import Document, Instruction, arg_words, instructions, listed, one, pairs
from matrixbuild.core.earthfile.expansion import Dialect, Lookup, WordError, expand
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import Opacity
from matrixbuild.core.earthfile.platforms import parse_platform
from matrixbuild.core.earthfile.recipe import (
    BaseImage,
    Copied,
    CopyFlags,
    FromContext,
    FromTree,
    Image,
    MadeDirectory,
    NeedsShell,
    Scratch,
    Tree,
    WrittenFile,
)
from matrixbuild.core.earthfile.values import UNKNOWN, Value, unknown_value
from matrixbuild.core.images import DEFAULT_PATH, ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place

_REMOTE = re.compile(r"(?:https?|git|ssh)://|git@|github\.com/", re.IGNORECASE)
_STAGE_NAME = re.compile("[a-z][a-z0-9_.-]*")
Note = Callable[[Opacity, Place, str], None]
"""Told of what only a build knows."""


def stage(
    text: str,
    *,
    file: str,
    target: str | None,
    args: Mapping[str, str],
    context: Callable[[str], FromContext | FromTree],
    platform: Platform,
    image_config: Callable[[str, Platform, str], ImageConfig | None],
    note: Note | None = None,
) -> Image:
    """The stage `target` (its name; None: the last), evaluated with what it needs and nothing else.

    `context` gives the source for a path of the build context; `image_config` a base image's configuration, or None where it is not known
    (then a variable that only it could define is UNKNOWN_VALUE); it is told the image, the platform and
    the word of the FROM that names it. Raises EarthfileError: SYNTAX, NEEDS_EARTHLY for RUN and what else is not
    executed here, UNKNOWN_TARGET, INVALID_ARG, UNKNOWN_VALUE. With `note` it is evaluated in part: RUN and the like change nothing that
    is told, and are noted.
    """
    dockerfile = _Dockerfile(text, file=file, args=args, context=context, platform=platform, image_config=image_config, note=note)
    return dockerfile.image(dockerfile.index(target))


@dataclass(slots=True)
class _Written:
    """One stage as written: its FROM and what follows."""

    start: Instruction
    base: str
    platform: str
    name: str
    body: list[Instruction] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A stage at some instruction; `env` is what words are expanded with (ENV and ARG, the later one counts)."""

    tree: Tree
    config: ImageConfig
    env: Mapping[str, str]
    known: bool
    cmd_set: bool = False
    partial: bool = False
    """What is not known stays in values as a marker."""


class _Dockerfile:
    def __init__(
        self,
        text: str,
        *,
        file: str,
        args: Mapping[str, str],
        context: Callable[[str], FromContext | FromTree],
        platform: Platform,
        image_config: Callable[[str, Platform, str], ImageConfig | None],
        note: Note | None,
    ) -> None:
        self._file = file
        self._args = args
        self._context = context
        self._platform = platform
        self._image_config = image_config
        self._note = note
        self._globals = _platform_args(platform)
        self._stages = list(self._written(instructions(text, file=file)))
        self._done: dict[int, tuple[Image, bool]] = {}

    def _written(self, found: tuple[Instruction, ...]) -> Iterator[_Written]:
        current: _Written | None = None
        for instruction in found:
            if instruction.name == "FROM":
                if current:
                    yield current
                current = self._from(instruction)
            elif current:
                current.body.append(instruction)
            elif instruction.name == "ARG":
                self._global(instruction)
            else:
                raise instruction.error(f"{instruction.name} before the first FROM", hint="only ARG may stand there")
        if current is None:
            raise EarthfileError(Fault.SYNTAX, "the Dockerfile has no FROM", place=Place(file=self._file, line=1))
        yield current

    def _global(self, instruction: Instruction) -> None:
        for name, default in arg_words(instruction):
            if name in self._args:
                self._globals[name] = self._args[name]
            elif default is not None:
                self._globals[name] = self._expanded(default, instruction)

    def _global_value(self, name: str) -> Value | None:
        value = self._globals.get(name)
        return None if value is None else _marked(name, value)

    def _expanded(self, word: str, instruction: Instruction) -> str:
        """A word that stands before a FROM or in one."""
        return _expanded(word, self._global_value, instruction, partial=self._note is not None).text

    def _from(self, instruction: Instruction) -> _Written:
        words = instruction.rest.split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
            raise instruction.error("FROM needs an image, and AS before a name", hint="write FROM image AS name")
        base = self._expanded(words[0], instruction)
        if not base:
            raise instruction.error(f"the base image {words[0]} is empty", fault=Fault.INVALID_ARG, hint="give its ARG a default, or pass it")
        wanted = self._expanded(instruction.flag("platform"), instruction)
        name = words[2].lower() if len(words) == 3 else ""
        if name and not _STAGE_NAME.fullmatch(name):
            hint = "it begins with a letter, and letters, digits, '-', '_' and '.' follow"
            raise instruction.error(f"{words[2]!r} is no name of a stage", fault=Fault.INVALID_ARG, hint=hint)
        return _Written(start=instruction, base=base, platform=wanted, name=name)

    def index(self, target: str | None) -> int:
        """Of the stage that is asked for."""
        if target is None:
            return len(self._stages) - 1
        found = None if target.isdecimal() else self._find(target, len(self._stages))
        if found is None:
            raise EarthfileError(Fault.UNKNOWN_TARGET, f"the Dockerfile has no stage {target!r}", place=Place(file=self._file, line=1))
        return found

    def _find(self, name: str, before: int) -> int | None:
        """The last stage of that name or number among the first `before`."""
        if name.isdecimal():
            return int(name) if int(name) < before else None
        return next((index for index in reversed(range(before)) if self._stages[index].name == name.lower()), None)

    def image(self, index: int) -> Image:
        return self._evaluated(index)[0]

    def _evaluated(self, index: int) -> tuple[Image, bool]:
        """The stage, and whether its base's configuration is known. Stages use earlier ones alone, so this ends."""
        if index not in self._done:
            written = self._stages[index]
            state, triggers = self._start(written, index)
            for instruction in (*triggers, *written.body):
                state = self._step(state, instruction, index)
            self._done[index] = Image(tree=state.tree, config=state.config), state.known
        return self._done[index]

    def _start(self, written: _Written, index: int) -> tuple[_State, list[Instruction]]:
        """The base, and the instructions that its ONBUILD ask for."""
        tree, config, known = self._base(written, index)
        if "PATH" not in dict(config.env):
            config = with_env(config, "PATH", DEFAULT_PATH)
        triggers = [one(text, place=written.start.place) for text in config.on_build]
        return _State(tree=tree, config=replace(config, on_build=()), env=dict(config.env), known=known, partial=self._note is not None), triggers

    def _base(self, written: _Written, index: int) -> tuple[Tree, ImageConfig, bool]:
        earlier = self._find(written.base, index) if not written.base.isdecimal() else None
        if earlier is not None:
            image, known = self._evaluated(earlier)
            return image.tree, image.config, known
        platform = self._platform_of(written)
        if written.base == "scratch":
            return Scratch(), ImageConfig(workdir="/", platform=self._platform), True
        if self._note and UNKNOWN in written.base:
            # It may be any of the stages above, with what they read.
            kind = Opacity.INPUTS if index else Opacity.VALUES
            self._note(kind, written.start.place, "which base image this is, is known only while it is built")
        config = self._image_config(written.base, platform, written.start.rest.split()[0])
        if self._note and config is None:
            self._note(Opacity.VALUES, written.start.place, "the base image is taken to have no ONBUILD: nobody looked at it")
        tree = BaseImage(ref=written.base, platform=platform, place=written.start.place)
        return tree, config or ImageConfig(platform=platform), config is not None

    def _platform_of(self, written: _Written) -> Platform:
        if self._note and UNKNOWN in written.platform:
            self._note(Opacity.VALUES, written.start.place, "for which platform this is, is known only while it is built")
            return self._platform
        try:
            return parse_platform(written.platform, native=Platform(), named=False) or self._platform
        except ValueError as error:
            raise written.start.error(f"{error}", fault=Fault.INVALID_ARG) from error

    def _step(self, state: _State, instruction: Instruction, index: int) -> _State:
        match instruction.name:
            case "RUN" if self._note:
                return self._run(state, instruction, self._note, index)
            case "RUN":
                summary = "RUN needs a container, which the embedded engine does not have"
                raise instruction.error(summary, fault=Fault.NEEDS_EARTHLY, hint=ONLY_EARTHLY)
            case "ARG":
                return self._arg(state, instruction)
            case "COPY" | "ADD":
                return self._copy(state, instruction, index)
            case "WORKDIR":
                return _workdir(state, instruction)
            case "FROM":
                raise instruction.error("FROM cannot stand here")
        if self._note and instruction.name not in ("ENV", "USER", "ONBUILD"):
            return state
        config = changed(state.config, instruction, lambda word: _value(word, state, instruction), cmd_set=state.cmd_set)
        env = {**state.env, **_set_by(instruction, state, config)}
        return replace(state, config=config, env=env, cmd_set=state.cmd_set or instruction.name == "CMD")

    def _run(self, state: _State, instruction: Instruction, note: Note, index: int) -> _State:
        """What a RUN mounts is read; what it makes is not known."""
        note(Opacity.TIME, instruction.place, "a RUN of a Dockerfile: it may fetch what is another thing tomorrow")
        tree: Tree = NeedsShell(parent=state.tree, command=f"RUN {instruction.value}", place=instruction.place)
        for name, value in instruction.flags:
            options = dict(each.partition("=")[::2] for each in _value(value, state, instruction).split(","))
            if name == "mount" and options.get("type", "bind") in ("bind", "cache"):
                source = self._mounted(options, instruction, index)
                flags = CopyFlags(if_exists=bool(options.keys() & {"source", "src"}), empty_wildcard=True)
                tree = Copied(parent=tree, sources=source, dest="/", flags=flags, place=instruction.place) if source else tree
        return replace(state, tree=tree)

    def _mounted(self, options: Mapping[str, str], instruction: Instruction, index: int) -> tuple[FromContext | FromTree, ...]:
        """What a bind mount shows, or a cache mount begins with: a part of the context, of a stage or of an image."""
        path, origin = options.get("source") or options.get("src") or "./*", options.get("from", "")
        if not origin:
            return () if options.get("type") == "cache" else (self._source(path, instruction, index, origin=""),)
        return (self._source(path, instruction, index, origin=origin),)

    def _arg(self, state: _State, instruction: Instruction) -> _State:
        env = dict(state.env)
        for name, default in arg_words(instruction):
            value = self._globals.get(name) if default is None else _value(default, replace(state, env=env), instruction)
            value = self._args.get(name, value)
            if value is not None:
                env[name] = value
        return replace(state, env=env, config=with_step(state.config, f"ARG {instruction.value}"))

    def _copy(self, state: _State, instruction: Instruction, index: int) -> _State:
        if not self._note:
            check_flags(instruction)
        words = [_value(word, state, instruction) for word in listed(instruction)]
        if len(words) < 2:
            raise instruction.error(f"{instruction.name} needs a source and a destination")
        paths = [word for word in words[:-1] if not (instruction.documents and word.startswith("<<"))]
        texts = (_document(document, state, instruction) for document in instruction.documents)
        sources = (*(self._source(path, instruction, index, origin=instruction.flag("from")) for path in paths), *texts)
        dest = destination(words[-1], state.config)
        flags = copy_flags(instruction, lambda word: _value(word, state, instruction), partial=state.partial)
        tree = state.tree
        # Without a slash each source is copied to the same name: BuildKit asks for none, and several sources make no directory of it.
        for group in (sources,) if dest.endswith("/") else [(each,) for each in sources]:
            tree = Copied(parent=tree, sources=group, dest=dest, flags=flags, place=instruction.place)
        return replace(state, tree=tree, config=with_step(state.config, f"{instruction.name} {instruction.value} # buildkit", layer=True))

    def _source(self, path: str, instruction: Instruction, index: int, *, origin: str) -> FromContext | FromTree:
        """What a path is in the build context or in `origin`: a stage, its number, or an image."""
        if self._note and (UNKNOWN in path or UNKNOWN in origin):
            self._note(Opacity.INPUTS, instruction.place, f"which files {instruction.name} takes is known only while it is built")
            return FromTree(tree=Scratch(), pattern="/")
        if self._note and instruction.name == "ADD" and _REMOTE.match(path):
            self._note(Opacity.TIME, instruction.place, f"{path} is what the network gives when it is built")
            return FromTree(tree=Scratch(), pattern="/")
        if instruction.name == "ADD" and _REMOTE.match(path):
            raise instruction.error(f"ADD of {path} needs the network", fault=Fault.NEEDS_EARTHLY, hint=ONLY_EARTHLY)
        if not origin and re.match("https?://", path):
            raise instruction.error(f"COPY cannot fetch {path}", fault=Fault.INVALID_ARG, hint="ADD can")
        if not origin:
            source = self._context(path)
            return replace(source, whole=True) if isinstance(source, FromContext) else source
        earlier = self._find(origin, index)
        if earlier is not None:
            return FromTree(tree=self.image(earlier).tree, pattern=path)
        if origin.isdecimal():
            raise instruction.error(f"there is no stage {origin} before this one", fault=Fault.INVALID_ARG)
        if self._note and origin != "scratch":
            self._image_config(origin, self._platform, origin)  # one of the images that it is made of
        return FromTree(tree=BaseImage(ref=origin, platform=self._platform, place=instruction.place), pattern=path)


def _platform_args(platform: Platform) -> dict[str, str]:
    """The build's platform is a constant: what is built must not depend on the machine that builds."""
    out: dict[str, str] = {}
    for prefix, each in (("BUILD", Platform()), ("TARGET", platform)):
        out |= {f"{prefix}PLATFORM": str(each), f"{prefix}OS": each.os, f"{prefix}ARCH": each.architecture, f"{prefix}VARIANT": each.variant}
    return out


def _marked(name: str, text: str) -> Value:
    """A variable's value; one that a marker is in is not known at all, so that it may even be empty."""
    return unknown_value(name) if UNKNOWN in text else Value(text=text)


def _expanded(word: str, lookup: Lookup, instruction: Instruction, *, partial: bool) -> Value:
    """In a partial evaluation, which may be for a newer BuildKit, what this one cannot expand stays as it is written."""
    try:
        return expand(word, lookup, dialect=Dialect.DOCKER if partial else Dialect.DOCKERFILE)
    except WordError as error:
        raise instruction.error(f"{error}", fault=Fault.SYNTAX if error.malformed else Fault.INVALID_ARG) from None


def _value(word: str, state: _State, instruction: Instruction) -> str:
    def look(name: str) -> Value | None:
        if name in state.env:
            return _marked(name, state.env[name])
        return None if state.known else unknown_value(name)

    found = _expanded(word, look, instruction, partial=state.partial)
    if found.unknown and not state.partial:
        raise instruction.error(
            f"whether the base image defines {found.unknown} is not known here",
            fault=Fault.UNKNOWN_VALUE,
            hint="declare it with ARG or ENV before it is used",
        )
    return found.text


def _document(document: Document, state: _State, instruction: Instruction) -> FromTree:
    """A here-document as a file of its name; variables in it are expanded, quotes and escapes in it stay."""
    text = document.text
    if document.expands:
        text = re.sub(r"\\.|\$(?:\{[^}]*\}|\w+)", lambda found: _variable(found[0], state, instruction), text, flags=re.DOTALL)
    path = f"/{document.name}"
    return FromTree(tree=WrittenFile(parent=Scratch(), path=path, text=text, place=instruction.place), pattern=path)


def _variable(text: str, state: _State, instruction: Instruction) -> str:
    return _value(text, state, instruction) if text.startswith("$") else text


def _set_by(instruction: Instruction, state: _State, config: ImageConfig) -> dict[str, str]:
    """What an ENV defines; its variables only, for an ARG between may have changed another one of the configuration's."""
    names = {_value(name, state, instruction) for name, _ in pairs(instruction)} if instruction.name == "ENV" else set()
    return {name: value for name, value in config.env if name in names}


def _workdir(state: _State, instruction: Instruction) -> _State:
    path = workdir(state.config, _value(instruction.word(instruction.rest), state, instruction))
    config = with_step(replace(state.config, workdir=path), f"WORKDIR {path}", layer=path != "/")
    tree = state.tree if path == "/" else MadeDirectory(parent=state.tree, path=path, user=config.user, place=instruction.place)
    return replace(state, tree=tree, config=config)
