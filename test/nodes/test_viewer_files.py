"""The files for rviz and Foxglove against the running nodes: topics, types, fields, structure."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.markers import NAMESPACES


@pytest.fixture(scope="module")
def topics(ros: Any) -> dict[str, str]:
    """Topic -> type of a graph in which every node runs."""
    names = ("pose_estimator", "action_recognizer", "visualizer")
    ros.start(*(NodeSpec(name, {"autostart": False}) for name in names))

    def known() -> dict[str, str]:
        return {name: kinds[0] for name, kinds in ros.node.get_topic_names_and_types()}

    ros.wait(lambda: all(f"/{name}/statistics" in known() for name in names), "the nodes")
    ros.wait(lambda: "/markers" in known() and "/actions" in known(), "their topics")
    return known()


RVIZ_TYPES = {
    "rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray",
    "rviz_default_plugins/Image": "sensor_msgs/msg/Image",
}
RVIZ_OTHERS = {f"rviz_default_plugins/{name}" for name in ("Grid", "Axes", "TF")}
# Values of rviz_common's QosProfileProperty.
RVIZ_QOS = {
    "Durability Policy": {"System Default", "Transient Local", "Volatile"},
    "History Policy": {"System Default", "Keep Last", "Keep All"},
    "Reliability Policy": {"System Default", "Reliable", "Best Effort"},
}


def test_the_rviz_file_shows_what_the_nodes_publish(
    repository: Path, topics: dict[str, str]
) -> None:
    config = yaml.safe_load((repository / "config" / "bharnet_ros.rviz").read_text("utf-8"))
    assert set(config) == {"Panels", "Visualization Manager", "Window Geometry"}
    manager = config["Visualization Manager"]
    assert {"Displays", "Global Options", "Tools", "Views"} <= set(manager)
    found = {}
    for display in manager["Displays"]:
        assert {"Class", "Name", "Enabled", "Value"} <= set(display)
        assert display["Enabled"] == display["Value"]
        if display["Class"] in RVIZ_OTHERS:
            continue
        topic = display["Topic"]
        assert not topic["Value"].startswith("/"), "relative, so that namespaces work"
        assert topics[f"/{topic['Value']}"] == RVIZ_TYPES[display["Class"]]
        for policy, choices in RVIZ_QOS.items():
            assert topic[policy] in choices
        assert topic["Depth"] >= 1
        found[display["Name"]] = display
    assert set(found) == {"People", "Annotated image"}
    assert tuple(found["People"]["Namespaces"]) == NAMESPACES
    assert "Annotated image" in config["Window Geometry"]
    assert manager["Views"]["Current"]["Class"] == "rviz_default_plugins/Orbit"


# Panels of Foxglove and Lichtblick, and the settings without which they show nothing of ours.
FOXGLOVE_PANELS = {
    "Image": {"imageMode"},
    "3D": {"topics", "cameraState"},
    "Plot": {"paths", "xAxisVal", "showLegend", "legendDisplay", "sidebarDimension"},
    "StateTransitions": {"paths", "isSynced"},
    "DiagnosticSummary": {"topicToRender", "minLevel", "pinnedIds", "hardwareIdFilter"},
    "DiagnosticStatusPanel": {"topicToRender", "selectedHardwareId", "selectedName"},
    "RosOut": {"topicToRender", "minLogLevel", "searchTerms"},
}


def widths(tree: Any, width: float = 1.0) -> dict[str, float]:
    """Panel -> its share of the window's width."""
    if isinstance(tree, str):
        return {tree: width}
    share = tree["splitPercentage"] / 100 if tree["direction"] == "row" else 1.0
    rest = 1.0 - share if tree["direction"] == "row" else 1.0
    return {**widths(tree["first"], width * share), **widths(tree["second"], width * rest)}


def leaves(tree: Any) -> list[str]:
    """The panels of a mosaic, which halves the space again and again."""
    if isinstance(tree, str):
        return [tree]
    assert set(tree) == {"direction", "splitPercentage", "first", "second"}
    assert tree["direction"] in ("row", "column") and 0 < tree["splitPercentage"] < 100
    return leaves(tree["first"]) + leaves(tree["second"])


def field_type(kind: str, path: str) -> str:
    """The type of a field reached from a message type by a path like actions[0].state."""
    for part in path.split("."):
        package, name = kind.split("/")[0], kind.split("/")[-1]
        fields = getattr(importlib.import_module(f"{package}.msg"), name)
        known = fields.get_fields_and_field_types()
        step = re.fullmatch(r"(\w+)(\[\d+\])?", part)
        assert step is not None and step[1] in known, f"{kind} has no field {part}"
        kind = known[step[1]]
        if step[2]:
            assert kind.startswith("sequence<"), f"{part} is no array"
            kind = kind.removeprefix("sequence<").removesuffix(">")
    return kind


def test_the_foxglove_layout_shows_what_the_nodes_publish(
    repository: Path, topics: dict[str, str]
) -> None:
    text = (repository / "config" / "foxglove_layout.json").read_text("utf-8")
    layout = json.loads(text)
    assert set(layout) == {
        "configById", "globalVariables", "layout", "playbackConfig", "userNodes",
    }  # fmt: skip
    panels = layout["configById"]
    assert sorted(leaves(layout["layout"])) == sorted(panels), "every panel has its place"
    paths = []
    for name, config in panels.items():
        assert FOXGLOVE_PANELS[name.split("!")[0]] <= set(config), name
        for path in config.get("paths", ()):
            assert {"value", "enabled", "timestampMethod"} <= set(path)
            paths.append(path["value"])
    for path in paths:
        topic, _, fields = path.partition(".")
        kind = field_type(topics[topic], fields)
        assert kind in ("double", "uint8", "string"), f"{path} is a {kind}"
    assert len([path for path in paths if "statistics" in path]) >= 10
    assert topics[panels["Image!people"]["imageMode"]["imageTopic"]] == "sensor_msgs/msg/Image"
    (markers,) = panels["3D!people"]["topics"]
    assert topics[markers] == "visualization_msgs/msg/MarkerArray"
    for panel in ("DiagnosticSummary!nodes", "DiagnosticStatusPanel!node"):
        assert topics[panels[panel]["topicToRender"]] == "diagnostic_msgs/msg/DiagnosticArray"
    assert topics[panels["RosOut!log"]["topicToRender"]] == "rcl_interfaces/msg/Log"


def test_what_foxglove_would_hide_is_in_sight(repository: Path) -> None:
    """What `python -m benchmarks.foxglove` found in Foxglove Studio itself."""
    layout = json.loads((repository / "config" / "foxglove_layout.json").read_text("utf-8"))
    panels = layout["configById"]
    # Its list of nodes ends after 30 pixels a node; where messages wrap, the last are cut off.
    assert widths(layout["layout"])["DiagnosticSummary!nodes"] > 0.5
    for name, config in panels.items():
        if name.startswith("Plot!"):
            # A floating legend lies on the curves; values in it have 16 digits.
            assert config["legendDisplay"] == "left" and not config["showPlotValuesInLegend"]
            assert 120 <= config["sidebarDimension"] <= 200
    # As large as Foxglove's own choice, names of frames hide the people behind them.
    assert 0 < panels["3D!people"]["scene"]["transforms"]["labelSize"] <= 0.1


def test_the_foxglove_layout_names_nodes_as_they_name_themselves(
    repository: Path, ros: Any, topics: dict[str, str]
) -> None:
    layout = json.loads((repository / "config" / "foxglove_layout.json").read_text("utf-8"))
    panels = layout["configById"]
    detail = panels["DiagnosticStatusPanel!node"]
    ros.wait(lambda: detail["selectedName"] in ros.status, "diagnostics of the chosen node")
    assert ros.status[detail["selectedName"]].hardware_id == detail["selectedHardwareId"]
    ros.wait(lambda: len(ros.status) >= 3, "diagnostics of every node")
    shown = panels["DiagnosticSummary!nodes"]["hardwareIdFilter"]
    assert all(shown in status.hardware_id for status in ros.status.values())
