"""Which ARGs stand in the cache keys of RUNs that do not read them: those of all recipes, those declared too early, those handed on whole."""

from __future__ import annotations

from collections.abc import Iterator

from matrixbuild.core.counts import counted
from matrixbuild.core.earthfile.environment import read_by_custom
from matrixbuild.core.earthfile.linting_fetching import fetches
from matrixbuild.core.earthfile.linting_findings import Finding, Kind, Rule, some
from matrixbuild.core.earthfile.linting_names import Naming
from matrixbuild.core.earthfile.linting_recipes import Part, Sheet, Step
from matrixbuild.core.earthfile.linting_variation import Variation, behind
from matrixbuild.core.earthfile.reserved import RESERVED

WIDE = Rule(name="wide-arg", kind=Kind.SHARING, about="a global ARG is in the cache key of every RUN, also of those that do not read it")
EARLY = Rule(name="early-arg", kind=Kind.SHARING, about="an ARG stands above RUNs that fetch something and do not read it")
PASSED = Rule(name="pass-args", kind=Kind.SHARING, about="--pass-args puts every ARG into the cache key of every RUN of what is called")


def wide_args(sheet: Sheet, naming: Naming, variation: Variation) -> Iterator[Finding]:
    """A warning for each global ARG that is proved to vary, one remark for all the others."""
    reaches = {name: tuple(_idle(sheet, naming, name)) for name in sheet.global_args if not _belongs_everywhere(name)}
    others: dict[str, int] = {}
    for name, idle in reaches.items():
        runs = sum(count for _, count in idle)
        why = variation.of_global(name) if runs else ""
        if why:
            yield _wide(sheet, name, why, idle)
        elif runs:
            others[name] = runs
    # Who writes --global has chosen; before VERSION 0.7 nobody could.
    if others and not sheet.features.explicit_global:
        yield _others(sheet, others)


def _belongs_everywhere(name: str) -> bool:
    return read_by_custom(name) or (name in RESERVED and not Variation.of_builtin(name))


def _idle(sheet: Sheet, naming: Naming, name: str) -> Iterator[tuple[str, int]]:
    """Recipes with how many of their RUNs come before anything that reads the ARG, or what is computed of it."""
    names = behind(sheet, name)
    for part in sheet.parts:
        runs = 0
        for step in part.steps:
            if naming.reads_any(step, names):
                break
            runs += step.name == "RUN"
        if runs:
            yield part.name, runs


def _wide(sheet: Sheet, name: str, why: str, idle: tuple[tuple[str, int], ...]) -> Finding:
    runs, targets = sum(count for _, count in idle), tuple(target for target, _ in idle)
    summary = f"{name} is in the cache key of {counted(runs, 'RUN')} that {'does' if runs == 1 else 'do'} not read it, in {some(targets)}; {why}"
    return Finding(rule=WIDE, summary=summary, place=sheet.global_args[name].place, hint=_narrow(sheet, name), runs=runs, targets=targets)


def _narrow(sheet: Sheet, name: str) -> str:
    here = f"declare it in the targets that use it, right before they do: ARG {name}"
    if sheet.features.explicit_global:
        return f"remove --global, and {here}"
    return f"{here}; or write VERSION 0.8, where only an ARG --global reaches every target"


def _others(sheet: Sheet, runs: dict[str, int]) -> Finding:
    """Whether they vary only their authors know."""
    names = sorted(runs, key=lambda name: -runs[name])
    listed = some([f"{name} in those of {counted(runs[name], 'RUN')}" for name in names])
    what = f"{counted(len(names), 'ARG')} above the targets {'is' if len(names) == 1 else 'are'} in cache keys of RUNs that do not read"
    summary = f"{what} {'it' if len(names) == 1 else 'them'}: {listed}"
    place = min((sheet.global_args[name].place for name in names), key=lambda place: place.line)
    hint = "those whose values differ between builds are better declared in the targets that use them"
    return Finding(rule=WIDE, summary=summary, place=place, hint=hint, remark=True, runs=max(runs.values()))


def early_args(sheet: Sheet, naming: Naming, variation: Variation) -> Iterator[Finding]:
    """At most a warning and a remark for each recipe."""
    for part in sheet.parts:
        found = [(step, runs) for step in part.of("ARG") if (runs := _before_use(part, naming, step))]
        varying = [(step, runs) for step, runs in found if variation.of_local(part, step.declared)]
        others = [pair for pair in found if pair not in varying]
        yield from (_early(part, group, remark=group is others) for group in (varying, others) if group)


def _before_use(part: Part, naming: Naming, arg: Step) -> tuple[Step, ...]:
    """The RUNs that fetch something between an ARG and what reads it; none where nothing is seen to read it, for then anything may."""
    name = arg.declared
    if read_by_custom(name) or (name in RESERVED and not Variation.of_builtin(name)) or "$(" in (arg.value or ""):
        return ()
    runs: list[Step] = []
    for step in part.after(arg):
        if not arg.always_before(step):
            break
        if naming.reads(step, name):
            return tuple(runs)
        if step.name == "RUN" and fetches(step.text) and not {"--no-cache", "--push"} & set(step.args):
            runs.append(step)
    return ()


def _early(part: Part, found: list[tuple[Step, tuple[Step, ...]]], *, remark: bool) -> Finding:
    names = list(dict.fromkeys(step.declared for step, _ in found))
    runs = {run: None for _, each in found for run in each}
    first = min(run.place.line for run in runs)
    fetching = f"the RUN in line {first} that fetches something and does"
    if len(runs) > 1:
        fetching = f"{len(runs)} RUNs, from line {first} on, that fetch something and do"
    stand, them = ("stands", "it") if len(names) == 1 else ("stand", "them")
    summary = f"{some(names)} of {part} {stand} above {fetching} not read {them}"
    hint = f"move {them} down to the first use: every RUN below an ARG has its value in its cache key"
    return Finding(rule=EARLY, summary=summary, place=found[0][0].place, hint=hint, remark=remark, runs=len(runs))


def passed_args(sheet: Sheet) -> Iterator[Finding]:
    """One remark for an Earthfile."""
    found = [step for part in sheet.everything for step in part.of("FROM", "BUILD", "COPY", "DO", "DOCKER") if "--pass-args" in step.args]
    if found:
        where = "here" if len(found) == 1 else f"here and in {counted(len(found) - 1, 'place')} below"
        summary = f"--pass-args {where} puts every ARG into the cache key of every RUN of what is called, declared there or not"
        yield Finding(rule=PASSED, summary=summary, place=found[0].place, hint="name those that are needed: --NAME=$NAME", remark=True)
