"""Rules of the analysis, each taken out by a small change of one module: what the tests must notice."""

from __future__ import annotations

from dataclasses import dataclass

_EARTHFILE = "core/earthfile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`old` of `module` (below the package) becomes `new`; the cases of tests/pairs that `cases` names are where that is to be seen."""

    rule: str
    module: str
    old: str
    new: str
    cases: tuple[str, ...]

    def __str__(self) -> str:
        return self.rule.replace(" ", "-")


MUTANTS = (
    Mutant(
        rule="what the command line gives reaches other targets of the Earthfile",
        module=f"{_EARTHFILE}/target.py",
        old="if reference.where is not Where.HERE:",
        new="if reference:",
        cases=("override-from", "override-copy", "from-chain"),
    ),
    Mutant(
        rule="the explicit args of a reference count",
        module=f"{_EARTHFILE}/target.py",
        old="explicit = Scope(dict(args))",
        new="explicit = Scope()",
        cases=("override-other-directory",),
    ),
    Mutant(
        rule="pass-args hands on the ARGs of the caller",
        module=f"{_EARTHFILE}/builds.py",
        old="overriding = combined(explicit, *(scope.inactive() for scope in passed)).without_reserved()",
        new="overriding = explicit",
        cases=("pass-args-function",),
    ),
    Mutant(
        rule="what the command line gives reaches the globals of a function's file",
        module=f"{_EARTHFILE}/builds.py",
        old="top = combined(explicit, variables.frames[0].overriding).without_reserved()",
        new="top = explicit",
        cases=("override-globals-of-function-file",),
    ),
    Mutant(
        rule="before 0.7 each ARG of the base recipe is global",
        module=f"{_EARTHFILE}/declarations.py",
        old="return target.is_base and not explicit",
        new="return False",
        cases=("scope-06-globals",),
    ),
    Mutant(
        rule="a default counts where nothing gives the ARG a value",
        module=f"{_EARTHFILE}/scope.py",
        old="if overriding.ambient and name not in RESERVED:",
        new="if not overriding:",
        cases=("four-of-the-issue",),
    ),
    Mutant(
        rule="a condition counts for what its branches set",
        module=f"{_EARTHFILE}/branches.py",
        old="scope.mark(name, taint)",
        new="scope.mark(name, frozenset())",
        cases=("if-sets-let",),
    ),
    Mutant(
        rule="a script that is copied sees the ARGs that it names",
        module=f"{_EARTHFILE}/analysis.py",
        old="if name in words or WHOLE_ENVIRONMENT in words:",
        new="if False:",
        cases=("run-script",),
    ),
    Mutant(
        rule="a COPY takes all its sources",
        module=f"{_EARTHFILE}/copies.py",
        old="ignored=target.ignored) for path in paths)",
        new="ignored=target.ignored) for path in paths[:1])",
        cases=("copy-forms",),
    ),
    Mutant(
        rule="an artifact leads back to what it was copied from",
        module=f"{_EARTHFILE}/copies.py",
        old="        target.walk.findings.took(visit, visit.tree)",
        new="        pass",
        cases=("artifact-chain",),
    ),
    Mutant(
        rule="a COPY if-exists reads what comes to be there",
        module="core/reads.py",
        old="wanted = if_exists_pattern(source.pattern) if flags.if_exists else source.pattern",
        new='wanted = "" if flags.if_exists else source.pattern',
        cases=("copy-if-exists",),
    ),
    Mutant(
        rule="what is below a directory that is copied is read",
        module="core/reads.py",
        old="for below in view.below(real))",
        new="for below in [real])",
        cases=("copy-forms",),
    ),
    Mutant(
        rule="the .dockerignore of a directory hides nothing from a COPY",
        module=f"{_EARTHFILE}/ignorefiles.py",
        old="if not found and docker:",
        new="if True:",
        cases=("ignore-earthignore",),
    ),
    Mutant(
        rule="the commands of a function are on the path",
        module=f"{_EARTHFILE}/builds.py",
        old="    run_body(target, recipe.body[1:])",
        new="    with target.walk.silence():\n        run_body(target, recipe.body[1:])",
        cases=("four-of-the-issue", "import-swapped"),
    ),
    Mutant(
        rule="the mode of a file counts",
        module="adapters/sources.py",
        old='f"{entry.kind} {entry.mode:o} {content}"',
        new='f"{entry.kind} {content}"',
        cases=("four-of-the-issue",),
    ),
    Mutant(
        rule="what an ENTRYPOINT says may be run",
        module=f"{_EARTHFILE}/metadata.py",
        old='        say_program(target.walk.findings, target.visit, " ".join(command.args), command.place)',
        new="        pass",
        cases=("run-entrypoint-argument",),
    ),
    Mutant(
        rule="a script that is written reads the whole environment of the place where it is run",
        module=f"{_EARTHFILE}/analysis.py",
        old="if visit in findings.hands_on else {}",
        new="if False else {}",
        cases=("run-generated-teller",),
    ),
)
