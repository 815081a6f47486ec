"""One Earthly target while its commands are gone through: what its image is so far, what names mean, and where references lead."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace

from matrixbuild.core.earthfile.call_args import build_arg, flag_args, shell_command
from matrixbuild.core.earthfile.environment import use_text
from matrixbuild.core.earthfile.expansion import Dialect, Lookup, ShellOut, WordError, expand
from matrixbuild.core.earthfile.faults import EarthfileError, Fault, needs_earthly
from matrixbuild.core.earthfile.features import Features
from matrixbuild.core.earthfile.findings import EdgeKind, Opacity
from matrixbuild.core.earthfile.origins import without_shell
from matrixbuild.core.earthfile.platforms import parse_platform
from matrixbuild.core.earthfile.recipe import Asked, Question
from matrixbuild.core.earthfile.references import Reference, ReferenceProblem, Where, parse_target, resolved
from matrixbuild.core.earthfile.reserved import NOT_LOCAL, RESERVED, UNKNOWN_VALUES, builtin_values, platform_values
from matrixbuild.core.earthfile.scope import Scope, Variables, combined
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.earthfile.values import EMPTY, UNKNOWN, Value, joined, unknown_value
from matrixbuild.core.earthfile.visits import Block, Visit
from matrixbuild.core.earthfile.walk import Entry, Walk
from matrixbuild.core.images import DEFAULT_PATH, HistoryStep, ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place

EMPTY_IMAGE = ImageConfig(env=(("PATH", DEFAULT_PATH),), workdir="/")
"""What FROM scratch starts with."""

Args = tuple[tuple[str, Value], ...]

_PLAIN = re.compile(r"-{0,2}[A-Za-z_][A-Za-z0-9_]*")


@dataclass(slots=True, eq=False)
class Target:
    """The state of one target; `default` is the platform it was called for, `visit.current` the one of its last FROM."""

    walk: Walk
    visit: Visit
    features: Features
    variables: Variables
    default: Platform | None
    is_base: bool
    ignored: tuple[str, ...]
    blocks: list[Block]
    pushed: bool = False
    """Before 0.7 nothing but saves may follow a SAVE IMAGE --push."""
    cmd_set: bool = False
    ahead: dict[int, tuple[Value, ...]] = field(default_factory=dict)
    """BUILDs whose words were read before their turn."""
    images: list[ImageConfig] = field(default_factory=list)

    # Values -----------------------------------------------------------------

    @property
    def dialect(self) -> Dialect:
        return Dialect.EARTHLY if self.features.shell_out_anywhere else Dialect.DOCKER

    def lookup(self, name: str) -> Value | None:
        """What a variable stands for here; a marker where only an unknown base image could say."""
        value = self.variables.active(name)
        if value is None and (missed := self.variables.missed(name)):
            # That it is not here hangs on conditions, whose answers are noted.
            self.walk.count(missed, self.walk.at, decides=False)
            self.walk.decisions.names |= missed
        if value is not None or not self._perhaps_set(name):
            return value
        if self.walk.findings:
            self.walk.findings.note(Opacity.VALUES, self.walk.at, f"${name} is what a base image sets, which nobody looked at")
        return unknown_value(name)

    def _perhaps_set(self, name: str) -> bool:
        """Whether the image may define a variable. A partial evaluation takes an image that nobody looked at not to define one that is
        called as an ARG of the Earthfile; else nearly each condition of a VERSION 0.6 Earthfile would be unknown."""
        findings = self.walk.findings
        if findings is None or not self.variables.envs_unknown:
            return self.variables.envs_unknown
        if name not in self.walk.parsed(self.variables.frame.directory, place=self.walk.at).names:
            return True
        findings.note(Opacity.VALUES, self.walk.at, f"${name} is taken to be set by no base image")
        return False

    def lookup_at(self, place: Place) -> Lookup:
        """As `lookup`, and the HOME that the image's /etc/passwd gives its user where nothing else defines it."""
        return lambda name: self._lookup_home(place) if name == "HOME" else self.lookup(name)

    def _lookup_home(self, place: Place) -> Value | None:
        value = self.lookup("HOME")
        if value and not value.unknown:
            return value
        self.walk.consulted.append(self.visit.tree)
        if value or not self.visit.has_from or without_shell(self.walk, self.visit.tree):
            return value
        answer = self.ask(Asked.HOME, (), place)
        return Value(text=answer[0]) if answer else unknown_value("HOME")

    def ask(self, kind: Asked, words: tuple[str, ...], place: Place) -> tuple[str, ...] | None:
        """What a shell would find in the image as it is here; None where no image is looked at."""
        visit = self.visit
        question = Question(kind=kind, tree=visit.tree, words=words, directory=self.absolute(""), user=visit.config.user, place=place)
        return self.walk.answer(question)

    def expand(self, word: str, place: Place, *, keep_plus_escape: bool = False) -> Value:
        """A word's value, not yet counted as used. Raises EarthfileError."""
        try:
            # A partial evaluation asks no image: what $HOME gives there is as unknown as any other shell-out's output.
            dialect = self.dialect
            lookup = self.lookup_at(place) if dialect is Dialect.EARTHLY and not self.walk.findings else self.lookup
            return expand(word, lookup, dialect=dialect, keep_plus_escape=keep_plus_escape, tested=self.walk.decide)
        except WordError as error:
            raise EarthfileError(
                Fault.SYNTAX if error.malformed else Fault.INVALID_ARG, str(error), place=place, hint="put it in single quotes to have it as it is"
            ) from None
        except ShellOut as shell_out:
            return self.shell_value(word, shell_out.command, place)

    def text(self, word: str, place: Place, *, keep_plus_escape: bool = False) -> str:
        """A word's text, counted as used; nothing that is gone through may depend on it."""
        if not word:
            return ""
        value = self.expand(word, place, keep_plus_escape=keep_plus_escape)
        self.walk.decisions.verbatim |= value.taint
        return self.walk.use(value, place, decides=False)

    def known_text(self, word: str, place: Place, *, keep_plus_escape: bool = False) -> str:
        """As `text`, for what is read further; EarthfileError (UNKNOWN_VALUE) where an unknown image decides it."""
        value = self.expand(word, place, keep_plus_escape=keep_plus_escape)
        if value.unknown:
            raise self.unknown(value.unknown, place)
        return self.walk.use(value, place)

    def loose_text(self, word: str, place: Place) -> str:
        """As `known_text`, but in a partial evaluation what is unknown stays in the text as a marker."""
        return self.walk.use(self.expand(word, place), place) if self.walk.findings else self.known_text(word, place)

    def shell_value(self, word: str, command: str, place: Place) -> Value:
        """The value of a word that runs a shell: unknown in a partial evaluation, else an EarthfileError."""
        findings = self.walk.findings
        if findings is None:
            raise self.shell_out(command, place)
        self.check_shell_out(command, place)
        use_text(word, place, walk=self.walk, findings=findings, variables=self.variables, visit=self.visit)
        findings.note(Opacity.VALUES, place, f"$({command}) is known only while it is built")
        return unknown_value(f"({command})")

    @property
    def certain(self) -> bool:
        """Whether we are on no branch that may not be taken."""
        return self.walk.findings is None or not self.walk.findings.uncertain

    def unknown(self, name: str, place: Place) -> EarthfileError:
        """The error of a value that nobody knows where it must be known."""
        if self.walk.findings:
            return EarthfileError(Fault.UNKNOWN_VALUE, f"${name} is known only while it is built", place=place)
        hint = f"fetch the base image first, or declare ARG {name} above"
        return EarthfileError(Fault.UNKNOWN_VALUE, f"${name} may be set by a base image that has not been looked at", place=place, hint=hint)

    def shell_out(self, command: str, place: Place) -> EarthfileError:
        """The error of a word that runs a shell. Raises EarthfileError (NO_FROM, NO_SHELL)."""
        self.check_shell_out(command, place)
        return needs_earthly(f"$({command}) runs a shell in the image, which", place)

    def check_shell_out(self, command: str, place: Place) -> None:
        """Raise EarthfileError (NO_FROM, NO_SHELL) where a word can run no shell."""
        self.check_from(place, "a shell-out")
        if without_shell(self.walk, self.visit.tree):
            self.walk.forced.append(self.visit.tree)
            summary = f"$({command}) needs a shell, and the image has no /bin/sh"
            raise EarthfileError(Fault.NO_SHELL, summary, place=place, hint="write the value itself")

    # Where commands are allowed ----------------------------------------------

    def check_shell(self, place: Place, what: str) -> None:
        """Raise EarthfileError (NO_SHELL) where it is certain that the image has no shell for what Earthly evaluates in it."""
        if without_shell(self.walk, self.visit.tree):
            self.walk.forced.append(self.visit.tree)
            hint = "Earthly runs it in the image itself: FROM one that has a shell, or use ARGs"
            raise EarthfileError(Fault.NO_SHELL, f"{what} cannot be evaluated: the image has no /bin/sh", place=place, hint=hint)

    def check_from(self, place: Place, command: str) -> None:
        """Raise EarthfileError (NO_FROM) before the first FROM."""
        if not self.visit.has_from:
            hint = "write FROM with an image, a target, or scratch above"
            raise EarthfileError(Fault.NO_FROM, f"{command} stands before any FROM", place=place, hint=hint)

    def check_push_order(self, place: Place, command: str) -> None:
        """Raise EarthfileError (PUSH_ORDER) for what may not follow a SAVE IMAGE --push before 0.7."""
        if self.pushed:
            hint = "move it above the SAVE IMAGE --push, or begin the Earthfile with VERSION 0.7 or 0.8"
            raise EarthfileError(Fault.PUSH_ORDER, f"{command} may not follow a SAVE IMAGE --push", place=place, hint=hint)

    def check(self, command: Command) -> None:
        """Both of these."""
        self.check_push_order(command.place, command.name)
        self.check_from(command.place, command.name)

    def check_feature(self, name: str, *, place: Place, what: str) -> None:
        """Raise EarthfileError (FEATURE_GATE) where a feature is off."""
        if not getattr(self.features, name):
            flag = f"--{name.rstrip('_').replace('_', '-')}"
            hint = f"begin the Earthfile with VERSION {flag} {self.features.number}, or with a newer version"
            raise EarthfileError(
                Fault.FEATURE_GATE, f"{what} needs the feature {flag}, which VERSION {self.features.number} does not turn on", place=place, hint=hint
            )

    # The image ---------------------------------------------------------------

    def step(self, created_by: str, *, layer: bool = False) -> None:
        """Note a command in the image's history; a partial evaluation makes no image that would have one."""
        if self.walk.findings:
            return
        steps = (*self.visit.config.history, HistoryStep(created_by=created_by, layer=layer))
        self.visit.config = replace(self.visit.config, history=steps)

    def absolute(self, path: str, *, slash: bool = False) -> str:
        """A path seen from the working directory; with `slash` a trailing `/` or `/.` stays, as it counts for a copy."""
        clean = posixpath.normpath(path) if path else "."
        if not clean.startswith("/"):
            clean = posixpath.normpath(posixpath.join("/", self.visit.workdir, clean))
        clean = f"/{clean.lstrip('/')}"
        if slash and path.endswith("/"):
            return f"{clean.rstrip('/')}/"
        if slash and path.endswith("/."):
            return f"{clean.rstrip('/')}/."
        return clean

    # Platforms ---------------------------------------------------------------

    def materialized(self, platform: Platform | None) -> Platform:
        return platform or self.walk.call.native

    def platform(self, word: str, place: Place) -> Platform | None:
        """The value of a --platform; None for the default, and in a partial evaluation for one that is not known."""
        if not word:
            return None
        if self.walk.findings and (value := self.expand(word, place)).unknown:
            self.walk.use(value, place)
            self.walk.findings.note(Opacity.VALUES, place, f"the platform {word} is known only while it is built")
            return None
        try:
            return parse_platform(self.known_text(word, place), native=self.walk.call.native, named=self.features.new_platform)
        except ValueError as error:
            raise EarthfileError(Fault.INVALID_ARG, str(error), place=place, hint="linux/amd64 and linux/arm64 are the usual ones") from None

    def set_platform(self, platform: Platform | None, place: Place) -> Platform:
        """A FROM-like command's platform becomes the target's."""
        contradicts = platform and self.default and platform != self.default
        if contradicts and not self.features.new_platform:
            hint = "use one of them, or begin the Earthfile with VERSION 0.7 or 0.8"
            raise EarthfileError(Fault.INVALID_ARG, f"--platform {platform} contradicts the target's {self.default}", place=place, hint=hint)
        self.visit.current = platform or self.default
        self._declare_platform()
        return self.materialized(self.visit.current)

    def _declare_platform(self) -> None:
        self.variables.builtins.put_all(platform_values("TARGET", self.materialized(self.visit.current)), active=False)

    def declare_not_local(self) -> None:
        """EARTHLY_LOCALLY is there after a FROM, in every VERSION."""
        self.variables.builtins.put("EARTHLY_LOCALLY", NOT_LOCAL, active=False)

    def declare_builtins(self) -> None:
        """The built-in ARGs, inactive until declared."""
        native = self.walk.call.native
        values = builtin_values(directory=self.visit.directory, target=self.visit.name, features=self.features, push=self.visit.saving)
        values |= platform_values("USER", native)
        values |= platform_values("NATIVE", native) if self.features.new_platform else {}
        values |= UNKNOWN_VALUES if self.walk.findings else {}
        self.variables.builtins.put_all(values, active=False)
        self._declare_platform()

    # References --------------------------------------------------------------

    def directory_of(self, reference: Reference, place: Place) -> str:
        """The directory a reference leads to, relative to the checkout. Raises EarthfileError."""
        frame = self.variables.frame
        where, path = reference.where, reference.path
        if where is Where.HERE:
            return frame.directory
        if where is Where.ALIAS:
            if path not in frame.imports and path not in frame.global_imports:
                raise EarthfileError(
                    Fault.UNKNOWN_TARGET,
                    f"{path} of {reference} is no IMPORT of this Earthfile",
                    place=place,
                    hint=f"write ./{path}+{reference.name} for a directory",
                )
            path = frame.imports.get(path) or frame.global_imports[path]
            if UNKNOWN in path:
                raise self.unknown(path.strip(UNKNOWN), place)
            where = parse_target(f"{path}+none").where
        if where is Where.REMOTE:
            raise needs_earthly(f"{path} is another repository, which", place)
        try:
            return resolved(frame.directory, path)
        except ReferenceProblem as problem:
            raise EarthfileError(Fault.UNKNOWN_TARGET, str(problem), place=place, hint="only directories of the checkout can be built from") from None

    def reference(self, text: str, place: Place) -> Reference:
        """A target's reference. Raises EarthfileError (INVALID_ARG)."""
        try:
            return parse_target(text)
        except ReferenceProblem as problem:
            raise EarthfileError(
                Fault.INVALID_ARG, str(problem), place=place, hint="a reference is +target, ./directory+target or import+target"
            ) from None

    def overriding(self, reference: Reference, args: Args, *, pass_args: bool) -> Scope:
        """The overrides a called target gets: explicit ones, and inside of an Earthfile the caller's own overrides too."""
        explicit = Scope(dict(args))
        if pass_args:
            return combined(explicit, self.variables.passed_on()).without_reserved()
        if reference.where is not Where.HERE:
            return explicit
        return combined(explicit, self.variables.frame.overriding) if args else self.variables.frame.overriding.handed_on()

    def go(
        self,
        reference: Reference,
        args: Args,
        place: Place,
        *,
        platform: Platform | None,
        build: bool,
        pass_args: bool = False,
        kind: EdgeKind = EdgeKind.FROM,
    ) -> Visit:
        """Have another target gone through; `build` as BUILD does it: its outputs are saved if this target's are."""
        overriding = self.overriding(reference, args, pass_args=pass_args)
        if self.walk.findings and reference.where is not Where.HERE and (remote := self._remote(reference, overriding, place)):
            return remote
        visit = self.walk.enter(
            self.walk,
            Entry(
                directory=self.directory_of(reference, place),
                name=reference.name,
                overriding=overriding,
                platform=platform or self.default,
                saving=self.visit.saving and (build or not self.features.referenced_save_only),
                block=self.blocks[-1] if build else None,
                place=place,
            ),
        )
        if reference.where is Where.HERE:
            self.visit.reads_as(visit, overriding)
        if self.walk.findings:
            self.walk.findings.edges.setdefault((self.visit, visit, EdgeKind.BUILD if build else kind))
        if self.walk.steps:
            self.walk.steps.come(self.visit, visit, EdgeKind.BUILD if build else kind, place)
        return visit

    def _remote(self, reference: Reference, overriding: Scope, place: Place) -> Visit | None:
        """What stands for a target of another repository in a partial evaluation: it sees nothing of ours but the args it is given."""
        try:
            self.directory_of(reference, place)
        except EarthfileError as error:
            if error.fault is not Fault.NEEDS_EARTHLY or self.walk.findings is None:
                raise
        else:
            return None
        for name in overriding:
            self.walk.use(overriding.get(name) or EMPTY, place)
        self.walk.findings.note(Opacity.TIME, place, f"{reference} is another repository's, as that is when it is built")
        platform = self.materialized(self.visit.current)
        return Visit(directory=reference.path, name=reference.name, platform=platform, identity=(), done=True, has_from=True, envs_unknown=True)

    def args(self, words: tuple[str, ...], place: Place, *, inherited: tuple[str, ...] = ()) -> list[tuple[str, Value]]:
        """`--X=1`, `--X 1` and (`inherited`) the values of --build-arg as names and values, in order, repeated ones kept."""
        if not words and not inherited:
            return []
        values = [self._arg(word, place) for word in words]
        if self.walk.findings and (name := next((value.unknown for value in values if value.unknown and not value.text.startswith("-")), "")):
            raise self.unknown(name, place)
        found = flag_args(values, place)
        found += [build_arg(self._arg(word, place), self.variables.active, place) for word in inherited]
        if name := next((name for name, _ in found if name in RESERVED), ""):
            hint = "it has the value that the call itself gives it"
            raise EarthfileError(Fault.BUILTIN_ARG, f"{name} is a built-in ARG and cannot be passed", place=place, hint=hint)
        return found

    def _arg(self, word: str, place: Place) -> Value:
        """A word of an arg; in a partial evaluation its name stays known where its value is not."""
        name, equals, value = word.partition("=")
        if self.walk.findings and equals and _PLAIN.fullmatch(name):
            return joined((Value(text=f"{name}="), self._ran(value, place)))
        found = self._ran(word, place)
        if "$" in name:
            # Which arg is given hangs on it.
            self.walk.decide(found.taint)
        return found

    def _ran(self, word: str, place: Place) -> Value:
        """A word's value; before --shell-out-anywhere one that begins with `$(` is run once it is expanded."""
        value = self.expand(word, place, keep_plus_escape=True)
        command = None if self.features.shell_out_anywhere else shell_command(value)
        return value if command is None else self.shell_value(word, command, place)
