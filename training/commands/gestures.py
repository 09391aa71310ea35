"""`python -m training gestures`: make the shipped bundle `gestures` again."""

from __future__ import annotations

import argparse
from pathlib import Path

SOURCES = ("hands", "films", "recordings")
CONFIG = Path(__file__).resolve().parents[1] / "configs" / "gestures.yaml"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "make the shipped bundle `gestures`"
    command = commands.add_parser(
        "gestures",
        help=summary,
        description=f"gestures: {summary} from its descriptions, from films of drawn people read "
        "by the pose estimator (made first if they are not there), and from recorded hands.",
    )
    command.add_argument(
        "--output", type=Path, default=Path("output/gestures_bundle"),
        help="folder of the bundle (default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--name", default="gestures", help="name of the bundle")
    command.add_argument(
        "--films", type=Path, default=Path("output/gestures_data"),
        help="folder of the films (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--data", type=Path, default=Path("../shared/data"),
        help="folder that holds hand_gestures with the recorded hands (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--cache", type=Path, default=Path("output/measuring"),
        help="folder for keypoints read from photographs (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--without", action="append", default=[], choices=SOURCES,
        help="leave a source out, to see what it is worth; may be given several times",
    )  # fmt: skip
    command.add_argument("--steps", type=int, default=None, help="training steps")
    command.add_argument("--seed", type=int, default=30260, help="of everything drawn")
    command.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    command.add_argument("--workers", type=int, default=2, help="processes that film (%(default)s)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Films, recordings, training, bundle."""
    import torch

    from bharnet_ros.gestures import load_vocabulary
    from training.config import load_config
    from training.describing import recipes
    from training.describing.films import filmed_windows, load_films
    from training.describing.making import LICENSE, Extras, make_bundle
    from training.describing.public import public_hands
    from training.generate import generate
    from training.sequences import KeypointSequence, content_hash

    torch.set_num_threads(options.threads)
    config = load_config(CONFIG)
    vocabulary = load_vocabulary(config.vocabulary)
    about: dict[str, object] = {"left_out": sorted(options.without)}
    filmed, recorded = None, None
    check: tuple[KeypointSequence, ...] = ()
    idle: tuple[KeypointSequence, ...] = ()
    if "films" not in options.without:
        generate(config, options.films, options.workers)
        splits = {name: load_films(config, options.films, name) for name in config.data.splits}
        films = [*splits["train"], *splits["more"], *splits["idle"]]
        filmed = filmed_windows(films, vocabulary, config.windows)
        check, idle = tuple(splits["val"]), tuple(splits["idle_val"])
        about["films"] = {name: content_hash(each) for name, each in splits.items()}
        about["film_seconds"] = round(sum(film.duration_s for film in films), 1)
    license_text = LICENSE
    if "recordings" not in options.without:
        recorded = public_hands(options.data, options.cache)
        license_text = (
            "Apache-2.0; trained on acted descriptions and drawn people of this package, and on "
            "hand landmarks of public projects under Apache-2.0 and MIT."
        )
    recipe = recipes.shipped_recipe(options.seed, options.steps or recipes.SHIPPED_STEPS)
    gone = {"hands": "hands", "films": "filmed", "recordings": "recorded"}
    recipe = recipes.without(recipe, *(gone[name] for name in options.without))
    words = ["python -m training gestures", f"--seed {options.seed}"]
    words += [f"--without {name}" for name in sorted(options.without)]
    if options.steps:
        words.append(f"--steps {options.steps}")
    extras = Extras(
        recorded=recorded, filmed=filmed, filmed_sequences=check, idle_sequences=idle, about=about,
        license=license_text,
    )  # fmt: skip
    make_bundle(vocabulary, options.name, recipe, options.output, " ".join(words), extras)
