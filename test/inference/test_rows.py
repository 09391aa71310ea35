"""A graph whose rows are shared out among cores: the same numbers, the same refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.bundle import Bundle, write_bundle
from bharnet_ros.errors import ConfigurationError, EngineError
from bharnet_ros.inference import create_engine, open_graph
from bharnet_ros.inference.rows import SharedRows

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_tiny_bundle(tmp_path_factory.mktemp("tiny"))


def inputs(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(count)
    return {
        "body": rng.normal(size=(count, 3, 16, 19, 1)).astype(np.float32),
        "hand": rng.normal(size=(count, 3, 16, 21, 2)).astype(np.float32),
    }


@pytest.mark.parametrize("count", [1, 2, 3, 16])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_same_as_the_graph_at_once(bundle: Bundle, count: int, threads: int) -> None:
    shared, plain = create_engine(bundle, threads=threads), open_graph(bundle.onnx_path)
    assert isinstance(shared, SharedRows)
    assert f"{threads} thread" in shared.identity
    shared.warm_up((1, 4))
    assert shared.last_ms == 0.0
    found, wanted = shared.run(inputs(count)), plain.run(inputs(count))
    assert shared.last_ms > 0.0
    assert list(found) == list(wanted) == list(shared.outputs)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)
    shared.close()


def test_wrong_inputs_are_named_as_ever(bundle: Bundle) -> None:
    shared = create_engine(bundle, threads=2)
    given = inputs(4)
    for wrong, message in (
        ({}, "given none"),
        ({"body": given["body"]}, "it was given body"),
        ({**given, "hand": given["hand"][:3]}, r"batch sizes \[3, 4\]"),
        ({name: value[:0] for name, value in given.items()}, r"batch sizes \[0\]"),
        ({**given, "hand": np.float32(1.0)}, "Input 'hand'"),
        ({name: value.astype(np.float64) for name, value in given.items()}, "float64"),
        ({**given, "body": given["body"][:, :, :7]}, r"shape \[4, 3, 7, 19, 1\]"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            shared.run(wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"batch sizes \[0\]"):
        shared.warm_up((0,))
    shared.close()
    shared.close()
    with pytest.raises(EngineError, match="closed"):
        shared.run(given)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_graph_that_also_gives_one_number_for_all_is_run_with_everybody(
    bundle: Bundle, tmp_path: Path, threads: int
) -> None:
    import onnx

    model = onnx.load(bundle.onnx_path)
    model.graph.node.append(onnx.helper.make_node("ReduceMean", ["body"], ["mean"], keepdims=0))
    mean = onnx.helper.make_tensor_value_info("mean", onnx.TensorProto.FLOAT, [])
    model.graph.output.append(mean)
    other = write_bundle(tmp_path / "other", bundle.manifest, model.SerializeToString())
    shared, given = create_engine(other, threads=threads), inputs(4)
    found = shared.run(given)
    np.testing.assert_allclose(found["mean"], given["body"].mean(), atol=1e-5)
    wanted = open_graph(bundle.onnx_path).run(given)
    np.testing.assert_allclose(found["probabilities"], wanted["probabilities"], atol=1e-6)
    shared.close()


def test_a_graph_that_is_not_of_people_is_left_to_its_own_threads(bundle: Bundle) -> None:
    assert not isinstance(open_graph(bundle.onnx_path, threads=2), SharedRows)


def test_threads_end_with_the_engine(tmp_path: Path) -> None:
    import threading

    bundle, before = write_tiny_bundle(tmp_path), threading.active_count()
    for _ in range(3):
        engine = create_engine(bundle, threads=3)
        engine.run(inputs(6))
        engine.close()
    assert threading.active_count() == before
