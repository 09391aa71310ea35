"""Skeleton-based action recognition for robots: body and hand experts on ROS 2."""
