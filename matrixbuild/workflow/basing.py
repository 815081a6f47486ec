"""A manifest read to its builds -> what its plan is made from, and why there are no other cells."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from matrixbuild.core.basis import Basis, lock_digest, shown_pins, source_digest
from matrixbuild.core.build import Build
from matrixbuild.core.compact import digest_of
from matrixbuild.core.declared_reader import entries, text
from matrixbuild.core.expand import Expansion
from matrixbuild.core.lock import Pins
from matrixbuild.core.plan import Corrected, Dropped
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.projects import Project
from matrixbuild.workflow.reading import Opened


def basis_of(opened: Opened, builds: tuple[Build, ...], pins: Pins, options: Options) -> Basis:
    """What a plan of these builds is made from; `pins` are those that it is made under."""
    sets = changed_vars(opened, options.sets)
    return Basis(
        manifest=within(opened.project),
        content=digest_of({"document": opened.document.root.data, "sets": sets}),
        pins=shown_pins(pins, stands_in=options.source is not None),
        source=source_digest(builds),
        lock=lock_digest(opened.lock),
        sets=tuple(sorted(sets.items())),
        selector=options.selector,
    )


def changed_vars(opened: Opened, sets: Mapping[str, str]) -> dict[str, str]:
    """The vars of the command line that have another value than without it."""
    profile = opened.expansion.facts.profile
    before = {name: given.value for name, given in profile.vars} if profile else {}
    before |= {str(entry.key.value): text(entry.value).value for entry in entries(opened.document.root["spec"].get("vars"))}
    return {name: value for name, value in sets.items() if before.get(name) != value}


def within(project: Project) -> str:
    """The manifest's path from the project's root."""
    return Path(os.path.relpath(project.manifest.parent.resolve() / project.manifest.name, project.root)).as_posix()


def dropped(expansion: Expansion) -> tuple[Dropped, ...]:
    """How many cells each rule drops, in the order of the rules."""
    counts = Counter((cell.rules[0].name, cell.rules[0].reason) for cell in expansion.dropped)
    order = {(rule.name, rule.reason): position for position, rule in enumerate(expansion.rules)}
    return tuple(Dropped(rule=rule[0], reason=rule[1], cells=counts[rule]) for rule in sorted(counts, key=lambda rule: (order.get(rule, -1), rule)))


def corrections(expansion: Expansion) -> tuple[Corrected, ...]:
    """What the `uses` of targets says, by target; it corrects something for one cell at least, or it would have been refused."""
    built = {demand.target for demand in expansion.demands}
    return tuple(
        Corrected(target=target.name, effect=effect, arg=text.value, where=f"{Path(text.place.file).name}:{text.place.line}")
        for target in sorted(expansion.manifest.targets, key=lambda target: target.name)
        for effect, texts in (("add", target.added), ("ignore", target.ignored))
        for text in texts
        if target.name in built
    )
