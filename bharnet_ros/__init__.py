"""Skeleton-based action recognition for robots: body and hand experts on ROS 2."""

from pkgutil import extend_path

# Started from a source tree, this package is the source folder; the generated bharnet_ros.msg
# lies in the colcon install folder further down sys.path. Both are one package.
__path__ = extend_path(__path__, __name__)
