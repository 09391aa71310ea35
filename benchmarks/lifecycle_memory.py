"""Memory of a node through its lifecycle: what activate takes, what deactivate gives back.

python -m benchmarks.lifecycle_memory [--output benchmarks/results/lifecycle_memory.json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ros_domains import claim

NODES = ("action_recognizer", "pose_estimator")
_CYCLES = 5


def resident_mib() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(name: str) -> list[dict[str, Any]]:
    """The node's way through its states in this process, several times."""
    import rclpy

    from bharnet_ros.nodes.environment import prepare_middleware
    from bharnet_ros.nodes.run_nodes import node_class

    prepare_middleware()
    rclpy.init(args=["", "--ros-args", "-p", "autostart:=false", "--log-level", "error"])
    node: Any = node_class(name)()  # type: ignore[call-arg]
    steps = []

    def step(what: str, action: Any = lambda: None) -> None:
        began = time.perf_counter()
        action()
        steps.append(
            {
                "node": name,
                "after": what,
                "state": node.state_label,
                "resident_mib": round(resident_mib(), 1),
                "seconds": round(time.perf_counter() - began, 3),
            }
        )

    step("start")
    for _ in range(_CYCLES):
        step("configure", node.trigger_configure)
        step("activate", node.trigger_activate)
        step("deactivate", node.trigger_deactivate)
        step("activate again", node.trigger_activate)
        step("deactivate again", node.trigger_deactivate)
        step("cleanup", node.trigger_cleanup)
    step("shutdown", node.trigger_shutdown)
    node.destroy_node()
    rclpy.try_shutdown()
    return steps


def main() -> int:
    """Each node in a process of its own; the first and the last cycle as a table."""
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks.lifecycle_memory")
    parser.add_argument("--output", type=Path, help="JSON file for the results")
    parser.add_argument("--node", choices=NODES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.node:
        print(json.dumps(measure(options.node)))
        return 0
    environment = {**os.environ, "ROS_DOMAIN_ID": str(claim())}
    everything = []
    for name in NODES:
        line = [sys.executable, "-m", "benchmarks.lifecycle_memory", "--node", name]
        done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        steps = json.loads(done.stdout.splitlines()[-1])
        everything += steps
        print(f"\n{name:24} {'first cycle':>16} {'cycle ' + str(_CYCLES):>16}   [MiB resident, s]")
        per_cycle = (len(steps) - 2) // _CYCLES
        print(f"{'start':24} {steps[0]['resident_mib']:9.1f}")
        for first, last in zip(steps[1 : 1 + per_cycle], steps[-1 - per_cycle : -1], strict=True):
            print(
                f"{first['after']:24} {first['resident_mib']:9.1f} {first['seconds']:6.2f} "
                f"{last['resident_mib']:9.1f} {last['seconds']:6.2f}"
            )
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        data = {"machine": "2 shared cores, no GPU", "steps": everything}
        options.output.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
