"""The whole way from descriptions to a bundle, in miniature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.bundle import GESTURES_FILE, load_bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import load_vocabulary
from training.config import ExpertConfig, ModelConfig
from training.describing.batches import Batches, FilmedWindows, Mix, Sources
from training.describing.classes import UNKNOWN, class_names
from training.describing.finishing import known_against_other
from training.describing.hands import HandBank
from training.describing.making import Extras, Recipe, make_bundle
from training.describing.people import act
from training.describing.recipes import plan_of, quick_mix, shipped_recipe, without
from training.describing.recordings import HandRecordings
from training.describing.transitions import is_transition, transition_of
from training.models import BHaRNet
from training.starting import adopt, starting_weights

VOCABULARY = load_vocabulary("first_light")
NAMES = class_names(VOCABULARY)


def _tiny_plan(steps):
    expert = ExpertConfig("pose", (16, 16, 16), (1, 2, 2), ("joint",), 0.0)
    plan = plan_of(steps, 3e-3)
    return replace(
        plan,
        model=ModelConfig(expert, expert, min_body_share=0.15),
        fit=replace(plan.fit, batch_size=64),
    )


@pytest.fixture(scope="module")
def people():
    return act(VOCABULARY, 12, 1.6, 32, 1, unknown_id=len(NAMES) - 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    recipe = Recipe(
        seed=2, performances=12, hands=20, validation_performances=10, validation_windows=300,
        validation_sequences=2, mix=quick_mix(False), plan=_tiny_plan(12),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("made") / "bundle"
    bundle, figures = make_bundle(VOCABULARY, "tiny", recipe, folder, "a test", report=str)
    return bundle, figures, recipe


def test_a_gesture_that_nobody_shows_is_told_by_name(people):
    number = VOCABULARY.class_id("wave")
    fewer = replace(people, label=np.where(people.label == number, 0, people.label))
    with pytest.raises(ConfigurationError, match=r"None of the acted people shows wave for long"):
        Batches(VOCABULARY, len(NAMES) - 1, Sources(fewer), 1)


def test_batches_are_balanced_repeatable_and_of_all_sources(people):
    rng = np.random.default_rng(0)
    recorded = HandRecordings(
        rng.normal(size=(10, 21, 2)).astype(np.float32), np.full(10, "fist"), np.full(10, "me")
    )
    filmed = FilmedWindows(
        rng.normal(size=(40, 32, 59, 2)).astype(np.float32), np.ones((40, 32, 59), np.float32),
        np.arange(40) % len(NAMES),
    )  # fmt: skip
    sources = Sources(people, HandBank(VOCABULARY, 0, 10), recorded, filmed)
    mix = Mix(people=0.4, hands=0.2, recorded=0.2, filmed=0.2)
    batches = Batches(VOCABULARY, len(NAMES) - 1, sources, 3, mix)
    batch = batches.batch(7, 200)
    again = Batches(VOCABULARY, len(NAMES) - 1, sources, 3, mix).batch(7, 200)
    assert batch.body.shape == (200, 3, 32, 19, 1) and batch.hand.shape == (200, 3, 32, 21, 2)
    assert all(np.array_equal(a, b) for a, b in zip(batch, again, strict=True))
    # Hands and recordings bring no body of their own; some get somebody else's.
    alone = (batch.body[:, 2] == 0).all(axis=(1, 2, 3))
    assert 0.35 < alone[80:160].mean() < 0.85 and alone[:80].mean() < 0.1
    lonely = Batches(VOCABULARY, len(NAMES) - 1, sources, 3, replace(mix, grafted=0.0))
    assert (lonely.batch(7, 200).body[80:160, 2] == 0).all()
    assert (batch.label[120:160] == VOCABULARY.class_id("fist")).all()
    labels = np.concatenate([batches.batch(number, 200).label for number in range(7, 11)])
    assert set(range(len(NAMES))) == set(np.unique(labels[~is_transition(labels)]))
    assert 0.05 < is_transition(batch.label[:80]).mean() < 0.4


def test_shares_of_absent_sources_go_to_people(people):
    batches = Batches(VOCABULARY, len(NAMES) - 1, Sources(people), 3, Mix(filmed=0.3, hands=0.3))
    body = batches.batch(0, 100).body
    assert (body[:, 2] > 0).any(axis=(1, 2, 3)).mean() > 0.9


def test_the_bundle_is_complete_and_the_robot_loads_it(made):
    bundle, figures, _ = made
    manifest = load_bundle(bundle.path).manifest
    assert manifest.unknown_class == UNKNOWN and manifest.class_names == NAMES
    assert manifest.thresholds.confirm_s == pytest.approx(0.1)
    graphs = {path.name for path in bundle.graphs.values()}
    assert graphs == {"body.onnx", "hand.onnx", "fusion.onnx"}
    assert set(manifest.files) == {*graphs, GESTURES_FILE, "weights.npz"}
    again = load_vocabulary(bundle.file(GESTURES_FILE))
    assert again.class_names == VOCABULARY.class_names
    assert set(figures["validation_windows"]["classes"]) <= set(NAMES)
    assert 0.0 <= figures["validation_windows"]["known_against_other"] <= 1.0
    assert manifest.training["seed"] == 2 and manifest.training["command"] == "a test"


def test_gestures_are_ranked_against_what_is_none():
    # Classes: background, two gestures, other. The rows of the background and of a transition
    # to a gesture do not count; three of the four pairs of a gesture and a stranger are in order.
    logits = np.log(np.array([
        [0.1, 0.8, 0.05, 0.05], [0.1, 0.1, 0.4, 0.4],
        [0.1, 0.1, 0.2, 0.6], [0.2, 0.5, 0.1, 0.2],
        [0.0001, 0.9997, 0.0001, 0.0001], [0.9, 0.05, 0.03, 0.02],
    ], np.float32))  # fmt: skip
    labels = np.array([1, 2, 3, 3, 0, transition_of(1)])
    assert known_against_other(logits, labels, background=0) == pytest.approx(0.75)
    assert np.isnan(known_against_other(logits, np.full(6, 3), background=0))


def test_the_same_seed_makes_the_same_bundle(made, tmp_path):
    bundle, figures, recipe = made
    again, same = make_bundle(VOCABULARY, "tiny", recipe, tmp_path / "b", "a test", report=str)
    assert again.manifest.files == bundle.manifest.files and same == figures


def test_training_goes_on_from_a_bundle(made):
    bundle, _, recipe = made
    weights = starting_weights(bundle)
    network = BHaRNet(recipe.plan.model, 4, 32)
    before = network.hand.encode[0].weight.detach().clone()
    taken = adopt(network, weights)
    # All but the last layers, whose classes are others now.
    skipped = {name for name in network.state_dict() if "classify" in name}
    counted = [name for name, v in network.state_dict().items() if v.is_floating_point()]
    assert taken == len(counted) - len(skipped)
    assert not np.allclose(before, network.hand.encode[0].weight.detach())


def test_a_gesture_must_not_be_called_as_the_unknown_is():
    gestures = {UNKNOWN: VOCABULARY["ok"]}
    names = (VOCABULARY.background, UNKNOWN)
    with pytest.raises(ConfigurationError, match="another name"):
        class_names(replace(VOCABULARY, class_names=names, gestures=gestures))


def test_a_recipe_can_leave_sources_out():
    recipe = without(shipped_recipe(1), "filmed", "recorded")
    assert recipe.mix.filmed == recipe.mix.recorded == 0.0 and recipe.mix.hands > 0.0


def test_extras_know_nothing_by_themselves():
    assert Extras().recorded is None and Extras().initial is None
