"""Valid inputs that the alterations begin with; small, so that they meet something every time."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.synthetic import person_keypoints, skeleton, tiny_manifest
from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, RecognizedAction, SkeletonFrame

START_NS = 1_700_000_000 * 10**9

_CSV = """start,end,label,person,x,y,width,height
1.5,3.25,wave,1,10,20,100,200
4,0:42.5,stop,,,,,
"""
_YAML = """clock: first_image
segments:
  - {start: 1.25, end: 3.5, label: wave, person: 1, region: [410, 80, 200, 560]}
  - start: 4.0
    end: 0:06.5
    label: thumbs up
"""
_ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds"/>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="1000"/>
<TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="2500"/></TIME_ORDER>
<TIER TIER_ID="gestures_2" PARTICIPANT="person 2"><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2">
<ANNOTATION_VALUE>wave</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>
"""
_VIA = json.dumps(
    {
        "attribute": {"1": {"aname": "label", "type": 4, "options": {"0": "wave"}}},
        "file": {"1": {"fname": "kitchen.mp4"}},
        "view": {"1": {"fid_list": ["1"]}},
        "metadata": {
            "a": {"vid": "1", "z": [1.5, 3.0], "xy": [2, 10, 20, 30, 40], "av": {"1": "0"}}
        },
    }
)
LABELS = {
    ".csv": (_CSV,), ".tsv": (_CSV.replace(",", "\t"),), ".yaml": (_YAML,), ".eaf": (_ELAN,),
    ".json": (_VIA,),
}  # fmt: skip
"""Label files by ending."""

CHANGE = json.dumps(
    {
        "version": "new",
        "segments": [
            {"start_ns": 0, "end_ns": 10**9, "label": "wave", "person": 3, "region": [1, 2, 3, 4]}
        ],
    }
)
PARAMS = """/**/action_recognizer:
  ros__parameters:
    bundles: [gestures]
    rate_hz: 15.0
robot:
  "*": {ros__parameters: {top_k: 3}}
"""
_QOS = """history: keep_last
  depth: 10
  reliability: reliable
  durability: volatile
  deadline: {sec: 0, nsec: 0}
  lifespan: {sec: 9223372036, nsec: 854775807}
  liveliness: automatic
  liveliness_lease_duration: {sec: 0, nsec: 0}
  avoid_ros_namespace_conventions: false
"""
QOS = (f"- {_QOS}", f"/image_raw:\n  {_QOS}")


def evaluation() -> str:
    """A record of an evaluation."""
    from bharnet_ros.evaluation import Episode
    from bharnet_ros.evaluation.records import Evaluation, JudgedPerson, Recording
    from bharnet_ros.evaluation.storage import FORMAT, FORMAT_VERSION
    from bharnet_ros.evaluation.storage_records import evaluation_data

    second = 10**9
    person = JudgedPerson(
        7, np.array([second, 2 * second]), np.array([0, 1]), np.array([0.1, 0.5], np.float32),
        np.array([-1, 1]), np.array([True, False]),
    )  # fmt: skip
    recording = Recording(
        "bag", 0, 10 * second, (Episode(7, "wave", second, 3 * second),),
        (Episode(7, "wave", second, 3 * second, 0.875, "gestures"),), (person,), 100, 90,
        {"pose": (1.5, 2.25)}, {"busy": 10}, ("a problem",), False,
    )  # fmt: skip
    whole = Evaluation(
        "offline", "gestures", "ff" * 32, "mediapipe", ("idle", "wave"), "idle", "", (recording,),
        {"command": "evaluate bag"},
    )  # fmt: skip
    data = evaluation_data(whole)
    return json.dumps(
        {"format": FORMAT, "format_version": FORMAT_VERSION, "evaluation": data, "metrics": {}}
    )


def manifest() -> dict[str, Any]:
    """A bundle's manifest."""
    data = tiny_manifest(("idle", "wave", "stop")).to_dict()
    made: dict[str, Any] = json.loads(json.dumps(data))
    made["files"] = {"model.onnx": {"sha256": "0" * 64, "bytes": 10}}
    return made


def gestures() -> tuple[str, ...]:
    """Gesture files, one that stands for itself and one that extends another."""
    from bharnet_ros.gestures.loading import SHIPPED

    shipped = min(SHIPPED.glob("*.yaml"), key=lambda path: path.stat().st_size)
    example = Path(__file__).resolve().parents[2] / "examples" / "my_gestures.yaml"
    return shipped.read_text("utf-8"), example.read_text("utf-8")


def pictures() -> list[bytes]:
    """A JPEG and a PNG."""
    image = np.arange(16 * 12 * 3, dtype=np.uint8).reshape(16, 12, 3)
    return [cv2.imencode(ending, image)[1].tobytes() for ending in (".jpg", ".png")]


@functools.cache
def _files(storage: str, compression: str) -> tuple[bytes, str]:
    from bharnet_ros.bags.write import BagWriter

    action = RecognizedAction(
        ActionState.STARTED, 1, (Hypothesis(1, "wave", 0.9, "g"),), START_NS, START_NS, 3, 0.9,
        0.8, np.zeros(4, np.float32), "g",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bag"
        with BagWriter(path, storage, compression) as writer:
            for index in range(4):
                now = START_NS + index * 10**8
                writer.image("/image_raw", now, np.full((4, 6, 3), 9, np.uint8))
                someone = (skeleton(1, person_keypoints()),)
                people = SkeletonFrame(now, (480, 640), "coco_wholebody_133", someone)
                writer.skeletons("/skeletons", people)
                writer.actions("/actions", ActionFrame(now, (action,)))
        files = [each for each in path.iterdir() if each.name != "metadata.yaml"]
        return files[0].read_bytes(), (path / "metadata.yaml").read_text("utf-8")


def bag(storage: str, compression: str = "none") -> bytes:
    """A bag of twelve messages: its storage file."""
    return _files(storage, compression)[0]


def metadata() -> str:
    """metadata.yaml of the same."""
    return _files("mcap", "none")[1].replace("bag.mcap", "bag_0.mcap")
