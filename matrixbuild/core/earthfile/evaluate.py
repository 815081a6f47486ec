"""One Earthly target with its overrides in, the recipe of its images and artifacts out (or what must be known to go on)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from functools import lru_cache

from matrixbuild.core.earthfile import blocks, froms, saves, stretches, syntax
from matrixbuild.core.earthfile.calls import Call, Known
from matrixbuild.core.earthfile.decisions import Decisions
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.features import Features
from matrixbuild.core.earthfile.findings import Findings
from matrixbuild.core.earthfile.ignorefiles import ignored
from matrixbuild.core.earthfile.recipe import Evaluation, Image, SavedImage, SavedLocal, Wanted
from matrixbuild.core.earthfile.references import TARGET_NAME
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.earthfile.scope import Frame, Scope, Variables
from matrixbuild.core.earthfile.stepping import Stepping
from matrixbuild.core.earthfile.target import EMPTY_IMAGE, Target
from matrixbuild.core.earthfile.values import UNKNOWN, Given, Template, Value
from matrixbuild.core.earthfile.visits import Block, Item, Visit, Visits, check_images
from matrixbuild.core.earthfile.walk import Entry, Parsed, Walk, Want
from matrixbuild.core.problems import Place, did_you_mean

__all__ = ["Call", "Examined", "Known", "evaluate", "examine"]


def evaluate(call: Call, known: Known) -> Evaluation | Wanted:
    """Evaluate as Earthly 0.8.16 would. Pure: the same call and knowledge give the same result.

    Wanted names texts and base image configurations without which it cannot go on: the caller adds them to `known` (None for a file that
    does not exist) and calls again. Raises EarthfileError, with a place in the Earthfile at fault.
    """
    try:
        return _evaluated(call, known)
    except Want as want:
        return want.wanted
    except RecursionError:
        raise _too_deep(call) from None


def _too_deep(call: Call) -> EarthfileError:
    hint = "make the Earthfile flatter"
    return EarthfileError(Fault.CYCLE, f"the targets, functions and blocks of +{call.target} are nested too deeply", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """A partial evaluation: the recipe as far as it can be known, and what was come across on every branch that may be taken."""

    evaluation: Evaluation
    visit: Visit
    findings: Findings
    features: Features
    decisions: Decisions
    refs: tuple[Template, ...]
    """What the names of the base images are made of, in the order in which they were met."""


def examine(call: Call, known: Known, steps: Stepping | None = None) -> Examined | Wanted:
    """Evaluate in part: as `evaluate`, but nothing that only Earthly can do is refused. `steps` gets all that is gone through. Raises
    EarthfileError for what Earthly refuses too."""
    findings = Findings()
    try:
        walk = _walk(replace(call, partial=True, unknown_images=True), known, findings)
        walk.steps = steps
        visit = _entered(walk)
        walk.decisions.finish()
        findings.deciding |= walk.decisions.names
        features = walk.parsed(visit.directory, place=walk.at).features
        return Examined(
            evaluation=_result(walk, visit), visit=visit, findings=findings, features=features, decisions=walk.decisions, refs=tuple(walk.refs)
        )
    except Want as want:
        return want.wanted
    except RecursionError:
        raise _too_deep(call) from None


def _evaluated(call: Call, known: Known) -> Evaluation:
    walk = _walk(call, known, None)
    try:
        return _result(walk, _entered(walk))
    except EarthfileError as error:
        error.made_before = tuple(walk.forced)
        raise


def _directory(call: Call) -> str:
    return posixpath.normpath(call.directory).removeprefix("./") if call.directory not in ("", ".") else ""


def _place(call: Call) -> Place:
    return Place(file=posixpath.join(_directory(call), "Earthfile"), line=1)


def _walk(call: Call, known: Known, findings: Findings | None) -> Walk:
    if name := next((name for name, _ in call.overrides if name in RESERVED), ""):
        raise EarthfileError(Fault.BUILTIN_ARG, f"{name} is a built-in ARG and cannot be given a value", hint="remove it from the args")
    decisions = Decisions(given=dict(call.overrides))
    walk = Walk(call=call, known=known, visits=Visits(upfront=True, decisions=decisions), enter=enter, findings=findings, decisions=decisions)
    walk.visits.upfront = walk.parsed(_directory(call), place=_place(call)).features.use_visited_upfront_hash_collection
    if not TARGET_NAME.fullmatch(call.target):
        hint = "an Earthly target's name is a lower-case letter, then letters, digits, '.' and '-'"
        raise EarthfileError(Fault.INVALID_ARG, f"+{call.target} is not an Earthly target", hint=hint)
    return walk


def _entered(walk: Walk) -> Visit:
    """Go through the called target."""
    call, block = walk.call, Block()
    overriding = Scope({name: _overriding(name, text) for name, text in call.overrides}, ambient=call.partial)
    entry = Entry(
        directory=_directory(call),
        name=call.target,
        overriding=overriding,
        platform=call.platform,
        saving=call.outputs,
        block=block,
        place=_place(call),
    )
    walk.visits.ambient = overriding
    visit = enter(walk, entry)
    if call.outputs:
        block.wait()
    return visit


@lru_cache(maxsize=8192)
def _overriding(name: str, text: str) -> Value:
    return Value(text=text, taint=frozenset({name}), parts=(Given(name),) if Given.takes(text) else None)


def _result(walk: Walk, visit: Visit) -> Evaluation:
    legacy = [item for each in walk.visits.all if each.saving for item in each.legacy]
    check_images([item for item in legacy if item.checked])
    for item in legacy:
        check_images([item])
    items = {id(item): item for each in walk.visits.all for item in (*each.items, *legacy)}.values()
    saved = sorted((item for item in items if item.saved or (item in legacy)), key=_order)
    return Evaluation(
        image=Image(tree=visit.tree, config=visit.config),
        artifacts=visit.artifacts,
        images=tuple(item.output for item in saved if isinstance(item.output, SavedImage)),
        locals=tuple(item.output for item in saved if isinstance(item.output, SavedLocal)),
        declared=frozenset(walk.declared),
        deciding=frozenset(walk.decisions.names),
        used=tuple(walk.used),
        commands=tuple(walk.commands),
        base_images=tuple(walk.bases.values()),
        built=(*walk.forced, *(each.tree for each in walk.visits.all)),
        consulted=tuple(walk.consulted),
        targets=tuple(dict.fromkeys(str(each) for each in walk.visits.all)),
        texts=tuple(walk.looked),
        folders=tuple(walk.folders),
    )


def _order(item: Item) -> int:
    return item.order


def enter(walk: Walk, entry: Entry) -> Visit:
    """Go through a target, or find that it was gone through with the same args. Raises EarthfileError."""
    parsed = walk.parsed(entry.directory, place=entry.place)
    hidden = ignored(walk, entry.directory, implicit=not parsed.features.no_implicit_ignore, docker=False, place=entry.place)
    platform = entry.platform or walk.call.native
    found = walk.visits.find(entry.directory, entry.name, platform, entry.overriding)
    if found:
        return _again(walk, found, entry)
    recipe = _recipe(parsed.earthfile, entry)
    if parsed.earthfile.version and parsed.earthfile.file not in walk.files:
        walk.files.add(parsed.earthfile.file)
        walk.note("VERSION", parsed.earthfile.version.args)
    visit = walk.visits.add(entry.directory, entry.name, platform, entry.overriding)
    visit.saving, visit.current, visit.config = entry.saving, entry.platform, EMPTY_IMAGE
    walk.deeper(str(visit), entry.place)
    _go_through(_target(walk, entry, visit, parsed, hidden), recipe)
    # Where a target ends counts: a command that moves out of it to its caller is another build.
    walk.note("END", ())
    walk.inside.pop()
    return visit


def _again(walk: Walk, visit: Visit, entry: Entry) -> Visit:
    if not visit.done:
        if walk.uncertain and any(UNKNOWN in text for _, text in entry.overriding.identity()):
            # What looks like the same args may be others each time.
            raise walk.unknown_turns(str(visit), entry.place)
        hint = "a target cannot be made from itself: break the circle, for example with a target that both use"
        raise EarthfileError(Fault.CYCLE, f"{visit} needs itself", place=entry.place, hint=hint)
    if entry.saving:
        visit.save_again()
    for item in visit.items if entry.block else ():
        entry.block.add(item)  # type: ignore[union-attr]
    return visit


def _recipe(earthfile: syntax.Earthfile, entry: Entry) -> syntax.Recipe | None:
    """The recipe of a target; None for the base recipe."""
    if entry.name == "base":
        return None
    for recipe in earthfile.targets:
        if recipe.name == entry.name:
            return recipe
    hint = did_you_mean(entry.name, (recipe.name for recipe in earthfile.targets)) or f"{earthfile.file} has no target of that name"
    raise EarthfileError(Fault.UNKNOWN_TARGET, f"there is no target +{entry.name} in {earthfile.file}", place=entry.place, hint=hint)


def _target(walk: Walk, entry: Entry, visit: Visit, parsed: Parsed, hidden: tuple[str, ...]) -> Target:
    frame = Frame(directory=entry.directory, overriding=entry.overriding)
    variables = Variables(frame, builtins=Scope(), scoped=parsed.features.arg_scope_and_set, environments=walk.environments)
    target = Target(
        walk=walk,
        visit=visit,
        features=parsed.features,
        variables=variables,
        default=entry.platform,
        is_base=entry.name == "base",
        ignored=hidden,
        blocks=[entry.block or Block()],
    )
    target.declare_builtins()
    return target


def _go_through(target: Target, recipe: syntax.Recipe | None) -> None:
    if recipe is None:
        stretches.go_through(target, blocks.run_body)
    else:
        froms.from_base(target, recipe.place)
        blocks.run_body(target, recipe.body)
    _finish(target)


def _finish(target: Target) -> None:
    visit, variables = target.visit, target.variables
    saves.as_referred(target)
    visit.envs, visit.envs_unknown = variables.envs, variables.envs_unknown
    visit.globals, visit.imports = variables.frame.globals, variables.frame.global_imports
    visit.done = True
    if visit.saving:
        visit.save()
