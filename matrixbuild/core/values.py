"""What a manifest wrote as an axis value -> the value."""

from __future__ import annotations

from collections.abc import Sequence

from matrixbuild.core.cells import AxisValue
from matrixbuild.core.declared import DeclaredValue, Text


def plain_value(declared: DeclaredValue) -> AxisValue:
    """The one value of an entry without `versions`."""
    return scalar_value(declared.scalar) if declared.scalar is not None else mapping_value(declared.fields)


def scalar_value(scalar: str | bool) -> AxisValue:  # noqa: FBT001 - a value, not a flag
    return AxisValue(text=str(scalar).lower() if isinstance(scalar, bool) else scalar, scalar=scalar)


def mapping_value(fields: Sequence[tuple[str, Text]]) -> AxisValue:
    pairs = tuple((name, text.value) for name, text in fields)
    return AxisValue(text="-".join(value for _, value in pairs), fields=pairs)
