"""The graph of one step beside the graphs of a bundle, so that the robot runs it frame by frame."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from bharnet_ros.bundle import Bundle, extra_files, rewrite_bundle
from bharnet_ros.continual import STEP_FILE, Stepper, open_engine
from bharnet_ros.continual.graph import why_not_per_frame
from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.inference import create_engine
from bharnet_ros.types import FloatArray
from training.export import PARITY, apart, zero_denormals
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.models.continual import StepNetwork
from training.models.expert import Expert
from training.onnx_graph import save_graph


def is_causal(network: BHaRNet) -> bool:
    """Whether the network was made to run frame by frame."""
    experts = [network.body, getattr(network, "hand", None)]
    return all(isinstance(expert, Expert) and expert.causal for expert in experts)


def add_step_graph(network: BHaRNet, bundle: Bundle) -> tuple[Bundle, float]:
    """Write `continual.onnx` into the bundle and prove it against the bundle's other graphs.

    network: the one the bundle was made of. Returns the bundle and the largest difference of any
    output (see `step_parity`). Raises ConfigurationError for a network, or features, that have no
    such form; BundleError if the difference is above 1e-4.
    """
    if not bundle.manifest.features.per_frame:
        raise ConfigurationError(
            f"The features of '{bundle.manifest.name}' do not come frame by frame: "
            f"{why_not_per_frame(bundle)}; train with features: {{per_frame: true}}."
        )
    extra = {**extra_files(bundle), STEP_FILE: step_graph(network, bundle)}
    bundle = rewrite_bundle(bundle, bundle.manifest, extra=extra)
    difference = step_parity(bundle)
    if not difference <= PARITY:
        raise BundleError(
            f"The step graph in {bundle.path} differs from the window's by {difference:.2g}, more "
            f"than {PARITY:g}; it must not be used. Update onnx and onnxruntime to the pinned "
            "versions and export again."
        )
    return bundle, difference


def step_graph(network: BHaRNet, bundle: Bundle) -> bytes:
    """The serialized graph."""
    fusion = bundle.manifest.fusion
    judge = CalibratedBHaRNet(network, fusion.temperature, fusion.body_temperature).eval()
    step = StepNetwork(judge).eval()
    zero_denormals(step)
    states = step.memory.blank(2)
    example = (torch.rand(2, 3, 1, 19, 1), torch.rand(2, 3, 1, 21, 2), *states)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / STEP_FILE
        save_graph(step, example, step.input_names, step.output_names, path, len(states))
        return path.read_bytes()


def step_parity(bundle: Bundle) -> float:
    """Largest difference of any output between steps and windows, at every step from a person's
    first sight on: two people of random frames, in which hands, body or all are missing for a
    while. A bundle with a step graph is expected."""
    steps = bundle.manifest.num_steps
    rng = np.random.default_rng(0)
    frames: dict[str, FloatArray] = {}
    for name, (_, _, _, *rest) in bundle.manifest.inputs.items():
        values = rng.normal(size=(2, 3, 2 * steps, *map(int, rest))).astype(np.float32)
        values[:, 2] = np.abs(values[:, 2]).clip(0.0, 1.0)
        start = {"body": steps // 2, "hand": steps}[name]
        values[0, :, start : start + steps // 4] = 0.0
        values[1, :, steps + 2 : steps + 4] = 0.0
        frames[name] = values
    windows = {
        name: np.concatenate([np.zeros_like(values[:, :, : steps - 1]), values], axis=2)
        for name, values in frames.items()
    }
    engine, whole = open_engine(bundle), create_engine(bundle)
    if engine is None:
        raise BundleError(f"The bundle {bundle.path} has no {STEP_FILE}; export it again.")
    stepper = Stepper(bundle, engine)
    rows = np.array([stepper.add(), stepper.add()])
    worst = 0.0
    for step in range(2 * steps):
        now = {name: np.ascontiguousarray(v[:, :, step : step + 1]) for name, v in frames.items()}
        # The second person's steps are of another phase.
        found = stepper.step(rows, np.array([step, step + 1]), now)
        past = {
            name: np.ascontiguousarray(values[:, :, step : step + steps])
            for name, values in windows.items()
        }
        for name, expected in whole.run(past).items():
            worst = max(worst, apart(found[name], expected))
    return worst
