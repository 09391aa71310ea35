"""Bundles that judge frame by frame: each new frame costs a frame and not a window.

A bundle that can has the file `continual.onnx` beside its other graphs. It computes the same from
one frame and what it kept of the earlier ones (`training.models.continual`).
"""

from bharnet_ros.continual.experts import ContinualExperts, Span
from bharnet_ros.continual.graph import (
    STEP_FILE,
    build_step,
    check_step_engine,
    is_step_engine,
    open_engine,
)
from bharnet_ros.continual.states import States
from bharnet_ros.continual.stepping import Stepper

__all__ = [
    "STEP_FILE", "ContinualExperts", "Span", "States", "Stepper", "build_step",
    "check_step_engine", "is_step_engine", "open_engine",
]  # fmt: skip
