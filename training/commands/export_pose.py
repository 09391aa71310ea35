"""`python -m training export-pose`: a checkpoint of mmpose as ONNX for the backend `rtmpose`."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "write an mmpose network (RTMPose, RTMW, RTMPose-hand) as ONNX"
    command = commands.add_parser(
        "export-pose",
        help=summary,
        description=f"export-pose: {summary}: model.onnx, with a batch of any size, and pose.yaml, "
        "which says how to use it. The graph is compared with the network it came from. The pose "
        "backend rtmpose takes the folder as its model, or as its hand_model.",
    )
    command.add_argument(
        "--config", required=True, help="config of mmpose: a path, or the name of one of its own"
    )
    command.add_argument("--checkpoint", type=Path, default=None, help="the .pth file")
    command.add_argument(
        "--random", action="store_true",
        help="export random weights in place of a checkpoint, to try speed and engines",
    )  # fmt: skip
    command.add_argument("--output", type=Path, required=True, help="folder to write to")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Export and report."""
    import torch

    from bharnet_ros.errors import ConfigurationError
    from training.exporting_pose import export_pose

    if (options.checkpoint is None) != options.random:
        raise ConfigurationError("Give either --checkpoint FILE or --random.")
    if options.random:
        torch.manual_seed(0)  # the same network whenever it is tried
    graph, description, difference = export_pose(options.config, options.checkpoint, options.output)
    width, height = description.input_size or (0, 0)
    print(
        f"{description.keypoints} keypoints, {width} x {height} pixels, "
        f"{graph.stat().st_size / 1e6:.1f} MB\n"
        f"PyTorch and ONNX Runtime differ by at most {difference:.1e} (raw scores)\n"
        f"network: {graph}"
    )
