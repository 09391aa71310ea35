"""What a window is called: the state of its person at the window's end.

The robot judges a window when its last frame arrives, so the label is what it should say then:

- the gesture, from `min_visible_s` after the gesture's onset until its release ends. Before,
  the hand is still on its way and gestures that differ only in the fingers look alike.
- nothing that counts (`IGNORE`) in those first moments and for `ignore_after_s` after the
  release: both the gesture and the background are acceptable answers there, and a network
  punished for either would learn the noise of the border. These windows take no part in
  training nor in window accuracy; the event metrics, which follow the recogniser through
  every frame, judge how borders are handled.
- the background class otherwise, though the window's older part may still show a gesture.

What an outsider does (see `training.outsiders`) is labelled by the same rule, `OTHER`.

A gesture too short to be visible for `min_visible_s` counts from the middle of it on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from training.sequences import GestureSpan

IGNORE = -1
OTHER = -2
"""Label of windows that show an outsider: no class is right, not even the background."""
OUTSIDER = "(outsider)"
"""Name of the spans in which a person does what no gesture of the vocabulary is."""
UNMIRRORED = -1
"""In place of the class that a class becomes in a mirror: none."""
_SIDE = re.compile(
    r"(?<![^\W\d_])(?i:left|right)(?![^\W\d_])"  # a word by itself
    r"|(?<=[a-z])(?:Left|Right)(?![a-z])|(?<![^\W\d_])(?:[Ll]eft|[Rr]ight)(?=[A-Z])"  # aLeft, leftA
)


def label_times(
    times_ns: npt.NDArray[np.int64],
    spans: Sequence[GestureSpan],
    class_ids: Mapping[str, int],
    background: int,
    min_visible_s: float,
    ignore_after_s: float,
) -> npt.NDArray[np.int64]:
    """(N,) labels of windows that end at times_ns (N,); see the module's text for the rule.

    A gesture outweighs the ignored border of its neighbours, a border the background.
    """
    labels = np.full(len(times_ns), background, np.int64)
    after_ns = round(ignore_after_s * 1e9)
    for span in spans:
        labels[(times_ns >= span.start_ns) & (times_ns <= span.end_ns + after_ns)] = IGNORE
    numbers = {**class_ids, OUTSIDER: OTHER}
    for span in spans:
        if span.class_name not in numbers:
            raise ConfigurationError(
                f"The data show '{span.class_name}', which is not among the classes "
                f"{', '.join(class_ids)}; generate them again with this vocabulary."
            )
        visible_ns = min(round(min_visible_s * 1e9), (span.end_ns - span.start_ns) // 2)
        inside = (times_ns >= span.start_ns + visible_ns) & (times_ns <= span.end_ns)
        labels[inside] = numbers[span.class_name]
    return labels


def mirror_table(class_names: Sequence[str]) -> npt.NDArray[np.int64]:
    """(C,) the class each class becomes in a mirror: `swipe_left` <-> `swipe_right`.

    Names that say left or right ("turn left", "left-hand", "pointLeft") change places with the
    name that says the other; all others stay. A sided class whose other side is no class must not
    be mirrored: UNMIRRORED.
    """
    names = {name: number for number, name in enumerate(class_names)}
    partners = (_other_side(name) for name in class_names)
    return np.array([names.get(partner, UNMIRRORED) for partner in partners], np.int64)


def mirrored_classes(class_names: Sequence[str]) -> npt.NDArray[np.int64]:
    """As `mirror_table`; `ConfigurationError` if a name has no partner."""
    result = mirror_table(class_names)
    for name, partner in zip(class_names, result, strict=True):
        if partner == UNMIRRORED:
            raise ConfigurationError(
                f"Class '{name}' has no mirrored partner '{_other_side(name)}'; add it, or train "
                "with augment.mirror: 0."
            )
    return result


def _other_side(name: str) -> str:
    """The name with left and right exchanged, written as they were."""

    def swapped(found: re.Match[str]) -> str:
        word = found.group()
        other = "right" if word.lower() == "left" else "left"
        if word.isupper():
            return other.upper()
        return other.capitalize() if word[0].isupper() else other

    return _SIDE.sub(swapped, name)
