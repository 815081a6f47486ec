"""A plan -> JSON as schemas/plan.schema.json describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from matrixbuild.core.against import Against
from matrixbuild.core.plan import Plan

if TYPE_CHECKING:
    from matrixbuild.workflow.forecasting import Forecast


def plan_json(plan: Plan, split: Against | None = None, forecast: Forecast | None = None) -> str:
    """With what a change brings apart (`split`), and how long an apply would take (`forecast`), where that was asked."""
    found = plan.to_dict() | ({"against": split.to_dict()} if split else {}) | ({"whatIf": forecast.to_dict()} if forecast else {})
    return f"{json.dumps(found, indent=2, ensure_ascii=False)}\n"
