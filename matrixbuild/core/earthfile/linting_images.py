"""What a SAVE IMAGE gives that its author may not expect: an image that never arrives, an index of one, several names that are not one push."""

from __future__ import annotations

from collections.abc import Iterator

from matrixbuild.core.counts import counted
from matrixbuild.core.earthfile.linting_findings import Finding, Kind, Rule
from matrixbuild.core.earthfile.linting_origins import Origins
from matrixbuild.core.earthfile.linting_recipes import Part, Sheet, Step

NO_LAYERS = Rule(name="no-layers", kind=Kind.TRAP, about="a pushed image without layers, which never reaches the registry")
MANIFEST_LIST = Rule(name="manifest-list", kind=Kind.TRAP, about="--platform makes a manifest list, also of one platform")
SEVERAL_NAMES = Rule(name="several-names", kind=Kind.TRAP, about="one SAVE IMAGE --push of several names, which do not arrive together")

_WITHOUT_LAYER = frozenset(
    {"ARG", "LET", "SET", "ENV", "LABEL", "USER", "CMD", "ENTRYPOINT", "EXPOSE", "VOLUME", "HEALTHCHECK", "STOPSIGNAL", "BUILD", "SAVE IMAGE"}
)


def images(sheet: Sheet, origins: Origins) -> Iterator[Finding]:
    for part in sheet.everything:
        pushed = [step for step in part.of("SAVE IMAGE") if step.flags.on("push") and step.flags.words]
        for step in pushed:
            yield from _no_layers(sheet, part, step, origins)
            yield from _several(step)
        yield from _lists(part, pushed)


def _no_layers(sheet: Sheet, part: Part, step: Step, origins: Origins) -> Iterator[Finding]:
    origin = origins.before(sheet, part, step)
    if origin and origin.image == "scratch" and all(each.name in _WITHOUT_LAYER for each in origin.steps):
        summary = f"the image of {part} has no layer: Earthly says that it pushed it, and nothing reaches the registry"
        yield Finding(rule=NO_LAYERS, summary=summary, place=step.place, hint="COPY something into it")


def _several(step: Step) -> Iterator[Finding]:
    names = step.flags.words
    if len(names) > 1:
        summary = f"these {len(names)} names are pushed one after another: where one of them fails, others are there already"
        hint = "push one, and give its digest the others when it is there"
        yield Finding(rule=SEVERAL_NAMES, summary=summary, place=step.place, hint=hint, remark=True)


def _lists(part: Part, pushed: list[Step]) -> Iterator[Finding]:
    """A remark for a recipe that pushes."""
    begun = next((step for step in part.of("FROM", "FROM DOCKERFILE") if step.flags.text("platform")), None)
    listed = [step for step in pushed if not step.flags.on("no-manifest-list")]
    if begun and listed:
        images = "the image" if len(listed) == 1 else counted(len(listed), "image")
        summary = f"--platform makes {images} of {part} a manifest list, even of one platform"
        hint = "that is right for several platforms; for one, write SAVE IMAGE --no-manifest-list (VERSION 0.7)"
        yield Finding(rule=MANIFEST_LIST, summary=summary, place=begun.place, hint=hint, remark=True)
