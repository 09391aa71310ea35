"""docs/topics.md against the policy of the nodes, which a test compares with the running ones."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

_ROW = re.compile(r"\| (\w+) \| `([^`]+)` \| (in|out) \| (\w+/\w+) \|")
_EVERYWHERE = {
    "/clock", "/diagnostics", "/parameter_events", "/rosout", "~/statistics", "~/transition_event",
}  # fmt: skip
_VARIANTS = {"image_raw/compressed", "depth/image_raw/compressedDepth"}
"""With another transport; the page names them in the row of the raw topic."""


@pytest.fixture(scope="module")
def told(repository: Path) -> dict[str, set[tuple[str, str]]]:
    """By node: (topic, direction) in the page's table."""
    page = (repository / "docs" / "topics.md").read_text("utf-8")
    found: dict[str, set[tuple[str, str]]] = {}
    for node, topic, direction, _ in _ROW.findall(page):
        found.setdefault(node, set()).add((topic, direction))
    return found


@pytest.fixture(scope="module")
def allowed(repository: Path) -> dict[str, set[tuple[str, str]]]:
    """The same from the policy."""
    policy = ET.parse(repository / "config" / "sros2" / "bharnet_ros.policy.xml")  # noqa: S314
    found: dict[str, set[tuple[str, str]]] = {}
    for profile in policy.iter("profile"):
        topics = found.setdefault(str(profile.get("node")), set())
        for group in profile.findall("topics"):
            direction = "out" if group.get("publish") else "in"
            topics |= {(str(topic.text), direction) for topic in group}
    return found


@pytest.mark.parametrize(
    "node",
    [
        "pose_estimator", "action_recognizer", "visualizer", "web_viewer", "simulated_camera",
        "video_camera", "skeleton_lifter",
    ],
)  # fmt: skip
def test_the_page_names_what_the_node_says_and_hears(
    told: dict[str, set[tuple[str, str]]], allowed: dict[str, set[tuple[str, str]]], node: str
) -> None:
    own = {
        (topic, direction)
        for topic, direction in allowed[node]
        if (topic not in _EVERYWHERE or (topic, direction) == ("/diagnostics", "in"))
        and topic not in _VARIANTS
    }
    assert told[node] == own
