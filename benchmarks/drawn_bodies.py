"""How well the pose estimator reads the drawn actors' bodies: what stays wrong, what wanders.

    python -m benchmarks.drawn_bodies --films output/gestures_data/train

Reads films made by `python -m training generate` (estimated and exact keypoints) and prints, for
each of the 17 body points, the root mean square error per coordinate in lengths from a shoulder
to the hip across: the part that stays the same for a whole film, and the part that wanders about
it, with the correlation of the latter from one frame to the next. Beside them stands what
`training/describing/observing.py` makes kinematic people err by.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.skeleton import get_layout
from training.describing.observing import BODY_BIAS, BODY_WANDER
from training.sequences import KeypointSequence, load_sequence

BODY = 17
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BodyErrors:
    """bias, wander: (17,) root mean squares per coordinate; correlation: of the wandering part
    from one frame to the next, over all points."""

    bias: Array
    wander: Array
    correlation: float
    films: int


def body_errors(films: Sequence[KeypointSequence]) -> BodyErrors:
    """Errors over all films; frames in which a point is not seen or not visible do not count."""
    bias: list[list[float]] = [[] for _ in range(BODY)]
    wander: list[list[float]] = [[] for _ in range(BODY)]
    products, squares = [], []
    for film in films:
        error, there = _errors(film)
        for joint in range(BODY):
            seen = there[:, joint]
            if seen.sum() < 10:
                continue
            mine = error[seen, joint]
            mean = mine.mean(axis=0)
            bias[joint] += (mean**2).tolist()
            wander[joint] += ((mine - mean) ** 2).ravel().tolist()
            both = seen[1:] & seen[:-1]
            rest = error[:, joint] - mean
            products.append((rest[1:] * rest[:-1])[both].ravel())
            squares.append((rest[1:] ** 2)[both].ravel())
    if not products:
        raise ConfigurationError(
            "No film shows a body long enough; make some with `python -m training generate`."
        )
    return BodyErrors(
        np.array([np.sqrt(np.mean(b)) if b else np.nan for b in bias]),
        np.array([np.sqrt(np.mean(w)) if w else np.nan for w in wander]),
        float(np.concatenate(products).sum() / np.concatenate(squares).sum()),
        len(films),
    )


def _errors(film: KeypointSequence) -> tuple[Array, npt.NDArray[np.bool_]]:
    """(F, 17, 2) errors in torso lengths, and (F, 17) where there are any."""
    truth = film.truth[:, :BODY].astype(np.float64)
    torso = float(np.nanmedian(np.linalg.norm(truth[:, 5] - truth[:, 12], axis=-1)))
    error = (film.keypoints[:, :BODY] - truth) / torso
    there = (film.scores[:, :BODY] > 0.0) & np.isfinite(error).all(axis=-1)
    return np.nan_to_num(error), there


def main() -> int:
    """Print the table; 2 after a clear sentence about what was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drawn_bodies", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--films", type=Path, default=Path("output/gestures_data/train"),
        help="folder of films with exact keypoints (default: %(default)s)",
    )  # fmt: skip
    options = parser.parse_args()
    try:
        paths = sorted(options.films.glob("*.npz"))
        if not paths:
            raise ConfigurationError(
                f"There are no films in {options.films}; make some with "
                "`python -m training generate --config gestures`."
            )
        found = body_errors([load_sequence(path) for path in paths])
    except BharnetError as error:
        print(f"error: {error}")
        return 2
    print(f"{found.films} films; lengths from a shoulder to the hip across, per coordinate")
    print(f"{'':16s} {'stays':>8s} {'as acted':>9s} {'wanders':>8s} {'as acted':>9s}")
    names = get_layout("coco_wholebody_133").keypoint_names
    for joint in range(BODY):
        print(
            f"{names[joint]:16s} {found.bias[joint]:8.3f} {BODY_BIAS[joint]:9.3f} "
            f"{found.wander[joint]:8.3f} {BODY_WANDER[joint]:9.3f}"
        )
    print(f"correlation of the wandering part, frame to frame: {found.correlation:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
