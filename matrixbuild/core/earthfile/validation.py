"""A parsed Earthfile in, an error out where Earthly refuses it before evaluating anything."""

from __future__ import annotations

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.versions import number_error


def validate(earthfile: syntax.Earthfile) -> None:
    """Raise EarthfileError: VERSION for an unknown number, VALIDATION for a target's name that is taken or reserved.

    Two functions of one name are no error in Earthly; the first is used.
    """
    if earthfile.version and (error := number_error(earthfile.version)):
        raise error
    seen: dict[str, syntax.Recipe] = {}
    for target in earthfile.targets:
        if target.name in seen:
            hint = f"the other one is in line {seen[target.name].place.line}: rename or remove one of them"
            raise EarthfileError(Fault.VALIDATION, f"there are two targets called {target.name!r}", place=target.place, hint=hint)
        seen[target.name] = target
    if "base" in seen:
        hint = "it stands for the commands above all targets: give this one another name"
        raise EarthfileError(Fault.VALIDATION, "a target cannot be called 'base'", place=seen["base"].place, hint=hint)
