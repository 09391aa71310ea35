"""What the torch engine does on a GPU, with stand-ins for the device and for its CUDA graphs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bharnet_ros.bundle import Bundle, find_bundle, shipped_bundles
from bharnet_ros.inference import open_graph

pytest.importorskip("onnx", reason="graphs are read with onnx")
torch = pytest.importorskip("torch", reason="torch is not installed")
from bharnet_ros.inference.torch.engine import TorchEngine  # noqa: E402
from bharnet_ros.inference.torch.graph import TorchGraph  # noqa: E402

GRAPHS = [path for name in shipped_bundles() for path in sorted(find_bundle(name).glob("*.onnx"))]


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_computed_stays_on_the_device_and_sizes_on_the_cpu(path: Path) -> None:
    """The device "meta" stands in for a GPU: it keeps shapes only, but it refuses tensors of
    another device as a GPU does, and a number cannot be read from it at all."""
    network = TorchGraph(path).to("meta").eval()
    given = {
        name: torch.empty([d if isinstance(d, int) else 3 for d in shape], device="meta")
        for name, shape in network.input_shapes.items()
    }
    with torch.inference_mode():
        found = network(given)
    assert {value.device.type for value in found.values()} == {"meta"}


class FakeGraph:
    """Does at each replay what was captured: reads the same inputs, writes over the outputs."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any, Any]] = []
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1
        with torch.inference_mode():
            for forward, inputs, outputs in self.calls:
                for name, value in forward(inputs).items():
                    outputs[name].copy_(value)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> list[FakeGraph]:
    """Streams and CUDA graphs of torch on the CPU; the graphs that were made."""
    graphs: list[FakeGraph] = []
    capturing: list[FakeGraph] = []
    plain = TorchGraph.forward

    def made() -> FakeGraph:
        graphs.append(FakeGraph())
        return graphs[-1]

    @contextlib.contextmanager
    def capture(graph: FakeGraph, **options: Any) -> Iterator[None]:
        assert options["stream"] is not None, "torch would take a stream of the first GPU"
        capturing.append(graph)
        yield
        capturing.clear()

    def forward(self: TorchGraph, inputs: Any) -> Any:
        outputs = plain(self, inputs)
        for graph in capturing:
            graph.calls.append((partial(plain, self), inputs, outputs))
            for value in outputs.values():
                value.fill_(np.nan)  # a capture computes nothing
        return outputs

    monkeypatch.setattr(TorchGraph, "forward", forward)
    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, stand_in in {
        "device": contextlib.nullcontext, "stream": contextlib.nullcontext, "graph": capture,
        "Stream": lambda: stream, "current_stream": lambda: stream, "CUDAGraph": made,
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, stand_in)
    return graphs


def test_captured_graphs_give_what_the_graph_gives(tiny: Bundle, cuda: list[FakeGraph]) -> None:
    engine = open_graph(tiny.onnx_path, "torch", device="cpu", max_batch=4)
    assert isinstance(engine, TorchEngine)
    engine._capture = True
    reference = open_graph(tiny.onnx_path)
    kept = []
    for seed, count in enumerate((1, 3, 1, 4, 3, 10)):
        rng = np.random.default_rng(seed)
        given = {
            k: rng.normal(size=(count, *s[1:])).astype(np.float32) for k, s in engine.inputs.items()
        }
        expected = reference.run(given)
        kept.append((given, {k: v.copy() for k, v in given.items()}, engine.run(given), expected))
    for given, before, found, expected in kept:  # at the end: no replay may write over results
        assert all(np.array_equal(given[name], value) for name, value in before.items())
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5)
    assert [graph.replays for graph in cuda] == [2, 2, 3, 1], "for 1, 3, 4 and 2 people"
