"""A plan of few drawn clips."""

from __future__ import annotations

from dataclasses import replace

from training.data.drawn_plans import DrawnCamera, DrawnPlan, load_plan


def small_plan(**changes) -> DrawnPlan:
    """The shipped plan with few clips of small images."""
    plan = load_plan("held_objects")
    parts = {
        name: replace(part, paired=1, other=1, background=3) for name, part in plan.parts.items()
    }
    values = {"parts": parts, "fps": (10.0,), "cameras": (DrawnCamera(240, 320, 280.0),)}
    return replace(plan, **{**values, **changes})
