"""A template's text -> what it reads and, for one cell, what it renders to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import TypeGuard

from jinja2 import Environment, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.exceptions import TemplateError, TemplateSyntaxError

from matrixbuild.core import sandbox
from matrixbuild.core.declared import Text
from matrixbuild.core.problems import Place, Problem, did_you_mean
from matrixbuild.core.sandbox import MAX_DEPTH, MAX_RENDERED, TemplateEnvironment, TooLongError


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a template can name.

    `axes`: name -> fields that any of its values has; `constants`: the same of axes that only the profile knows; `hidden`: axes of the
    manifest that the target does not have; `namespaces`: name -> members of what is the same for all cells (`source`, the profile's), and
    `tagged`: axes that the profile's `suffix` and `customTag` are made of; `image` and `needs` are for args alone (`needs`: the targets
    needed, `imageless`: those of them that make no image). `declared` is where the manifest declares each axis, and `foreign` the file of the
    profile: whose templates are right, and whom the axis has to fit.
    """

    axes: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    vars: tuple[str, ...] = ()
    namespaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tagged: frozenset[str] = frozenset()
    image: bool = False
    needs: tuple[str, ...] = ()
    imageless: frozenset[str] = frozenset()
    is_arg: bool = False
    declared: Mapping[str, Place] = field(default_factory=dict)
    foreign: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        extra = (*(("image",) if self.image else ()), *(("needs",) if self.needs else ()))
        return (*self.axes, *self.constants, "vars", "registry", *self.namespaces, *extra)


class RenderError(Exception):
    """A template cannot be rendered for one cell; the text is the problem to show, and `fault` where in the template."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.summary)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template that is known to name only what there is. `axes`, `needs` and `vars` are those it names; without `compiled` it is plain text."""

    text: Text
    axes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    vars: frozenset[str] = frozenset()
    reads_image: bool = False
    is_image: bool = False
    """Whether it is the name of the image and nothing else."""
    compiled: JinjaTemplate | None = None

    def render(self, names: Mapping[str, object]) -> str:
        """The text for one cell. Raises RenderError, and NeedLackingError where a need it reads is not there."""
        if self.compiled is None:
            return self.text.value
        try:
            rendered = self.compiled.render(names)
        except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise RenderError(_render_problem(self.text, error)) from error
        if len(rendered) > MAX_RENDERED:
            raise RenderError(_render_problem(self.text, TooLongError(f"it makes more than {MAX_RENDERED} characters")))
        return rendered


def compile_template(text: Text, scope: Scope, problems: list[Problem]) -> Template | None:
    """The template, or None with its problems added: every name, field, filter and construct it may not use."""
    if not any(mark in text.value for mark in ("{{", "{%", "{#")):
        return Template(text=text)
    tree = _parse(text, problems)
    if tree is None:
        return None
    if found := list(_construct_faults(tree, text)) or [fault for node, _ in sandbox.walk(tree) for fault in _faults(node, text, scope)]:
        problems.extend(dict.fromkeys(reversed(found)))
        return None
    names = {node.name for node in tree.find_all(nodes.Name)}
    axes = frozenset(names & set(scope.axes)) | (scope.tagged if any(_is_tag(node, scope) for node, _ in sandbox.walk(tree)) else frozenset())
    needs = frozenset(name for node, _ in sandbox.walk(tree) if (name := _need(node)))
    known = _vars(tree, scope) if "vars" in names else frozenset()
    whole = bool(_IMAGE.fullmatch(text.value))
    return Template(text=text, axes=axes, needs=needs, vars=known, reads_image="image" in names, is_image=whole, compiled=_compiled(text.value))


def _vars(tree: nodes.Template, scope: Scope) -> frozenset[str]:
    """The vars that it names; all of them where one is named by a value (`vars[os]`)."""
    members = {_member(node) for node, _ in sandbox.walk(tree) if _is_var(node)}
    return frozenset(name for name in scope.vars if name in members or None in members)


_IMAGE = re.compile(r"\{\{\s*image\.ref\s*\}\}")


@cache
def _environment() -> TemplateEnvironment:
    return TemplateEnvironment()


@lru_cache(maxsize=1024)
def _compiled(source: str) -> JinjaTemplate:
    # By the text alone: what it may name is checked before, and the profile's texts are those of every target. From a tree of its own, for what
    # prints texts changes it.
    environment: Environment = _environment()
    tree = environment.parse(source)
    sandbox.print_texts(tree)
    return JinjaTemplate.from_code(environment, environment.compile(tree), {})


@lru_cache(maxsize=1024)
def _tree(source: str) -> nodes.Template:
    return _environment().parse(source)


def _parse(text: Text, problems: list[Problem]) -> nodes.Template | None:
    try:
        tree = _tree(text.value)
        too_deep = any(depth > MAX_DEPTH for _, depth in sandbox.walk(tree))
    except TemplateSyntaxError as error:
        problems.append(
            _problem(
                f"this is not a template: {_sentence(error.message or '')}", text.place, hint="names go between {{ and }}", code="template-syntax"
            )
        )
        return None
    except RecursionError:
        too_deep = True
    if too_deep:
        problems.append(_problem("this template is nested too deeply", text.place, hint="write it as several vars or args", code="template-depth"))
        return None
    return tree


def _construct_faults(tree: nodes.Template, text: Text) -> Iterator[Problem]:
    """The first construct that templates do not have: what is inside it (a loop's variable) would only be told wrongly."""
    for node, _ in sandbox.walk(tree):
        if not isinstance(node, sandbox.ALLOWED):
            word = sandbox.FORBIDDEN_WORDS.get(type(node), type(node).__name__.lower())
            hint = "they have names, fields, conditions, ~ and filters"
            yield _problem(f"templates have no {word!r}", locate(text, word), hint=hint, code="template-construct")
            return
        if getattr(node, "kwargs", None) or getattr(node, "dyn_args", None) or getattr(node, "dyn_kwargs", None):
            yield _problem("a filter or method takes values without names", text.place, hint="leave the names out", code="template-construct")
            return


def _faults(node: nodes.Node, text: Text, scope: Scope) -> Iterator[Problem]:
    if isinstance(node, nodes.Const) and node.value is None:
        yield _problem("null has no text", locate(text, "none", "None"), hint="write '' for nothing", code="template-null")
    elif isinstance(node, nodes.Name):
        yield from _name_faults(node, text, scope)
    elif isinstance(node, nodes.Getattr | nodes.Getitem):
        yield from _member_faults(node, text, scope)
    elif isinstance(node, nodes.Filter | nodes.Test):
        yield from _filter_faults(node, text)
    elif isinstance(node, nodes.Call):
        yield from _call_faults(node, text, scope)
    elif isinstance(node, nodes.CondExpr) and node.expr2 is None:
        yield _problem("an `if` inside {{ }} needs an `else`", locate(text, "if"), hint="add: else ''", code="template-else")


def _call_faults(node: nodes.Call, text: Text, scope: Scope) -> Iterator[Problem]:
    called = node.node
    if isinstance(called, nodes.Getattr) and called.attr in sandbox.METHODS:
        return
    name = str(getattr(called, "name", None) or getattr(called, "attr", "this"))
    if isinstance(called, nodes.Name) and name not in scope.names:
        return  # told as an unknown name
    hint = did_you_mean(name, sandbox.METHODS) or f"methods of text can be called: {', '.join(sandbox.METHODS)}"
    yield _problem(f"templates cannot call {name!r}", locate(text, name), hint=hint, code="template-call")


def _name_faults(node: nodes.Name, text: Text, scope: Scope) -> Iterator[Problem]:
    name = node.name
    if name in scope.names:
        return
    place = locate(text, name)
    if name in scope.hidden:
        hint = f"add {name} to the target's axes, or take it out of the template"
        yield _problem(f"the target does not have the axis {name!r}", place, hint=hint, code="template-axis")
    elif name == "image":
        hint = "give the target an image" if scope.is_arg else "image.ref is for args"
        yield _problem("there is no image to name here", place, hint=hint, code="template-image")
    elif name == "needs":
        hint = "list the target under needs" if scope.is_arg else "needs are for args"
        yield _problem("there are no needs to name here", place, hint=hint, code="template-need")
    else:
        hint = did_you_mean(name, scope.names) or f"known here: {', '.join(scope.names)}"
        yield _problem(f"a template cannot name {name!r}", place, hint=hint, code="template-name")


def _member_faults(node: nodes.Getattr | nodes.Getitem, text: Text, scope: Scope) -> Iterator[Problem]:
    owner, member = node.node, _member(node)
    if _is_needs(owner):
        yield from _need_faults(member, text, scope)
    elif _need_of(owner) and member != "image":
        yield _problem(
            f"of a need a template can read its image, not {str(member)!r}",
            locate(text, str(member)),
            hint="write needs['NAME'].image",
            code="template-need",
        )
    if not isinstance(owner, nodes.Name) or not isinstance(member, str):
        return
    known = _members(owner.name, scope)
    if known is None or member in known or member in sandbox.METHODS:
        return
    if owner.name in scope.declared and text.place.file == scope.foreign:
        hint = f"write each value as a mapping with {' and '.join((*known, member))}"
        summary = f"no value of the axis {owner.name!r} has a {member!r}, which the profile reads"
        yield _problem(summary, scope.declared[owner.name], hint=hint, code="template-field")
        return
    hint = did_you_mean(member, known) or (f"it has {', '.join(known)}" if known else f"write {owner.name} itself")
    yield _problem(f"{owner.name} has no {member!r}", locate(text, member, of=owner.name), hint=hint, code="template-field")


def _need_faults(member: object, text: Text, scope: Scope) -> Iterator[Problem]:
    if not isinstance(member, str):
        yield _problem("needs takes the name of a target", locate(text, "needs"), hint="write needs['NAME'].image", code="template-need")
    elif scope.needs and member not in scope.needs:
        hint = did_you_mean(member, scope.needs) or f"it needs {', '.join(scope.needs)}"
        yield _problem(f"the target does not need {member!r}", locate(text, member), hint=hint, code="template-need")
    elif member in scope.imageless:
        yield _problem(
            f"the target {member!r} makes no image", locate(text, member), hint="give it one, or take it out of the template", code="template-need"
        )


def _filter_faults(node: nodes.Filter | nodes.Test, text: Text) -> Iterator[Problem]:
    known = tuple(sandbox.FILTERS) if isinstance(node, nodes.Filter) else sandbox.TESTS
    kind = "filter" if isinstance(node, nodes.Filter) else "test"
    if node.name not in known:
        hint = did_you_mean(node.name, known) or f"there are {', '.join(known)}"
        yield _problem(f"templates have no {kind} {node.name!r}", locate(text, node.name), hint=hint, code="template-filter")


def _members(name: str, scope: Scope) -> tuple[str, ...] | None:
    if name == "vars":
        return scope.vars
    if name == "image" and scope.image:
        return ("ref",)
    return scope.axes.get(name, scope.constants.get(name, scope.namespaces.get(name)))


def _is_tag(node: nodes.Node, scope: Scope) -> bool:
    """Whether it reads what the profile makes of a cell's axes."""
    if not isinstance(node, nodes.Getattr | nodes.Getitem) or not isinstance(node.node, nodes.Name):
        return False
    return node.node.name in scope.namespaces and _member(node) in CELL_MEMBERS


CELL_MEMBERS = ("suffix", "customTag")
"""Members of a profile's namespace that differ from cell to cell."""


def _member(node: nodes.Getattr | nodes.Getitem) -> object:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) else None


def _is_var(node: nodes.Node) -> TypeGuard[nodes.Getattr | nodes.Getitem]:
    return isinstance(node, nodes.Getattr | nodes.Getitem) and isinstance(node.node, nodes.Name) and node.node.name == "vars"


def _is_needs(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "needs"


def _need_of(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Getattr | nodes.Getitem) and _is_needs(node.node)


def _need(node: nodes.Node) -> str:
    return str(_member(node)) if isinstance(node, nodes.Getattr | nodes.Getitem) and _is_needs(node.node) else ""


def _render_problem(text: Text, error: Exception) -> Problem:
    # Python's own words on types name things of ours that no author of a template knows.
    said = "an operator, filter or method does not take what it is given" if isinstance(error, TypeError) else _sentence(str(error))
    return _problem(f"this template cannot be rendered: {said}", text.place, hint="", code="template-render")


def _sentence(message: str) -> str:
    return " ".join(message.split()).rstrip(".")


def _problem(summary: str, place: Place, *, hint: str, code: str) -> Problem:
    return Problem(summary=summary, place=place, hint=hint, code=code)


def locate(text: Text, *words: str, of: str = "") -> Place:
    """Where in the file one of `words` stands in the template (with `of`: as a member of that name).

    The whole template where that cannot be said: a value with escapes, or over several lines.
    """
    place = text.place
    start = place.column - 1
    start += place.text[start : start + 1] in ("'", '"')
    if not place.text.startswith(text.value, start):
        return place
    offset = _offset(text.value, words, of)
    return place if offset is None else replace(place, column=start + offset[0] + 1, width=offset[1])


def _offset(source: str, words: tuple[str, ...], of: str) -> tuple[int, int] | None:
    position = 0
    before = ["", ""]
    for _, kind, token in _environment().lex(source):
        bare = token.strip("'\"")
        if kind != "data" and bare in words and (not of or before[-2] == of):
            return position + len(token) - len(token.lstrip("'\"")), len(bare)
        position += len(token)
        if kind != "whitespace":
            before.append(token)
    return None
