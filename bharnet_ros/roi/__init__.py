"""Regions of interest: what is cut from images of a person for the RGB branch."""

from bharnet_ros.roi.config import REGIONS, RoiConfig
from bharnet_ros.roi.crops import CropBuffer
from bharnet_ros.roi.regions import region_squares
from bharnet_ros.roi.tiles import Tiles, cut_person, cut_tiles, pick, tiles_input

__all__ = [
    "REGIONS",
    "CropBuffer",
    "RoiConfig",
    "Tiles",
    "cut_person",
    "cut_tiles",
    "pick",
    "region_squares",
    "tiles_input",
]
