"""The shipped SROS 2 policy allows the running nodes what they have, and nothing more."""

from __future__ import annotations

import http.client
import re
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from sensor_msgs.msg import Image

from bharnet_ros.nodes.graph import NODES, NodeSpec
from bharnet_ros.nodes.qos import IMAGE_SUBSCRIBER
from bharnet_ros.nodes.security_policy import (
    COMPOSED,
    POLICY_FILE,
    Interfaces,
    look,
    may,
    policy_xml,
    read_policy,
)

OPTIONAL = ("ros4hri", "vision_msgs_bridge")
"""Their messages need not be installed; without them the nodes have no topics of their own."""


def test_what_is_allowed_is_what_runs(
    ros: Any, repository: Path, arms_bundle: Path, tmp_path: Path
) -> None:
    from visualization_msgs.msg import MarkerArray

    allowed = read_policy((repository / POLICY_FILE).read_text("utf-8"))
    shared = {"namespace": "guarded"}
    ros.start(
        NodeSpec("pose_estimator"),
        NodeSpec("skeleton_lifter"),
        NodeSpec("simulated_camera", {"duration_s": 2.0}),
        NodeSpec("video_camera", {"source": str(tmp_path / "none.avi")}),
        **shared,
    )
    viewer = ros.start(
        NodeSpec("action_recognizer", {"bundles": [str(arms_bundle)]}),
        NodeSpec("visualizer"),
        NodeSpec("web_viewer", {"port": 0}),
        **shared,
    )
    # Somebody looks at everything, so that everything is subscribed.
    ros.hear(Image, "/guarded/image_annotated", IMAGE_SUBSCRIBER)
    ros.hear(MarkerArray, "/guarded/markers", IMAGE_SUBSCRIBER)
    address = ros.wait(
        lambda: re.search(r"127\.0\.0\.1:(\d+)/#(\S+)", viewer.output()), "the viewer's address"
    )
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            link = http.client.HTTPConnection("127.0.0.1", int(address[1]), timeout=20)
            try:
                link.request("GET", "/api/picture?after=0", headers={"X-Access-Token": address[2]})
                link.getresponse().read()
            except (http.client.HTTPException, OSError):
                return

    threading.Thread(target=watch, daemon=True).start()
    seen: dict[str, Interfaces] = {}

    def same() -> bool:
        # By name and namespace: a name may be known from elsewhere, too.
        found = set(ros.node.get_node_names_and_namespaces())
        for name in set(NODES) - set(OPTIONAL):
            if (name, "/guarded") in found:
                had = seen.get(name, Interfaces())
                seen[name] = had | look(ros.node, name, "/guarded")
        return all(
            may(name, seen.get(name, Interfaces())) == allowed[name]
            for name in set(NODES) - set(OPTIONAL)
        )

    try:
        ros.wait(same, "nodes that have exactly what the policy allows")
    except BaseException:
        print(f"in the graph: {sorted(ros.node.get_node_names_and_namespaces())}")
        for name in sorted(seen):
            for rule in ("publish", "subscribe", "reply", "request"):
                more = getattr(may(name, seen[name]), rule) ^ getattr(allowed[name], rule)
                if more:
                    print(f"{name} {rule}: {sorted(more)}")
        raise
    finally:
        stop.set()


def test_every_process_has_its_enclave(repository: Path) -> None:
    text = (repository / POLICY_FILE).read_text("utf-8")
    allowed = read_policy(text)
    assert set(allowed) == set(NODES)
    assert policy_xml(allowed) == text  # nothing was written by hand
    root = ET.fromstring(text)  # noqa: S314
    nodes = {
        enclave.attrib["path"]: [each.attrib["node"] for each in enclave.iter("profile")]
        for enclave in root.iter("enclave")
    }
    assert nodes.pop("/bharnet_ros/composed") == list(COMPOSED)
    assert nodes == {f"/bharnet_ros/{name}": [name] for name in NODES}
    assert (root.tag, root.attrib) == ("policy", {"version": "0.2.0"})


def test_nobody_may_do_what_is_not_its_work(repository: Path) -> None:
    allowed = read_policy((repository / POLICY_FILE).read_text("utf-8"))
    publishers = {
        topic: {name for name, each in allowed.items() if topic in each.publish}
        for topic in ("image_raw", "skeletons", "actions", "image_annotated")
    }
    assert publishers["image_raw"] == {"simulated_camera", "video_camera"}
    assert publishers["skeletons"] == {"pose_estimator"}
    assert publishers["actions"] == {"action_recognizer"}
    assert publishers["image_annotated"] == {"visualizer"}
    for name, each in allowed.items():
        assert not each.request, name  # none of the nodes asks another one for anything
        own = {text for text in each.reply if not text.startswith("~/")}
        assert not own, name
    hears = allowed["web_viewer"]
    assert hears.subscribe == {"/clock", "/diagnostics", "actions", "image_annotated"}
