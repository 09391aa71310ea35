"""Several runs as one: their scores added, usually one run for each modality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.engine.evaluating import open_run
from training.engine.runs import SCORES_FILE, WEIGHTS_FILE, read_run
from training.engine.scores import Scores, load_scores, predict_part, save_scores
from training.engine.tables import number, table, write_figures
from training.ensemble import ensemble
from training.metrics import accuracy, macro_f1

Report = Callable[[str], None]


def ensemble_runs(
    runs: Sequence[Path],
    weights: Sequence[float] | None,
    part: str,
    results: Path | None,
    name: str,
    command: str,
    store: str = "",
    report: Report = print,
) -> dict[str, Any]:
    """Accuracy and macro-F1 of each run and of the sum of their log-probabilities.

    Scores that `evaluate` kept are taken, others are predicted now. weights: one a run; choose
    them on the validation part. Raises ConfigurationError if the runs did not judge the same
    clips.
    """
    if len(runs) < 2:
        raise ConfigurationError("An ensemble needs two or more runs; name their folders.")
    twice = [run for number, run in enumerate(runs) if run.resolve() in
             [other.resolve() for other in runs[:number]]]  # fmt: skip
    if twice:
        raise ConfigurationError(
            f"{twice[0]} is named twice, which is no second opinion; give it more of --weights "
            "instead, or name another run."
        )
    class_names = read_run(runs[0])[1]["class_names"]
    scores = [scores_of(run, part, store) for run in runs]
    for run, found in zip(runs[1:], scores[1:], strict=True):
        same = np.array_equal(found.sources, scores[0].sources)
        if not same or read_run(run)[1]["class_names"] != class_names:
            raise ConfigurationError(
                f"{run} and {runs[0]} did not judge the same clips with the same classes; "
                "ensembles need runs of one protocol."
            )
    labels, size = scores[0].label, len(class_names)
    logs = [log_probabilities(found.fused) for found in scores]
    together = ensemble(logs, weights)
    rows = {str(run): each for run, each in zip(runs, logs, strict=True)}
    figures: dict[str, Any] = {
        "command": command, "part": part, "weights": list(weights or [1.0] * len(runs)),
        "clips": len(labels),
        "judges": {
            who: {
                "accuracy": accuracy(labels, values.argmax(axis=1)),
                "macro_f1": macro_f1(labels, values.argmax(axis=1), size),
            }
            for who, values in {**rows, "ensemble": together}.items()
        },
    }  # fmt: skip
    lines = [[w, number(j["accuracy"], 4), number(j["macro_f1"], 4)]
             for w, j in figures["judges"].items()]  # fmt: skip
    text = table(["run", "accuracy", "macro-F1"], lines)
    report(text)
    if results is not None:
        heading = f"# {name}: {len(runs)} runs together, {part} part\n\nMade with `{command}`.\n\n"
        write_figures(results, name, figures, heading + text)
    return figures


def scores_of(run: Path, part: str, store: str = "") -> Scores:
    """What a run says about a part of its data; kept beside its weights."""
    path = run / SCORES_FILE.format(part=part)
    kept = path.is_file() and path.stat().st_mtime >= (run / WEIGHTS_FILE).stat().st_mtime
    if kept:
        return load_scores(path)
    network, data, _ = open_run(run, store)
    scores = predict_part(network, data, part)
    save_scores(path, scores)
    return scores


def log_probabilities(logits: FloatArray) -> FloatArray:
    """(N, C) logits -> logarithms of probabilities, so that no run shouts louder than others."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
