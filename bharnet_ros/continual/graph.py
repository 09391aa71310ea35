"""The graph of one step: which file it is, how it is recognised, what it must look like."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.inference import Engine, build_graph, open_graph
from bharnet_ros.inference.choosing import without_calibration
from bharnet_ros.manifest_parts import Shape

STEP_FILE = "continual.onnx"
"""Its name in a bundle that has one."""
STEP_THREADS = 1
"""Cores that a step may use: its products are small, and a second one makes a step of one person
slower and of many people hardly faster (`python -m benchmarks.continual`)."""
STATE, NEXT = "state_", "next_"
"""With the period behind it, the names of inputs and outputs that hold a state."""


def is_step_engine(engine: Engine) -> bool:
    """Whether an engine runs the graph of one step."""
    return any(name.startswith(STATE) for name in engine.inputs)


def state_sizes(engine: Engine) -> dict[int, int]:
    """By period in steps: how many numbers a person's state has, of each of so many phases.

    The input `state_<period>` (N, F) is what was kept, the output `next_<period>` what to keep
    until the next step of the same phase. Raises BundleError if they do not belong together.
    """
    sizes: dict[int, int] = {}
    for name, shape in engine.inputs.items():
        if not name.startswith(STATE):
            continue
        period = name.removeprefix(STATE)
        given = engine.outputs.get(f"{NEXT}{period}")
        fits = given is not None and len(given) == len(shape) == 2 and given[1] == shape[1]
        if not (re.fullmatch("[1-9][0-9]{0,3}", period) and fits and isinstance(shape[1], int)):
            raise BundleError(
                f"The step graph has the input '{name}' {list(shape)} and for it the output "
                f"{list(given) if given else 'nothing'}; export the bundle again."
            )
        sizes[int(period)] = shape[1]
    return dict(sorted(sizes.items()))


def check_step_engine(bundle: Bundle, engine: Engine) -> None:
    """Raise BundleError unless the engine is the step graph of this bundle.

    Also for bundles whose features of a frame depend on other frames: what was kept of earlier
    frames would be wrong.
    """
    manifest = bundle.manifest
    if not manifest.features.per_frame:
        raise BundleError(
            f"The bundle '{manifest.name}' cannot run frame by frame: {why_not_per_frame(bundle)}; "
            "train one with features: {per_frame: true}."
        )
    states = state_sizes(engine)
    inputs = {name: (*s[:2], 1, *s[3:]) for name, s in manifest.inputs.items()}
    stated_outputs = {name: manifest.outputs[name] for name in manifest.opinion_outputs}
    for kind, stated, found in (
        ("input", inputs, engine.inputs),
        ("output", stated_outputs, engine.outputs),
    ):
        for name, shape in stated.items():
            if name not in found or not _fits(shape, found[name]):
                raise BundleError(
                    f"The step graph of the bundle '{manifest.name}' has {kind} '{name}' of shape "
                    f"{list(found.get(name, ()))} instead of {list(shape)}; export the bundle "
                    "again."
                )
    extra = set(engine.inputs) - set(inputs) - {f"{STATE}{period}" for period in states}
    if extra:
        raise BundleError(
            f"The step graph of the bundle '{manifest.name}' also wants "
            f"{', '.join(sorted(extra))}, which nobody fills; export the bundle again."
        )


def open_engine(bundle: Bundle, name: str = "onnxruntime", **options: Any) -> Engine | None:
    """The engine of a bundle's step graph, checked; None if the bundle has none.

    name, options: as for `create_engine`, with the same errors; of `threads`, no more than
    STEP_THREADS are used, and int8 becomes fp16, since there are windows of people and none of
    what a step has kept. Give it to the recogniser in place of the bundle's other engine and the
    bundle runs frame by frame.
    """
    path = bundle.file(STEP_FILE)
    if path is None:
        return None
    threads = options.get("threads")
    if isinstance(threads, int) and threads > STEP_THREADS:
        options["threads"] = STEP_THREADS
    engine = open_graph(path, name, **without_calibration(options))
    try:
        check_step_engine(bundle, engine)
    except BaseException:
        engine.close()
        raise
    return engine


def build_step(bundle: Bundle, name: str = "onnxruntime", **options: Any) -> Path | None:
    """Build what `open_engine` needs before it can run, as `build_engine` does; None if there is
    nothing to build."""
    path = bundle.file(STEP_FILE)
    return None if path is None else build_graph(path, name, **without_calibration(options))


def why_not_per_frame(bundle: Bundle) -> str:
    """Which of its feature options make a frame's numbers depend on other frames."""
    manifest, reasons = bundle.manifest, []
    features = manifest.features
    if "body" in manifest.streams:
        if features.body_space == "torso":
            reasons.append("the unit of the body is the median torso of the window")
            where = {"first_frame": "the hip of its first frame", "median": "its median hip"}
            reasons.append(f"the origin of the body is {where[features.body_origin]}")
        else:
            reasons.append("whether a body is large enough is judged by the median of the window")
    if "hand" in manifest.streams:
        if features.hand_space == "palm":
            reasons.append("the unit of a hand is the median palm of the window")
            if features.hand_origin == "first_frame":
                reasons.append("the origin of a hand is the wrist of its first frame")
        else:
            reasons.append("whether a hand is large enough is judged by the median of the window")
    if features.modality.endswith("motion"):
        reasons.append(f"{features.modality} is the change to the frame after")
    return ", ".join(reasons)


def _fits(stated: Shape, found: Shape) -> bool:
    """The first dimension must be free."""
    if len(stated) != len(found) or isinstance(found[0], int):
        return False
    return all(isinstance(b, str) or a == b for a, b in zip(stated[1:], found[1:], strict=True))
