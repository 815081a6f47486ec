"""COPY and SAVE ARTIFACT: what is copied from where to where, as Earthly tells BuildKit."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import EdgeKind
from matrixbuild.core.earthfile.flags import Flags, parse_flags
from matrixbuild.core.earthfile.params import parse_params
from matrixbuild.core.earthfile.recipe import Copied, CopyFlags, FromContext, FromTree, SavedLocal, Scratch, Tree
from matrixbuild.core.earthfile.references import Reference, ReferenceProblem, parse_artifact
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.earthfile.values import UNKNOWN, Value
from matrixbuild.core.earthfile.visits import Item
from matrixbuild.core.earthfile.wildcards import expanded
from matrixbuild.core.names import Platform
from matrixbuild.core.patterns import if_exists_pattern
from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Artifact:
    """A source `+target/path` with the args it is called with."""

    reference: Reference
    path: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """A COPY whose words are expanded; `inherited` are the args of --build-arg."""

    flags: Flags
    dest: str
    options: CopyFlags
    platform: Platform | None
    inherited: tuple[tuple[str, Value], ...]
    place: Place


def copy(target: Target, command: Command) -> None:
    """COPY files of the build context, or artifacts of other targets."""
    target.check_push_order(command.place, command.name)
    flags = parse_flags(command)
    _check_words(flags, command.place)
    *words, last = flags.words
    read = _read(target, flags, last, command.place)
    sources = [_source(target, word, command.place) for word in words]
    artifacts = [source for source in sources if isinstance(source, _Artifact)]
    if not artifacts:
        _copy_context(target, read, [source for source in sources if isinstance(source, str)])
        return
    if len(artifacts) != len(sources):
        summary = "one COPY cannot take both artifacts and files of the build context"
        raise EarthfileError(Fault.INVALID_ARG, summary, place=command.place, hint="write two COPY commands")
    if read.dest in ("", ".") or len(sources) > 1:
        read = replace(read, dest=f"{read.dest}/")
    for artifact in artifacts:
        _copy_artifact(target, read, artifact)


def _check_words(flags: Flags, place: Place) -> None:
    if len(flags.words) < 2:
        raise EarthfileError(Fault.INVALID_ARG, "COPY needs a source and a destination", place=place, hint="write COPY source ... destination")
    if flags.text("from"):
        hint = "write COPY +target/path destination"
        raise EarthfileError(Fault.UNSUPPORTED_COMMAND, "COPY --from is no command of an Earthfile", place=place, hint=hint)


def _read(target: Target, flags: Flags, last: str, place: Place) -> _Copy:
    dest = target.loose_text(last, place)
    inherited = tuple(target.args((), place, inherited=flags.texts("build-arg")))
    owner = target.text(flags.text("chown"), place)
    options = _options(target, flags, owner, _mode(target, flags, place))
    platform = target.platform(flags.text("platform"), place)
    return _Copy(flags=flags, dest=dest, options=options, platform=platform, inherited=inherited, place=place)


def _mode(target: Target, flags: Flags, place: Place) -> int | None:
    if not flags.text("chmod"):
        return None
    text = target.known_text(flags.text("chmod"), place)
    if not re.fullmatch("[0-7]+", text) or int(text, 8) >= 2**32:
        raise EarthfileError(Fault.INVALID_ARG, f"--chmod {text!r} is not an octal number", place=place, hint="write it as 0755")
    return int(text, 8)


def _source(target: Target, word: str, place: Place) -> _Artifact | str:
    """`(+t/path --X=1)`, `+t/path`, or a path of the build context."""
    params = parse_params(word, place)
    value = target.expand(params[0] if params else word, place, keep_plus_escape=True)
    try:
        reference, path = parse_artifact(value.text)
    except ReferenceProblem as problem:
        if params:
            raise EarthfileError(Fault.INVALID_ARG, str(problem), place=place, hint="only an artifact can stand in parentheses") from None
        return target.known_text(word, place)
    if value.unknown and (UNKNOWN in str(reference) or not target.walk.findings):
        raise target.unknown(value.unknown, place)
    target.walk.use(value, place)
    return _Artifact(reference=reference, path=path, args=params[1:] if params else ())


def _options(target: Target, flags: Flags, owner: str, mode: int | None) -> CopyFlags:
    keep = flags.on("keep-own")
    chown = owner or ("" if keep else target.visit.config.user)
    return CopyFlags(
        as_directory=flags.on("dir"),
        if_exists=flags.on("if-exists"),
        keep_ts=flags.on("keep-ts"),
        keep_own=keep,
        follow_symlinks=not flags.on("symlink-no-follow"),
        chmod=mode,
        chown=chown,
        link=target.features.use_copy_link and keep and not chown,
    )


def _copy_artifact(target: Target, read: _Copy, artifact: _Artifact) -> None:
    args = (*target.args(artifact.args, read.place), *read.inherited)
    pass_args = read.flags.on("pass-args")
    if pass_args:
        target.check_feature("pass_args", place=read.place, what="COPY --pass-args")
    if "*" in artifact.reference.path:
        target.check_feature("wildcard_copy", place=read.place, what="a wildcard in the directory of a COPY")
    for reference in expanded(target, artifact.reference, read.place):
        _check(target, read)
        other = target.go(reference, args, read.place, platform=read.platform, build=False, pass_args=pass_args, kind=EdgeKind.COPY)
        _copied(target, read, (FromTree(tree=other.artifacts, pattern=artifact.path),), f"{reference}{artifact.path}")


def _copy_context(target: Target, read: _Copy, paths: list[str]) -> None:
    if read.inherited:
        raise EarthfileError(Fault.INVALID_ARG, "COPY takes args for artifacts only", place=read.place, hint="remove --build-arg")
    _check(target, read)
    sources = tuple(FromContext(directory=target.visit.directory, pattern=path, ignored=target.ignored) for path in paths)
    # Earthly does not hand --symlink-no-follow on for files of the build context.
    followed = read if read.options.follow_symlinks else replace(read, options=replace(read.options, follow_symlinks=True))
    _copied(target, followed, sources, " ".join(paths))


def _check(target: Target, read: _Copy) -> None:
    target.check_from(read.place, "COPY")
    if read.options.chmod is not None:
        target.check_feature("use_chmod", place=read.place, what="COPY --chmod")


def _copied(target: Target, read: _Copy, sources: tuple[FromContext | FromTree, ...], text: str) -> None:
    dest = f"{read.dest}/" if read.dest in ("", ".") or len(sources) > 1 else read.dest
    visit = target.visit
    visit.tree = Copied(parent=visit.tree, sources=sources, dest=target.absolute(dest, slash=True), flags=read.options, place=read.place)
    if target.walk.findings:
        target.walk.findings.took(visit, visit.tree)
    target.step(f"COPY {_shown(read.options)}{text} {read.dest}", layer=True)


def _shown(options: CopyFlags) -> str:
    names = {"--dir": options.as_directory, "--if-exists": options.if_exists, "--keep-ts": options.keep_ts, "--keep-own": options.keep_own}
    shown = [name for name, on in names.items() if on]
    shown += [f"--chmod={options.chmod:04o}"] if options.chmod is not None else []
    shown += [f"--chown={options.chown}"] if options.chown else []
    return "".join(f"{name} " for name in shown)


def save_artifact(target: Target, command: Command) -> None:
    """SAVE ARTIFACT from [to] [AS LOCAL path]."""
    place = command.place
    flags = parse_flags(command)
    source, to, local = (target.known_text(word, place) for word in _save_words(flags.words, place))
    target.check_from(place, command.name)
    if (target.absolute(source) if not source.startswith("/") else source) in ("/", ""):
        raise EarthfileError(Fault.INVALID_ARG, "the root directory cannot be saved as an artifact", place=place, hint="save a directory below it")
    dest, path = _artifact_path(to, target.absolute(source))
    keep = flags.on("keep-own") or target.features.save_artifact_keep_own
    options = CopyFlags(
        as_directory=True,
        empty_wildcard=flags.on("if-exists"),
        keep_ts=flags.on("keep-ts"),
        keep_own=keep,
        follow_symlinks=not flags.on("symlink-no-follow"),
        link=target.features.use_copy_link and keep,
    )
    pattern = _perhaps_there(source, place) if flags.on("if-exists") and source else source
    from_tree = FromTree(tree=target.visit.tree, pattern=target.absolute(pattern))
    target.visit.artifacts = _saved(target.visit.artifacts, from_tree, dest, options, place)
    if local:
        separate = _saved(Scratch(), from_tree, dest, replace(options, keep_own=False, link=False), place)
        local = "./" if local == "." else local
        saved = SavedLocal(tree=separate, pattern=path, directory=target.visit.directory, dest=local, if_exists=flags.on("if-exists"), place=place)
        _save_local(target, saved, force=flags.on("force"))


def _perhaps_there(source: str, place: Place) -> str:
    """As Earthly writes it, an absolute path has lost its slash: it is looked for below the working directory."""
    pattern = if_exists_pattern(source)
    if not pattern:
        summary = "SAVE ARTIFACT --if-exists cannot take all there is: Earthly crashes over it"
        raise EarthfileError(Fault.INVALID_ARG, summary, place=place, hint="leave --if-exists out, or name what may not be there")
    return pattern


def _save_words(words: tuple[str, ...], place: Place) -> tuple[str, str, str]:
    """From, to and AS LOCAL."""
    if len(words) in (4, 5) and words[-3:-1] == ("AS", "LOCAL"):
        return words[0], words[1] if len(words) == 5 else "./", words[-1]
    if len(words) in (1, 2):
        return words[0], words[1] if len(words) == 2 else "./", ""
    raise EarthfileError(
        Fault.INVALID_ARG, f"SAVE ARTIFACT cannot read {' '.join(words)!r}", place=place, hint="write SAVE ARTIFACT from [to] [AS LOCAL path]"
    )


def _artifact_path(to: str, source: str) -> tuple[str, str]:
    """Where an artifact is copied to in the artifact tree, and the pattern that finds it there again; both absolute."""
    if to in ("", ".") or to.endswith("/"):
        to = _clean_join(to, posixpath.basename(source.rstrip("/")))
    wild = re.match(r"(?:\\.|[^\\*?\[])*", to, re.DOTALL)
    literal = wild.group() if wild else ""
    if len(literal) == len(to):
        return _rooted(to, slash=to.endswith("/")), _rooted(to)
    folder, name = posixpath.split(literal)
    return _rooted(folder, slash=True), _rooted(posixpath.join(folder, f"{name}{to[len(literal) :]}"))


def _clean_join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder or ".", name))


def _rooted(path: str, *, slash: bool = False) -> str:
    clean = "/" + posixpath.normpath(posixpath.join("/", path)).lstrip("/")
    return f"{clean.rstrip('/')}/" if slash else clean


def _saved(parent: Tree, source: FromTree, dest: str, options: CopyFlags, place: Place) -> Copied:
    return Copied(parent=parent, sources=(source,), dest=dest, flags=options, place=place)


def _save_local(target: Target, saved: SavedLocal, *, force: bool) -> None:
    below = _inside(saved.dest) or force or not target.features.require_force_for_unsafe_saves
    if not below:
        summary = f"AS LOCAL {saved.dest} is not below the directory of the Earthfile"
        raise EarthfileError(Fault.INVALID_ARG, summary, place=saved.place, hint="save below it, or write SAVE ARTIFACT --force")
    item = Item(output=saved, order=target.walk.order())
    if target.features.wait_block:
        target.blocks[-1].add(item)
        target.visit.items.append(item)
    else:
        target.visit.legacy.append(item)


def _inside(dest: str) -> bool:
    if dest.startswith("/"):
        return False
    clean = posixpath.normpath(dest)
    return not clean.startswith("..") and (clean != "." or dest.endswith("/"))
