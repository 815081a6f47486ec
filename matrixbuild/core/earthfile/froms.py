"""FROM and FROM DOCKERFILE: what a target starts from."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from functools import lru_cache

from matrixbuild.core.earthfile import dockerfile
from matrixbuild.core.earthfile.call_args import key_value
from matrixbuild.core.earthfile.dockerfile_bases import base_arg, base_args, stage_names
from matrixbuild.core.earthfile.dockerfile_text import Instruction, arg_words, instructions
from matrixbuild.core.earthfile.environment import say, say_program
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import EdgeKind, Opacity
from matrixbuild.core.earthfile.flags import Flags, parse_flags
from matrixbuild.core.earthfile.ignorefiles import ignored
from matrixbuild.core.earthfile.origins import context_file
from matrixbuild.core.earthfile.recipe import BaseImage, Copied, CopyFlags, FromContext, FromTree, Image, Scratch, Tree
from matrixbuild.core.earthfile.references import Reference, ReferenceProblem, Where, parse_artifact, resolved
from matrixbuild.core.earthfile.scope import Scope
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import EMPTY_IMAGE, Args, Target
from matrixbuild.core.earthfile.values import EMPTY, UNKNOWN, Template, Value, unknown_value
from matrixbuild.core.earthfile.visits import Behind, Input, Visit
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName, Platform
from matrixbuild.core.problems import Place

BASE = Reference(where=Where.HERE, path="", name="base")


def from_(target: Target, command: Command) -> None:
    """FROM image, FROM scratch, FROM +target."""
    place = command.place
    target.check_push_order(place, command.name)
    flags = parse_flags(command)
    if len(flags.words) == 3 and flags.words[1] == "AS":
        raise EarthfileError(
            Fault.UNSUPPORTED_COMMAND, "FROM ... AS is no command of an Earthfile", place=place, hint="write an Earthly target for each stage"
        )
    if not flags.words:
        raise EarthfileError(Fault.INVALID_ARG, "FROM names no image", place=place, hint="write FROM image, FROM +target or FROM scratch")
    name = _name(target, flags.words[0], place)
    args = target.args(flags.words[1:], place, inherited=flags.texts("build-arg"))
    if flags.on("pass-args"):
        target.check_feature("pass_args", place=place, what="FROM --pass-args")
    start(target, name, args, flags, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """What a FROM names, and what that text is made of."""

    text: str
    made: Template


def _name(target: Target, word: str, place: Place) -> _Name:
    """In a partial evaluation with markers where it is certain that it is no target of this checkout."""
    value = target.expand(word, place, keep_plus_escape=True)
    if target.walk.findings and value.unknown and value.text[:1].isalnum() and "/" in value.text.partition(UNKNOWN)[0]:
        target.walk.findings.note(Opacity.VALUES, place, f"which base image {word} is, is known only while it is built")
        return _Name(text=target.walk.use(value, place), made=(value.text,))
    if value.unknown:
        raise target.unknown(value.unknown, place)
    return _Name(text=value.text, made=target.walk.image_name(value, place))


def start(target: Target, name: _Name, args: list[tuple[str, Value]], flags: Flags, place: Place) -> None:
    """What FROM does once its words are expanded."""
    target.cmd_set = False
    target.declare_not_local()
    platform = target.set_platform(target.platform(flags.text("platform"), place), place)
    if "+" in name.text:
        reference = target.reference(name.text, place)
        from_target(target, reference, tuple(args), place, pass_args=flags.on("pass-args"))
        return
    if args:
        raise EarthfileError(Fault.INVALID_ARG, f"FROM {name.text} takes no args: it is an image", place=place, hint="args are for FROM +target")
    _from_image(target, name, platform, place)


def from_base(target: Target, place: Place) -> None:
    """The FROM +base that each target begins with."""
    target.cmd_set = False
    target.declare_not_local()
    target.set_platform(None, place)
    from_target(target, BASE, (), place, pass_args=False)


def from_target(target: Target, reference: Reference, args: Args, place: Place, *, pass_args: bool) -> None:
    """FROM +target: its files as they are at its end, its configuration as of its last SAVE IMAGE (Earthly's own, executed)."""
    other = target.go(reference, args, place, platform=target.visit.current, build=False, pass_args=pass_args)
    visit = target.visit
    visit.tree, visit.workdir, visit.config = other.tree, other.workdir, other.config
    visit.has_from = other.has_from
    visit.current = other.current
    target.variables.envs, target.variables.envs_unknown = other.envs.copy(), other.envs_unknown
    if reference.where is Where.HERE:
        _take_globals(target, other)


def _take_globals(target: Target, other: Visit) -> None:
    values = other.globals.everything()
    seen = target.variables.visible()
    fresh = other.globals.active_names()
    fresh = fresh - seen if seen else fresh
    if fresh not in other.handed:
        other.handed[fresh] = {name: _as_read(values[name], other.inputs.get(name)) for name in sorted(fresh)}
    target.visit.reads_all(other.handed[fresh])
    target.variables.frame.globals = other.globals.copy()
    target.variables.frame.global_imports = dict(other.imports)


def _as_read(value: Value, read: Input | None) -> Input:
    """A global as what is built on its target depends on it; `read`: as that target itself does."""
    if read is None:
        return value, EMPTY, Behind(taint=value.taint, given=True)
    return read if read[0] is value else (value, *read[1:])


def _from_image(target: Target, name: _Name, platform: Platform, place: Place) -> None:
    if name.text == "scratch":
        bare = Platform(os=platform.os, architecture=platform.architecture)
        _begin(target, Image(tree=Scratch(), config=replace(EMPTY_IMAGE, platform=bare)), workdir="", envs=())
        return
    _check_name(name.text, place)
    node, config = target.walk.base_image(name.text, platform, place, name.made)
    target.variables.envs_unknown = config is None
    base = config or _nothing_known(platform)
    _begin(target, Image(tree=node, config=_as_earthly_reads(base)), workdir=base.workdir, envs=base.env)
    target.variables.envs_unknown = config is None


def _check_name(name: str, place: Place) -> None:
    if name.startswith(LAYOUT_PREFIX) or UNKNOWN in name:
        return
    try:
        ImageName.parse(name)
    except ValueError as error:
        raise EarthfileError(
            Fault.INVALID_ARG, str(error), place=place, hint="FROM needs an image such as ubuntu:24.04, a target such as +base, or scratch"
        ) from None


@lru_cache(maxsize=64)
def _nothing_known(platform: Platform) -> ImageConfig:
    return ImageConfig(platform=platform)


def _as_earthly_reads(config: ImageConfig) -> ImageConfig:
    """Earthly keeps neither SHELL nor the history of what it starts from."""
    if config.shell is None and not config.on_build and not config.history:
        return config
    return replace(config, shell=None, on_build=(), history=())


def _begin(target: Target, image: Image, *, workdir: str, envs: tuple[tuple[str, str], ...]) -> None:
    target.visit.tree, target.visit.config, target.visit.workdir = image.tree, image.config, workdir
    target.visit.has_from = True
    target.variables.envs_unknown = False
    target.variables.envs = Scope()
    for name, value in envs:
        key, rest = key_value(f"{name}={value}")
        target.variables.envs.put(key, unknown_value(key) if UNKNOWN in value else Value(text=rest or ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """The stage of a Dockerfile to start from; `file` is the Dockerfile's path in the checkout."""

    file: str
    name: str
    context: FromContext | FromTree
    platform: Platform


def from_dockerfile(target: Target, command: Command) -> None:
    """FROM DOCKERFILE: a stage of a Dockerfile, its context a directory of the checkout or an artifact."""
    place = command.place
    target.check_push_order(place, command.name)
    flags = parse_flags(command)
    if not flags.words:
        raise EarthfileError(Fault.INVALID_ARG, "FROM DOCKERFILE names no context", place=place, hint="write FROM DOCKERFILE followed by a directory")
    if flags.on("allow-privileged"):
        target.check_feature("allow_privileged_from_dockerfile", place=place, what="FROM DOCKERFILE --allow-privileged")
    context = target.known_text(flags.words[0], place)
    args = target.args(flags.words[1:], place, inherited=flags.texts("build-arg"))
    platform = target.set_platform(target.platform(flags.text("platform"), place), place)
    path = target.known_text(flags.text("f"), place)
    source, file = _context(target, context, args, place, dockerfile=not path)
    if path:
        file = _dockerfile_of(target, path, args, place)
    stage = _Stage(file=file, name=target.known_text(flags.text("target"), place), context=source, platform=platform)
    _begin_stage(target, stage, args, place)


def _begin_stage(target: Target, stage: _Stage, args: list[tuple[str, Value]], place: Place) -> None:
    text = target.walk.texts(stage.file, of=str(target.visit))[0]
    if text is None:
        raise EarthfileError(
            Fault.FILE_NOT_FOUND, f"FROM DOCKERFILE needs {stage.file}, which does not exist", place=place, hint="-f names another file"
        )
    found = instructions(text, file=stage.file)
    findings = target.walk.findings
    for instruction in found:
        texts = (instruction.value, *(document.text for document in instruction.documents))
        target.walk.note(instruction.name, (*texts, *(("escape", instruction.escape) if instruction.escape != "\\" else ())))
        if findings:
            tell = say_program if instruction.name in ("ENTRYPOINT", "COPY", "ADD") else say
            tell(findings, target.visit, " ".join(texts), instruction.place)
    made = _bases_made(target, found, args, place)
    image = dockerfile.stage(
        text,
        file=stage.file,
        target=stage.name or None,
        args={name: value.text for name, value in args},
        context=lambda pattern: _in_context(stage.context, pattern),
        platform=stage.platform,
        image_config=lambda ref, of, word: target.walk.base_image(ref, of, place, made.get(base_arg(word)))[1],
        note=findings.note if findings else None,
    )
    if findings:
        findings.take(target.visit, image.tree)
    _begin(target, Image(tree=image.tree, config=replace(image.config, shell=None, on_build=())), workdir=image.config.workdir, envs=image.config.env)
    target.variables.envs_unknown = not _is_known(target, image.tree)


def _bases_made(target: Target, found: tuple[Instruction, ...], args: list[tuple[str, Value]], place: Place) -> dict[str, Template]:
    """Counts the build args that a Dockerfile takes as used; of those that are base images in it and nothing else, what they are made of."""
    names, stages = (base_args(found), stage_names(found)) if target.walk.findings else (frozenset[str](), frozenset[str]())
    made: dict[str, Template] = {}
    for name, value in args:
        if name in names:
            made[name] = target.walk.image_name(value, place, stages)
        elif target.walk.findings is None or _takes(found, name):
            target.walk.use(value, place)
    return made


def _is_known(target: Target, tree: Tree) -> bool:
    """Whether the configuration is known of the base image that a tree rests on."""
    while not isinstance(tree, Scratch | BaseImage):
        tree = tree.parent
    return isinstance(tree, Scratch) or target.walk.image_config(tree.ref, tree.platform, tree.place) is not None


def _takes(found: tuple[Instruction, ...], name: str) -> bool:
    """Whether a Dockerfile has anything from a build arg: one that it does not declare reaches nothing, but for those of BuildKit's own."""
    declared = (declared for instruction in found if instruction.name == "ARG" for declared, _ in arg_words(instruction))
    return name in declared or name.lower().endswith("_proxy") or name.startswith("BUILDKIT_") or name == "SOURCE_DATE_EPOCH"


def _in_context(source: FromContext | FromTree, pattern: str) -> FromContext | FromTree:
    if isinstance(source, FromTree):
        return FromTree(tree=source.tree, pattern=posixpath.join("/", pattern))
    return replace(source, pattern=pattern)


def _context(target: Target, text: str, args: list[tuple[str, Value]], place: Place, *, dockerfile: bool) -> tuple[FromContext | FromTree, str]:
    """The context, and (`dockerfile`) the path of the Dockerfile in it as a file of the checkout.

    An artifact is copied into a context of its own: of `+t/dir` that holds `dir`, of `+t/dir/*` what is in it.
    """
    try:
        reference, path = parse_artifact(text)
    except ReferenceProblem:
        directory = _directory(target, text, place)
        hidden = ignored(target.walk, directory, implicit=True, docker=target.features.use_docker_ignore, place=place)
        return FromContext(directory=directory, pattern="", ignored=hidden, whole=True), posixpath.join(directory, "Dockerfile")
    artifacts = target.go(reference, tuple(args), place, platform=target.visit.current, build=False, kind=EdgeKind.COPY).artifacts
    options = CopyFlags(as_directory=True, keep_own=True, link=target.features.use_copy_link)
    copied = Copied(parent=Scratch(), sources=(FromTree(tree=artifacts, pattern=path),), dest="/", flags=options, place=place)
    file = context_file(target.walk, artifacts, posixpath.join(path, "Dockerfile"), place) if dockerfile else ""
    return FromTree(tree=copied, pattern="/"), file


def _directory(target: Target, text: str, place: Place) -> str:
    try:
        return resolved(target.variables.frame.directory, text)
    except ReferenceProblem as problem:
        raise EarthfileError(Fault.FILE_NOT_FOUND, str(problem), place=place, hint="only directories of the checkout can be built from") from None


def _dockerfile_of(target: Target, path: str, args: list[tuple[str, Value]], place: Place) -> str:
    """The path of a Dockerfile named by -f, as a file of the checkout."""
    try:
        reference, inside = parse_artifact(path)
    except ReferenceProblem:
        return posixpath.join(_directory(target, posixpath.dirname(path) or ".", place), posixpath.basename(path))
    other = target.go(reference, tuple(args), place, platform=target.visit.current, build=False, kind=EdgeKind.COPY)
    return context_file(target.walk, other.artifacts, inside, place)
