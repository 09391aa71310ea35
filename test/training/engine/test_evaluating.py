"""What is done with a trained run: figures, ensembles, a bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from acted_clips import CLASSES, LAYOUT, acted

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.experts import Experts
from bharnet_ros.inference import create_engine
from bharnet_ros.windows import Window
from training.data import DataSheet, Person, StoreWriter
from training.engine import exporting
from training.engine.config import BundleConfig, BystanderConfig, StoreConfig
from training.engine.cost import count_parameters
from training.engine.degrading import DEGRADATIONS, degraded_batches
from training.engine.ensembling import ensemble_runs
from training.engine.evaluating import evaluate_run, open_run
from training.engine.exporting import bystander_streams, export_run
from training.engine.fitting import Machine, fit_store
from training.engine.layouts import into_layout
from training.engine.runs import SCORES_FILE
from training.engine.scores import load_scores
from training.labels import OUTSIDER
from training.thresholds import choose_thresholds

WANTED = BundleConfig("acted", background="idle", window_s=1.0, license="free")


def quiet(_: str) -> None:
    """No lines."""


def test_a_report_says_how_good_and_how_dear(trained: Path, tmp_path: Path) -> None:
    figures = evaluate_run(trained, tmp_path, "the command", report=quiet)
    kept = json.loads((tmp_path / "acted_test.json").read_text())
    assert kept["clips"] == figures["clips"] == 18
    assert figures["judges"]["fused"]["accuracy"] > 0.9
    assert sum(map(sum, figures["confusion"])) == 18
    right = sum(row[n] for n, row in enumerate(figures["confusion"]))
    assert right / 18 == pytest.approx(figures["judges"]["fused"]["accuracy"])
    network, _, _ = open_run(trained)
    assert figures["cost"]["parameters"] == count_parameters(network)
    assert figures["cost"]["gflops"] > 0.0 and figures["cost"]["ms"] > 0.0
    text = (tmp_path / "acted_test.md").read_text()
    assert "the command" in text and "| hands lost 100% |" in text
    scores = load_scores(trained / SCORES_FILE.format(part="test"))
    assert (scores.fused.argmax(axis=1) == scores.label).mean() == pytest.approx(right / 18)
    # Without hands the body judges alone.
    rows = figures["robustness"]
    assert rows["hands lost 100%"]["fused"] == rows["hands lost 100%"]["body"]
    assert rows["hands lost 100%"]["body"] == rows["as recorded"]["body"]


def test_degraded_as_recorded_is_as_recorded(trained: Path) -> None:
    _, data, _ = open_run(trained)
    clips = data.clips("test")
    (batch,) = degraded_batches(data, clips, DEGRADATIONS["as recorded"])
    plain = data.preparation.evaluation(data.loader("test").batch(0))
    np.testing.assert_allclose(batch.body.numpy(), plain.body.numpy(), atol=2e-3)
    np.testing.assert_allclose(batch.hand.numpy(), plain.hand.numpy(), atol=2e-3)


def test_an_unknown_part_and_another_store_are_refused(
    trained: Path, store: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="part is 'train'"):
        evaluate_run(trained, None, "c", part="train", report=quiet)
    other = tmp_path / "store"
    shutil.copytree(store, other)
    sheet = json.loads((other / "sheet.json").read_text())
    sheet["hashes"]["keypoints"] = "0" * 64
    (other / "sheet.json").write_text(json.dumps(sheet))
    with pytest.raises(ConfigurationError, match="is not the one that"):
        open_run(trained, str(other))


def test_an_ensemble_adds_log_probabilities(trained: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    figures = ensemble_runs(
        [trained, other], [1.0, 1.0], "test", tmp_path, "both", "c", report=quiet
    )
    alone = figures["judges"][str(trained)]["accuracy"]
    assert figures["judges"]["ensemble"]["accuracy"] == alone
    assert (tmp_path / "both.md").is_file()
    with pytest.raises(ConfigurationError, match="two or more runs"):
        ensemble_runs([trained], None, "test", None, "one", "c", report=quiet)
    twice = [trained, other, trained.parent / "." / trained.name]
    with pytest.raises(ConfigurationError, match="is named twice"):
        ensemble_runs(twice, None, "test", None, "three", "c", report=quiet)


@pytest.mark.timeout(180)
def test_a_bundle_says_what_the_network_says(trained: Path, tmp_path: Path) -> None:
    bundle = export_run(trained, tmp_path / "bundle", WANTED, "the command", report=quiet)
    manifest = bundle.manifest
    assert manifest.layout == "coco_wholebody_133" and manifest.background_class == "idle"
    assert manifest.metrics["parity"] <= 1e-4
    assert 0.0 < manifest.thresholds.end <= manifest.thresholds.start <= 1.0
    assert str(tmp_path) not in json.dumps(manifest.to_dict())
    # A clip of somebody else, as the robot's estimator would publish it.
    _, data, _ = open_run(trained)
    experts = Experts(bundle, create_engine(bundle))
    clips = data.clips("test")
    batch = data.loader("test").batch(0)
    right = 0
    for row in range(len(clips)):
        moved = into_layout(
            batch.keypoints[row, 0], batch.scores[row, 0], data.store.sheet.layout, manifest.layout
        )
        opinion = experts.judge({0: Window(*moved, 16, 0, 10**9)})[0]
        right += int(opinion.probabilities.argmax() == batch.label[row])
    assert right / len(clips) > 0.9


@pytest.mark.timeout(180)
def test_thresholds_are_chosen_with_bystanders_in_view(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def watched(streams: Any, bundle: Any, engine: Any, outsiders: Any) -> Any:
        seen.extend(outsiders)
        return choose_thresholds(streams, bundle, engine, outsiders)

    monkeypatch.setattr(exporting, "choose_thresholds", watched)
    wanted = replace(WANTED, bystanders=BystanderConfig("gestures", ("shrug",), people=1))
    bundle = export_run(trained, tmp_path / "bundle", wanted, "the command", report=quiet)
    (person,) = seen
    assert person.layout == bundle.manifest.layout and person.duration_s > 50.0
    assert {span.class_name for span in person.spans} == {OUTSIDER}


def test_what_cannot_become_a_bundle_is_refused(
    trained: Path, configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="background is 'rest'"):
        export_run(trained, tmp_path, replace(WANTED, background="rest"), "c", report=quiet)
    nobody = replace(WANTED, bystanders=BystanderConfig("gestures", ("moonwalk",)))
    with pytest.raises(ConfigurationError, match="leave_out names moonwalk"):
        bystander_streams(nobody, (), 0)
    with pytest.raises(ConfigurationError, match="other inputs"):
        export_run(trained, tmp_path, replace(WANTED, layout="coco_17"), "c", report=quiet)
    alone = configured(streams=["hand"], fit={"epochs": 1, "batch_size": 9, "warmup_epochs": 0.0})
    fit_store(alone, tmp_path / "run", Machine(accelerator="cpu"), report=quiet)
    with pytest.raises(ConfigurationError, match="one expert alone"):
        export_run(tmp_path / "run", tmp_path, WANTED, "c", report=quiet)


def test_reports_and_bundles_that_cannot_be_written_are_named(
    trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"acted_test.json cannot be written"):
        evaluate_run(trained, tmp_path / "file", "c", report=quiet)
    with pytest.raises(ConfigurationError, match=r"file/bundle cannot be written"):
        export_run(trained, tmp_path / "file" / "bundle", WANTED, "c", report=quiet)


def test_people_who_come_late_are_evaluated_and_exported(
    configured: Callable[..., StoreConfig], store: Path, tmp_path: Path
) -> None:
    sheet = DataSheet("acted", LAYOUT, 2, "px", "nominal", CLASSES, "free", "made up", "test")
    with StoreWriter(tmp_path / "late", sheet) as writer:
        for number in range(27):
            sample = acted(number)
            person = sample.people[0]
            late = Person(person.keypoints[5:], person.scores[5:], 5, 0)
            writer.add(replace(sample, people=(late,)))
        writer.finish()
    about = {"store": str(tmp_path / "late"), "protocol": str(store.parent / "protocol.yaml")}
    run = tmp_path / "run"
    fit_store(configured(data=about), run, Machine(accelerator="cpu"), report=quiet)
    figures = evaluate_run(run, None, "c", report=quiet)
    assert figures["robustness"].keys() == DEGRADATIONS.keys()
    export_run(run, tmp_path / "bundle", WANTED, "c", report=quiet)
