"""The cost of the experts' networks: what is counted, timed and printed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import experts
from benchmarks.experts import SHIPPED, Cost, gigaflops, measure, networks, ntu_graph, report
from bharnet_ros.bundle import load_bundle
from training.model_config import ExpertConfig


def test_the_skeleton_is_a_tree() -> None:
    graph = ntu_graph()
    assert graph.num_joints == 25 and len(graph.edges) == 24
    for joint in range(25):
        for _ in range(25):
            joint = int(graph.parents[joint])
        assert joint == graph.root
    assert graph.joint_names[graph.root] == "spine_shoulder"


def test_operations_are_counted_twice_a_product() -> None:
    layer = nn.Conv2d(3, 5, 1, bias=False)
    assert gigaflops(layer, (torch.zeros(1, 3, 4, 6),)) == pytest.approx(2 * 3 * 5 * 24 / 1e9)


def test_the_baseline_comes_first_and_pairs_only_with_both() -> None:
    names = [name for name, _, _ in networks(["degcn_light"])]
    assert names == ["ctrgcn", "degcn_light"]
    names = [name for name, _, _ in networks(["degcn_light", "degcn"])]
    assert names[0] == "ctrgcn" and "degcn + hands degcn_light" in names


def test_shipped_experts_have_the_sizes_that_are_timed() -> None:
    for bundle in ("gestures", "asl_words"):
        training = load_bundle(bundle).manifest.training
        model = training["recipe"]["plan"]["model"] if bundle == "gestures" else (
            training["config"]["model"]
        )  # fmt: skip
        for stream, config in SHIPPED.items():
            given = model[stream]
            assert given["block"] == config.block and given["distances"] == config.distances
            assert tuple(given["channels"]) == config.channels
            assert tuple(given["strides"]) == config.strides


def test_every_graph_is_timed_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime runs the graphs")
    tiny = ExpertConfig("degcn", (4,), (1,), ("joint",), 0.0)
    monkeypatch.setattr(experts, "expert_preset", lambda name: tiny)
    costs = measure(1, 3, ["stgcnpp"])
    assert [(c.name, c.folded) for c in costs] == [
        ("ctrgcn", True), ("ctrgcn", False), ("stgcnpp", True), ("stgcnpp", False),
    ]  # fmt: skip
    for cost in costs:
        assert cost.times_ms.shape == cost.cpu_ms.shape == (3,)
        assert (cost.times_ms > 0.0).all() and (cost.cpu_ms >= 0.0).all()
        assert cost.parameters > 0 and cost.gflops > 0.0
    assert (costs[0].ratios == 1.0).all()
    np.testing.assert_allclose(costs[2].ratios, costs[2].times_ms / costs[0].times_ms)


def test_goals_are_judged_by_the_folded_graph() -> None:
    def cost(name: str, folded: bool, ratio: float) -> Cost:
        times = np.full(4, 10.0 * ratio)
        return Cost(name, folded, 10**6, 1.0, times, 0.9 * times, np.full(4, ratio))

    text = report(
        [
            cost("ctrgcn", True, 1.0), cost("degcn", True, 0.8), cost("degcn", False, 3.0),
            cost("degcn + hands degcn", True, 1.7),
        ], 2,
    )  # fmt: skip
    assert (
        "2 threads" in text
        and "| degcn | folded | 1.00 M | 1.00 | 8.0 | 8.0 | 7.2 | 0.80 |" in text
    )
    assert "degcn: 0.80 of CTR-GCN, goal 1.0: met" in text
    assert "degcn + hands degcn: 1.70 of CTR-GCN, goal 1.5: missed" in text
