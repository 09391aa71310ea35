"""The RGB graph's say: within groups only, for whom it matters, and never with broken numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic import tiny_manifest
from benchmarks.synthetic_rgb import tiny_rgb_manifest, write_tiny_rgb_bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.expert_graphs import ExpertGraphs
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import GraphFile, Rgb, Shape
from bharnet_ros.rgb_expert import RgbExpert
from bharnet_ros.roi import RoiConfig, Tiles

pytest.importorskip("onnx", reason="the tiny graphs are built with onnx")

CONFIG = RoiConfig(tile_px=16, num_frames=5)
RED, BLUE = (0, 0, 255), (255, 0, 0)


def floats(values: Any) -> np.ndarray:
    return np.array(values, np.float32)


def tiles(colour: tuple[int, int, int] | None, config: RoiConfig = CONFIG) -> Tiles:
    found = Tiles.unseen(config)
    if colour is not None:
        found.values[:] = colour
        found.seen[:] = True
    return found


class Answering:
    """An engine whose answers are made by a function; it remembers how many rows it was given."""

    identity, last_ms = "by hand", 0.0

    def __init__(self, answer: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]) -> None:
        self.answer, self.rows = answer, []  # type: ignore[var-annotated]
        self.inputs: Mapping[str, Shape] = {}
        self.outputs: Mapping[str, Shape] = {}

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        given = inputs["skeleton_probabilities"]
        self.rows.append(len(given))
        judged, reliability = self.answer(given)
        return {
            "probabilities": judged.astype(np.float32),
            "rgb_logits": np.zeros_like(given),
            "rgb_reliability": reliability.astype(np.float32).reshape(-1, 1),
        }

    def warm_up(self, batch_sizes: object = ()) -> None: ...

    def close(self) -> None: ...


def five_classes(groups: tuple[tuple[str, ...], ...], min_mass: float = 0.05) -> Manifest:
    rgb = Rgb(CONFIG.regions, CONFIG.tile_px, CONFIG.num_frames, groups, min_mass)
    graphs = {role: GraphFile(f"{role}.onnx") for role in ("body", "hand", "fusion", "rgb")}
    return tiny_manifest(tuple("abcde"), rgb=rgb, graphs=graphs, whole_sha256="0" * 64)


def judge(
    manifest: Manifest, engine: Answering, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    expert = RgbExpert(manifest, engine)
    count = len(probabilities)
    found = expert.judge([tiles(RED)] * count, np.ones((count, 19), np.float32), probabilities)
    return found.probabilities, found.reliability, found.failed


def test_colours_decide_between_the_members_of_a_group(tmp_path: Path) -> None:
    bundle = write_tiny_rgb_bundle(tmp_path)
    engine = create_engine(bundle, rgb=True)
    assert isinstance(engine, ExpertGraphs) and engine.rgb is not None
    expert = RgbExpert(bundle.manifest, engine.rgb)
    given = floats([[0.2, 0.4, 0.4]] * 3)
    found = expert.judge(
        [tiles(RED), tiles(BLUE), tiles(None)], np.ones((3, 19), np.float32), given
    )
    np.testing.assert_allclose(found.probabilities[:2], [[0.2, 0.8, 0.0], [0.2, 0.0, 0.8]],
                               atol=1e-4)  # fmt: skip
    np.testing.assert_array_equal(found.probabilities[2], given[2])
    assert found.judged.tolist() == [True, True, False] and found.failed == 0
    assert found.reliability[:2].tolist() == [1.0, 1.0]
    np.testing.assert_array_equal(given, floats([[0.2, 0.4, 0.4]] * 3))


@given(st.integers(0, 2**32 - 1))
def test_whatever_it_answers_a_groups_mass_and_all_others_stay(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = rng.dirichlet(np.full(5, 0.3), 6).astype(np.float32)

    def careless(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(0, 3, rows.shape), rng.uniform(-1, 2, len(rows))

    found, reliability, failed = judge(
        five_classes((("e", "a"), ("b", "d")), 0.0), Answering(careless), given
    )
    assert failed == 0
    np.testing.assert_array_equal(found[:, 2], given[:, 2])
    for group in ([0, 4], [1, 3]):
        np.testing.assert_allclose(found[:, group].sum(1), given[:, group].sum(1), rtol=1e-5)
    assert (found >= 0.0).all() and ((reliability >= 0.0) & (reliability <= 1.0)).all()


def test_only_people_with_something_in_a_group_are_looked_at() -> None:
    engine = Answering(lambda rows: (rows, np.ones(len(rows))))
    given = floats(
        [[0.97, 0.02, 0.01, 0, 0], [0.5, 0.3, 0.2, 0, 0], [0, 0, 0, 0.04, 0.96], [1, 0, 0, 0, 0]]
    )
    manifest = five_classes((("b", "c"),))
    expert = RgbExpert(manifest, engine)
    assert expert.wanted(given).tolist() == [False, True, False, False]
    found, reliability, _ = judge(manifest, engine, given)
    assert engine.rows == [1] and np.isfinite(reliability).tolist() == [False, True, False, False]
    np.testing.assert_allclose(found, given, atol=1e-7)
    # At 0 everybody whose group is not impossible is asked for.
    everybody = RgbExpert(five_classes((("b", "c"),), 0.0), engine)
    assert everybody.wanted(given).tolist() == [True, True, False, False]
    judge(manifest, engine, given[[0, 2]])
    assert engine.rows == [1]  # not run for nobody


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, -1.0])
@pytest.mark.parametrize("column", [0, 1])
def test_broken_answers_leave_the_skeletons_judgement(broken: float, column: int) -> None:
    given = floats([[0.2, 0.4, 0.1, 0.1, 0.2]] * 3)

    def answer(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        judged = rows.copy()
        judged[:, [1, 2]] = judged[:, [2, 1]]
        judged[1, column] = broken
        return judged, np.ones(len(rows))

    found, reliability, failed = judge(five_classes((("b", "c"),)), Answering(answer), given)
    np.testing.assert_array_equal(found[1], given[1])
    np.testing.assert_allclose(found[[0, 2], 1], 0.1, atol=1e-6)
    assert failed == 1 and np.isnan(reliability).tolist() == [False, True, False]


def test_an_unknown_reliability_and_a_group_lost_to_precision_count_as_broken() -> None:
    given = floats([[0.2, 0.4, 0.1, 0.1, 0.2]] * 2)
    unsure = Answering(lambda rows: (rows, np.array([np.nan, 0.5])))
    found, reliability, failed = judge(five_classes((("b", "c"),)), unsure, given)
    assert failed == 1 and np.isnan(reliability).tolist() == [True, False]
    lost = Answering(lambda rows: (rows * floats([1, 0, 0, 1, 1]), np.ones(len(rows))))
    found, _, failed = judge(five_classes((("b", "c"),)), lost, given)
    np.testing.assert_array_equal(found, given)
    assert failed == 2


def test_a_bundle_without_an_rgb_graph_is_refused() -> None:
    engine = Answering(lambda rows: (rows, np.ones(len(rows))))
    with pytest.raises(BundleError, match="no RGB graph"):
        RgbExpert(tiny_manifest(), engine)
    manifest = tiny_rgb_manifest()
    assert manifest.rgb is not None
    assert RgbExpert(manifest, engine).config == manifest.rgb.roi
    assert replace(manifest.rgb, tile_px=8).roi.tile_px == 8
