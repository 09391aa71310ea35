from __future__ import annotations

import warnings

import numpy as np
import pytest

from bharnet_ros.evaluation.metrics import NOT_JUDGED, clip_outcomes, measure


def test_a_clip_is_what_its_judgements_come_to(judged, episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    truth = [
        episode(1, "wave", 0, 0.95),
        episode(1, "ok", 1, 1.95),
        episode(1, "stop", 2, 2.95),
        episode(1, "other", 3, 3.95),
        episode(1, "idle", 4, 4.95),  # labelled, but no action
        episode(2, "wave", 0, 1),
    ]
    ids = [1] * 4 + [2] * 6 + [0] * 8 + [2] * 2 + [-1] * 10 + [4] * 10 + [1] * 10
    probabilities = [0.9] * 4 + [0.5] * 6 + [0.9] * 40
    clips = clip_outcomes(evaluation(recording(truth, (), [judged(1, ids, probabilities)])))
    rows = [(c.person_id, c.class_name, c.answer, c.action, c.judgements, c.right) for c in clips]
    assert rows == [
        (1, "wave", "wave", "wave", 10, True),  # 4 x 0.9 outweigh 6 x 0.5
        (1, "ok", "idle", "ok", 10, False),
        (1, "stop", None, None, 0, False),
        (1, "other", "other", None, 10, True),
        (2, "wave", None, None, 0, False),
    ]
    assert clips[0].probability == pytest.approx(0.9)
    assert (clips[0].recording, clips[0].start_ns, clips[0].end_ns) == ("bag", 0, 950_000_000)


def test_judgements_without_any_confidence_are_judgements(  # type: ignore[no-untyped-def]
    judged, episode, recording, evaluation
) -> None:
    person = judged(1, [2] * 10, 0.0)
    (clip,) = clip_outcomes(evaluation(recording([episode(1, "wave", 0, 0.9)], (), [person])))
    assert (clip.answer, clip.action, clip.probability, clip.judgements) == ("ok", "ok", 0.0, 10)


def test_clips_know_what_the_robot_was_told(episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    truth = [episode(1, "wave", 1, 3), episode(1, "ok", 5, 7), episode(1, "stop", 9, 10)]
    found = [episode(1, "wave", 1.5, 3), episode(1, "stop", 6, 7)]
    clips = clip_outcomes(evaluation(recording(truth, found)))
    assert [(c.reported, c.delay_s, c.reported_right) for c in clips] == [
        ("wave", 0.5, True), ("stop", 1.0, False), (None, None, False),
    ]  # fmt: skip


def test_figures_by_hand(judged, episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    truth = [episode(1, n, i, i + 0.95) for i, n in enumerate(["wave", "wave", "ok", "stop"])]
    ids = [1] * 10 + [2] * 10 + [2] * 10 + [-1] * 10
    figures = measure(evaluation(recording(truth, (), [judged(1, ids)])))["overall"]
    clips = figures["clips"]
    assert (clips["count"], clips["not_judged"], clips["accuracy"]) == (4, 1, 0.5)
    assert clips["micro"]["precision"] == pytest.approx(2 / 3)
    assert clips["micro"]["recall"] == 0.5
    assert clips["macro"]["recall"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert clips["confusion"] == {
        "rows": ["wave", "ok", "stop"],
        "columns": ["wave", "ok", "stop", NOT_JUDGED],
        "counts": [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]],
    }
    assert figures["per_class"]["ok"]["clips"]["precision"] == 0.5
    assert figures["per_class"]["stop"]["clips"]["precision"] is None


def test_like_torchmetrics(judged, episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics = pytest.importorskip("torchmetrics.functional.classification")
        torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    names = ("wave", "ok", "stop", "come")
    true = rng.integers(0, 4, 200)
    answer = np.where(rng.random(200) < 0.6, true, rng.integers(0, 4, 200))
    truth = [episode(1, names[c], i, i + 0.95) for i, c in enumerate(true)]
    person = judged(1, np.repeat(answer, 10))
    whole = evaluation(recording(truth, (), [person], 200.0), names=names, background="",
                       unknown="")  # fmt: skip
    figures = measure(whole)["overall"]
    preds, target = torch.tensor(answer), torch.tensor(true)

    def value(name: str, average: str) -> list[float]:
        return np.atleast_1d(getattr(metrics, name)(preds, target, 4, average).numpy()).tolist()

    assert figures["clips"]["accuracy"] == pytest.approx(value("multiclass_accuracy", "micro")[0])
    for name, key in (
        ("multiclass_f1_score", "f1"),
        ("multiclass_precision", "precision"),
        ("multiclass_recall", "recall"),
    ):
        assert figures["clips"]["macro"][key] == pytest.approx(value(name, "macro")[0])
        by_class = [figures["per_class"][n]["clips"][key] for n in names]
        assert by_class == pytest.approx(value(name, "none"))
    table = metrics.multiclass_confusion_matrix(preds, target, 4).tolist()
    assert [row[:-1] for row in figures["clips"]["confusion"]["counts"]] == table
