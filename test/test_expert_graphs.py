"""Split bundles: the same numbers, and no expert runs for whom it cannot see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import frame as frame_of
from benchmarks.synthetic import person_keypoints, skeleton, write_tiny_bundle
from bharnet_ros.bundle import Bundle, load_bundle, rewrite_bundle, write_bundle
from bharnet_ros.errors import BundleError, ConfigurationError, EngineError
from bharnet_ros.expert_graphs import ExpertGraphs
from bharnet_ros.inference import Engine, create_engine, open_graph
from bharnet_ros.manifest_parts import GraphFile
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.workers import CORE_CACHE_BYTES, Workers

pytest.importorskip("torch", reason="graphs are split by the training package")
from benchmarks.synthetic_split import write_tiny_split_bundle

STEPS = 16


class Counting:
    """Remembers how many rows an engine was run with."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.batches: list[int] = []
        self.ran: Callable[[], object] | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.batches.append(len(next(iter(inputs.values()))))
        if self.ran is not None:
            self.ran()
        return self.inner.run(inputs)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_tiny_bundle(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_tiny_split_bundle(tmp_path_factory.mktemp("split"))


def counted(bundle: Bundle) -> tuple[ExpertGraphs, dict[str, Counting]]:
    engines = {role: Counting(open_graph(path)) for role, path in bundle.graphs.items()}
    return ExpertGraphs(bundle.manifest, engines), engines


def windows(
    count: int, hidden_hands: Collection[int] = (), hidden_body: Collection[int] = ()
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(count)
    body = rng.uniform(0.1, 1.0, (count, 3, STEPS, 19, 1)).astype(np.float32)
    hand = rng.uniform(0.1, 1.0, (count, 3, STEPS, 21, 2)).astype(np.float32)
    hand[sorted(hidden_hands)], body[sorted(hidden_body)] = 0.0, 0.0
    return {"body": body, "hand": hand}


@pytest.mark.parametrize(
    ("hidden_hands", "hidden_body", "expected"),
    [(set(), set(), (5, 5)), ({0, 3}, set(), (5, 3)), ({0, 1, 2, 3, 4}, set(), (5, 0)),
     ({1}, {1, 2}, (3, 4)), ({0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}, (0, 0))],
)  # fmt: skip
def test_outputs_are_those_of_the_whole_graph(
    whole: Bundle,
    split: Bundle,
    hidden_hands: set[int],
    hidden_body: set[int],
    expected: tuple[int, int],
) -> None:
    inputs = windows(5, hidden_hands, hidden_body)
    engine, engines = counted(split)
    engine.warm_up()
    for each in engines.values():
        each.batches.clear()
    found, wanted = engine.run(inputs), create_engine(whole).run(inputs)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].shape == value.shape
        np.testing.assert_allclose(found[name], value, atol=1e-6)
    assert engine.rows == {"body": (expected[0], 5), "hand": (expected[1], 5)}
    for stream, count in zip(("body", "hand"), expected, strict=True):
        assert engines[stream].batches == ([count] if count else [])
    assert engines["fusion"].batches == [5]
    assert engine.last_ms > 0.0


def test_the_least_share_is_of_the_hand_that_was_seen_most(tmp_path: Path) -> None:
    bundle = write_tiny_split_bundle(tmp_path, hand_share=4 / STEPS)
    engine, _ = counted(bundle)
    inputs = windows(4)
    inputs["hand"][0, :, 4:] = 0.0  # just enough
    inputs["hand"][1, :, 3:] = 0.0  # too little
    inputs["hand"][2, :, 3:, :, 0] = 0.0  # the right hand is there
    inputs["hand"][3, :, 3:, :, 0] = 0.0
    inputs["hand"][3, :, :13, :, 1] = 0.0  # six steps, three each
    engine.run(inputs)
    assert engine.rows["hand"] == (2, 4)


def shared_out(
    split: Bundle, workers: Workers, row_bytes: Mapping[str, int]
) -> tuple[ExpertGraphs, dict[str, Counting]]:
    graphs = {
        role: replace(graph, row_bytes=row_bytes.get(role, 0))
        for role, graph in split.manifest.graphs.items()
    }
    engines = {role: Counting(open_graph(path)) for role, path in split.graphs.items()}
    return ExpertGraphs(replace(split.manifest, graphs=graphs), engines, workers), engines


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 5, 13])
def test_blocks_of_people_side_by_side_say_the_same(
    split: Bundle, threads: int, count: int
) -> None:
    workers = Workers(threads)
    engine, engines = shared_out(split, workers, {"hand": CORE_CACHE_BYTES // 3})
    inputs = windows(count, {2, 3} & set(range(count)), {0})
    found, wanted = engine.run(inputs), create_engine(split).run(inputs)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6)
    hands, bodies = count - len({2, 3} & set(range(count))), count - 1
    assert engine.rows == {"body": (bodies, count), "hand": (hands, count)}
    # Nobody, once, where somebody's hands or body were not seen.
    assert sum(engines["hand"].batches) == hands + (hands < count)
    assert max(engines["hand"].batches) <= 3
    assert sum(engines["body"].batches) == bodies + 1
    assert engines["fusion"].batches == [count]
    workers.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_wrong_inputs_are_refused_as_by_an_undivided_graph(split: Bundle, threads: int) -> None:
    engine, given = create_engine(split, threads=threads), windows(4)
    for wrong, message in (
        ({name: value[:0] for name, value in given.items()}, r"batch sizes \[0\]"),
        ({"body": given["body"]}, "inputs body, hand; it was given body"),
        ({**given, "hand": given["hand"][:3]}, r"batch sizes \[3, 4\]"),
        ({**given, "hand": given["hand"][:, :, 0]}, r"'hand' is float32 of shape \[4, 3, 21, 2\]"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            engine.run(wrong)
    engine.close()


def test_the_expert_that_costs_most_is_begun_first(split: Bundle) -> None:
    for first, second in (("hand", "body"), ("body", "hand")):
        engine, engines = shared_out(split, Workers(1), {first: 2000, second: 1000})
        order: list[str] = []
        for role in ("body", "hand"):
            engines[role].ran = partial(order.append, role)
        engine.run(windows(2))
        assert order == [first, second]


def test_blocks_are_warm_before_the_first_run(split: Bundle) -> None:
    workers = Workers(2)
    engine, _ = shared_out(split, workers, {"hand": CORE_CACHE_BYTES // 3})
    asked: dict[str, list[int]] = {}
    for role, each in engine._engines.items():
        monkeypatched = partial(asked.__setitem__, role)
        each.warm_up = monkeypatched  # type: ignore[method-assign]
    engine.warm_up((1, 4, 16))
    assert asked == {"body": [1, 2, 8], "hand": [1, 2, 3], "fusion": (1, 4, 16)}
    workers.close()


def test_an_expert_that_fails_side_by_side_fails_the_run_and_not_the_next(split: Bundle) -> None:
    workers = Workers(2)
    engine, engines = shared_out(split, workers, {})

    def failing() -> None:
        raise EngineError("out of memory")

    engines["hand"].ran = failing
    with pytest.raises(EngineError, match="out of memory"):
        engine.run(windows(4))
    engines["hand"].ran = None
    wanted = create_engine(split).run(windows(4))
    for name, value in engine.run(windows(4)).items():
        np.testing.assert_allclose(value, wanted[name], atol=1e-6)
    engine.close()
    workers.close()


def test_an_engine_like_any_other(split: Bundle) -> None:
    engine = create_engine(split, threads=2)
    assert isinstance(engine, ExpertGraphs) and "2 threads" in engine.identity
    assert engine.identity.startswith("onnxruntime ") and engine.identity.endswith(", 3 graphs")
    assert dict(engine.inputs) == split.manifest.inputs
    assert dict(engine.outputs) == split.manifest.outputs
    engine.close()
    with pytest.raises(Exception, match="closed"):
        engine.run(windows(1))


def test_the_recogniser_says_for_whom_experts_ran(split: Bundle, whole: Bundle) -> None:
    recognizers = [Recognizer(bundle, create_engine(bundle)) for bundle in (split, whole)]
    scores = np.full(133, 0.9, np.float32)
    scores[91:] = 0.0
    results = []
    for index in range(31):
        people = [
            skeleton(1, person_keypoints(spread=0.3)),
            skeleton(2, person_keypoints(center=(800, 300), right_wrist=(-0.5, -1.0)), scores),
        ]
        results = [r.push(frame_of(index * 66_666_667, *people)) for r in recognizers]
    assert recognizers[0].expert_rows == {"tiny/body": (2, 2), "tiny/hand": (1, 2)}
    assert recognizers[1].expert_rows == {"tiny/body": (2, 2), "tiny/hand": (2, 2)}
    for one, other in zip(*(r.actions for r in results), strict=True):
        assert one.hypotheses[0].class_name == other.hypotheses[0].class_name
        assert one.hypotheses[0].score == pytest.approx(other.hypotheses[0].score, abs=1e-5)
        assert one.hand_score == pytest.approx(other.hand_score, abs=1e-5)
    assert results[0].actions[1].hand_score == 0.0


def test_a_split_bundle_is_verified_like_any_other(split: Bundle, tmp_path: Path) -> None:
    copy = rewrite_bundle(split, replace(split.manifest, description="moved"), tmp_path / "a")
    assert copy.digest == split.digest == split.manifest.whole_sha256
    assert set(copy.graphs) == {"body", "hand", "fusion"} and copy.manifest.description == "moved"
    assert sorted(copy.manifest.files) == ["body.onnx", "fusion.onnx", "hand.onnx"]
    graph = copy.graphs["hand"]
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"hand\.onnx .* is not the one its manifest"):
        load_bundle(copy.path)
    graph.unlink()
    with pytest.raises(BundleError, match=r"hand\.onnx is missing"):
        load_bundle(copy.path)


def test_a_bundle_of_one_graph_stays_readable_for_earlier_versions(
    whole: Bundle, split: Bundle
) -> None:
    assert whole.manifest.to_dict()["format_version"] == 2
    assert "graphs" not in whole.manifest.to_dict()
    assert split.manifest.to_dict()["format_version"] == 3
    assert whole.graphs == {"whole": whole.onnx_path}
    assert whole.digest == whole.manifest.files["model.onnx"]["sha256"]


@pytest.mark.parametrize(
    ("graphs", "message"),
    [
        ({"body": GraphFile("a.onnx")}, "graphs names body for the streams body, hand"),
        ({"body": GraphFile("a"), "hand": GraphFile("a"), "fusion": GraphFile("b")}, "twice"),
        ({"body": GraphFile("../a"), "hand": GraphFile("b"), "fusion": GraphFile("c")}, "plain"),
        ({"body": GraphFile("a", 1.5), "hand": GraphFile("b"), "fusion": GraphFile("c")}, "1.5"),
    ],
)  # fmt: skip
def test_graphs_that_cannot_be_are_refused(
    split: Bundle, graphs: dict[str, GraphFile], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        replace(split.manifest, graphs=graphs)
    with pytest.raises(BundleError, match="whole_sha256 is 'no'"):
        replace(split.manifest, whole_sha256="no")


def test_graphs_must_fit_each_other(split: Bundle, whole: Bundle, tmp_path: Path) -> None:
    parts = {role: path.read_bytes() for role, path in split.graphs.items()}
    with pytest.raises(BundleError, match="give those that it names"):
        write_bundle(tmp_path / "a", split.manifest, {"body": parts["body"]})
    with pytest.raises(BundleError, match="One graph is given for a manifest of several"):
        write_bundle(tmp_path / "b", split.manifest, parts["body"])
    swapped = write_bundle(
        tmp_path / "c", split.manifest, {**parts, "hand": parts["body"], "body": parts["hand"]}
    )
    with pytest.raises(BundleError, match=r"The graph body .* reads hand instead of 'body'"):
        create_engine(swapped)
    deaf = write_bundle(tmp_path / "d", split.manifest, {**parts, "fusion": parts["hand"]})
    with pytest.raises(BundleError, match="No graph of the bundle 'tiny' gives"):
        create_engine(deaf)
    with pytest.raises(BundleError, match="needs the graph fusion"):
        ExpertGraphs(
            split.manifest, {role: open_graph(split.graphs[role]) for role in ("body", "hand")}
        )
