"""What pixels add is counted by the robot's own code: a bundle that knows red from blue."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from invented import SHEET
from painted import PaintedImages, standing

from benchmarks.synthetic_rgb import CLASSES, write_tiny_rgb_bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import create_engine
from training.cli import main
from training.data import Person, StoreWriter, open_store, sample_clips
from training.data.rois import open_rois
from training.data.rois_extracting import extract_rois
from training.rgb_evaluation import Tally, evaluate_rgb, questions, tiles_of
from training.rgb_report import report_text

RED, BLUE = (0, 0, 220), (220, 0, 0)


def test_wilson_by_hand():
    assert Tally(95, 100).interval() == pytest.approx((88.83, 97.85), abs=0.01)
    assert Tally(100, 100).interval() == pytest.approx((96.30, 100.0), abs=0.01)
    assert Tally(0, 50).interval()[0] == 0.0 and np.isnan(Tally(0, 0).per_100)


@given(st.integers(1, 10**6), st.floats(0.0, 1.0))
def test_an_interval_holds_the_share_and_stays_within_0_to_100(count, share):
    tally = Tally(int(share * count), count)
    low, high = tally.interval()
    assert 0.0 <= low <= tally.per_100 + 1e-9 and tally.per_100 - 1e-9 <= high <= 100.0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny_rgb_bundle(tmp_path_factory.mktemp("tiny") / "objects")


@pytest.fixture(scope="module")
def store(tmp_path_factory, bundle):
    """Idle people show no right wrist; the others hold cups and phones in turn."""
    samples = []
    for number in range(12):
        name = CLASSES[number % 3]
        sample = standing(
            number, count=133, class_name=name, fields={"subject": str(number % 4)}
        )
        if name == "idle":
            who = sample.people[0]
            scores = who.scores.copy()
            scores[:, 10] = 0.0
            sample = replace(sample, people=(Person(who.keypoints, scores, 0, who.track_id),))
        samples.append(sample)
    folder = tmp_path_factory.mktemp("stores") / "store"
    sheet = replace(SHEET, layout=bundle.manifest.layout, class_names=CLASSES)
    with StoreWriter(folder, sheet) as writer:
        for sample in samples:
            writer.add(sample)
        writer.finish()
    return open_store(folder)


@pytest.fixture(scope="module")
def rois(store, bundle, tmp_path_factory):
    """Cups are red, phones blue, and of idle people there are no images."""
    colours = {"cup": RED, "phone": BLUE, "idle": (90, 90, 90)}
    names = store.values("class").tolist()
    painted = tuple((f"clip{n}", colours[name]) for n, name in enumerate(names))
    broken = tuple(f"clip{n}" for n, name in enumerate(names) if name == "idle")
    images = PaintedImages(broken, colours=painted)
    folder = tmp_path_factory.mktemp("tiles") / "rois"
    extract_rois(store, folder, images, bundle.manifest.rgb.roi, report=str)
    return open_rois(folder, store)


@pytest.fixture(scope="module")
def question(bundle, store):
    return questions(bundle, store, sample_clips(store), store.sheet.class_names)


def test_skeletons_guess_and_pixels_know(bundle, store, rois, question):
    engine = create_engine(bundle, rgb=True)
    figures = evaluate_rgb(bundle, engine, question, rois, seeds=(0, 1))
    apart = figures["told_apart"]["cup / phone"]
    assert (apart["skeleton"]["right"], apart["skeleton"]["count"]) == (4, 8)
    assert apart["pixels"]["right"] == 8 and len(apart["half_lost"]["runs"]) == 2
    assert figures["named"]["all others"]["pixels"]["count"] == 4
    assert figures["others_answered_differently_with_pixels"] == 0
    assert figures["pixels_had_a_say"]["right"] == 8
    said = {"people": 4, "part": "test", "protocol": "p", "dataset": "d", "store": "0" * 64}
    text = report_text({**figures, **said, "command": "x"})
    assert "| cup / phone | 8 | 50.0 (21.5 to 78.5) | 100.0 (67.6 to 100.0) |" in text


def test_lost_images_are_lost_the_same_way_for_a_seed(rois, question):
    window = question.windows[1]
    found = [
        tiles_of(question, rois, 0.5, seed)(1, window.start_ns, window.end_ns).seen.any(axis=1)
        for seed in (3, 3, 4, 5, 6)
    ]
    assert np.array_equal(found[0], found[1])
    assert any(not np.array_equal(found[0], other) for other in found[2:])
    everything = tiles_of(question, rois, 1.0)(1, window.start_ns, window.end_ns)
    assert not everything.seen.any() and not everything.values.any()


def test_what_does_not_fit_is_refused(bundle, store, rois, question, tmp_path):
    engine = create_engine(bundle, rgb=True)
    with pytest.raises(ConfigurationError, match="two or more"):
        evaluate_rgb(bundle, engine, question, rois, [("cup",)])
    with pytest.raises(ConfigurationError, match="two or more"):
        evaluate_rgb(bundle, engine, question, rois, [("cup", "spoon")])
    other = write_tiny_rgb_bundle(
        tmp_path / "other", rgb=replace(bundle.manifest.rgb, tile_px=24), name="other"
    )
    with pytest.raises(ConfigurationError, match="extract them"):
        evaluate_rgb(other, engine, question, rois)
    with pytest.raises(ConfigurationError, match="does not know the class 'spoon'"):
        questions(bundle, store, sample_clips(store), ("idle", "spoon"))


def test_the_command_writes_figures_and_a_table(bundle, store, rois, tmp_path, capsys):
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(
        yaml.safe_dump(
            {
                "format": 1, "name": "mine", "dataset": ["invented"], "meaning": "", "source": "",
                "train": {"subject": [0]}, "test": {"not": {"subject": [0]}},
            }
        )
    )  # fmt: skip
    arguments = [
        "evaluate-rgb", "--bundle", str(bundle.path), "--store", str(store.folder),
        "--rois", str(rois.folder), "--protocol", str(protocol), "--results", str(tmp_path),
        "--skeleton", str(bundle.path), "--seeds", "0",
    ]  # fmt: skip
    assert main(arguments) == 0
    figures = json.loads((tmp_path / "objects_rgb_test.json").read_text())
    assert figures["people"] == 3 and figures["clips"] == 9
    assert figures["skeleton_bundle"]["largest_difference"] == 0.0
    assert (tmp_path / "objects_rgb_test.md").read_text() in capsys.readouterr().out
