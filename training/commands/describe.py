"""`python -m training describe`: from a gesture file to a bundle, while one waits."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bharnet_ros.gestures import Vocabulary
    from training.describing.recordings import HandRecordings

STEPS = 500
PERFORMANCES = 250
MAX_SEED = 2**31
BESIDE = "gestures"
"""The shipped bundle, and its vocabulary, that most run beside their own."""
CONFUSED = 0.05
"""Shares of windows below this are not worth a warning."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "train a bundle for your own described gestures, in minutes"
    command = commands.add_parser(
        "describe",
        help=summary,
        description=f"describe: {summary}. Checks the file, draws every gesture, trains on people "
        "who act the descriptions out, says what will be confused with what, writes a bundle. "
        "The format is explained in docs/gestures.md, step by step in docs/your_own_gestures.md.",
    )
    command.add_argument("file", help="gesture file (YAML), or the name of a shipped one")
    command.add_argument(
        "--output", type=Path, default=None,
        help="folder of the bundle (default: output/<file name>_bundle)",
    )  # fmt: skip
    command.add_argument(
        "--name", default=None, help="name of the bundle (default: the file's name)"
    )
    command.add_argument(
        "--init", default="gestures",
        help="bundle whose networks to start from, or 'none' (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--recordings", type=Path, action="append", default=[], metavar="NPZ",
        help="recorded hands to mix in: xy (N, 21, 2), label, source; may be given several times",
    )  # fmt: skip
    command.add_argument(
        "--steps", type=int, default=STEPS, help="training steps (default: %(default)s)"
    )
    command.add_argument("--seed", type=int, default=1, help="of everything that is drawn")
    command.add_argument(
        "--threads", type=int, default=2,
        help="CPU threads; results repeat exactly only with the same number "
        "(default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--check", action="store_true", help="only check the file and draw it")
    command.add_argument("--no-pictures", action="store_true", help="do not draw the gestures")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Check, draw, train, report, write."""
    from bharnet_ros.errors import ConfigurationError
    from bharnet_ros.gestures import load_vocabulary
    from training.describing.classes import class_names

    if options.steps < 1 or options.threads < 1:
        raise ConfigurationError(
            f"--steps is {options.steps} and --threads {options.threads}; give 1 or more of each."
        )
    check_seed(options.seed)
    vocabulary = load_vocabulary(options.file)
    class_names(vocabulary)  # asked for its error alone
    name = options.name or Path(options.file).stem
    folder = options.output or Path("output") / f"{name}_bundle"
    _check_places(name, folder)
    print(f"{options.file}: {len(vocabulary.actions)} gestures: {', '.join(vocabulary.actions)}")
    if vocabulary.others:
        print(f"  known, but none of them: {', '.join(vocabulary.others)}")
    for line in shared(vocabulary, load_vocabulary(BESIDE)):
        print(line)
    if not options.no_pictures:
        from training.pictures import contact_sheet, save

        sheet = folder.with_name(f"{name}_pictures.png")
        save(contact_sheet(vocabulary, seed=options.seed), sheet)
        print(f"Pictures of every gesture: {sheet}")
    if options.check:
        return
    figures = train_described(vocabulary, name, folder, options)
    for line in confusions(figures["validation_windows"]):
        print(line)
    print(f"\nTry it:  ros2 launch bharnet_ros recognize.launch.py bundle:={folder}")
    print(f"    or:  make demo BUNDLE={folder}")


def shared(vocabulary: Vocabulary, beside: Vocabulary) -> list[str]:
    """What a user should know of gestures that another bundle, running beside theirs, reports by
    other names."""
    from bharnet_ros.gestures.checks import same_way

    found = []
    for gesture in vocabulary:
        for other in beside:
            way = None if other.name in vocabulary.class_names else same_way(gesture, other)
            if way is not None:
                found.append(
                    f"'{gesture.name}' and '{other.name}' of the bundle {BESIDE} are the same "
                    f"gesture{way}: '{other.name}' is not taught as something else, and where "
                    "both bundles run, both may answer."
                )
    return found


def check_seed(seed: int) -> None:
    """Raise ConfigurationError unless random numbers can start from this seed."""
    from bharnet_ros.errors import ConfigurationError

    if not 0 <= seed <= MAX_SEED:
        raise ConfigurationError(f"--seed is {seed}; it must be 0 to {MAX_SEED}.")


def _check_places(name: str, folder: Path) -> None:
    """Raise ConfigurationError if no bundle of this name can be written to the folder, and no
    pictures beside it."""
    from bharnet_ros.errors import ConfigurationError

    if not name.isprintable() or not name.strip() or set(name) & set("/\\"):
        raise ConfigurationError(
            f"--name is {name!r}; give one line of text without slashes, it becomes part of the "
            "names of files."
        )
    if folder.name in ("", ".."):
        raise ConfigurationError(
            f"--output is '{folder}'; give the folder of the bundle a name, pictures are written "
            "beside it."
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"--output is '{folder}', which is a file; give a folder.")


def train_described(
    vocabulary: Vocabulary, name: str, folder: Path, options: argparse.Namespace
) -> Mapping[str, Any]:
    """Train and write the bundle; returns its figures."""
    import torch

    from bharnet_ros.bundle import load_bundle
    from training.describing.making import Extras, Recipe, make_bundle
    from training.describing.recipes import quick_mix, quick_plan
    from training.starting import starting_weights

    torch.set_num_threads(options.threads)
    initial = None if options.init == "none" else starting_weights(load_bundle(options.init))
    recorded = read_recordings(options.recordings, vocabulary) if options.recordings else None
    recipe = Recipe(
        seed=options.seed, performances=PERFORMANCES, hands=200, validation_performances=40,
        validation_windows=2000, validation_sequences=16,
        mix=quick_mix(recorded is not None), plan=quick_plan(options.steps, initial is not None),
    )  # fmt: skip
    command = f"python -m training describe {Path(options.file).name} --seed {options.seed}"
    extras = Extras(recorded=recorded, initial=initial, about={"started_from": options.init})
    return make_bundle(vocabulary, name, recipe, folder, command, extras)[1]


def read_recordings(paths: Sequence[Path], vocabulary: Vocabulary) -> HandRecordings:
    """The recorded hands of gestures that are held with one hand; says what is left out.

    Raises ConfigurationError if that is all of them.
    """
    from bharnet_ros.errors import ConfigurationError
    from training.describing.hands import hand_gestures
    from training.describing.recordings import HandRecordings, load_recordings

    found = HandRecordings.joined([load_recordings(path) for path in paths])
    held = [gesture.name for gesture in hand_gestures(vocabulary)]
    recorded = found.renamed({}, held)
    left_out = [
        f"{count} of '{label}' "
        f"({'not held with one hand' if label in vocabulary.actions else 'no gesture of the file'})"
        for label, count in sorted(Counter(found.label.tolist()).items())
        if label not in held
    ]
    if found.unusable:
        left_out.append(f"{found.unusable} that are no hands (not finite, or all points at one)")
    if not len(recorded.label):
        raise ConfigurationError(
            f"No recorded hand of {', '.join(map(str, paths))} can be used: "
            f"{'; '.join(left_out) or 'there is none'}. Label them by the gestures that are held "
            f"with one hand: {', '.join(held) or 'none here'}."
        )
    print(f"{len(recorded.label)} recorded hands of {', '.join(sorted(set(recorded.label)))}")
    if left_out:
        print(f"  left out: {'; '.join(left_out)}")
    return recorded


def confusions(figures: Mapping[str, Any]) -> list[str]:
    """What a user should know before trusting the gestures, worst first."""
    classes = sorted(figures["classes"].items(), key=lambda item: item[1]["right"])
    lines = ["", "Windows of acted gestures by people never trained on:"]
    for name, entry in classes:
        taken = [
            f"{100 * share:.0f} % {other}"
            for other, share in entry["taken_for"].items()
            if share >= CONFUSED
        ]
        note = f"   taken for: {', '.join(taken)}" if taken else ""
        lines.append(f"  {name:<20} {100 * entry['right']:5.1f} % right{note}")
    apart = figures.get("known_against_other", math.nan)
    if math.isfinite(apart):
        lines.append(f"Told from hands and gestures that are none of them: AUROC {apart:.3f}")
    doubtful = [name for name, entry in classes if entry["right"] < 0.8]
    if doubtful:
        lines.append(
            f"Doubtful: {', '.join(doubtful)}. Let them differ more from what they are taken for: "
            "other fingers, another place of the arm, another motion."
        )
    return lines
