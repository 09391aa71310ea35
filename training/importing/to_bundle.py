"""From a public checkpoint to a bundle: rebuild, describe, write, prove."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bharnet_ros.bundle import Bundle, file_record, write_bundle
from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.features import FeatureConfig
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Fusion
from bharnet_ros.skeleton import hand_graph
from training.export import PARITY, zero_denormals
from training.importing.checkpoint import read_checkpoint
from training.importing.classes import (
    NO_ACTION,
    SHIPPED,
    Classes,
    choose_classes,
    trained_outputs,
)
from training.importing.judges import FEATURES, BodyJudge, HandJudge, Outputs, PysklFeatures
from training.importing.pyskl import Description, build_stgcn
from training.importing.stgcn import Stgcn
from training.onnx_graph import save_graph

LAYOUT = "coco_wholebody_133"
_COCO_PARENTS = (0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 0, 0, 11, 12, 13, 14)
_INPUTS = {"hand": (3, 21, 2), "body": (3, 19, 1)}


class _Usual(NamedTuple):
    """What pyskl's published configurations use."""

    num_steps: int
    window_s: float
    persons: int


_USUAL = {"hand": _Usual(10, 0.3, 1), "body": _Usual(100, 2.5, 2)}


@dataclass(frozen=True)
class ImportOptions:
    """What a checkpoint does not say.

    name: of the bundle. classes: file with class names, None = the shipped one of the public
    hand network if it fits, else numbers. background: the class that is no action; None = as
    the class file says. num_steps, window_s: frames of a clip and the time they span; None =
    10 in 0.3 s for hands, 100 in 2.5 s for bodies. feature: a key of FEATURES. persons: people
    a clip had in training, None = 1 for hands, 2 for bodies. license, origin: for the manifest.
    """

    name: str
    classes: Path | None = None
    background: str | None = None
    num_steps: int | None = None
    window_s: float | None = None
    feature: str = "joint"
    persons: int | None = None
    license: str = "as its source says"
    origin: str = "pyskl"


def import_pyskl(
    checkpoint: str | Path, output: str | Path, options: ImportOptions
) -> tuple[Bundle, Description, float]:
    """Write a bundle of an ST-GCN or ST-GCN++ that pyskl trained on hands or COCO bodies.

    Returns the bundle, what the network is, and the largest difference of any output between
    PyTorch and ONNX Runtime. Raises ConfigurationError (checkpoint, options), BundleError
    (exported graph differs by more than 1e-4).
    """
    if options.feature not in FEATURES:
        raise ConfigurationError(
            f"feature is '{options.feature}'; it must be one of {', '.join(FEATURES)}."
        )
    path = Path(checkpoint)
    network, description = build_stgcn(read_checkpoint(path), str(path))
    stream = _stream(description, path)
    classes = _classes(network, description, options, stream)
    usual = _USUAL[stream]
    steps = usual.num_steps if options.num_steps is None else options.num_steps
    persons = max(description.persons, usual.persons)
    persons = persons if options.persons is None else options.persons
    for name, value, least in (("num_steps", steps, 2), ("persons", persons, 1)):
        if not least <= value <= 4096:
            raise ConfigurationError(f"{name} is {value}; it must be {least} to 4096.")
    network.with_absent(persons, description.channels, steps, description.num_joints)
    judge = _judge(network, description, classes, options.feature, steps, stream)
    zeroed = zero_denormals(judge)
    provenance = {
        "imported_from": options.origin,
        "checkpoint": {"name": path.name, **file_record(path)},
        "architecture": description.kind,
        "blocks": list(description.widths),
        "strides": list(description.strides),
        "feature": options.feature,
        "persons": persons,
        "outputs_of_the_network": description.num_classes,
        "outputs_kept": list(classes.outputs),
        "denormal_weights_zeroed": zeroed,
    }
    manifest = _manifest(description, classes, options, steps, stream, provenance)
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / "model.onnx"
        channels, joints, instances = _INPUTS[stream]
        example = torch.rand(2, channels, steps, joints, instances)
        save_graph(judge, [example], list(manifest.inputs), list(manifest.outputs), graph)
        bundle = write_bundle(output, manifest, graph)
    difference = parity(judge, bundle)
    if not difference <= PARITY:
        raise BundleError(
            f"The exported graph differs from the imported network by {difference:.2g}, more than "
            f"{PARITY:g}; the bundle in {output} must not be used. Update onnx and onnxruntime to "
            "the pinned versions and import again."
        )
    return bundle, description, difference


def _stream(description: Description, path: Path) -> str:
    """Which of our inputs the network can be fed from."""
    joints, channels = description.num_joints, description.channels
    if joints == 21 and channels in (2, 3):
        return "hand"
    if joints == 17 and channels in (2, 3):
        return "body"
    if joints == 25:
        raise ConfigurationError(
            f"Checkpoint {path} is {description.kind} on the 25 joints of NTU RGB+D with "
            f"{channels} coordinates each; skeletons here have x and y only, so it could not be "
            "fed. Take the network trained on 2D poses (17 COCO joints) instead."
        )
    raise ConfigurationError(
        f"Checkpoint {path} is {description.kind} on {joints} joints with {channels} channels; "
        "only 21 hand points or 17 COCO joints with x, y and perhaps a score can be imported."
    )


def _classes(
    network: Stgcn, description: Description, options: ImportOptions, stream: str
) -> Classes:
    weight, bias = network.classify.weight, network.classify.bias
    alive = trained_outputs(weight, bias)
    path = options.classes
    public = SHIPPED / "pyskl_hand_gestures.yaml"
    if path is None and stream == "hand" and description.num_classes == 40 and len(alive) == 16:
        path = public
    return choose_classes(alive, description.num_classes, path, options.background)


def _judge(
    network: Stgcn,
    description: Description,
    classes: Classes,
    feature: str,
    steps: int,
    stream: str,
) -> nn.Module:
    outputs = Outputs(classes.outputs, not classes.background)
    if stream == "body":
        features = PysklFeatures(feature, description.channels, _COCO_PARENTS)
        return BodyJudge(network, features, outputs, steps).eval()
    parents = tuple(int(p) for p in hand_graph().parents)
    features = PysklFeatures(feature, description.channels, parents)
    # An added background is the last class.
    background = classes.names.index(classes.background) if classes.background else -1
    return HandJudge(network, features, outputs, background, steps).eval()


def _manifest(
    description: Description,
    classes: Classes,
    options: ImportOptions,
    steps: int,
    stream: str,
    provenance: dict[str, Any],
) -> Manifest:
    background = classes.background or NO_ACTION
    names = classes.names if classes.background else (*classes.names, NO_ACTION)
    return Manifest(
        name=options.name,
        layout=LAYOUT,
        class_names=names,
        background_class=background,
        window_s=_USUAL[stream].window_s if options.window_s is None else options.window_s,
        num_steps=steps,
        features=FeatureConfig(
            hand_space="image",
            body_space="image",
            mirror_left=False,
            # Its own estimator said where a wrist outside of the picture is; ours do not.
            estimate_wrist=stream == "hand",
        ),
        fusion=Fusion(f"{stream}_only"),
        streams=(stream,),
        description=(
            f"{description.kind} of {options.origin}, rebuilt from its public checkpoint; "
            f"{len(classes.outputs)} of {description.num_classes} outputs are trained and kept."
        ),
        license=options.license,
        training=provenance,
    )


@torch.no_grad()
def parity(judge: nn.Module, bundle: Bundle) -> float:
    """Largest difference of any output between PyTorch and ONNX Runtime.

    Random windows at several batch sizes, with gaps, with one instance and with none.
    """
    (stream,) = bundle.manifest.streams
    channels, joints, instances = _INPUTS[stream]
    rng = np.random.default_rng(0)
    shape = (5, channels, bundle.manifest.num_steps, joints, instances)
    windows = rng.uniform(0.0, 1.0, shape).astype(np.float32)
    windows[1, ..., 0] = 0.0
    windows[2, :, 3:6] = 0.0
    windows[3] = 0.0
    engine = create_engine(bundle)
    worst = 0.0
    for batch in (windows, windows[:1]):
        found = engine.run({stream: batch})
        expected: tuple[Tensor, ...] = judge(torch.from_numpy(batch))
        for name, value in zip(bundle.manifest.outputs, expected, strict=True):
            worst = max(worst, float(np.abs(found[name] - value.numpy()).max()))
    return worst
