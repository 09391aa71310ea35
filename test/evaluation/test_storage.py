from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import EvaluationError
from bharnet_ros.evaluation import Episode
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.records import Evaluation, JudgedPerson, Recording
from bharnet_ros.evaluation.storage import load, save

S = 1_000_000_000
PERSON = JudgedPerson(
    7, np.array([S, S + 1, 2 * S]), np.array([0, 1, -1]),
    np.array([0.1, 1 / 3, 0.0], np.float32), np.array([-1, 1, -1]), np.array([True, False, True]),
)  # fmt: skip
RECORDING = Recording(
    "bag", 0, 10 * S, (Episode(7, "wave", S, 3 * S),),
    (Episode(7, "wave", S + 5, 3 * S, 0.875, "gestures"), Episode(-1, "ok", 5 * S, 6 * S, 0.5)),
    (PERSON,), 100, 90, {"pose": (1.5, 2.25)}, {"busy": 10}, ("Ärger: “x”",), False,
)  # fmt: skip
WHOLE = Evaluation(
    "offline", "gestures", "ff" * 32, "mediapipe", ("idle", "wave", "ok"), "idle", "",
    (RECORDING, replace(RECORDING, name="other", people=())), {"command": "evaluate bag"},
)  # fmt: skip


def same(a: Any, b: Any) -> bool:
    if is_dataclass(a):
        return type(a) is type(b) and all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a)
        )
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    metrics = measure(WHOLE)
    save(WHOLE, metrics, path)
    evaluation, read = load(path)
    assert same(evaluation, WHOLE) and read == metrics
    assert measure(evaluation) == metrics


def test_numbers_that_are_none_are_null(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    save(WHOLE, {"a": float("nan"), "b": [np.float32(0.5), np.inf], "c": np.arange(2)}, path)
    assert load(path)[1] == {"a": None, "b": [0.5, None], "c": [0, 1]}


def test_records_that_contradict_themselves_are_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    short = replace(PERSON, class_ids=np.array([0]))
    for broken, message in (
        (replace(WHOLE, mode="dreamt"), "mode: one of offline, live is expected"),
        (replace(WHOLE, background="rest"), "background: it is none of the class names"),
        (replace(WHOLE, recordings=(RECORDING, RECORDING)), "have the same name"),
        (replace(WHOLE, recordings=(replace(RECORDING, people=(short,)),)),
         r"recordings\[0\].people\[0\].class_ids: 3 values are expected"),
        (replace(WHOLE, recordings=(replace(RECORDING, end_ns=-1),)), "lies before start_ns"),
    ):  # fmt: skip
        with pytest.raises(EvaluationError, match=message):
            save(broken, {}, path)
    assert not path.exists()


Edit = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(format="a report"), "this is not an evaluation; give the file that"),
        (lambda d: d.update(format_version=99), "the format version 99 is not known, only 1"),
        (lambda d: d.pop("metrics"), "it has no metrics"),
        (lambda d: d.pop("evaluation"), "evaluation: an object is expected"),
        (lambda d: d["evaluation"].pop("bundle"), "evaluation.bundle: a value of the kind str"),
        (lambda d: d["evaluation"].update(class_names=[1]), "class_names: texts are expected"),
        (lambda d: d["evaluation"].update(about={"a": 1}), "about: texts are expected"),
        (lambda d: d["evaluation"]["recordings"][0].update(images=True), "images: a value of the"),
        (lambda d: d["evaluation"]["recordings"][0].update(images=1.5), "kind int is expected"),
        (lambda d: d["evaluation"]["recordings"][0].update(start_ns=2**70), "64 bits"),
        (lambda d: d["evaluation"]["recordings"][0]["truth"].append([1]), r"truth\[1\]: \[person"),
        (lambda d: d["evaluation"]["recordings"][0]["truth"][0].__setitem__(3, 0), "before start"),
        (lambda d: d["evaluation"]["recordings"][0]["stage_ms"].update(pose=["x"]), "of numbers"),
        (lambda d: d["evaluation"]["recordings"][0]["people"][0]["class_ids"].__setitem__(0, 3),
         r"class_ids: whole numbers from -1 to 2 are expected"),
        (lambda d: d["evaluation"]["recordings"][0]["people"][0]["probabilities"].__setitem__(
            0, 1.5), "probabilities: 0 to 1 is expected"),
        (lambda d: d["evaluation"]["recordings"][0]["people"][0]["probabilities"].__setitem__(
            0, 10**400), "probabilities: finite numbers are expected"),
        (lambda d: d["evaluation"]["recordings"][0]["people"][0]["stamps_ns"].reverse(),
         "stamps_ns: they do not rise"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(tmp_path: Path, edit: Edit, message: str) -> None:
    path = tmp_path / "e.json"
    save(WHOLE, {}, path)
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))
    with pytest.raises(EvaluationError, match=message) as error:
        load(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is no JSON of an evaluation"),
        ("{", "this is no JSON"),
        ("[" * 200_000, "this is no JSON"),
        ('{"format": NaN}', "NaN is no number"),
        ('{"a": 1, "a": 2}', "a key is given twice"),
        ("[]", "this is not an evaluation"),
        ("\udcff", "this is no JSON"),
    ],
)
def test_texts_that_are_no_evaluation(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "e.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(EvaluationError, match=message):
        load(path)


def test_files_that_are_not_there_or_far_too_large(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"cannot be read \(No such file"):
        load(tmp_path / "none.json")
    with pytest.raises(EvaluationError, match=r"could not be saved \(No such file"):
        save(WHOLE, {}, tmp_path / "nowhere" / "e.json")
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(EvaluationError, match="at most 1024 MB"):
        load(tmp_path / "big.json")
