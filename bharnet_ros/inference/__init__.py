"""Engines that run a bundle's graph."""

from bharnet_ros.inference.checks import check_engine
from bharnet_ros.inference.choosing import (
    available_engines,
    build_engine,
    build_graph,
    create_engine,
    open_graph,
)
from bharnet_ros.inference.engine import Engine, Report
from bharnet_ros.inference.options import ENGINES, engine_options

__all__ = [
    "ENGINES",
    "Engine",
    "Report",
    "available_engines",
    "build_engine",
    "build_graph",
    "check_engine",
    "create_engine",
    "engine_options",
    "open_graph",
]
