"""`python -m training teach`: what it says before it trains, and what it refuses."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from training import cli
from training.commands.teach import overview, usage
from training.data import DataSheet, Person, Sample, Span, StoreWriter
from training.sequences import GestureSpan, KeypointSequence
from training.teaching.examples import Take
from training.teaching.making import HEAD_STD, Start, class_names

S = 1_000_000_000


def take(recording, subject, *names):
    spans = tuple(GestureSpan(n, i * S, i * S + S) for i, n in enumerate(names))
    zeros = np.zeros((20, 133, 2), np.float32)
    sequence = KeypointSequence(
        "coco_wholebody_133", np.arange(20) * S, zeros, zeros[..., 0], zeros[:0], spans, {}
    )
    return Take(sequence, recording, subject)


@pytest.fixture
def store(tmp_path):
    """One recording of Anna, who hurries twice."""
    sheet = DataSheet(
        dataset="rosbag", layout="coco_wholebody_133", dims=2, unit="px", stamps="measured",
        class_names=(), open_classes=True, license="own", provenance="bags", converter="rosbag",
    )  # fmt: skip
    person = Person(np.ones((60, 133, 2), np.float32), np.ones((60, 133), np.float32))
    with StoreWriter(tmp_path / "store", sheet) as writer:
        spans = (Span("hurry", S, 2 * S), Span("hurry", 3 * S, 4 * S))
        stamps = np.arange(60) * (S // 10)
        writer.add(Sample("anna_1#4", stamps, (person,), fields={"subject": "anna"}, spans=spans))
        writer.finish()
    return tmp_path / "store"


def test_what_is_thin_about_the_examples_is_said():
    takes = [take("a_1", "a", *["hurry"] * 6, "wipe"), take("b_1", "b", "hurry")]
    text = "\n".join(overview(takes))
    assert "2 labels, 8 examples, 2 people" in text and "hurry 7, wipe 1" in text
    assert "Few examples of wipe: 5 to 20" in text
    assert "Only one of the people shows wipe" in text
    text = "\n".join(overview([take("a_1", "", "hurry"), take("b_1", "", "hurry")]))
    assert "Who is in which bag is not known" in text and "nothing about other people" in text


def test_the_way_into_a_graph_is_told():
    text = "\n".join(usage(Path("output/mine_bundle")))
    assert "bundle:=gestures,output/mine_bundle" in text
    assert f"['gestures', '{Path('output/mine_bundle').resolve()}']" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "All examples are of one of the people"),
        (["--hold-out", "20%"], "A share .'20%'. cannot be held out"),
        (["--hold-out", "anna"], "nothing is left to train on"),
        (["--hold-out", "anna", "--no-validation"], "exclude each other"),
        (["--steps", "0"], "--steps is 0"),
        (["--acted", "3"], "--acted is 3; give 12 or more"),
        (["--init", "nowhere"], "Bundle 'nowhere'"),
    ],
)
def test_what_cannot_be_taught_is_refused_with_a_sentence(store, tmp_path, capsys, options, said):
    arguments = ["teach", str(store), "--output", str(tmp_path / "bundle"), *options]
    assert cli.main(arguments) == 2
    assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--people", "people.csv"], "--people says how to read bags.* --people ...` and leave it"),
        (["--names", "{subject}", "--backend", "mediapipe"], "--names, --backend says"),
        (["--skeletons", "robot/skeletons"], "--skeletons says"),
        (["--labels", "labels"], "--labels says"),
        (["--image-topic", "/front"], "--image-topic says"),
    ],
)
def test_what_is_said_about_bags_is_no_use_with_a_store(store, tmp_path, capsys, options, said):
    assert cli.main(["teach", str(store), "--output", str(tmp_path / "bundle"), *options]) == 2
    told = capsys.readouterr().err
    assert f"{store} is a store, and {said.split()[0]}" in told and re.search(said, told)


def test_an_input_that_is_neither_store_nor_bag_is_refused(tmp_path, capsys):
    assert cli.main(["teach", str(tmp_path), "--output", str(tmp_path / "bundle")]) == 2
    assert "holds no bag" in capsys.readouterr().err


def test_an_input_that_is_not_there_is_told_whatever_an_earlier_run_left(store, tmp_path, capsys):
    shutil.copytree(store, tmp_path / "my_store")
    assert cli.main(["teach", str(tmp_path / "no"), "--output", str(tmp_path / "my_bundle")]) == 2
    assert "no does not exist; give labelled bags" in capsys.readouterr().err


def test_bags_are_converted_first(tmp_path, capsys):
    pytest.importorskip("rosbags", reason="the library rosbags is not installed")
    from training.measuring.sessions import record_session

    film = take("", "", "hurry", "wipe").sequence
    scores = np.ones_like(film.scores)
    record_session(replace(film, scores=scores), tmp_path / "anna_1", np.random.default_rng(0))
    output = tmp_path / "out" / "mine_bundle"
    assert cli.main(["teach", str(tmp_path / "anna_1"), "--output", str(output)]) == 2
    said = capsys.readouterr()
    assert "2 labels, 2 examples, 1 recordings" in said.out
    assert "All examples are of one of the recordings (anna_1)" in said.err
    assert (tmp_path / "out" / "mine_store" / "sheet.json").is_file()


def test_the_classes_are_nothing_the_labels_and_something_else():
    takes = [take("a_1", "a", "wipe", "other", "idle", "hurry")]
    assert class_names(takes, "idle") == ("idle", "hurry", "wipe", "other")
    with pytest.raises(ConfigurationError, match="show nothing but 'idle' and 'other'"):
        class_names([take("a_1", "a", "other")], "idle")


def test_the_last_layer_keeps_what_it_knows_of_classes_that_stay():
    from bharnet_ros.bundle import load_bundle
    from training.starting import starting_weights

    bundle = load_bundle("gestures")
    start = Start(bundle, None)
    names = ("idle", "hurry", "wave", "other")
    weights = start.weights(names, 1)
    old, order = starting_weights(bundle), bundle.manifest.class_names
    for key in ("body.classify.weight", "hand.classify.bias"):
        assert len(weights[key]) == 4
        for number, name in enumerate(names):
            if name != "hurry":
                np.testing.assert_array_equal(weights[key][number], old[key][order.index(name)])
        assert float(abs(weights[key][1]).max()) < 6 * HEAD_STD
    np.testing.assert_array_equal(weights["body.norm.weight"], old["body.norm.weight"])
    assert Start(bundle, None, warm=False).weights(names, 1) is None
