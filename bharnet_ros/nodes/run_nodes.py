"""Nodes by name in one process: `python -m bharnet_ros node ...`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.base import ManagedNode, run
from bharnet_ros.nodes.graph import NODES


def node_class(name: str) -> type[ManagedNode]:
    """The class of a node. Raises ConfigurationError for an unknown name."""
    if name not in NODES:
        raise ConfigurationError(f"There is no node {name!r}; the nodes are {', '.join(NODES)}.")
    module = importlib.import_module(f"bharnet_ros.nodes.{name}")
    found: type[ManagedNode] = getattr(module, name.title().replace("_", "") + "Node")
    return found


def run_named(names: Sequence[str], ros_args: Sequence[str]) -> int:
    """Run them until a signal; the exit status."""
    return run([node_class(name) for name in names], [sys.argv[0], *ros_args])
