"""From gesture descriptions to a model bundle: data, models, losses, calibration, export.

`python -m training --help` shows the commands. Everything here may import `bharnet_ros`;
nothing in `bharnet_ros` imports this package, so a robot never needs torch.
"""
