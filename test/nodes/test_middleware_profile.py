"""config/fastdds.xml: what it switches off, and who still hears whom."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.ros_domains import second
from bharnet_ros.nodes.environment import share_file

PROFILE = "FASTDDS_DEFAULT_PROFILES_FILE"
NODE = """
import sys, time
from pathlib import Path
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

said, heard = sys.argv[1:]
rclpy.init()
node = rclpy.create_node(said)
latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
publisher = node.create_publisher(String, said, latched)
publisher.publish(String(data=said))
found = []
node.create_subscription(String, heard, lambda message: found.append(message.data), latched)
end = time.monotonic() + 60.0
while not found and time.monotonic() < end:
    rclpy.spin_once(node, timeout_sec=0.1)
threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
print(found, sum(name.startswith("dds.tls") for name in threads), flush=True)
input()
"""


def start(said: str, heard: str, profile: bool) -> subprocess.Popen[str]:
    environment = {**os.environ, "ROS_DOMAIN_ID": str(second())}
    environment.pop(PROFILE, None)
    if profile:
        environment[PROFILE] = str(share_file("config/fastdds.xml"))
    return subprocess.Popen(
        [sys.executable, "-c", NODE, said, heard],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are read from /proc")
@pytest.mark.skipif(
    os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp") != "rmw_fastrtps_cpp",
    reason="another middleware than Fast DDS is chosen",
)
def test_nodes_with_and_without_the_profile_hear_each_other() -> None:
    ours, foreign = start("ours", "foreign", True), start("foreign", "ours", False)
    lines = [process.stdout.readline().strip() for process in (ours, foreign)]  # type: ignore[union-attr]
    for process in (ours, foreign):
        process.communicate("\n", timeout=60)
    # No thread of the type lookup service, which the other node's answers could bring down.
    assert lines[0] == "['foreign'] 0"
    assert lines[1].startswith("['ours'] ")
    assert (ours.returncode, foreign.returncode) == (0, 0)
