"""`python -m training import`: a network trained elsewhere becomes a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

FEATURES = ("joint", "bone", "joint_motion", "bone_motion")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "import",
        help="turn a public checkpoint into a bundle",
        description="Rebuilds a network from the tensors of its checkpoint and writes a bundle. "
        "Nothing but tensors is ever read from the file.",
    )
    sources = command.add_subparsers(dest="source", required=True, metavar="source")
    pyskl = sources.add_parser(
        "pyskl",
        help="ST-GCN or ST-GCN++ of pyskl, on 21 hand points or 17 COCO joints",
        description="An ST-GCN or ST-GCN++ checkpoint of pyskl, on 21 hand points or 17 COCO "
        "joints. Outputs that were never trained are dropped.",
    )
    pyskl.add_argument("--checkpoint", type=Path, required=True, help="the .pth file")
    pyskl.add_argument("--output", type=Path, required=True, help="folder of the bundle")
    pyskl.add_argument(
        "--classes", type=Path, default=None,
        help="YAML file with the class names: a list, or 'names: {output: name}' and "
        "'background: name' (default: those of the public hand network if it is that, else "
        "numbers)",
    )  # fmt: skip
    pyskl.add_argument(
        "--background", default=None, help="the class that is no action (default: as the file says)"
    )
    pyskl.add_argument("--name", default=None, help="name of the bundle (default: the folder's)")
    pyskl.add_argument(
        "--steps", type=int, default=None,
        help="frames of a clip (default: 10 for hands, 100 for bodies)",
    )  # fmt: skip
    pyskl.add_argument(
        "--window", type=float, default=None,
        help="seconds a clip spans (default: 0.3 for hands, 2.5 for bodies)",
    )  # fmt: skip
    pyskl.add_argument(
        "--feature", choices=FEATURES, default="joint",
        help="what the network was trained on (default: %(default)s)",
    )  # fmt: skip
    pyskl.add_argument(
        "--persons", type=int, default=None,
        help="people a clip had room for in training (default: 1 for hands, 2 for bodies)",
    )  # fmt: skip
    pyskl.add_argument("--license", default="as its source says", help="of the weights")
    pyskl.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Import and report."""
    from training.importing.to_bundle import ImportOptions, import_pyskl

    bundle, description, difference = import_pyskl(
        options.checkpoint,
        options.output,
        ImportOptions(
            name=options.name or options.output.resolve().name,
            classes=options.classes,
            background=options.background,
            num_steps=options.steps,
            window_s=options.window,
            feature=options.feature,
            persons=options.persons,
            license=options.license,
        ),
    )
    manifest = bundle.manifest
    print(
        f"{description.kind}, {description.num_joints} joints, blocks of "
        f"{', '.join(map(str, description.widths))} channels\n"
        f"{len(manifest.training['outputs_kept'])} of {description.num_classes} outputs are "
        f"trained: {', '.join(manifest.class_names)} (background: {manifest.background_class})\n"
        f"PyTorch and ONNX Runtime differ by at most {difference:.1e}\n"
        f"bundle: {bundle.path}"
    )
