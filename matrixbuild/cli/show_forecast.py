"""How long a run takes, or still takes -> words for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matrixbuild.core.quantities import told_amount

if TYPE_CHECKING:
    from matrixbuild.core.forecast import Estimate
    from matrixbuild.workflow.forecasting import Forecast

_MINUTE = 60
_UNKNOWN = "None of these builds, and none like them, was built here before: nothing tells how long they take."


def forecast_lines(found: Forecast, *, asked: bool) -> list[str]:
    """How long it takes here, and, where that was asked, with other room; nothing where nobody asked and nothing is known."""
    if not found.builds:
        return ["Nothing is built, so it takes no time."] if asked else []
    if not found.here.known:
        return [_UNKNOWN] if asked else []
    lines = [f"Takes {estimated(found.here)} here{_known(found.here)}."]
    if found.room:
        room = ", ".join(f"{pool} {told_amount(pool, amount)}" for pool, amount in sorted(found.room.items()))
        least = f"; no schedule is shorter than {span(found.there.least)}" if found.there.least else ""
        lines.append(f"With {room} it takes {estimated(found.there)}{least}.")
    return lines


def estimated(found: Estimate) -> str:
    """`about 12 min (10 to 15 min)`."""
    low, high = span(found.low), span(found.high)
    return f"about {span(found.makespan)}" + (f" ({low} to {high})" if low != high else "")


def span(seconds: float) -> str:
    """`45 s`, `12 min`, `1 h 20 min`: as exact as an estimate is."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _MINUTE)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _known(found: Estimate) -> str:
    return f"; {found.known:.0%} of its builds ran here before, or builds like them" if found.known < 1 else ""
