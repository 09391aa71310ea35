"""The node of docs/topics.md, as a reader would copy it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bharnet_ros.msg import (
    ActionHypothesis,
    ActionLabels,
    BundleLabels,
    RecognizedAction,
    RecognizedActionArray,
)
from rclpy.qos import DurabilityPolicy, QoSProfile

from bharnet_ros.nodes.qos import RESULTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "topics.md"
WHO = ("gestures", 7)


def said(state: int, name: str = "wave") -> RecognizedActionArray:
    hypothesis = ActionHypothesis(class_name=name, score=0.9, bundle=WHO[0])
    hypotheses = [hypothesis] if state != RecognizedAction.NONE else []
    action = RecognizedAction(state=state, track_id=WHO[1], bundle=WHO[0], hypotheses=hypotheses)
    return RecognizedActionArray(actions=[action])


def test_the_page_s_node_follows_actions_through_every_fault_it_names(ros: Any) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(source, str(PAGE), "exec"), scope)  # noqa: S102  # the page is ours
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    labels = ros.node.create_publisher(ActionLabels, "action_labels", latched)
    bundle = BundleLabels(bundle=WHO[0], class_names=["idle", "wave"])
    labels.publish(ActionLabels(bundles=[bundle]))
    told: list[ActionLabels] = []
    scope["Reactor"].on_labels = lambda self, message: told.append(message)
    node = scope["Reactor"]()
    ros.executor.add_node(node)
    try:
        ros.wait(lambda: told, "what was latched before the node came")
        actions = ros.publisher(RecognizedActionArray, "actions", RESULTS)

        def after(message: RecognizedActionArray, running: dict[Any, str]) -> None:
            actions.publish(message)
            ros.wait(lambda: node.running == running, f"{running}")

        after(said(RecognizedAction.NONE), {})
        after(said(RecognizedAction.ONGOING), {WHO: "wave"})  # STARTED came too early for us
        after(said(RecognizedAction.ENDED), {})
        after(said(RecognizedAction.STARTED), {WHO: "wave"})
        after(said(RecognizedAction.STARTED, "stop"), {WHO: "stop"})  # a killed recogniser's rest
        ros.wait(lambda: node.running == {}, "silence to end it")
    finally:
        ros.executor.remove_node(node)
        node.destroy_node()
        for publisher in (labels, actions):
            ros.node.destroy_publisher(publisher)
