"""What a profile knows of one Earthfile family, as values: axes -> ARGs, rules, targets, versions, files that must be there (design.md 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from matrixbuild.core.catalogs import CatalogSource
from matrixbuild.core.declared import Condition, DeclaredArg, DeclaredValue, Effect, Rule, Text
from matrixbuild.core.document import Node
from matrixbuild.core.earthfile.statements import Statement
from matrixbuild.core.problems import Place
from matrixbuild.core.versions import Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The upstream versions that a statement holds for: from `since` on and before `until` (both "" where there is no bound)."""

    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileAxis:
    """An axis that the profile knows.

    `default` is the one value it has where a manifest leaves it out (None: a manifest has to give it); `always` says that it then still is an
    axis of the matrix, and not a constant. `args` go to every Earthly target that declares them. `suffix` is the template of what the custom
    tag gains where the value is not the default (None: the name has the axis already). `scheme` compares its versions. `span`: the upstream
    versions that have it; another value than the default is refused elsewhere.
    """

    name: str
    place: Place
    description: str
    scheme: Scheme
    default: DeclaredValue | None = None
    always: bool = False
    args: tuple[DeclaredArg, ...] = ()
    suffix: Text | None = None
    span: Span = field(default_factory=Span)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRule:
    """A rule and the upstream versions it holds for.

    Besides axes its conditions may be about `args.NAME`: the text that the targets of a cell are given for that ARG, "" where they are given
    none. Such a rule can deny or warn and drops nothing; it is asked of each Earthly target that has the axes it names, with `targets` of those
    alone. `lines` is a regular expression: the lines of the Earthfile that it finds are told. `by` says what asks for a rule that has no
    conditions: `catalog`, `files`, `forms`, `analysis` or `names`; its effect is that of what they find. Of two with one name no upstream
    version has both.
    """

    rule: Rule
    span: Span = field(default_factory=Span)
    lines: str = ""
    by: str = ""
    targets: tuple[str, ...] = ()

    @property
    def about_args(self) -> bool:
        return any(condition.axis == "args" for condition in (*self.rule.when, *self.rule.conditions))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileValue:
    """A value for templates (`canvos.peVersion`): `text` itself, or what the group `value` of `pattern` finds in `file` of the source."""

    name: str
    place: Place
    text: str = ""
    file: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What has to be so of a file of the source (what `files` lays over it included).

    Exactly one of: `path`, a file or directory that must be there (`args.NAME` alone: the path that ARG is given, where it is given one);
    `forbidden`, a glob of files that must not contain `containing`, or, with "", must not be there. A `path` has to contain `containing`.
    `of_secrets`: only files count whose content is a secret, which nobody looks into.
    `when`: the cells it concerns; `targets`: only where one of these targets is built. Effect is deny or warn; `rule` names the rule that
    it belongs to ("": none), whose override is its own.
    """

    reason: str
    effect: Effect
    place: Place
    path: str = ""
    arg: str = ""
    forbidden: str = ""
    containing: str = ""
    of_secrets: bool = False
    when: tuple[Condition, ...] = ()
    targets: tuple[str, ...] = ()
    span: Span = field(default_factory=Span)
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgForm:
    """What the text of an ARG must look like: a regular expression that matches it whole; `hint` says what to write, `rule` to which rule
    it belongs."""

    name: str
    pattern: str
    hint: str
    span: Span = field(default_factory=Span)
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileStatement:
    """What a command that reads its whole environment really reads, for the upstream versions of a span. It does not hold for a call that is given
    one of the ARGs `unless`."""

    statement: Statement
    unless: frozenset[str] = frozenset()
    span: Span = field(default_factory=Span)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileTarget:
    """A target as the profile declares it: a node of the manifest's own form. One that is not `on` is built where a manifest names it.

    Several may have one name: the forms that it has in different upstream versions, each of which has at most one of them.
    """

    name: str
    place: Place
    node: Node
    on: bool = True
    span: Span = field(default_factory=Span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`version` names the value that says which upstream version a source is (`peVersion`); `stands_for` maps tags whose code is another
    version's to that version. `catalog` says where versions are listed (None: nowhere), `catalog_axis` of which axis."""

    name: str
    file: str
    axes: tuple[ProfileAxis, ...]
    values: tuple[ProfileValue, ...]
    version: str
    stands_for: Mapping[str, str]
    vars: tuple[tuple[str, Text], ...]
    args: tuple[DeclaredArg, ...]
    rules: tuple[ProfileRule, ...]
    targets: tuple[ProfileTarget, ...]
    requirements: tuple[Requirement, ...]
    forms: tuple[ArgForm, ...]
    statements: tuple[ProfileStatement, ...]
    ambient: tuple[Text, ...]
    catalog: CatalogSource | None = None
    catalog_axis: str = ""
    span: Span = field(default_factory=Span)
    """The upstream versions that it knows."""
    fips_axis: str = ""
    """The axis that chooses between two lists of versions, where the profile's Earthfiles had two."""
