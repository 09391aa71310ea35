"""The figures on one screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.summary import summary


def test_it_fits_a_screen_and_names_what_was_taken_for_what(
    acted: Callable[..., Evaluation],
) -> None:
    evaluation = acted(3, people=2, seconds=180)
    first = evaluation.recordings[0]
    told = replace(
        first, problems=tuple(f"Note number {n}." for n in range(9)), complete=False,
        drops={"estimator busy": 7}, stage_ms={f"stage {n}": (1.0, 2.0) for n in range(12)},
    )  # fmt: skip
    evaluation = replace(evaluation, recordings=(told, *evaluation.recordings[1:]))
    metrics = measure(evaluation)
    text = summary(evaluation, metrics)
    lines = text.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 100
    assert "STOPPED BEFORE THE END" in lines[0] and "estimator busy: 7" in text
    events = metrics["overall"]["events"]
    assert f"{events['right']} right" in text and f"missed of {events['total']}" in text
    assert "stage 11" in text and "more notes in the report" in text
    wrong = [name for name, f in metrics["overall"]["per_class"].items() if f["events"]["wrong"]]
    assert wrong and all(f"    {name}: " in text for name in wrong[:3])


def test_without_figures_there_are_dashes(acted: Callable[..., Evaluation]) -> None:
    evaluation = acted(3, people=1, seconds=30)
    bare = replace(
        evaluation.recordings[0], truth=(), recognised=(), people=(), stage_ms={}, drops={}
    )
    evaluation = replace(evaluation, recordings=(bare,))
    text = summary(evaluation, measure(evaluation))
    assert "0 missed of 0" in text and "nan" not in text.lower() and "None" not in text
