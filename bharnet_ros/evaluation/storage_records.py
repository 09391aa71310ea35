"""The records of an evaluation <-> plain data for JSON, each field checked on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import EvaluationError
from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.gaps import Span
from bharnet_ros.evaluation.records import Evaluation, JudgedPerson, Recording

MODES = ("offline", "live")
LARGEST = 1e300
LOWEST, HIGHEST = -(2**63), 2**63 - 1
_EPISODE = ("person_id", "class_name", "start_ns", "end_ns", "score", "bundle")
_T = TypeVar("_T")


def evaluation_data(evaluation: Evaluation) -> dict[str, Any]:
    """Plain data of lists, dicts, texts and numbers."""
    return {
        "mode": evaluation.mode,
        "bundle": evaluation.bundle,
        "bundle_sha256": evaluation.bundle_sha256,
        "pose_backend": evaluation.pose_backend,
        "class_names": list(evaluation.class_names),
        "background": evaluation.background,
        "unknown": evaluation.unknown,
        "recordings": [_recording_data(recording) for recording in evaluation.recordings],
        "about": dict(evaluation.about),
    }


def evaluation_record(data: Any) -> Evaluation:
    """Inverse of `evaluation_data`. Raises EvaluationError, which names the field."""
    top = _Fields(data, "evaluation")
    class_names = top.texts("class_names")
    recordings = tuple(
        _recording(_Fields(item, f"recordings[{i}]"), len(class_names))
        for i, item in enumerate(top.items("recordings"))
    )
    about = top.get("about", dict)
    if not all(isinstance(value, str) for value in about.values()):
        raise top.error("about", "texts are expected")
    evaluation = Evaluation(
        top.get("mode", str), top.get("bundle", str), top.get("bundle_sha256", str),
        top.get("pose_backend", str), class_names, top.get("background", str),
        top.get("unknown", str), recordings, about,
    )  # fmt: skip
    if evaluation.mode not in MODES:
        raise top.error("mode", f"one of {', '.join(MODES)} is expected")
    for name in ("background", "unknown"):
        if getattr(evaluation, name) not in ("", *class_names):
            raise top.error(name, "it is none of the class names")
    names = [recording.name for recording in recordings]
    if len(set(names)) != len(names) or len(set(class_names)) != len(class_names):
        raise top.error("recordings", "two recordings or two classes have the same name")
    return evaluation


def _recording_data(recording: Recording) -> dict[str, Any]:
    return {
        "name": recording.name,
        "start_ns": int(recording.start_ns),
        "end_ns": int(recording.end_ns),
        "truth": [_episode_data(episode) for episode in recording.truth],
        "recognised": [_episode_data(episode) for episode in recording.recognised],
        "people": [_person_data(person) for person in recording.people],
        "images": int(recording.images),
        "estimated": int(recording.estimated),
        "stage_ms": {
            name: np.round(np.asarray(values, np.float64), 3).tolist()
            for name, values in recording.stage_ms.items()
        },
        "drops": {name: int(count) for name, count in recording.drops.items()},
        "problems": list(recording.problems),
        "complete": recording.complete,
        "gaps": [[int(start), int(end)] for start, end in recording.gaps],
    }


def _recording(fields: _Fields, num_classes: int) -> Recording:
    stages = _Fields(fields.get("stage_ms", dict), f"{fields.where}.stage_ms")
    drops = _Fields(fields.get("drops", dict), f"{fields.where}.drops")
    recording = Recording(
        name=fields.get("name", str),
        start_ns=fields.whole("start_ns"),
        end_ns=fields.whole("end_ns"),
        truth=_episodes(fields, "truth"),
        recognised=_episodes(fields, "recognised"),
        people=tuple(
            _person(_Fields(item, f"{fields.where}.people[{i}]"), num_classes)
            for i, item in enumerate(fields.items("people"))
        ),
        images=fields.whole("images"),
        estimated=fields.whole("estimated"),
        stage_ms={name: tuple(stages.floats(name).tolist()) for name in stages.data},
        drops={name: drops.whole(name) for name in drops.data},
        problems=fields.texts("problems"),
        complete=fields.get("complete", bool),
        gaps=_gaps(fields),
    )
    if recording.end_ns < recording.start_ns:
        raise fields.error("end_ns", "it lies before start_ns")
    return recording


def _gaps(fields: _Fields) -> tuple[Span, ...]:
    if "gaps" not in fields.data:  # written before there were any
        return ()
    gaps = []
    for i, row in enumerate(fields.items("gaps")):
        pair = _Fields({f"gaps[{i}]": row}, fields.where).integers(f"gaps[{i}]", LOWEST, HIGHEST)
        if len(pair) != 2 or pair[1] < pair[0]:
            raise fields.error(f"gaps[{i}]", "a start and a later end are expected")
        gaps.append((int(pair[0]), int(pair[1])))
    return tuple(gaps)


def _episode_data(episode: Episode) -> list[Any]:
    return [
        int(episode.person_id), episode.class_name, int(episode.start_ns), int(episode.end_ns),
        float(episode.score), episode.bundle,
    ]  # fmt: skip


def _episodes(fields: _Fields, name: str) -> tuple[Episode, ...]:
    episodes = []
    for i, row in enumerate(fields.items(name)):
        if not isinstance(row, list) or len(row) != len(_EPISODE):
            raise fields.error(f"{name}[{i}]", f"[{', '.join(_EPISODE)}] is expected")
        values = _Fields(dict(zip(_EPISODE, row, strict=True)), f"{fields.where}.{name}[{i}]")
        episode = Episode(
            values.whole("person_id"), values.get("class_name", str),
            values.whole("start_ns"), values.whole("end_ns"),
            values.number("score"), values.get("bundle", str),
        )  # fmt: skip
        if episode.end_ns < episode.start_ns:
            raise values.error("end_ns", "it lies before start_ns")
        episodes.append(episode)
    return tuple(episodes)


def _person_data(person: JudgedPerson) -> dict[str, Any]:
    return {
        "person_id": int(person.person_id),
        "stamps_ns": person.stamps_ns.tolist(),
        "class_ids": person.class_ids.tolist(),
        # The shortest text that gives the same float32 again.
        "probabilities": [float(text) for text in person.probabilities.astype(str)],
        "reported": person.reported.tolist(),
        "hands": person.hands.astype(int).tolist(),
    }


def _person(fields: _Fields, num_classes: int) -> JudgedPerson:
    hands = fields.integers("hands", 0, 1)
    person = JudgedPerson(
        fields.whole("person_id"),
        fields.integers("stamps_ns", LOWEST, HIGHEST),
        fields.integers("class_ids", -1, num_classes - 1),
        fields.floats("probabilities").astype(np.float32),
        fields.integers("reported", -1, num_classes - 1),
        hands.astype(np.bool_),
    )
    count = len(person.stamps_ns)
    for name in ("class_ids", "probabilities", "reported", "hands"):
        if len(getattr(person, name)) != count:
            raise fields.error(name, f"{count} values are expected, one for each stamp")
    if (np.diff(person.stamps_ns) <= 0).any():
        raise fields.error("stamps_ns", "they do not rise")
    if ((person.probabilities < 0.0) | (person.probabilities > 1.0)).any():
        raise fields.error("probabilities", "0 to 1 is expected")
    return person


class _Fields:
    """An object of JSON whose values are asked for by name and kind."""

    def __init__(self, data: Any, where: str) -> None:
        self.where = where
        if not isinstance(data, dict):
            raise EvaluationError(f"{where}: an object is expected; evaluate again.")
        self.data: Mapping[str, Any] = data

    def error(self, name: str, problem: str) -> EvaluationError:
        return EvaluationError(f"{self.where}.{name}: {problem}; evaluate again.")

    def get(self, name: str, kind: type[_T]) -> _T:
        value = self.data.get(name)
        # bool is an int to Python, never to a reader of the file.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(name, f"a value of the kind {kind.__name__} is expected")
        return value

    def whole(self, name: str) -> int:
        value = self.get(name, int)
        if not LOWEST <= value <= HIGHEST:
            raise self.error(name, "a whole number of 64 bits is expected")
        return value

    def items(self, name: str) -> list[Any]:
        return self.get(name, list)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        if not all(isinstance(value, str) for value in values):
            raise self.error(name, "texts are expected")
        return tuple(values)

    def number(self, name: str) -> float:
        value = self.data.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(name, "a number is expected")
        if not abs(value) <= LARGEST:
            raise self.error(name, "a finite number is expected")
        return float(value)

    def floats(self, name: str) -> npt.NDArray[np.float64]:
        try:
            array = np.asarray(self._plain(name, {int, float}), np.float64)
        except OverflowError:
            raise self.error(name, "finite numbers are expected") from None
        if not np.isfinite(array).all():
            raise self.error(name, "finite numbers are expected")
        return array

    def integers(self, name: str, low: int, high: int) -> npt.NDArray[np.int64]:
        problem = f"whole numbers from {low} to {high} are expected"
        try:
            array = np.asarray(self._plain(name, {int}), np.int64)
        except OverflowError:
            raise self.error(name, problem) from None
        if ((array < low) | (array > high)).any():
            raise self.error(name, problem)
        return array

    def _plain(self, name: str, kinds: set[type]) -> list[Any]:
        values = self.items(name)
        if not set(map(type, values)) <= kinds:
            raise self.error(name, "a list of numbers is expected")
        return values
