"""`python -m training picture`: every gesture of a vocabulary as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    summary = "draw every gesture of a gesture file"
    command = commands.add_parser("picture", help=summary, description=f"picture: {summary}.")
    command.add_argument("vocabulary", help="name of a shipped gesture file, or a path")
    command.add_argument(
        "--output", type=Path, default=Path("output/pictures"),
        help="folder for the pictures (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--height", type=int, default=200, help="height of a picture, pixels (default: %(default)s)"
    )
    command.add_argument(
        "--seed",
        type=int,
        default=None,
        help="draw alternatives, place and turn as training does (default: the first, unvaried)",
    )
    command.add_argument(
        "--each",
        action="store_true",
        help="one JPEG a gesture, named after it, in place of the sheet",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write <output>/sheet.jpg or, if asked for, <output>/<gesture>.jpg of each."""
    from bharnet_ros.gestures import load_vocabulary
    from training.commands.describe import check_seed
    from training.pictures import contact_sheet, picture_strip, save

    if options.seed is not None:
        check_seed(options.seed)
    vocabulary = load_vocabulary(options.vocabulary)
    count = len(vocabulary.actions)
    if options.each:
        for name in vocabulary.actions:
            strip = picture_strip(vocabulary, name, options.height, options.seed)
            save(strip, options.output / f"{name}.jpg")
        print(f"{options.output}: {count} pictures")
        return
    sheet = contact_sheet(vocabulary, height_px=options.height, seed=options.seed)
    save(sheet, options.output / "sheet.jpg")
    print(f"{options.output / 'sheet.jpg'}: {count} gestures")
