"""A small local web page to mark in a bag's images who does what, from when to when."""

from bharnet_ros.labelling.location import default_labels_path

__all__ = ["default_labels_path"]
