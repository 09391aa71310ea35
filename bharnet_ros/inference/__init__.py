"""Engines that run a bundle's graph."""

from bharnet_ros.inference.engine import Engine, available_engines, check_engine, create_engine

__all__ = ["Engine", "available_engines", "check_engine", "create_engine"]
