"""Training on stick people: it learns, it repeats itself, and its bundle is what it learned."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation import EpisodeCollector
from bharnet_ros.features import FeatureConfig
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest_parts import Thresholds
from bharnet_ros.recognizer import Recognizer, RecognizerConfig
from training.checkpoint import load_weights, read_description
from training.ema import WeightAverage
from training.export import fold_batch_norms, zero_denormals
from training.finish import calibrate_and_export, evaluate_bundle
from training.fit import fit, learning_rate, make_optimiser, train_network, train_step
from training.labels import OTHER, OUTSIDER
from training.models import BHaRNet
from training.replay import (
    event_config,
    replay,
    skeleton_frames,
    smoothing_s,
    tape,
)
from training.sampling import BatchSampler
from training.sequences import load_split
from training.thresholds import choose_thresholds
from training.windowing import ExpertInputs


def _quiet(text: str) -> None:
    pass


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_config, data_folder):
    """(config, data folder, run folder, description) of a short training."""
    torch.set_num_threads(1)
    run = tmp_path_factory.mktemp("run")
    description = fit(tiny_config, data_folder, run, _quiet)
    return tiny_config, data_folder, run, description


def _state(network: torch.nn.Module) -> np.ndarray:
    return np.concatenate([v.double().numpy().ravel() for v in network.state_dict().values()])


def test_it_learns_and_the_body_cannot_tell_the_pair(trained):
    _, _, _, description = trained
    last = description["history"][-1]
    assert last["fused"] > 0.8
    # open and closed differ in the fingers only; the body sees the other three of five classes.
    assert last["fused"] > last["body"] + 0.1


def test_the_same_seed_gives_the_same_numbers(tiny_config, card, make_sequence):
    config = replace(tiny_config, fit=replace(tiny_config.fit, steps=6, validate_every=3))
    torch.set_num_threads(1)
    films = [make_sequence(seed) for seed in range(3)]
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(123 + len(runs))  # whatever ran before must not matter
        network, history = train_network(
            replace(config, seed=seed), card, films[:2], [], films[2:], _quiet
        )
        runs.append((_state(network), history))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]
    assert not np.array_equal(runs[0][0], runs[2][0])


def test_a_training_that_diverges_is_stopped(tiny_config, card, make_sequence):
    fit = replace(tiny_config.fit, steps=6, validate_every=3, learning_rate=1e30)
    films = [make_sequence(seed) for seed in range(3)]
    with pytest.raises(ConfigurationError, match=r"diverged: after step \d of 6 .*it is 1e\+30"):
        train_network(replace(tiny_config, fit=fit), card, films[:2], [], films[2:], _quiet)


def test_batches_repeat_and_are_balanced(tiny_config, card, make_sequence):
    films = [make_sequence(seed) for seed in range(2)]
    sampler = BatchSampler(films, [], card, tiny_config, FeatureConfig())
    one, again, other = sampler.batch(5), sampler.batch(5), sampler.batch(6)
    np.testing.assert_array_equal(one.hand, again.hand)
    assert not np.array_equal(one.hand, other.hand)
    assert one.body.shape == (16, 3, 16, 19, 1) and one.hand.shape == (16, 3, 16, 21, 2)
    labels = np.concatenate([sampler.batch(n).label for n in range(40)])
    shares = np.bincount(labels, minlength=5) / len(labels)
    assert shares[0] == pytest.approx(0.25, abs=0.06)
    assert shares[1:] == pytest.approx(np.full(4, 0.75 / 4), abs=0.06)


def test_a_share_of_each_batch_shows_outsiders(tiny_config, card, make_sequence):
    films = [make_sequence(seed) for seed in range(2)]
    spans = tuple(s._replace(class_name=OUTSIDER) for s in films[1].spans)
    outsider = replace(films[1], spans=spans)
    sampler = BatchSampler(films[:1], [], card, tiny_config, FeatureConfig(), [outsider])
    labels = np.concatenate([sampler.batch(n).label for n in range(60)])
    assert set(labels.tolist()) == {OTHER, *range(5)}
    assert (labels == OTHER).mean() == pytest.approx(tiny_config.fit.outsider_share, abs=0.05)
    # Without such films nothing is drawn for them.
    assert (
        BatchSampler(films[:1], [], card, tiny_config, FeatureConfig()).batch(0).label >= 0
    ).all()


def test_a_class_without_windows_is_named(tiny_config, card, make_sequence):
    film = make_sequence(0)
    film = replace(film, spans=tuple(s for s in film.spans if s.class_name != "open"))
    with pytest.raises(ConfigurationError, match="no window of open"):
        BatchSampler([film], [], card, tiny_config, FeatureConfig())


def test_schedule_and_decay(tiny_config):
    settings = replace(tiny_config.fit, steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(settings, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.5, abs=1e-6) and rates[99] < 0.001
    network = BHaRNet(tiny_config.model, 5, 16)
    decayed, free = make_optimiser(network, settings).param_groups
    names = {id(p): n for n, p in network.named_parameters()}
    assert decayed["weight_decay"] > 0 and free["weight_decay"] == 0
    assert not any("adjacency" in names[id(p)] for p in decayed["params"])
    assert len(decayed["params"]) + len(free["params"]) == len(names)


def test_average_by_hand():
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(0.0)
    average = WeightAverage(network, 0.5)
    network.weight.data.fill_(1.0)
    average.update(network)  # decay min(0.5, 1/10)
    assert average.network.weight.item() == pytest.approx(0.9)
    average.update(network)  # decay min(0.5, 2/11)
    assert average.network.weight.item() == pytest.approx(1.0 - 0.1 * 2 / 11)


def test_export_evaluate_and_what_the_robot_loads(trained, tmp_path):
    config, data, run, _ = trained
    bundle_folder, results = tmp_path / "bundle", tmp_path / "results"
    lines: list[str] = []
    calibrate_and_export(config, data, run, bundle_folder, "the command", lines.append)
    bundle = load_bundle(bundle_folder)
    manifest = bundle.manifest
    assert manifest.training["seed"] == config.seed
    assert set(manifest.training["data_sha256"]) == {"train", "val"}
    assert "test_actors" in manifest.training["splits"]
    warmth = manifest.fusion
    assert all(
        0.1 <= t <= 10.0
        for t in (warmth.temperature, warmth.body_temperature, warmth.hand_temperature)
    )
    assert manifest.metrics["validation_events"]["gestures"] == 16
    assert b"/home" not in bundle.onnx_path.read_bytes()
    assert any("torch and ONNX Runtime" in line for line in lines)

    figures = evaluate_bundle(config, data, bundle_folder, results, "again", True, _quiet)
    split = figures["splits"]["test_actors"]
    assert split["windows"]["fused"]["accuracy"] > 0.8
    assert 0.35 < split["pairs"]["open / closed"]["body"] < 0.65
    assert split["pairs"]["open / closed"]["fused"] > 0.8
    assert split["events"]["fused"]["gestures"] == 16
    written = json.loads((results / "tiny.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(figures))
    text = (results / "tiny.md").read_text("utf-8")
    assert "open / closed" in text and "test_actors" in text and "again" in text
    stamped = load_bundle(bundle_folder).manifest
    assert stamped.metrics["held_out"]["test_actors"]["gestures"] == 16
    assert stamped.thresholds == manifest.thresholds

    # A replayed tape is what the recogniser itself reports, for every fusion.
    engine = create_engine(bundle)
    film = load_split(data, "test_actors", 2)[0]
    film.scores[40:55] = 0.0  # somebody walks out of the picture and comes back
    film.scores[100:140, 91:133] = 0.0  # and puts the hands into the pockets
    for fusion in ("fused", "body", "hand"):
        options = RecognizerConfig(fusion=fusion, lost_after_s=5.0)
        recognizer, collector = Recognizer(bundle, engine, options), EpisodeCollector()
        for frame in skeleton_frames(film):
            result = recognizer.push(frame)
            if result is not None:
                collector.push(result)
        judgements = tape(film, bundle, engine, options)[fusion]
        found = replay(
            judgements, event_config(bundle, options), smoothing_s(bundle, options),
            manifest.class_names, 1,
        )  # fmt: skip
        expected = list(collector.episodes())
        assert [(e.class_name, e.start_ns, e.end_ns) for e in found] == [
            (e.class_name, e.start_ns, e.end_ns) for e in expected
        ]
        assert fusion == "body" or len(found) >= 4

    thresholds, score = choose_thresholds(load_split(data, "val", 2), bundle, engine)
    assert isinstance(thresholds, Thresholds)
    assert thresholds.end <= thresholds.start and score.recall > 0.7


def test_folding_changes_no_output_and_denormals_go(tiny_config):
    torch.manual_seed(0)
    network = BHaRNet(tiny_config.model, 5, 16)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    network.eval()
    body, hand = torch.randn(2, 3, 16, 19, 1), torch.rand(2, 3, 16, 21, 2)
    folded = fold_batch_norms(network)
    torch.testing.assert_close(
        folded(body, hand).fused, network(body, hand).fused, atol=1e-5, rtol=1e-4
    )

    def norms(n):
        return sum(isinstance(m, torch.nn.BatchNorm2d) for m in n.modules())

    assert norms(folded) < norms(network)

    layer = torch.nn.BatchNorm1d(2)
    layer.weight.data[:] = torch.tensor([1e-30, 0.5])
    layer.running_var[:] = torch.tensor([1e-30, 1.0])
    assert zero_denormals(layer) == 1
    assert layer.weight.tolist() == [0.0, 0.5]
    assert layer.running_var[0] > 0.0


def test_weights_of_another_vocabulary_are_refused(trained):
    config, _, run, _ = trained
    description = read_description(run / "weights.npz")
    assert description["card"]["class_names"][0] == "idle"
    assert math.isfinite(description["history"][-1]["loss"])
    with pytest.raises(ConfigurationError, match="vocabulary"):
        load_weights(run / "weights.npz", BHaRNet(config.model, 9, 16))


def test_data_of_other_settings_are_refused(trained, tmp_path):
    config, data, _, _ = trained
    with pytest.raises(ConfigurationError, match="other data settings"):
        fit(replace(config, seed=77), data, tmp_path / "r", _quiet)


def test_without_a_limit_to_the_gradient_the_network_learns(tiny_config):
    """0 means that nothing is clipped, as in the trainings on stores; not that all is cut off."""
    torch.manual_seed(0)
    steps = tiny_config.windows.num_steps
    network = BHaRNet(tiny_config.model, 3, steps)
    plan = replace(tiny_config.fit, gradient_clip=0.0, weight_decay=0.0, bfloat16=False)
    rng = np.random.default_rng(0)
    batch = ExpertInputs(
        rng.normal(size=(6, 3, steps, 19, 1)).astype(np.float32),
        rng.normal(size=(6, 3, steps, 21, 2)).astype(np.float32),
        np.arange(6) % 3,
    )
    before = network.body.classify.weight.detach().clone()
    train_step(network, batch, make_optimiser(network, plan), plan)
    assert float((network.body.classify.weight.detach() - before).abs().max()) > 1e-4
