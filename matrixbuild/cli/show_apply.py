"""How an apply goes and how it went, as lines for a person and as JSON for the next step of a pipeline."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from matrixbuild.cli.show_causes import causes_lines
from matrixbuild.cli.show_progress import stopped
from matrixbuild.core.build import Build
from matrixbuild.core.counts import counted
from matrixbuild.core.events import State
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName, short
from matrixbuild.core.plan import Action
from matrixbuild.core.surroundings import PublishMode
from matrixbuild.workflow.applying import Applied

_SHOWN = 40
"""So many image names are listed in a summary; with more, only how many a repository has."""


def applied_text(applied: Applied, *, seconds: float) -> str:
    """The summary of an apply that succeeded: what was built, where it is, the lock, what to try next."""
    prepared = applied.planned.prepared
    built = len(applied.outcomes)
    reused = sum(build.action is Action.REUSE for build in applied.planned.plan.builds)
    given = f"{counted(len(applied.puts), 'image name')} given" if _tagged(applied) else "no image names given (publish.mode none)"
    parts = [
        [f"{prepared.manifest.name}: {built} built, {reused} as they were, {given}, in {seconds:.1f} s"],
        _images(applied),
        _artifacts(applied),
        [f"Lock       {_near(prepared.project.lock)}{'' if applied.lock_changed else ' (unchanged)'}"],
        _next(applied),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def applied_json(applied: Applied) -> str:
    """Cell -> image name -> digest, and how each build that ran ended (design.md 8). Where no names are given, or not all of them, the name is the
    content tag's."""
    prepared = applied.planned.prepared
    cells: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for build in prepared.selected:
        for cell, refs in build.cells:
            named = _named(build, refs, applied)
            cells[f"{build.target}[{cell}]"] |= {str(ref): applied.digest(build, ref) for ref in named if build.key in applied.digests}
    document = {
        "name": prepared.manifest.name,
        "published": applied.complete and _tagged(applied),
        "builds": {name: outcome.state.value for name, outcome in sorted(applied.outcomes.items())},
        "images": {cell: refs for cell, refs in sorted(cells.items()) if refs},
        "lock": str(_near(prepared.project.lock)),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def failed_text(applied: Applied) -> str:
    """The report of an apply that did not succeed: each cause once, with the builds it stopped, then where things stand and what to do."""
    causes = causes_lines(applied)
    lines = ["", *causes]
    lines += _not_started(applied) + _not_published(applied)
    states = [outcome.state for outcome in applied.outcomes.values()]
    told = ", ".join(f"{states.count(state)} {state}" for state in State if state in states)
    manifest = _near(applied.planned.prepared.project.manifest)
    mend = "mend the cause, then " if causes else ""
    stopped = "; stopped" if applied.signal else ""
    published = sum(name in applied.published for name in applied.outcomes)
    lock = "has them" if published else "has changed" if applied.lock_changed else "is as it was"
    ended = [
        f"registry: {told}{stopped}; {published} published, the lock {lock}",
        *_replay(applied, manifest),
        f"next:     {mend}{_program()} apply {manifest}",
    ]
    return "\n".join([*lines, "", *ended]) + "\n"


def _not_started(applied: Applied) -> list[str]:
    """Which failures stopped the run, where the manifest limits them."""
    skipped = [outcome for outcome in applied.outcomes.values() if outcome.limit is not None]
    if not skipped or skipped[0].limit is None:
        return []
    return [f"{counted(len(skipped), 'build')} not started: {stopped(skipped[0].limit, skipped[0].because)}"]


def _not_published(applied: Applied) -> list[str]:
    """What a refusal keeps from its names, its reason having been told by itself."""
    return [f"{counted(applied.held_back, 'build')} not published"] if applied.held_back else []


def _tagged(applied: Applied) -> bool:
    return applied.planned.prepared.manifest.publish.mode is not PublishMode.NONE


def _named(build: Build, refs: Iterable[ImageName], applied: Applied) -> list[ImageName]:
    """The names under which an image is by now: its final ones, or its content tag alone."""
    if _tagged(applied) and build.name in applied.published:
        return list(refs)
    return [build.content_image] if build.content_image else []


def _images(applied: Applied) -> list[str]:
    prepared = applied.planned.prepared
    put = {str(put.ref) for put in applied.puts}
    known = [build for build in prepared.selected if build.key in applied.digests]
    named = sorted({(ref, applied.digest(build, ref)) for build in known for ref in _named(build, build.refs, applied)})
    if not named:
        return []
    repositories: defaultdict[str, list[tuple[ImageName, str]]] = defaultdict(list)
    for ref, digest in named:
        repositories[f"{ref.registry}/{ref.repository}"].append((ref, digest))
    lines = [f"Images     {len(named)} in {counted(len(repositories), 'repository', 'repositories')}"]
    for repository, refs in repositories.items():
        lines.append(f"  {repository}{'' if len(named) <= _SHOWN else f'  ({len(refs)})'}")
        width = max(len(ref.tag) for ref, _ in refs)
        shown = refs if len(named) <= _SHOWN else []
        lines += [f"    {ref.tag:<{width}}  {short(digest)}{'  new' if str(ref) in put else ''}" for ref, digest in shown]
    return lines


def _artifacts(applied: Applied) -> list[str]:
    files = [(build, name) for build in applied.planned.prepared.builds for _, name in build.artifacts]
    output = applied.planned.prepared.project.output
    return [f"Artifacts  {len(files)} below {_near(output)}/", *_listed(build.slug + "/" + name for build, name in files)] if files else []


def _listed(names: Iterable[str]) -> list[str]:
    found = sorted(names)
    return [f"  {name}" for name in found[:_SHOWN]] + ([f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])


def _replay(applied: Applied, manifest: Path) -> Iterator[str]:
    """The first build that failed, by itself: one of its cells stands for it."""
    failed = (build for build in applied.planned.prepared.builds if (ended := applied.outcomes.get(build.name)) and ended.state is State.FAILED)
    if build := next(failed, None):
        yield f"replay:   {_program()} apply {manifest} -l {shlex.quote(str(build.cells[0][0]))}"


def _next(applied: Applied) -> list[str]:
    prepared = applied.planned.prepared
    manifest = prepared.project.manifest
    source = "" if prepared.trees.commit else f"edit one below {_near(prepared.trees.of(()).root)}/"
    image = next((ref for build in prepared.selected for ref in _named(build, build.refs, applied)), None)
    lines = ["Next"]
    if image:
        lines.append(f"  look at an image     {_look(image, manifest)}")
    if source:
        # Nobody edits a commit: its manifest names another one.
        lines.append(f"  change a file        {source}, then {_program()} plan {_near(manifest)}")
    lines.append(f"  see every cell       {_program()} list {_near(manifest)}")
    return lines


def _look(image: ImageName, manifest: Path) -> str:
    if image.registry.startswith(LAYOUT_PREFIX):
        layout = _near(manifest.parent / image.registry.removeprefix(LAYOUT_PREFIX))
        return f"skopeo inspect oci:{layout}:{image.repository}:{image.tag}"
    return f"docker pull {image}"


def _near(path: Path) -> Path:
    return Path(os.path.relpath(path))


def _program() -> str:
    """How to call this program from here: a checkout's own environment is not on PATH."""
    if shutil.which("matrixbuild"):
        return "matrixbuild"
    called = Path(sys.argv[0])
    return str(_near(called)) if called.name == "matrixbuild" else f"{_near(Path(sys.executable))} -m matrixbuild"
