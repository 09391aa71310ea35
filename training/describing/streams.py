"""Kinematic people as the robot would see them live: whole sequences with an estimator's errors.

Windows teach; sequences show what the recogniser reports, when it starts and how often it is
wrong. Thresholds are chosen on them.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from bharnet_ros.gestures import BodyShape, GestureDescription, GesturePlayer, Style, Vocabulary
from bharnet_ros.skeleton import get_layout
from training.describing.observing import ObservationConfig, Observer
from training.describing.people import KEPT, ActingConfig, Deck, long_enough, write_script
from training.describing.views import ViewConfig, look
from training.labels import OUTSIDER
from training.sequences import GestureSpan, KeypointSequence

LAYOUT = "coco_wholebody_133"
IMAGE_SIZE = (720, 1280)


def streams(
    vocabulary: Vocabulary,
    count: int,
    seed: int,
    fps: float = 15.0,
    acting: ActingConfig | None = None,
    view: ViewConfig | None = None,
    observation: ObservationConfig | None = None,
    avoid: Collection[GestureDescription] = (),
) -> list[KeypointSequence]:
    """`count` sequences of different people; what is no gesture of the vocabulary is called
    OUTSIDER. avoid: further gestures that nothing of that may resemble. Equal arguments give
    equal sequences."""
    acting = long_enough(vocabulary, acting or ActingConfig())
    view = view or ViewConfig()
    # A picture's border, a body never seen: such things hold for a whole sequence or not at all.
    steady = observation or ObservationConfig(
        fps=(fps, fps), frame_drop=0.0, cut=0.0, no_body=0.0, swapped=0.0, fingers_wrong=0.0,
        hand_gone=0.0, hand_gaps=0.0,
    )  # fmt: skip
    steps = int(acting.duration_s * fps)
    deck = Deck(vocabulary, np.random.default_rng([seed, 6]))
    observer = Observer(steps, 1.0 / fps, seed, steady, store=8)
    spec = get_layout(LAYOUT)
    result = []
    for number in range(count):
        rng = np.random.default_rng([seed, 7, number])
        cast, script = write_script(vocabulary, deck, acting, True, rng, avoid)
        player = GesturePlayer(cast, BodyShape.sample(rng), Style.sample(rng))
        performance = player.plan(script, rng, acting.duration_s)
        times = np.arange(steps) / fps
        points = performance.poses(times)[None, :, KEPT].astype(np.float32)
        seen, scores = observer(look(points, rng, view), rng)
        keypoints = np.zeros((steps, spec.num_keypoints, 2), np.float32)
        weights = np.zeros((steps, spec.num_keypoints), np.float32)
        keypoints[:, KEPT] = seen[0] + np.array(IMAGE_SIZE[::-1], np.float32) / 2
        weights[:, KEPT] = scores[0]
        spans = tuple(
            GestureSpan(
                s.class_name if s.class_name in vocabulary.class_names else OUTSIDER,
                *(round(t * 1e9) for t in (s.start_s, s.end_s, s.arrived_s, s.released_s)),
            )
            for s in performance.segments
        )
        result.append(
            KeypointSequence(
                LAYOUT, np.rint(times * 1e9).astype(np.int64), keypoints, weights,
                np.zeros((0, spec.num_keypoints, 2), np.float32), spans,
                {"image_size": list(IMAGE_SIZE), "seed": seed, "number": number, "fps": fps},
            )
        )  # fmt: skip
    return result
