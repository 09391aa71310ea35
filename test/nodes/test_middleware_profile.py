"""config/fastdds.xml: what it switches off, and who still hears whom."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.ros_domains import second
from bharnet_ros.nodes import environment as node_environment
from bharnet_ros.nodes.environment import PROFILES, prepare_middleware, profile_variable, share_file

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
    for name in PROFILES:
        environment.pop(name, None)
    if profile:
        environment[profile_variable()] = str(share_file("config/fastdds.xml"))
    return subprocess.Popen(
        [sys.executable, "-c", NODE, said, heard],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def unchosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A user who has chosen nothing."""
    for name in (*PROFILES, "FASTDDS_BUILTIN_TRANSPORTS"):
        monkeypatch.setenv(name, "")  # so that whatever comes is taken back
    yield monkeypatch


@pytest.mark.parametrize(
    ("rclpy", "variable"),
    [("7.1.6", PROFILES[1]), ("9.1.2", PROFILES[0]), ("10.0.1", PROFILES[0])],
    ids=["jazzy", "kilted", "newer"],
)
def test_the_profile_is_given_to_the_fast_dds_at_hand(
    unchosen: pytest.MonkeyPatch, rclpy: str, variable: str
) -> None:
    """Fast DDS 2 looks only in its own variable; without it no image above 512 KB arrives."""
    unchosen.setattr(node_environment.metadata, "version", {"rclpy": rclpy}.__getitem__)
    prepare_middleware()
    given = {name: os.environ[name] for name in PROFILES if os.environ[name]}
    assert given == {variable: str(share_file("config/fastdds.xml"))}


@pytest.mark.parametrize("name", [*PROFILES, "FASTDDS_BUILTIN_TRANSPORTS"])
def test_what_the_user_chose_stays(unchosen: pytest.MonkeyPatch, name: str) -> None:
    unchosen.setenv(name, "theirs")
    prepare_middleware()
    assert [os.environ[each] for each in PROFILES if os.environ[each]] == ["theirs"] * (
        name in PROFILES
    )


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
