"""Evaluations as JSON files: everything that was seen and every figure, for other programs too."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from bharnet_ros.errors import EvaluationError
from bharnet_ros.evaluation.atomic import write_atomically
from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.storage_records import evaluation_data, evaluation_record

FORMAT = "bharnet_ros evaluation"
FORMAT_VERSION = 1
MAX_BYTES = 1 << 30


def save(evaluation: Evaluation, metrics: Mapping[str, Any], path: str | Path) -> None:
    """Write an evaluation and its metrics (see `metrics.measure`) as JSON.

    Numbers that are none (NaN) become null. The file is complete or not there at all. Raises
    EvaluationError if it cannot be written, or if the records contradict themselves.
    """
    data = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "evaluation": evaluation_data(evaluation),
        "metrics": jsonable(metrics),
    }
    evaluation_record(data["evaluation"])  # what is written can be read
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        write_atomically(path, (text + "\n").encode())
    except OSError as error:
        raise EvaluationError(
            f"{path}: the evaluation could not be saved ({error.strerror or error}); free some "
            "room or choose another folder."
        ) from error


def load(path: str | Path) -> tuple[Evaluation, dict[str, Any]]:
    """Inverse of `save`: the evaluation and its metrics.

    Raises EvaluationError for a file that is missing, too large, no such JSON, of another
    version, or whose records contradict themselves.
    """
    content = _content(Path(path))
    try:
        data = json.loads(content, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(
            f"{path}: this is no JSON of an evaluation ({str(error)[:100]}); give the file that "
            "`evaluate` wrote."
        ) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise EvaluationError(
            f"{path}: this is not an evaluation; give the file that `evaluate` wrote."
        )
    if data.get("format_version") != FORMAT_VERSION:
        raise EvaluationError(
            f"{path}: the format version {str(data.get('format_version'))[:20]} is not known, "
            f"only {FORMAT_VERSION}; evaluate again, or update this package."
        )
    metrics = data.get("metrics")
    if not isinstance(metrics, dict):
        raise EvaluationError(f"{path}: it has no metrics; evaluate again.")
    try:
        return evaluation_record(data.get("evaluation")), metrics
    except EvaluationError as error:
        raise EvaluationError(f"{path}: {error}") from None


def jsonable(value: Any) -> Any:
    """The same of plain lists, dicts, texts and numbers; null where there is no number."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            too_large = os.fstat(file.fileno()).st_size > MAX_BYTES
            content = b"" if too_large else file.read(MAX_BYTES)
    except OSError as error:
        raise EvaluationError(
            f"{path}: the evaluation cannot be read ({error.strerror or error}); check the path."
        ) from None
    if too_large:
        raise EvaluationError(
            f"{path}: an evaluation has at most {MAX_BYTES >> 20} MB, this file has more; give "
            "the file that `evaluate` wrote."
        )
    return content


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key is given twice")
    return data
