"""Recordings that a stopped run finished, so that the next run need not play them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bharnet_ros.errors import EvaluationError
from bharnet_ros.evaluation.records import Evaluation, Recording
from bharnet_ros.evaluation.storage import load, save
from bharnet_ros.evaluation.subject import Subject

FOLDER = "finished"


class Finished:
    """A folder of finished recordings. identity: JSON-able; all that a recording depends on."""

    def __init__(self, output: Path, identity: Mapping[str, Any]) -> None:
        text = json.dumps(identity, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._path = output / FOLDER / f"{key}.json"

    def load(self) -> Recording | None:
        """The recording; None if it is not there or cannot be trusted."""
        if not self._path.is_file():
            return None
        try:
            recording = load(self._path)[0].recordings[0]
        except (EvaluationError, IndexError):
            return None
        return recording if recording.complete else None

    def save(self, recording: Recording, subject: Subject, mode: str) -> None:
        """Keep a recording; without room for it the next run plays it again."""
        manifest = subject.loaded.manifest
        evaluation = Evaluation(
            mode, manifest.name, subject.sha256, subject.pose_backend, manifest.class_names,
            manifest.background_class, manifest.unknown_class, (recording,),
        )  # fmt: skip
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            save(evaluation, {}, self._path)
        except (OSError, EvaluationError):
            return


def forget_finished(output: Path) -> None:
    """After a run that got to its end: another one begins afresh."""
    folder = output / FOLDER
    for path in folder.glob("*.json"):
        path.unlink()
    if folder.is_dir():
        folder.rmdir()
