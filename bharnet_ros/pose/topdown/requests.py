"""What an estimator asks of its networks while it looks at one image, and how many are served.

Estimators of several cameras ask one after another; what they ask at the same time is one run of
a network. An estimator is written as a generator that yields requests and receives answers, so it
reads from top to bottom and knows nothing of other cameras.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from bharnet_ros.errors import EngineError
from bharnet_ros.pose.topdown.networks import Networks
from bharnet_ros.pose.topdown.types import Crop, KeypointModel
from bharnet_ros.types import FloatArray, Image, SkeletonFrame


class Stage(IntEnum):
    """Networks in the order in which they are served: who is behind catches up, so that all
    reach the next network together."""

    DETECT = 0
    KEYPOINTS = 1
    HANDS = 2


@dataclass(frozen=True, eq=False)
class Request:
    """Run a network: the detector on `image`, or a keypoint network on `crops` (not empty).

    The answer is boxes (M, 4) and scores (M,), or keypoints (N, K, 2) and scores (N, K).
    """

    stage: Stage
    image: Image | None = None
    crops: Sequence[Crop] = ()


Answer = tuple[FloatArray, FloatArray]
Steps = Generator[Request, Answer, SkeletonFrame]


@dataclass(eq=False)
class Turn:
    """One camera's image on its way through the networks.

    result: the frame, or the error that ended it. timings_ms: wall time per stage; a run for
    several cameras counts whole for each of them, since each has waited for it.
    """

    steps: Steps
    timings_ms: dict[str, float] = field(default_factory=dict)
    result: SkeletonFrame | Exception = field(default_factory=lambda: EngineError("Not run yet."))
    asked: Request | None = None

    def advance(self, answer: Answer | Exception | None) -> None:
        """Go on with an answer (None: begin) up to the next request or the end."""
        try:
            if isinstance(answer, Exception):
                self.asked = self.steps.throw(answer)
            elif answer is None:
                self.asked = next(self.steps)
            else:
                self.asked = self.steps.send(answer)
        except StopIteration as end:
            self.asked, self.result = None, end.value
        except Exception as error:
            self.asked, self.result = None, error


def serve(networks: Networks, turns: Sequence[Turn]) -> None:
    """Bring all turns to their end."""
    for turn in turns:
        turn.advance(None)
    while waiting := [turn for turn in turns if turn.asked is not None]:
        stage = min(turn.asked.stage for turn in waiting if turn.asked is not None)
        group = [turn for turn in waiting if turn.asked is not None and turn.asked.stage is stage]
        asked = [turn.asked for turn in group if turn.asked is not None]
        begin = time.perf_counter()
        with networks.turn:
            answers = _answers(networks, asked)
        spent_ms = (time.perf_counter() - begin) * 1e3
        for turn, answer in zip(group, answers, strict=True):
            name = stage.name.lower()
            turn.timings_ms[name] = turn.timings_ms.get(name, 0.0) + spent_ms
            turn.advance(answer)


def _answers(networks: Networks, requests: Sequence[Request]) -> list[Answer | Exception]:
    """One per request. If a run for all fails, each has its own, so that what one camera sends
    costs the others nothing."""
    try:
        return list(_run(networks, requests))
    except Exception as error:
        if len(requests) == 1:
            return [error]
    return [answer for request in requests for answer in _answers(networks, [request])]


def _run(networks: Networks, requests: Sequence[Request]) -> list[Answer]:
    if requests[0].stage is Stage.DETECT:
        found = networks.detector.detect([r.image for r in requests if r.image is not None])
        if len(found) != len(requests):
            raise EngineError(
                f"The person detector ({networks.detector.identity}) answered {len(found)} of "
                f"{len(requests)} images; its graph does not fit, choose another one."
            )
        return [(boxes, scores) for boxes, scores in found]
    model = networks.keypoints if requests[0].stage is Stage.KEYPOINTS else networks.hands
    if model is None:
        raise EngineError("No hand network is open; create the pose estimator with one.")
    keypoints, scores = model.estimate([crop for request in requests for crop in request.crops])
    count = sum(len(request.crops) for request in requests)
    _check(model, keypoints, scores, count)
    answers, start = [], 0
    for request in requests:
        end = start + len(request.crops)
        answers.append((keypoints[start:end], scores[start:end]))
        start = end
    return answers


def _check(model: KeypointModel, keypoints: Any, scores: Any, count: int) -> None:
    """Raises EngineError unless the network gave what its kind has to give."""
    wanted = (count, model.num_keypoints)
    if np.shape(keypoints) != (*wanted, 2) or np.shape(scores) != wanted:
        raise EngineError(
            f"The keypoint network ({model.identity}) gave keypoints {np.shape(keypoints)} and "
            f"scores {np.shape(scores)} for {count} boxes; expected {(*wanted, 2)} and {wanted}."
        )
