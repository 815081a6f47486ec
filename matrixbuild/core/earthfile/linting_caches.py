"""What keeps RUNs from being cached or from running at once: a whole tree copied first, --no-cache, locked caches, upgrades that are done again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from matrixbuild.core.counts import counted
from matrixbuild.core.earthfile.linting_fetching import installs_alone, upgrades
from matrixbuild.core.earthfile.linting_findings import Finding, Kind, Rule, some
from matrixbuild.core.earthfile.linting_names import Naming, files_of
from matrixbuild.core.earthfile.linting_recipes import Part, Sheet, Step
from matrixbuild.core.earthfile.linting_variation import Variation, behind

WHOLE_COPY = Rule(name="copy-before-install", kind=Kind.SHARING, about="a directory is copied whole before RUNs that install packages")
NO_CACHE = Rule(name="no-cache", kind=Kind.SHARING, about="a --no-cache has itself and every RUN after it done in each build")
LOCKED = Rule(name="locked-cache", kind=Kind.SHARING, about="a cache mount that only one build at a time may use")
UPGRADE = Rule(name="upgrade-after-arg", kind=Kind.SHARING, about="packages are upgraded once for each value of an ARG that has no part in it")

_WHOLE = frozenset({".", "./", "*", "./*", "./."})
_FEW_FILES = 5
_LOCKED_ON_PURPOSE = ("/var/cache/apt", "/var/lib/apt", "/var/lib/dpkg", "/var/cache/apk", "/etc/apk", "/var/cache/dnf", "/var/cache/yum")
"""What these hold bears no two programs at once."""


def whole_copies(sheet: Sheet) -> Iterator[Finding]:
    for part in sheet.everything:
        for step in part.of("COPY"):
            source = next((word for word in step.flags.words[:-1] if word.strip("\"'") in _WHOLE), "")
            installing = [run for run in part.after(step) if run.name == "RUN" and step.always_before(run) and installs_alone(run.text)]
            count = sum(1 for _ in files_of(sheet, ".")) if source and installing else 0
            if count >= _FEW_FILES:
                yield _whole(source, step, installing, count)
                break  # the next COPY of it would say the same


def _whole(source: str, step: Step, installing: list[Step], count: int) -> Finding:
    lines = some([str(run.place.line) for run in installing])
    what = f"the RUN in line {lines} that installs packages"
    if len(installing) > 1:
        what = f"{len(installing)} RUNs that install packages (lines {lines})"
    summary = f"COPY {source} brings all {count} files before {what}: a change of any of them installs the packages again"
    hint = "install first, and COPY before that only the files that the installation reads"
    return Finding(rule=WHOLE_COPY, summary=summary, place=step.place, hint=hint, runs=len(installing))


def uncached(sheet: Sheet) -> Iterator[Finding]:
    """The first --no-cache of each recipe, with what it takes along."""
    for part in sheet.everything:
        found = [step for step in part.of("RUN", "IF", "ELSE IF", "FOR") if step.flags.on("no-cache") and "--push" not in step.args]
        if found:
            yield _uncached(sheet, part, found[0])


def _uncached(sheet: Sheet, part: Part, step: Step) -> Finding:
    later = _runs(part.after(step), step)
    begun = [other for other in sheet.parts if other is not part and _begins_with(sheet, other, part)]
    runs = later + sum(_runs(other.steps, None) for other in begun)
    named = tuple(other.name for other in begun)
    along = f", and so {'does' if runs == 1 else 'do'} {counted(runs, 'RUN')} after it{f' (also in {some(named)})' if named else ''}" if runs else ""
    summary = f"{step.name} --no-cache of {part} is done in every build that comes to it{along}"
    hint = "put it last, or let an ARG that changes when it should decide: ARG DATE, given by who wants it done"
    return Finding(rule=NO_CACHE, summary=summary, place=step.place, hint=hint, remark=not runs, runs=runs, targets=named)


def _runs(steps: tuple[Step, ...], after: Step | None) -> int:
    """RUNs that would be cached by themselves; another way of an IF does not come after."""
    return sum(1 for step in steps if step.name == "RUN" and not step.flags.on("no-cache") and not (after and _is_other_way(after, step)))


def _is_other_way(step: Step, later: Step) -> bool:
    # Ways of an IF have numbers of their own at the same depth; a later block may be entered after the earlier one ended.
    return bool(step.blocks) and bool(later.blocks) and len(later.blocks) >= len(step.blocks) and later.blocks[: len(step.blocks)] != step.blocks


def _begins_with(sheet: Sheet, part: Part, other: Part) -> bool:
    """Whether an Earthly target stands on another one of the Earthfile, at whatever distance."""
    seen = {part.name}
    while True:
        words = [step.flags.words[0] for step in part.of("FROM") if step.flags.words]
        here = sheet.part(words[0][1:]) if len(words) == 1 and words[0].startswith("+") else None
        if not words and part is not sheet.base and not part.is_function:
            here = sheet.base
        if here is None or here.name in seen:
            return False
        if here is other:
            return True
        seen.add(here.name)
        part = here


def locked_caches(sheet: Sheet) -> Iterator[Finding]:
    """One remark for each directory of an Earthfile."""
    found: defaultdict[str, list[Step]] = defaultdict(list)
    for part in sheet.everything:
        for step in part.of("RUN", "CACHE"):
            for directory in _locked(step):
                if not directory.startswith(_LOCKED_ON_PURPOSE):
                    found[directory].append(step)
    for directory, steps in found.items():
        where = "" if len(steps) == 1 else f", in {len(steps)} places from here on"
        summary = f"the cache {directory} is locked{where}: builds that use it wait for each other"
        written = "CACHE --sharing shared" if steps[0].name == "CACHE" else "sharing=shared"
        hint = f"where its programs lock for themselves (as those of Go, npm and pip do), write {written}"
        yield Finding(rule=LOCKED, summary=summary, place=steps[0].place, hint=hint, remark=True)


def _locked(step: Step) -> Iterator[str]:
    """The directories of cache mounts that say nothing of sharing, or that it is locked."""
    flags = step.flags
    if step.name == "CACHE":
        if flags.words and (flags.text("sharing") or "locked") == "locked":
            yield flags.words[0].strip("\"'")
        return
    for mount in flags.texts("mount") if flags.command == "RUN" else ():
        options = dict(each.partition("=")[::2] for each in mount.strip("\"'").split(","))
        if options.get("type") == "cache" and options.get("sharing", "locked") == "locked":
            yield next((options[key] for key in ("target", "dst", "destination") if key in options), "")


def upgrades_after_args(sheet: Sheet, naming: Naming, variation: Variation) -> Iterator[Finding]:
    for part in sheet.everything:
        for step in part.of("RUN"):
            if upgrades(step.text) and (names := tuple(_idle_args(sheet, part, step, naming, variation))):
                summary = f"this upgrade of packages of {part} is done again for each value of {some(names)}, and may then bring other packages"
                hint = "declare what has no part in it below, or upgrade in a target of its own that the others begin with"
                yield Finding(rule=UPGRADE, summary=summary, place=step.place, hint=hint, runs=1)


def _idle_args(sheet: Sheet, part: Part, step: Step, naming: Naming, variation: Variation) -> Iterator[str]:
    """The ARGs in the key of a step that are proved to vary, and that neither it nor what comes before it in the recipe reads."""
    earlier = (*part.before(step), step)
    local = {arg.declared for arg in earlier if arg.name == "ARG"}
    for name in dict.fromkeys((*sheet.global_args, *sorted(local))):
        why = variation.of_local(part, name) if name in local and name not in sheet.global_args else variation.of_global(name)
        if part is sheet.base and sheet.global_args.get(name) not in earlier and name not in local:
            continue
        if why and not any(naming.reads_any(each, behind(sheet, name)) for each in earlier):
            yield name
