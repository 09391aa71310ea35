"""The cost of a tick: what is run, timed and printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import tick_networks
from benchmarks.synthetic import tiny_model, write_tiny_bundle
from benchmarks.tick import Way, frames, measure, one_by_one, panel, report, together, ways_of
from bharnet_ros.bundle import load_bundle
from bharnet_ros.continual import Stepper
from bharnet_ros.judging import Panel

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")


def test_all_ways_judge_everybody_in_every_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judges = panel(write_tiny_bundle(tmp_path), 1)
    asked: list[int] = []
    judge = Panel.judge

    def noted(self: Panel, ends_ns: Mapping[int, int]) -> object:
        asked.append(len(ends_ns))
        found = judge(self, ends_ns)
        assert all(opinion is not None for _, opinion in found[0].values())  # windows are full
        return found

    monkeypatch.setattr(Panel, "judge", noted)
    ways = measure(
        "tiny", [("together", judges, together), ("one by one", judges, one_by_one)], 3, 4
    )
    assert sorted(asked) == [1] * 18 + [3] * 6  # four rounds, and two to warm up
    for way in ways:
        assert (way.network, way.people) == ("tiny", 3) and len(way.times_ms) == 4
        assert min(way.times_ms) > 0.0
    assert set(ways[0].ratios) == {1.0}
    expected = np.divide(ways[1].times_ms, ways[0].times_ms)
    np.testing.assert_allclose(ways[1].ratios, expected)


def test_frame_by_frame_every_way_takes_its_own_step_at_every_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ways = ways_of({"split": load_bundle("asl_words_continual")}, 1)
    assert [name for name, _, _ in ways] == ["together", "one by one", "windows"]
    assert len({id(judges) for _, judges, _ in ways}) == 3
    stepped: list[int] = []
    step = Stepper.step

    def noted(self: Stepper, rows: Any, *rest: Any) -> dict[str, Any]:
        stepped.append(len(rows))
        return step(self, rows, *rest)

    monkeypatch.setattr(Stepper, "step", noted)
    measured = measure("net", ways, 2, 4)
    assert sorted(stepped[-12:]) == [1] * 8 + [2] * 4  # each of four rounds: one of two, two of one
    assert [way.name for way in measured] == ["together", "one by one", "windows"]


def test_hands_can_be_hidden() -> None:
    shown = list(frames(4, 3, 0.5, 0.2))
    assert len(shown) == 3 + 7
    seen = [bool((person.scores[91:] > 0.0).any()) for person in shown[-1].skeletons]
    assert sorted(seen) == [False, False, True, True]
    assert all(person.track_id >= 0 for person in shown[-1].skeletons)


def test_goals_are_of_sixteen_people() -> None:
    def way(people: int, name: str, ratio: float) -> Way:
        return Way("net", people, name, (10.0 * ratio,) * 2, (9.0 * ratio,) * 2, (ratio,) * 2)

    text = report(
        [way(4, "one by one", 1.0), way(16, "together", 1.0), way(16, "one by one", 2.0),
         way(16, "unfolded", 3.5)], 2, 0.5,
    )  # fmt: skip
    assert "hands of 50% of the people not seen" in text
    assert "| net | 16 | one by one | 20.00 | 20.00 | 18.00 | 2.00 | 2.00 |" in text
    assert "one by one: 2.00 times as long, 2.00 times the work, goal 3: missed" in text
    assert "net, 16 people, unfolded: 3.50 times as long, 3.50 times the work, goal 3: met" in text
    assert text.count("goal") == 2


def test_a_ready_expert_is_exported_three_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="experts are exported from torch")
    from training import export

    written = []

    def write(judge: object, steps: int, path: Path, folded: bool = True) -> None:
        weights = [np.zeros((rows, tick_networks.CLASSES), np.float32) for rows in (57, 126)]
        path.write_bytes(tiny_model(*weights, steps))
        written.append(folded)

    monkeypatch.setattr(export, "write_graph", write)  # the exporter takes a minute
    bundles = tick_networks.exported("stgcnpp_light", tmp_path)
    assert sorted(written) == [False, True]
    assert {name: len(bundle.graphs) for name, bundle in bundles.items()} == {
        "whole": 1, "unfolded": 1, "split": 3,
    }  # fmt: skip
    assert bundles["split"].manifest.graphs["hand"].min_share == 0.15
