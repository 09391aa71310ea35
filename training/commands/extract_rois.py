"""`python -m training extract-rois`: tiles of the people of a store, from its images."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.data.rois_images import ImageSource


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "cut head, upper body and hands of a store's people from its images"
    command = commands.add_parser(
        "extract-rois",
        help=summary,
        description=f"extract-rois: {summary}, to train the RGB branch on. Interrupted, the same "
        "command goes on where it was. Images that are missing or broken are skipped, counted and "
        "listed in rois.json. docs/rgb.md shows the whole way.",
    )
    command.add_argument("--store", type=Path, required=True, help="the store")
    command.add_argument("--output", type=Path, required=True, help="folder of the tiles")
    images = command.add_mutually_exclusive_group()
    images.add_argument(
        "--videos", type=Path, default=None, metavar="FOLDER",
        help="the --input of `extract`, for a store of videos",
    )  # fmt: skip
    images.add_argument(
        "--bags", type=Path, default=None, metavar="FOLDER",
        help="the --input of `convert rosbag`, for a store of bags; stores of `convert drawn` "
        "need neither",
    )  # fmt: skip
    command.add_argument(
        "--image-topic", default="", metavar="TOPIC",
        help="of the bags' images (default: the only one there is)",
    )
    command.add_argument(
        "--rate", type=float, default=10.0,
        help="moments a second that are cut at most (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--regions", nargs="+", default=None, metavar="REGION",
        help="rows of tiles (default: head torso left_hand right_hand)",
    )  # fmt: skip
    command.add_argument(
        "--tile", type=int, default=64, metavar="PIXELS",
        help="side of a tile (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--frames", type=int, default=3,
        help="moments of a window that the network will see (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--workers", type=int, default=0,
        help="processes that read at the same time; 0 reads in this one (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--limit", type=int, default=None, help="only this many sources, to have a look"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Cut, and say what came of it."""
    from bharnet_ros.roi import REGIONS, RoiConfig
    from training.data.rois_extracting import extract_rois
    from training.data.store import open_store

    config = RoiConfig(tuple(options.regions or REGIONS), options.tile, options.frames)
    done = extract_rois(
        open_store(options.store), options.output, _images(options), config, options.rate,
        options.workers, options.limit,
    )  # fmt: skip
    sheet = done.sheet
    print(
        f"{options.output}: {sheet.samples} samples ({done.added} new, {done.present} were there), "
        f"{sheet.rows} moments of {config.num_regions} tiles of {config.tile_px} px"
    )
    if done.missing > 0.0:
        print(f"  {100.0 * done.missing:.1f} % of the new moments have no image")
    for reason, number in sorted(sheet.skip_counts.items()):
        first = next(entry for entry in sheet.skipped if entry[1] == reason)
        print(f"  {number} skipped: {reason} (for example {first[0]}: {first[2]})")


def _images(options: argparse.Namespace) -> ImageSource:
    from training.data.rois_images import BagImages, DrawnImages, VideoImages

    if options.videos is not None:
        return VideoImages(options.videos)
    if options.bags is not None:
        return BagImages(options.bags, options.image_topic)
    return DrawnImages()
