"""The only room that knows ROS: lifecycle nodes, messages, images, diagnostics."""
