"""Nothing, or a CanvOS checkout -> a first manifest in a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.profiles import profile
from matrixbuild.adapters.text_files import read_text, write_new
from matrixbuild.core.catalogs import Catalog, catalog_for
from matrixbuild.core.declared import Text
from matrixbuild.core.earthfile.argfile import ArgFileProblem, parse_arg_file
from matrixbuild.core.earthfile.declared_args import declared_args
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.problems import InvalidError, Place, Problem, UnusableError
from matrixbuild.core.profile import Profile
from matrixbuild.core.scaffold import Scaffold, manifest_text
from matrixbuild.core.translation import Checkout, Remark, Translation, translate

_UPSTREAM = {"git": "https://github.com/spectrocloud/CanvOS.git", "ref": "v4.9.38"}
_EXAMPLE_REGISTRY = "registry.example.com/edge"
_SWITCHES: dict[str, str | bool] = {"fips": False, "twoNode": False, "arch": "amd64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A manifest that was written, and what a person should know of what it says."""

    path: Path
    remarks: tuple[str, ...]


def start(path: Path) -> Started:
    """Write a first manifest for CanvOS to `path`, where there must be no file. Raises RefusedError and UnusableError."""
    scaffold = Scaffold(
        name=_name(path),
        origin="A build matrix of CanvOS: provider images and installers of Palette Edge.",
        source=_UPSTREAM,
        registry=_EXAMPLE_REGISTRY,
        distribution="ubuntu",
        release="22.04",
        kubernetes="k3s",
        versions=("1.33.10",),
        switches=_SWITCHES,
        vars={"customTag": "demo"},
    )
    write_new(path, manifest_text(scaffold))
    return Started(path=path, remarks=(f"spec.registry is an example: {_EXAMPLE_REGISTRY}",))


def start_from(checkout: Path, path: Path) -> Started:
    """The same from what the `.arg`, the Earthfile and the version list of a CanvOS checkout say.

    Raises UnusableError where it is no checkout, InvalidError where a file in it is wrong, RefusedError where `path` is there.
    """
    known = profile(Text(value="canvos", place=Place(file=str(path), line=1)))
    said = translate(_checkout(checkout, known), known)
    remarks = tuple(map(str, [*said.remarks, *_left_open(said)]))
    os_value, kubernetes = said.axes.get("os", {}), said.axes.get("kubernetes", {})
    version = str(kubernetes.get("version", ""))
    scaffold = Scaffold(
        name=_name(path),
        origin=f"Made by `matrixbuild init --from` of the .arg of {_relative(checkout, path)}.",
        source={"path": _relative(checkout, path)},
        registry=said.registry or _EXAMPLE_REGISTRY,
        distribution=str(os_value.get("distribution", "ubuntu")),
        release=str(os_value.get("version", "22.04")),
        base_image=said.base_image,
        kubernetes=str(kubernetes.get("distribution", "k3s")),
        versions=(version,) if version else (),
        switches=_switches(said, known),
        vars={"customTag": "", **said.vars},
        args=said.args,
        notes=remarks,
    )
    write_new(path, manifest_text(scaffold))
    return Started(path=path, remarks=remarks)


def _switches(said: Translation, known: Profile) -> dict[str, str | bool]:
    """The axes that everybody asks about, and those that are not as the profile has them anyway."""
    default = {axis.name: axis.default.scalar for axis in known.axes if axis.default}
    given = {axis: fields[""] for axis, fields in said.axes.items() if "" in fields}
    return {**_SWITCHES, **{axis: value for axis, value in given.items() if axis in _SWITCHES or value != default.get(axis)}}


def _left_open(said: Translation) -> Iterator[Remark]:
    if not said.registry:
        yield Remark(subject="IMAGE_REGISTRY", text=f"it is not given, and {_EXAMPLE_REGISTRY} stands in for it")
    for name, axis, field, stand_in in (
        ("OS_DISTRIBUTION", "os", "distribution", "ubuntu"),
        ("OS_VERSION", "os", "version", "22.04"),
        ("K8S_DISTRIBUTION", "kubernetes", "distribution", "k3s"),
    ):
        if not said.field_of(axis, field):
            yield Remark(subject=name, text=f"it is not given, and {stand_in} stands in for it")


def _checkout(directory: Path, known: Profile) -> Checkout:
    earthfile = _wanted(directory, "Earthfile", hint="name the directory of a CanvOS checkout")
    variables = _variables(directory / ".arg", _wanted(directory, ".arg", hint="copy .arg.template to .arg there, and fill it in"))
    try:
        declared = declared_args(parse(earthfile, file=str(directory / "Earthfile")))
    except EarthfileError as error:
        raise InvalidError(error.problem()) from error
    return Checkout(
        variables=variables,
        declared=declared,
        catalog=_catalog(directory, earthfile, known),
        files=frozenset(value for value in variables.values() if value and os.path.lexists(directory / value)),
    )


def _wanted(directory: Path, name: str, *, hint: str) -> str:
    text = read_text(directory / name)
    if text is None:
        raise UnusableError(Problem(summary=f"there is no {name} in {directory}", hint=hint, code="no-checkout"))
    return text


def _variables(path: Path, text: str) -> Mapping[str, str]:
    try:
        return parse_arg_file(text)
    except ArgFileProblem as problem:
        lines = text.split("\n")
        place = Place(file=str(path), line=problem.line, text=lines[problem.line - 1] if problem.line <= len(lines) else "")
        raise InvalidError(Problem(summary=problem.summary, place=place, hint="write NAME=value", code="arg-file")) from None


def _catalog(directory: Path, earthfile: str, known: Profile) -> Catalog | None:
    """What is wrong with the list is told where it counts: when the manifest is read."""
    if known.catalog is None:
        return None
    listed = read_text(directory / known.catalog.file)
    return catalog_for(known.catalog, {"Earthfile": earthfile, **({known.catalog.file: listed} if listed is not None else {})}, [])


def _relative(checkout: Path, path: Path) -> str:
    """The checkout as the manifest's directory sees it; links followed, so that `..` leads back."""
    return Path(os.path.relpath(os.path.realpath(checkout), os.path.realpath(path.parent))).as_posix()


def _name(path: Path) -> str:
    """`release.yaml` -> release: what a manifest's name may hold of it."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower())[:63].strip("-") or "edge"
