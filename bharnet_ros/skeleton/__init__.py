"""Keypoint layouts, the expert graphs and the mappings between them."""

from bharnet_ros.skeleton.graph import Graph, body_graph, get_graph, hand_graph
from bharnet_ros.skeleton.layout import Layout, available_layouts, get_layout, layout_of
from bharnet_ros.skeleton.mapping import (
    body_joints,
    flip_horizontally,
    hand_joints,
    mediapipe_to_coco,
    read_layout,
    sources,
)

__all__ = [
    "Graph",
    "Layout",
    "available_layouts",
    "body_graph",
    "body_joints",
    "flip_horizontally",
    "get_graph",
    "get_layout",
    "hand_graph",
    "hand_joints",
    "layout_of",
    "mediapipe_to_coco",
    "read_layout",
    "sources",
]
