"""`python -m training import-encoder`: weights of an image encoder as a .safetensors file."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "write weights of an image encoder as safetensors, with timm's names"
    command = commands.add_parser(
        "import-encoder",
        help=summary,
        description=f"import-encoder: {summary}, for model.weights of fit-rgb (docs/rgb.md). Of "
        "the source nothing but tensors is read. Mind its licence.",
    )
    command.add_argument(
        "source", type=Path, metavar="FILE", help="a PyTorch file of a state dict"
    )
    command.add_argument("--encoder", required=True, help="name of the network in timm")
    command.add_argument(
        "--output", type=Path, required=True, help="the .safetensors file to write"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Convert and report."""
    from training.importing.encoder import import_encoder

    count = import_encoder(options.encoder, options.source, options.output)
    print(f"{count} tensors of {options.encoder}: {options.output}")
