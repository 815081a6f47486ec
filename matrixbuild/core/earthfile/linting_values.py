"""Variables that do not hold what their author expects: taken too early, never set, hidden from the targets, overruled; and secrets in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matrixbuild.core.earthfile.features import Features, flag
from matrixbuild.core.earthfile.linting_findings import Finding, Kind, Rule, some
from matrixbuild.core.earthfile.linting_names import expanded, local_declarations, takes_value
from matrixbuild.core.earthfile.linting_recipes import Part, Sheet, Step
from matrixbuild.core.earthfile.reserved import RESERVED
from matrixbuild.core.problems import did_you_mean
from matrixbuild.core.secretive_args import named_like_a_secret

EARLY_USE = Rule(name="early-use", kind=Kind.TRAP, about="a variable is used above its ARG, where it is empty")
UNSET = Rule(name="unset-builtin", kind=Kind.TRAP, about="a built-in ARG that is not declared, or that this VERSION never sets")
HIDDEN = Rule(name="hidden-let", kind=Kind.TRAP, about="targets use a variable that a LET above them sets for itself alone")
OVERRULED = Rule(name="env-over-arg", kind=Kind.TRAP, about="an ENV and an ARG of one name, of which one is overruled")
SECRET = Rule(name="secret-arg", kind=Kind.TRAP, about="a secret as ARG or ENV: anybody who has the image can read it")

_GATED: Mapping[str, str] = {
    "EARTHLY_PUSH": "wait_block",
    "EARTHLY_VERSION": "earthly_version_arg",
    "EARTHLY_BUILD_SHA": "earthly_version_arg",
    "EARTHLY_CI": "ci_arg",
    "EARTHLY_LOCALLY": "earthly_locally_arg",
    "EARTHLY_CI_RUNNER": "earthly_ci_runner_arg",
    "EARTHLY_GIT_AUTHOR": "earthly_git_author_args",
    "EARTHLY_GIT_CO_AUTHORS": "earthly_git_author_args",
    "EARTHLY_GIT_AUTHOR_EMAIL": "git_author_email_name_args",
    "EARTHLY_GIT_AUTHOR_NAME": "git_author_email_name_args",
    "EARTHLY_GIT_COMMIT_AUTHOR_TIMESTAMP": "git_commit_author_timestamp",
    "EARTHLY_GIT_REFS": "git_refs",
    **dict.fromkeys(("NATIVEPLATFORM", "NATIVEOS", "NATIVEARCH", "NATIVEVARIANT"), "new_platform"),
}
"""The built-ins that only some Earthfiles have, and the feature that gives them."""

_OF_DOCKER = {f"BUILD{what}": f"USER{what}" for what in ("PLATFORM", "OS", "ARCH", "VARIANT")}
"""What Dockerfiles have instead."""


_THEIRS = ("EARTHLY_GIT_", "EARTHLY_TARGET")
"""Nobody else's names begin so."""


def early_uses(sheet: Sheet) -> Iterator[Finding]:
    for part in sheet.everything:
        declared = local_declarations(part)
        for name, steps in declared.items():
            first = steps[0]
            if first.name == "ARG" and name not in sheet.global_args and not _is_environment(sheet, name):
                yield from _early_use(part, name, first)


def _early_use(part: Part, name: str, arg: Step) -> Iterator[Finding]:
    for step in part.before(arg):
        # In the next round of a loop the ARG has been met.
        if takes_value(step, name) and not set(step.loops) & set(arg.loops):
            summary = f"{name} is empty here, whatever it is given: its ARG comes later, in line {arg.place.line}"
            yield Finding(rule=EARLY_USE, summary=summary, place=step.place, hint=f"move ARG {name} above its first use")
            return


def _is_environment(sheet: Sheet, name: str) -> bool:
    """Whether an ENV anywhere may have given the name a value: images hand theirs on."""
    return any(step.args[0] == name for part in sheet.everything for step in part.of("ENV"))


def unset_builtins(sheet: Sheet) -> Iterator[Finding]:
    for part in sheet.everything:
        yield from _undeclared(sheet, part)
        for step in part.of("ARG"):
            yield from _never_set(sheet, step)


def _undeclared(sheet: Sheet, part: Part) -> Iterator[Finding]:
    """The first use in a recipe of each built-in that nobody declares there."""
    told = set(local_declarations(part)) | set(sheet.global_args)
    for step in part.steps:
        for name in sorted((expanded(step.text) & RESERVED) - told):
            if takes_value(step, name) and not _is_environment(sheet, name):
                told.add(name)
                summary = f"{name} is empty here: a built-in ARG has its value only where it is declared"
                yield Finding(rule=UNSET, summary=summary, place=step.place, hint=f"write ARG {name} above")


def _never_set(sheet: Sheet, step: Step) -> Iterator[Finding]:
    name, hint = step.declared, ""
    if step.value is not None:
        return
    gate = _GATED.get(name, "")
    if gate and not getattr(sheet.features, gate):
        hint = _turning_on(sheet.features, gate)
    elif name in _OF_DOCKER and not _is_given(sheet, name):
        hint = f"that is Docker's; Earthly has {_OF_DOCKER[name]}, and from VERSION 0.7 on NATIVE{name.removeprefix('BUILD')}"
    elif name.startswith(_THEIRS) and name not in RESERVED and not step.flags.on("required") and not _is_given(sheet, name):
        hint = did_you_mean(name, RESERVED)
    if hint:
        yield Finding(rule=UNSET, summary=f"{name} is always empty: this Earthfile has no such built-in ARG", place=step.place, hint=hint)


def _turning_on(features: Features, gate: str) -> str:
    return f"write VERSION {flag(gate)} {features.number}, or VERSION 0.8 if that has it"


def _is_given(sheet: Sheet, name: str) -> bool:
    return any(f"--{name}=" in step.text for part in sheet.everything for step in part.steps)


def hidden_lets(sheet: Sheet) -> Iterator[Finding]:
    for step in sheet.base.of("LET"):
        users = tuple(part for part in sheet.parts if _uses_from_outside(part, step.declared))
        if users and not _is_environment(sheet, step.declared):
            yield _hidden(sheet, step, users)


def _uses_from_outside(part: Part, name: str) -> bool:
    return name not in local_declarations(part) and any(takes_value(step, name) for step in part.steps)


def _hidden(sheet: Sheet, step: Step, users: tuple[Part, ...]) -> Finding:
    name = step.declared
    arg = sheet.global_args.get(name)
    get = f"{'gets' if len(users) == 1 else 'get'} {f'the value of the ARG in line {arg.place.line}' if arg else 'nothing'}"
    summary = f"no target sees this LET {name}: {some([str(part) for part in users])} {get}"
    glob = "ARG --global" if sheet.features.explicit_global else "ARG"
    hint = f"give it a name of its own, as {glob} NAME with this value, and use that in the targets"
    return Finding(rule=HIDDEN, summary=summary, place=step.place, hint=hint, targets=tuple(part.name for part in users))


def overruled(sheet: Sheet) -> Iterator[Finding]:
    for part in sheet.everything:
        own = {step.declared: step for step in reversed(part.of("ARG"))}
        for step in part.of("ENV"):
            name = step.args[0]
            arg = sheet.global_args.get(name) if part is sheet.base else own.get(name, sheet.global_args.get(name))
            if arg and name not in expanded(step.value or "") and _one_way(arg, step):
                yield _overruled(step, name, arg, arg_counts=name in own and part is not sheet.base and _arg_counts(sheet, part, arg, step))


def _one_way(arg: Step, env: Step) -> bool:
    return arg.always_before(env) or env.always_before(arg)


def _arg_counts(sheet: Sheet, part: Part, arg: Step, env: Step) -> bool:
    """Before --arg-scope-and-set, an ARG does nothing where its name has a value already (executed with 0.6, 0.7 and 0.8)."""
    return sheet.features.arg_scope_and_set or arg in part.before(env)


def _overruled(step: Step, name: str, arg: Step, *, arg_counts: bool) -> Finding:
    if arg_counts:
        summary = f"the image gets this {name}, but the commands of the target the value of the ARG in line {arg.place.line}"
    else:
        summary = f"from here on {name} is this one, whatever the ARG in line {arg.place.line} is given"
    hint = f"give one of them another name, or write ENV {name}=${name}"
    return Finding(rule=OVERRULED, summary=summary, place=step.place, hint=hint)


def secrets(sheet: Sheet) -> Iterator[Finding]:
    """Each name once for each recipe."""
    for part in sheet.everything:
        told = set[str]()
        for step in part.of("ARG", "ENV"):
            name = step.declared or step.args[0]
            if name not in told and (step.name == "ARG" or step.value) and named_like_a_secret(name, (step.value or "").strip("\"'")):
                told.add(name)
                yield _secret(step, name)


def _secret(step: Step, name: str) -> Finding:
    where = "in the history of the image" if step.name == "ARG" else "in the configuration of the image"
    summary = f"{name} looks like a secret, and as {step.name} its value stands {where}, where everybody can read it"
    hint = f"let the RUN that needs it ask for it: RUN --secret {name} ..., given as --secret {name}"
    return Finding(rule=SECRET, summary=summary, place=step.place, hint=hint)
