"""The variables of a CanvOS `.arg` file -> what a manifest says in their place, and what it cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from matrixbuild.core.catalogs import Catalog
from matrixbuild.core.problems import did_you_mean
from matrixbuild.core.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What is known of a checkout: the variables of its `.arg`, the ARGs of its Earthfile with their default (None where it is computed or there is
    none), its catalog, and those of the files that variables name which are there."""

    variables: Mapping[str, str]
    declared: Mapping[str, str | None]
    catalog: Catalog | None
    files: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about a variable that a person should know: `subject` is `NAME=value`, or the name alone where the value is nobody's business."""

    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


@dataclass(slots=True, kw_only=True)
class Translation:
    """What the manifest says. `axes` are fields by axis; a value without fields stands under the field ""."""

    registry: str = ""
    vars: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    base_image: str = ""
    axes: dict[str, dict[str, str | bool]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def field_of(self, axis: str, name: str) -> str:
        return str(self.axes.get(axis, {}).get(name, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    """The place of an ARG in the profile: the axis (and field) whose value it is; for `not axis`, or for `axis == 'word'`."""

    axis: str
    field: str = ""
    negated: bool = False
    word: str = ""


def translate(checkout: Checkout, profile: Profile) -> Translation:
    """In the order of the file. A variable with the Earthfile's own default says nothing, and is left out."""
    return _Translating(checkout, profile).translation()


_VARS = {"CUSTOM_TAG": "customTag", "ISO_NAME": "isoName"}
_NOT_OURS = {
    "IMAGE_REPO": "images are called REGISTRY/DISTRIBUTION-VERSION, and no two operating systems share a name; targets.provider.image says otherwise",
    "IMAGE_PATH": "matrixbuild gives every image its own name; targets.provider.image says otherwise",
    "IMAGE_TAG": "matrixbuild gives every image its own tag; targets.provider.image says otherwise",
    "PE_VERSION": "it is read from the Earthfile, which knows what it builds",
    "PROXY_CERT_PATH": "put the certificate into certs/ of the checkout; network.ca is for registries",
}
_CREDENTIAL = re.compile(r"(?:^|_)(?:KEY|TOKEN|PASSWORD|SECRET|CREDENTIALS?)$")
_WHOLE = re.compile(r"\{\{ (not )?(\w+)(?:\.(\w+))? \}\}")
_IS = re.compile(r"\{\{ (\w+) == '([^']+)' \}\}")
_DOTTED = {"20": "20.04", "22": "22.04", "24": "24.04"}


class _Translating:
    def __init__(self, checkout: Checkout, profile: Profile) -> None:
        self._checkout = checkout
        self._profile = profile
        self._roles = dict(_roles(profile))
        self._ambient = {one.value.upper() for one in profile.ambient}
        self._files = {one.arg for one in profile.requirements if one.arg}
        self._said = Translation()

    def translation(self) -> Translation:
        for name, value in self._checkout.variables.items():
            self._variable(name, value)
        self._check_versions()
        return self._said

    def _variable(self, name: str, value: str) -> None:
        if value == "" and not self._checkout.declared.get(name):
            return
        if _CREDENTIAL.search(name.upper()) and value not in ("true", "false"):
            self._remark(name, f"it looks like a credential and is not copied: {self._instead(name)}")
        elif name.upper() in self._ambient:
            self._remark(name, "it comes from the environment variable of that name when something is built")
        elif name in _NOT_OURS:
            self._remark(f"{name}={value}", _NOT_OURS[name])
        elif name not in self._checkout.declared:
            self._unknown(name, value)
        else:
            self._known(name, value)

    def _remark(self, subject: str, text: str) -> None:
        self._said.remarks.append(Remark(subject=subject, text=text))

    def _instead(self, name: str) -> str:
        if name not in self._checkout.declared:
            return "give it to builds under `secrets`"
        return "this Earthfile has an ARG of that name, which would show it to everybody who has the image"

    def _unknown(self, name: str, value: str) -> None:
        declared, variables = self._checkout.declared, self._checkout.variables
        meant = next((known for known in declared if known.upper() == name.upper()), "")
        if meant and not variables.get(meant):
            self._remark(f"{name}={value}", f"read as {meant}; under the name it has, Earthly takes no notice of it")
            self._known(meant, value)
            return
        near = f"did you mean {meant!r}?" if meant else did_you_mean(name, declared)
        self._remark(f"{name}={value}", f"this Earthfile has no such ARG{f': {near}' if near else ''}")

    def _known(self, name: str, value: str) -> None:
        if name == "IMAGE_REGISTRY":
            self._said.registry = value
        elif name in _VARS:
            self._said.vars[_VARS[name]] = value
        elif name == "BASE_IMAGE":
            self._said.base_image = value
        elif name in self._roles:
            self._axis(name, value, self._roles[name])
        elif name in self._files and value not in self._checkout.files:
            self._remark(f"{name}={value}", "there is no such file in the checkout, and CanvOS does without a word; matrixbuild would refuse")
        elif value != self._checkout.declared[name]:
            self._said.args[name] = value

    def _axis(self, name: str, value: str, role: _Role) -> None:
        switch = role.negated or bool(role.word) or self._is_switch(role)
        if switch and value not in ("true", "false"):
            self._remark(f"{name}={value}", "write true or false: the Earthfile runs the value as a command")
        elif role.word:
            if value == "true":
                self._fields(role)[role.field] = role.word
        elif switch:
            self._fields(role)[role.field] = (value == "true") != role.negated
        else:
            self._fields(role)[role.field] = self._dotted(name, value, role)

    def _is_switch(self, role: _Role) -> bool:
        axis = next(axis for axis in self._profile.axes if axis.name == role.axis)
        return axis.default is not None and isinstance(axis.default.scalar, bool)

    def _fields(self, role: _Role) -> dict[str, str | bool]:
        return self._said.axes.setdefault(role.axis, {})

    def _dotted(self, name: str, value: str, role: _Role) -> str:
        ubuntu = self._checkout.variables.get("OS_DISTRIBUTION") == "ubuntu"
        if (role.axis, role.field) != ("os", "version") or not ubuntu or value not in _DOTTED:
            return value
        self._remark(f"{name}={value}", f"written as {_DOTTED[value]}: kernel packages are called after the dotted version")
        return _DOTTED[value]

    def _check_versions(self) -> None:
        catalog = self._checkout.catalog
        distribution, version = self._said.field_of("kubernetes", "distribution"), self._said.field_of("kubernetes", "version")
        if catalog is None or not distribution:
            return
        fips = self._said.axes.get("fips", {}).get("") is True
        known = catalog.versions(distribution, fips=fips)
        if not known:
            near = did_you_mean(distribution, catalog.distributions) or f"it has {', '.join(catalog.distributions)}"
            self._remark(f"K8S_DISTRIBUTION={distribution}", f"{catalog.file} has no versions of it: {near}")
        elif version and version not in known:
            self._remark(f"K8S_VERSION={version}", f"{catalog.file} does not have it for {distribution}; it has {_alike(version, known)}")


def _roles(profile: Profile) -> Iterator[tuple[str, _Role]]:
    for axis in profile.axes:
        for arg in axis.args:
            if (whole := _WHOLE.fullmatch(arg.value.value)) and whole[2] == axis.name:
                yield arg.name, _Role(axis=axis.name, field=whole[3] or "", negated=bool(whole[1]))
            elif (word := _IS.fullmatch(arg.value.value)) and word[1] == axis.name:
                yield arg.name, _Role(axis=axis.name, word=word[2])


def _alike(version: str, known: tuple[str, ...]) -> str:
    minor = version.rpartition(".")[0]
    return ", ".join([one for one in known if one.rpartition(".")[0] == minor] or known[-6:])
