"""Which engines and bundles can run frame by frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.continual import (
    STEP_FILE,
    Stepper,
    build_step,
    check_step_engine,
    graph,
    is_step_engine,
    open_engine,
)
from bharnet_ros.continual.graph import state_sizes, why_not_per_frame
from bharnet_ros.errors import BundleError, ConfigurationError, EngineError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.inference import Engine, open_graph


def _with(engine: Engine, **changes: Any) -> Any:
    """What looks like the engine, but for some inputs or outputs; None takes one away."""
    shapes = {"inputs": dict(engine.inputs), "outputs": dict(engine.outputs)}
    for name, (kind, shape) in changes.items():
        shapes[kind][name] = shape
        if shape is None:
            del shapes[kind][name]
    return SimpleNamespace(**shapes)


def test_step_engines_are_told_apart_by_their_states(step_engine, window_engine):
    assert is_step_engine(step_engine)
    assert not is_step_engine(window_engine)
    sizes = state_sizes(step_engine)
    assert list(sizes) == [1, 2]  # the bundle's last block has a stride of 2
    assert min(sizes.values()) > 100


def test_a_step_uses_one_core_whatever_the_node_may_use(bundle, monkeypatch):
    asked = []

    def listening(*what, **options):
        asked.append(options)
        return open_graph(*what, **options)

    monkeypatch.setattr(graph, "open_graph", listening)
    for options in ({"threads": 4}, {"threads": 1}, {}):
        engine = open_engine(bundle, **options)
        assert engine is not None
        engine.close()
    assert asked == [{"threads": 1}, {"threads": 1}, {}]
    with pytest.raises(ConfigurationError, match="threads"):
        open_engine(bundle, threads=0)


def test_a_bundle_without_a_step_graph_has_no_such_engine():
    assert open_engine(load_bundle("first_light")) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"next_2": ("outputs", None)}, "'state_2' .* and for it the output nothing"),
        ({"next_1": ("outputs", ("N", 5))}, r"'state_1' .* the output \['N', 5\]"),
        ({"state_x": ("inputs", ("N", 5))}, "'state_x'"),
        ({"body": ("inputs", ("N", 3, 2, 19, 1))}, "has input 'body' of shape"),
        ({"probabilities": ("outputs", ("N", 3))}, "has output 'probabilities' of shape"),
        ({"depth": ("inputs", ("N", 5))}, "also wants depth"),
    ],
)
def test_graphs_that_do_not_fit_are_refused(bundle, step_engine, changes, message):
    with pytest.raises(BundleError, match=message):
        check_step_engine(bundle, _with(step_engine, **changes))


@pytest.mark.parametrize(
    ("options", "reasons"),
    [
        ({}, ["median torso", "hip of its first frame", "median palm"]),
        ({"body_origin": "median"}, ["median hip"]),
        ({"hand_origin": "first_frame"}, ["wrist of its first frame"]),
        ({"body_space": "image", "hand_space": "image"}, ["large enough is judged by the median"]),
        ({"modality": "joint_motion"}, ["joint_motion is the change to the frame after"]),
    ],
)
def test_features_that_look_at_the_window_are_refused_and_named(
    bundle: Bundle, step_engine, options, reasons
):
    features = FeatureConfig(**options)
    other = replace(bundle, manifest=replace(bundle.manifest, features=features))
    for reason in reasons:
        assert reason in why_not_per_frame(other)
        with pytest.raises(BundleError, match=rf"{reason}.*per_frame: true"):
            Stepper(other, step_engine)


@pytest.mark.parametrize("modality", ["joint_motion", "bone_motion"])
def test_motion_to_the_next_frame_is_no_feature_of_a_frame(modality):
    with pytest.raises(ConfigurationError, match=f"'{modality}'.*per_frame cannot know"):
        FeatureConfig(modality=modality, per_frame=True)


def test_int8_becomes_fp16_for_a_step_which_has_no_windows(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def take(path: Path, name: str, **options: Any) -> None:
        asked.append({"file": path.name, "engine": name, **options})
        raise EngineError("asked for")

    for name, function in (("open_graph", open_engine), ("build_graph", build_step)):
        monkeypatch.setattr(graph, name, take)
        with pytest.raises(EngineError, match="asked for"):
            function(bundle, "tensorrt", precision="int8", calibration="w.npz", max_batch=4)
    wanted = {"precision": "fp16", "calibration": "", "max_batch": 4}
    assert asked == [{"file": STEP_FILE, "engine": "tensorrt", **wanted}] * 2
