"""What a plan does -> its digest: that of its canonical JSON, written down at once for the thousands of builds and image names that are alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING

from matrixbuild.core.compact import compact
from matrixbuild.core.names import sha256

if TYPE_CHECKING:
    from matrixbuild.core.image_names import PlannedImage
    from matrixbuild.core.plan import PlannedBuild


def digest(head: Mapping[str, object], *, images: Iterable[PlannedImage], builds: Iterable[PlannedBuild]) -> str:
    """`digest_of` of `head` with `images` and `builds` as their `to_dict` gives them."""
    told = {name: _text(value) for name, value in head.items()} | {"images": _listed(_images(images)), "builds": _listed(_builds(builds))}
    fields = ",".join([f"{_quoted(name)}:{told[name]}" for name in sorted(told)])
    return sha256(f"{{{fields}}}".encode("utf-8", "surrogatepass"))


def _builds(builds: Iterable[PlannedBuild]) -> list[str]:
    found: list[str] = []
    ends: dict[tuple[object, ...], tuple[str, str]] = {}
    for build in builds:
        # By the identity of the reasons, which the plan keeps; one value is that of thousands.
        alike = build.action, id(build.reasons), build.opaque, build.secrets, build.privileged
        if alike not in ends:
            ends[alike] = _text(build.action.value), _rest(build)
        action, rest = ends[alike]
        cells = ",".join(map(_quoted, build.cells))
        found.append(f'{{"action":{action},"cells":[{cells}],"key":{_quoted(build.key)},"name":{_quoted(build.name)},{rest}')
    return found


def _rest(build: PlannedBuild) -> str:
    """All that sorts behind the name, with the closing brace."""
    rest = {name: value for name, value in build.to_dict().items() if name > "name"}
    return _text(rest).removeprefix("{")


def _images(images: Iterable[PlannedImage]) -> list[str]:
    found: list[str] = []
    reasons: dict[int, str] = {}
    for image in images:
        reason = reasons.get(id(image.reason)) or reasons.setdefault(id(image.reason), _text(image.reason.to_dict()))
        index = f',"index":{_text(image.index)}' if image.index else ""
        fields = f"{_field('build', image.build)}{index}{_field('new', image.new)}{_field('old', image.old)}"
        found.append(f'{{"action":"{image.action}"{fields},"reason":{reason},"ref":{_quoted(image.ref)}}}')
    return found


def _field(name: str, text: str) -> str:
    return f',"{name}":{_quoted(text)}' if text else ""


def _listed(told: Iterable[str]) -> str:
    return f"[{','.join(told)}]"


def _text(value: object) -> str:
    return compact(value).decode("utf-8", "surrogatepass")
