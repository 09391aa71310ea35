"""Converters of public data sets, bags and videos, by name."""

from __future__ import annotations

from training.data.converters.acted import ActedConverter
from training.data.converters.base import Converter, Item
from training.data.converters.coco import CocoWholeBodyConverter
from training.data.converters.drawn import DrawnConverter
from training.data.converters.holistic import HolisticConverter
from training.data.converters.ntu import NtuConverter
from training.data.converters.nw_ucla import NwUclaConverter
from training.data.converters.pku_mmd import PkuMmdConverter
from training.data.converters.pyskl import PysklConverter
from training.data.converters.rosbag import RosbagConverter
from training.data.converters.videos import VideoConverter

__all__ = [
    "ActedConverter",
    "CocoWholeBodyConverter",
    "Converter",
    "DrawnConverter",
    "HolisticConverter",
    "Item",
    "NtuConverter",
    "NwUclaConverter",
    "PkuMmdConverter",
    "PysklConverter",
    "RosbagConverter",
    "VideoConverter",
]
