"""`python -m training split`: the graphs of a bundle as they are exported now."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "write a bundle anew with its body expert, hand expert and fusion as graphs"
    command = commands.add_parser(
        "split",
        help=summary,
        description=f"split: {summary} of their own, so that each expert runs only for people it "
        "can see something of, and with convolutions over time as matrix products over everybody, "
        "which processors run faster. The weights stay the same, and every output up to rounding. "
        "Bundles exported now are made like this; it is for those exported earlier.",
    )
    command.add_argument("bundle", help="name or folder of a bundle")
    command.add_argument(
        "--output", type=Path, required=True, help="folder to write to; may be the bundle's own"
    )
    for stream, part in (("body", "body"), ("hand", "hands")):
        command.add_argument(
            f"--min-{stream}-share", type=float, default=0.0, metavar="SHARE",
            help=f"the network's own min_{stream}_share, which says in how much of a window the "
            f"{part} must be seen to be judged (default: 0 = at all)",
        )  # fmt: skip
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Split, and prove that nothing changed."""
    from training.splitting import split_bundle

    shares = {"body": options.min_body_share, "hand": options.min_hand_share}
    bundle, difference = split_bundle(options.bundle, options.output, shares)
    sizes = ", ".join(
        f"{path.name} {path.stat().st_size / 1e6:.2f} MB" for path in bundle.graphs.values()
    )
    print(f"Bundle written to {bundle.path}: {sizes}; largest difference {difference:.1e}")
