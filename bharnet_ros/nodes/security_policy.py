"""The SROS 2 policy of the nodes, read from the running graph: what each may say and hear.

python -m bharnet_ros.nodes.security_policy [--seconds 10] [--output FILE]

As `ros2 security generate_policy`, with three differences: it needs no ros2cli; it keeps looking,
because some nodes subscribe only while somebody looks; and it leaves the profiles of nodes that do
not run now as they are in the file. Names in the nodes' namespace become relative.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import rclpy
from rclpy.node import Node

from bharnet_ros.nodes.environment import prepare_middleware
from bharnet_ros.nodes.graph import NODES

POLICY_FILE = "config/sros2/bharnet_ros.policy.xml"
ENCLAVES = "/bharnet_ros"
COMPOSED = ("pose_estimator", "action_recognizer", "visualizer")
"""What one process holds with composed:=true."""
_GLOBAL = ("/clock", "/diagnostics", "/parameter_events", "/rosout", "/tf", "/tf_static")
_BODY = re.compile(r"/humans/bodies/[^/]+/.+")
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by `python -m bharnet_ros.nodes.security_policy`; a test compares it with the running
     nodes. How it is used: docs/security.md. One enclave per process; /bharnet_ros/composed is the
     process that holds three nodes. -->
"""


@dataclass(frozen=True)
class Interfaces:
    """Names of topics and services; ~/ stands for the node's own, no / in front for those in its
    namespace."""

    publish: frozenset[str] = frozenset()
    subscribe: frozenset[str] = frozenset()
    reply: frozenset[str] = frozenset()
    request: frozenset[str] = frozenset()

    def __or__(self, other: Interfaces) -> Interfaces:
        return Interfaces(
            self.publish | other.publish, self.subscribe | other.subscribe,
            self.reply | other.reply, self.request | other.request,
        )  # fmt: skip


_CLOCK = Interfaces(subscribe=frozenset({"/clock"}))
"""Used with use_sim_time only, and every node has that parameter."""

_COMPRESSED = Interfaces(subscribe=frozenset({"image_raw/compressed"}))
_COMPRESSED_DEPTH = Interfaces(subscribe=frozenset({"depth/image_raw/compressedDepth"}))
_CHOICES = {
    "pose_estimator": _COMPRESSED, "visualizer": _COMPRESSED, "skeleton_lifter": _COMPRESSED_DEPTH,
}  # fmt: skip
"""What nodes have only with other values of their parameters (image_transport, depth_transport)."""


def look(node: Node, name: str, namespace: str = "/") -> Interfaces:
    """What a node of the running graph has now."""
    own, home = f"{namespace.rstrip('/')}/{name}/", f"{namespace.rstrip('/')}/"

    def names(found: Iterable[tuple[str, Sequence[str]]]) -> frozenset[str]:
        made = set()
        for full, _ in found:
            if _BODY.fullmatch(full):
                made.add("/humans/bodies/*")  # ids come and go
            elif full.startswith(own):
                made.add("~/" + full[len(own) :])
            elif full not in _GLOBAL and not full.startswith("/humans/") and full.startswith(home):
                made.add(full[len(home) :])
            else:
                made.add(full)
        return frozenset(made)

    return Interfaces(
        names(node.get_publisher_names_and_types_by_node(name, namespace)),
        names(node.get_subscriber_names_and_types_by_node(name, namespace)),
        names(node.get_service_names_and_types_by_node(name, namespace)),
        names(node.get_client_names_and_types_by_node(name, namespace)),
    )


def may(name: str, has: Interfaces) -> Interfaces:
    """What a node is allowed that was seen with these interfaces."""
    return has | _CLOCK | _CHOICES.get(name, Interfaces())


def policy_xml(profiles: Mapping[str, Interfaces], namespace: str = "/") -> str:
    """The policy of these nodes, one enclave per process."""
    root = ET.Element("policy", version="0.2.0")
    enclaves = ET.SubElement(root, "enclaves")
    processes: list[tuple[str, tuple[str, ...]]] = [
        (f"{ENCLAVES}/{name}", (name,)) for name in sorted(profiles)
    ]
    if all(name in profiles for name in COMPOSED):
        processes.append((f"{ENCLAVES}/composed", COMPOSED))
    for path, names in processes:
        enclave = ET.SubElement(enclaves, "enclave", path=path)
        inside = ET.SubElement(enclave, "profiles")
        for name in names:
            profile = ET.SubElement(inside, "profile", ns=namespace, node=name)
            own = may(name, profiles[name])
            for kind, rule in (
                ("topic", "publish"), ("topic", "subscribe"), ("service", "reply"),
                ("service", "request"),
            ):  # fmt: skip
                if getattr(own, rule):
                    group = ET.SubElement(profile, f"{kind}s", {rule: "ALLOW"})
                    for text in sorted(getattr(own, rule)):
                        ET.SubElement(group, kind).text = text
    ET.indent(root)
    return _HEAD + ET.tostring(root, "unicode") + "\n"


def read_policy(text: str) -> dict[str, Interfaces]:
    """The profiles by node, of a policy that `policy_xml` wrote."""
    found = {}
    # The file is this package's own.
    for profile in ET.fromstring(text).iter("profile"):  # noqa: S314
        rules: dict[str, frozenset[str]] = {}
        for group in profile:
            ((rule, _),) = group.attrib.items()
            rules[rule] = frozenset(str(entry.text) for entry in group)
        found[profile.attrib["node"]] = Interfaces(**rules)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if none of the nodes runs."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--namespace", default="/", help="where the nodes are (default /)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to look (default 10)")
    parser.add_argument("--output", type=Path, default=Path(POLICY_FILE), metavar="FILE")
    options = parser.parse_args(arguments)
    prepare_middleware()
    rclpy.init()
    node = rclpy.create_node("security_policy")
    seen: dict[str, Interfaces] = {}
    try:
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.1)
            for name, namespace in node.get_node_names_and_namespaces():
                if name in NODES and namespace == options.namespace:
                    seen[name] = seen.get(name, Interfaces()) | look(node, name, namespace)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    if not seen:
        print(f"No node of this package runs in {options.namespace}.", file=sys.stderr)
        return 1
    kept = read_policy(options.output.read_text("utf-8")) if options.output.is_file() else {}
    options.output.write_text(policy_xml({**kept, **seen}, options.namespace), "utf-8")
    print(f"{options.output}: {', '.join(sorted(seen))} of {len(kept | seen)} profiles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
