"""Engines on the same windows: python -m benchmarks.engines [--bundle a,b] [--output FILE.json]

For every shipped bundle: what other number types do to the answers (the changed graph on ONNX
Runtime, so this needs no GPU), and for every engine that can run here, how far it is from ONNX
Runtime on the CPU and how long a run takes. On a machine with a GPU this is the parity and
latency table; engines that cannot run say why.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bharnet_ros.bundle import Bundle, load_bundle, shipped_bundles
from bharnet_ros.errors import BharnetError
from bharnet_ros.inference import Engine, available_engines, create_engine, open_graph
from bharnet_ros.inference.calibration import save_calibration
from bharnet_ros.inference.comparing import compare, latency_ms
from bharnet_ros.inference.precision import quantized, to_fp16
from bharnet_ros.inference.sample_windows import sample_inputs
from bharnet_ros.types import FloatArray

SIZES = (1, 4, 16)
CALIBRATION_SEED = 100_000  # other people and gestures than those compared on
CHOICES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "onnxruntime": ({}, {"threads": 2}, {"providers": "cuda"}),
    "tensorrt": ({}, {"precision": "tf32"}, {"precision": "fp16"}),
    "tensorrt_rtx": ({}, {"precision": "tf32"}, {"precision": "fp16"}),
    "torch": ({}, {"precision": "fp16"}, {"device": "cpu"}),
}


def number_types(
    bundle: Bundle, inputs: Mapping[str, FloatArray], scratch: Path
) -> dict[str, dict[str, Any]]:
    """By graph and precision: the graph in float16 and in int8 against itself, on the CPU."""
    calibration = scratch / "calibration.npz"
    save_calibration(calibration, sample_inputs(bundle, 256, CALIBRATION_SEED))
    rows = {}
    for role, path in bundle.graphs.items():
        reference = open_graph(path)
        if not set(reference.inputs) <= set(inputs):
            continue  # a fusion of logits: it stays as it is
        own = {name: inputs[name] for name in reference.inputs}
        for precision, content in (
            ("fp16", to_fp16(path)),
            ("int8", quantized(path, calibration)),
        ):
            changed = scratch / f"{precision}.onnx"
            changed.write_bytes(content)
            rows[f"{role} {precision}"] = _row(open_graph(changed), reference, own)
    return rows


def engines(
    bundle: Bundle, inputs: Mapping[str, FloatArray], runs: int
) -> dict[str, dict[str, Any]]:
    """By engine and options: parity and latency, or why it cannot run here."""
    reference = create_engine(bundle)
    rows: dict[str, dict[str, Any]] = {}
    for name in CHOICES:
        for options in CHOICES[name]:
            label = " ".join([name, *(f"{k}={v}" for k, v in options.items())])
            if name not in available_engines():
                rows[label] = {"unavailable": "its package is not installed"}
                continue
            try:
                engine = create_engine(bundle, name, report=print, **options)
            except BharnetError as error:
                rows[label] = {"unavailable": str(error)}
                continue
            rows[label] = {
                **_row(engine, reference, inputs),
                "identity": engine.identity,
                "ms": {str(n): t for n, t in latency_ms(engine, inputs, SIZES, runs).items()},
            }
            engine.close()
    return rows


def _row(engine: Engine, reference: Engine, inputs: Mapping[str, FloatArray]) -> dict[str, Any]:
    found = compare(engine, reference, inputs)
    return {
        "windows": found.windows,
        "largest_difference": found.largest,
        "same_class": found.same_class,
        "finite": found.finite,
    }


def _print(title: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    print(title)
    for label, row in rows.items():
        if "unavailable" in row:
            print(f"  {label:<28} cannot run here: {row['unavailable'][:120]}")
            continue
        text = (
            f"  {label:<28} difference {row['largest_difference']:.2g}, same class "
            f"{100 * row['same_class']:.1f} % of {row['windows']}"
        )
        if "ms" in row:
            times = ", ".join(f"{n}: {m:.2f} / {p:.2f}" for n, (m, p) in row["ms"].items())
            text += f"; ms by people (median / 95 %) {times}"
        print(text)


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--bundle", default=",".join(shipped_bundles()), help="%(default)s")
    parser.add_argument("--count", type=int, default=256, help="windows; %(default)s")
    parser.add_argument("--runs", type=int, default=20, help="per latency; %(default)s")
    parser.add_argument("--machine", default="", help="words about the machine, for the JSON")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": options.machine}
    for name in options.bundle.split(","):
        bundle = load_bundle(name.strip())
        inputs = sample_inputs(bundle, options.count)
        with tempfile.TemporaryDirectory() as scratch:
            types = number_types(bundle, inputs, Path(scratch))
        found = engines(bundle, inputs, options.runs)
        _print(f"{bundle.manifest.name}: number types, on ONNX Runtime", types)
        _print(f"{bundle.manifest.name}: engines", found)
        results[bundle.manifest.name] = {"number_types": types, "engines": found}
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
