"""Files that strangers may have written beside a graph: read, or refused in words."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.detection.description import read_description as read_detector
from bharnet_ros.pose.rtmpose.description import read_description as read_pose

huge = st.sampled_from([10**400, -(10**400), 10**12])
numbers = st.integers() | st.floats() | huge
scalars = st.none() | st.booleans() | numbers | st.text(max_size=8)
triples = st.lists(numbers, min_size=2, max_size=3)
values = triples | st.recursive(
    scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(scalars, v, max_size=3),
    max_leaves=6,
)  # fmt: skip
names = st.sampled_from(
    ["keypoints", "input_size", "mean", "std", "color", "split_ratio", "padding", "full_score",
     "family", "pad", "person_class", "source"]
)  # fmt: skip
steps = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["Normalize", "Pad", "TopDownGetBboxCenterScale"]) | values,
        "component": st.just("SimCCLabelDecode") | values,
        "params": st.dictionaries(
            st.sampled_from(["simcc_split_ratio", "input_size"]), values, max_size=2
        )
        | values,
        "mean": values, "std": values, "to_rgb": values, "size": values, "padding": values,
    },
)  # fmt: skip
READERS = pytest.mark.parametrize("read", [read_pose, read_detector])


def attempt(read: Callable[[Path], object], name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        with contextlib.suppress(ConfigurationError):
            read(Path(folder) / "g.onnx")


@READERS
@given(content=st.dictionaries(names, values, max_size=4))
def test_any_yaml_of_known_names(read: Any, content: dict[str, Any]) -> None:
    for name in ("pose.yaml", "detector.yaml"):
        attempt(read, name, yaml.safe_dump(content).encode())


@READERS
@given(content=st.binary(max_size=40))
def test_any_bytes(read: Any, content: bytes) -> None:
    for name in ("pose.yaml", "detector.yaml", "pipeline.json"):
        attempt(read, name, content)


@READERS
@given(content=st.lists(steps, max_size=3))
def test_any_pipeline(read: Any, content: list[Any]) -> None:
    attempt(read, "pipeline.json", json.dumps(content).encode())
