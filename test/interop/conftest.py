"""Stand-ins for messages that are not installed here: classes with exactly the fields of the
official definitions, which refuse anything else and can be serialised as ROS does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

HRI = {
    "IdsList": "std_msgs/Header header\nstring[] ids",
    "NormalizedPointOfInterest2D": "float32 x\nfloat32 y\nfloat32 c",
    "NormalizedRegionOfInterest2D": "std_msgs/Header header\nfloat32 xmin\nfloat32 ymin\n"
    "float32 xmax\nfloat32 ymax\nfloat32 c",
    "Skeleton2D": "std_msgs/Header header\nhri_msgs/NormalizedPointOfInterest2D[18] skeleton",
    "Gesture": "std_msgs/Header header\nuint8 gesture",
}
"""Fields of hri_msgs 2.0.0 (ros4hri/hri_msgs, branch humble-devel)."""

VISION = {
    "Point2D": "float64 x\nfloat64 y",
    "Pose2D": "vision_msgs/Point2D position\nfloat64 theta",
    "BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y",
    "ObjectHypothesis": "string class_id\nfloat64 score",
    "ObjectHypothesisWithPose": "vision_msgs/ObjectHypothesis hypothesis\n"
    "geometry_msgs/PoseWithCovariance pose",
    "Detection2D": "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
    "vision_msgs/BoundingBox2D bbox\nstring id",
    "Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections",
}
"""Fields of vision_msgs 4.1.1 (ros-perception/vision_msgs, branch ros2)."""


class StandIns:
    """classes: by name, each with `Name(**fields)` as rosidl's. sent: what subscribers get."""

    def __init__(self, package: str, definitions: Mapping[str, str]) -> None:
        typesys = pytest.importorskip("rosbags.typesys", reason="rosbags is not installed")
        self._package = package
        self._store = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
        found: dict[str, Any] = {}
        for name, text in definitions.items():
            found.update(typesys.get_types_from_msg(text, f"{package}/msg/{name}"))
        self._store.register(found)
        self.classes = SimpleNamespace(
            **{name: self._maker(f"{package}/msg/{name}") for name in definitions}
        )
        self.header = self._default("std_msgs/msg/Header")
        self.header.frame_id = "camera"

    def sent(self, message: Any, name: str) -> Any:
        """The message after it was serialised and read again."""
        kind = f"{self._package}/msg/{name}"
        return self._store.deserialize_cdr(self._store.serialize_cdr(message, kind), kind)

    def _maker(self, kind: str) -> Callable[..., Any]:
        def make(**fields: Any) -> Any:
            made = self._default(kind)
            for name, value in fields.items():
                assert hasattr(made, name), f"{kind} has no field {name}"
                setattr(made, name, value)
            return made

        return make

    def _default(self, kind: str) -> Any:
        """Every field as rosidl initialises it."""
        values = {}
        for name, (form, about) in self._store.fielddefs[kind][1]:
            values[name] = self._value(form.name, about)
        made = self._store.types[kind].__new__(self._store.types[kind])
        for name, value in values.items():
            object.__setattr__(made, name, value)
        return made

    def _value(self, form: str, about: Any) -> Any:
        if form == "BASE":
            return "" if about[0] == "string" else 0
        if form == "NAME":
            return self._default(about)
        (inner, what), length = about
        if inner.name == "BASE" and what[0] != "string":
            return np.zeros(length, np.dtype(what[0]))
        return [self._value(inner.name, what) for _ in range(length or 0)]


@pytest.fixture(scope="session")
def hri() -> StandIns:
    return StandIns("hri_msgs", HRI)


@pytest.fixture(scope="session")
def vision_stand_ins() -> StandIns:
    return StandIns("vision_msgs", VISION)
