from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic import (
    BODY_INPUTS,
    HAND_INPUTS,
    raised_hand_weights,
    tiny_manifest,
    tiny_model,
    write_tiny_bundle,
)
from bharnet_ros.bundle import Bundle, write_bundle
from bharnet_ros.errors import BackendUnavailable, BundleError, ConfigurationError
from bharnet_ros.inference import Engine, available_engines, create_engine

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")


@pytest.fixture
def tiny(tmp_path: Path) -> Bundle:
    return write_tiny_bundle(tmp_path / "tiny")


@pytest.fixture
def engine(tiny: Bundle) -> Engine:
    return create_engine(tiny)


def inputs(count: int, **changes: Any) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(count)
    made = {
        "body": rng.normal(size=(count, 3, 16, 19, 1)).astype(np.float32),
        "hand": rng.normal(size=(count, 3, 16, 21, 2)).astype(np.float32),
    }
    return {**made, **changes}


@pytest.mark.parametrize("count", [1, 3, 16])
def test_results_are_those_of_the_graph_for_any_batch(engine: Engine, count: int) -> None:
    given = inputs(count)
    found = engine.run(given)
    body, hand = raised_hand_weights()
    body_logits = given["body"].mean(axis=2).reshape(count, BODY_INPUTS) @ body
    hand_logits = given["hand"].mean(axis=2).reshape(count, HAND_INPUTS) @ hand
    assert np.allclose(found["body_logits"], body_logits, atol=1e-4)
    assert np.allclose(found["hand_logits"], hand_logits, atol=1e-3)
    assert np.allclose(found["probabilities"].sum(axis=1), 1.0, atol=1e-5)
    assert engine.last_ms > 0.0


def test_names_shapes_and_identity(engine: Engine) -> None:
    assert dict(engine.inputs) == {"body": ("N", 3, 16, 19, 1), "hand": ("N", 3, 16, 21, 2)}
    assert list(engine.outputs) == ["body_logits", "hand_logits", "probabilities"]
    assert engine.identity.startswith("onnxruntime ")
    assert engine.identity.endswith("CPU, 1 thread")
    assert "onnxruntime" in available_engines()


def test_threads_are_shown(tiny: Bundle) -> None:
    assert create_engine(tiny, threads=2).identity.endswith("2 threads")


def test_warm_up_leaves_no_time_behind(engine: Engine) -> None:
    engine.warm_up((1, 4))
    assert engine.last_ms == 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"body": np.zeros((1, 3, 15, 19, 1), np.float32)}, "Input 'body'"),
        ({"hand": np.zeros((1, 3, 16, 42), np.float32)}, "Input 'hand'"),
        ({"body": np.zeros((1, 3, 16, 19, 1))}, "float64"),
        ({"hand": np.zeros((2, 3, 16, 21, 2), np.float32)}, r"batch sizes \[1, 2\]"),
        ({"face": np.zeros(1, np.float32)}, "face"),
    ],
)
def test_wrong_inputs_are_named(engine: Engine, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        engine.run(inputs(1, **changes))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads is 0"),
        ({"threads": True}, "threads is True"),
        ({"providers": ("GhostExecutionProvider",)}, "GhostExecutionProvider"),
        ({"providers": ()}, "none given"),
    ],
)
def test_wrong_options_are_named(tiny: Bundle, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        create_engine(tiny, **options)


def test_unknown_engine(tiny: Bundle) -> None:
    with pytest.raises(ConfigurationError, match="'tflite'"):
        create_engine(tiny, "tflite")


def test_missing_package_gives_the_install_line(
    tiny: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendUnavailable, match="pip install onnxruntime"):
        create_engine(tiny)


def test_a_file_that_is_no_graph(tmp_path: Path) -> None:
    broken = write_bundle(tmp_path, tiny_manifest(), b"not a graph")
    with pytest.raises(BundleError, match="refuses the graph"):
        create_engine(broken)


def test_class_count_of_the_graph_must_be_that_of_the_manifest(tmp_path: Path) -> None:
    names = ("idle", "raise", "fist", "wave")
    body, hand = raised_hand_weights()
    bundle = write_bundle(tmp_path, tiny_manifest(names), tiny_model(body, hand, 16))
    with pytest.raises(BundleError, match=r"output 'body_logits' of shape \['N', 3\].*\['N', 4\]"):
        create_engine(bundle)


def test_steps_of_the_graph_must_be_those_of_the_manifest(tmp_path: Path) -> None:
    body, hand = raised_hand_weights()
    bundle = write_bundle(tmp_path, tiny_manifest(), tiny_model(body, hand, 24))
    with pytest.raises(BundleError, match="input 'body' of shape"):
        create_engine(bundle)


def test_a_graph_for_one_person_only_is_refused(tmp_path: Path) -> None:
    graph = tiny_model(*raised_hand_weights(), 16, free_batch=False)
    bundle = write_bundle(tmp_path, tiny_manifest(), graph)
    with pytest.raises(BundleError, match="any batch size"):
        create_engine(bundle)


def test_a_graph_without_an_output_is_refused(tmp_path: Path) -> None:
    import onnx

    model = onnx.load_from_string(tiny_model(*raised_hand_weights(), 16))
    del model.graph.output[1]
    bundle = write_bundle(tmp_path, tiny_manifest(), model.SerializeToString())
    with pytest.raises(BundleError, match="has no output 'hand_logits'"):
        create_engine(bundle)
