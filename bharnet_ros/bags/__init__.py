"""Recordings of `ros2 bag record`, read and written without ROS.

SQLite3 and MCAP, compressed or not, from Humble to Kilted. What is damaged is skipped and
reported; everything readable is used. The library `rosbags` does the reading.
"""

from bharnet_ros.bags.bag import Bag, open_bag
from bharnet_ros.bags.find import find_bags
from bharnet_ros.bags.records import BagMessage, RawMessage, TopicInfo, TopicQos

__all__ = [
    "Bag", "BagMessage", "RawMessage", "TopicInfo", "TopicQos", "find_bags", "open_bag",
]  # fmt: skip
