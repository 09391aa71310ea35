"""The whole pipeline: several people, body and both hands, from one camera's images."""

from __future__ import annotations

import time
from collections.abc import Mapping
from numbers import Real
from pathlib import Path

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.base import check_image
from bharnet_ros.pose.detection import MEDIAPIPE
from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.crowd import Crowd, CrowdOptions
from bharnet_ros.pose.mediapipe.hand_search import HandSearch
from bharnet_ros.pose.mediapipe.lone_hands import LoneHands
from bharnet_ros.pose.mediapipe.models import HAND_FILES, Models, open_models
from bharnet_ros.pose.mediapipe.skeletons import lone_skeleton, person_skeleton
from bharnet_ros.types import Image, SkeletonFrame

LAYOUT = "coco_wholebody_133"
CLOSED = "The pose estimator is closed; create another one"


class MediaPipeEstimator:
    """`PoseEstimator` on the networks of the mediapipe 0.10.21 wheel, run on CPU.

    max_people: people followed at once. num_threads: CPU threads per network run.
    detect_every_s: one round of looking for new people takes this long; 0 looks everywhere in
    every image. min_detection, min_presence: 0..1, for taking somebody up and for keeping them.
    min_score: people below are not reported; whoever only the body network believes in scores
    at most 0.4.
    hands: whether to look for hands. hands_alone: also report hands whose body the image does not
    show, as skeletons of hand keypoints and wrists only. hand_model: "full", or "lite" for half
    the time and less precise fingers. smoothing: a light One Euro filter on the keypoints.
    max_tilt_deg: somebody new must be upright within this angle; the networks take feet and
    arms for lying people, so 180 (anybody) brings phantoms. Followed people may bend further.
    None: 60 for whom MediaPipe's detector finds, anybody in a box of `detector`.
    detector: a general person detector that looks beside MediaPipe's: the name or path of an
    ONNX graph, see `bharnet_ros.pose.detection`; "mediapipe": none. min_detection is not its.
    People who overlap are told apart where each has a head in view; see `overlaps`.
    model_dir: folder with the .tflite files instead of the installed mediapipe package.

    Layout coco_wholebody_133; small toes and the face contour have no source and score 0. A
    body score is the network's visibility times presence, a hand score the presence of the
    hand; a keypoint outside of the image scores 0, since it was guessed and not seen.
    Raises ConfigurationError, BackendUnavailable, or WeightsError for a missing detector.
    """

    OPTIONS = (
        "max_people", "num_threads", "detect_every_s", "min_detection", "min_presence", "min_score",
        "hands", "hands_alone", "hand_model", "smoothing", "max_tilt_deg", "model_dir", "detector",
    )  # fmt: skip

    def __init__(
        self,
        max_people: int = 4,
        num_threads: int = 2,
        detect_every_s: float = 1.0,
        min_detection: float = 0.5,
        min_presence: float = 0.5,
        min_score: float = 0.5,
        hands: bool = True,
        hands_alone: bool = True,
        hand_model: str = "full",
        smoothing: bool = False,
        max_tilt_deg: float | None = None,
        model_dir: str | Path | None = None,
        detector: str | Path = MEDIAPIPE,
    ) -> None:
        if hand_model not in HAND_FILES:
            raise ConfigurationError(
                f"hand_model is {hand_model!r}; choose one of: {', '.join(sorted(HAND_FILES))}"
            )
        _check_range("max_people", max_people, 1, 64)
        _check_range("num_threads", num_threads, 1, 64)
        _check_range("detect_every_s", detect_every_s, 0.0, 60.0)
        _check_range("min_detection", min_detection, 0.05, 0.99)
        _check_range("min_presence", min_presence, 0.05, 0.99)
        if max_tilt_deg is not None:
            _check_range("max_tilt_deg", max_tilt_deg, 1.0, 180.0)
        _check_range("min_score", min_score, 0.0, 1.0)
        models = open_models(
            model_dir, int(num_threads), hand_model if hands else None, float(min_detection),
            str(detector),
        )  # fmt: skip
        crowd = CrowdOptions(
            int(max_people), float(min_presence), bool(smoothing),
            None if max_tilt_deg is None else float(max_tilt_deg), float(detect_every_s),
        )  # fmt: skip
        self._prepare(models, crowd, float(min_score), bool(hands_alone))

    def _prepare(
        self, models: Models, options: CrowdOptions, min_score: float, hands_alone: bool
    ) -> None:
        """Everything that is of one camera."""
        self._open: Models | None = models
        self._options, self._min_score, self._hands_alone = options, min_score, hands_alone
        self._search: HandSearch | None = None
        if models.hands is not None and models.palms is not None:
            self._search = HandSearch(models.hands, models.palms, hands_alone, options.smoothing)
        self._crowd: Crowd | None = Crowd(models, options, self._is_hand)
        self._last: tuple[int, tuple[int, int]] | None = None
        self._timings: dict[str, float] = {}

    def another(self) -> MediaPipeEstimator:
        """For another camera: the same networks and options, a memory of its own.

        Cameras on the same networks take turns; they may be asked from different threads.
        """
        twin = MediaPipeEstimator.__new__(MediaPipeEstimator)
        twin._prepare(self._models, self._options, self._min_score, self._hands_alone)
        return twin

    @property
    def layout(self) -> str:
        return LAYOUT

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Stages "body" (followed people), "detect" (new people), "hands" (with palms), "total"."""
        return dict(self._timings)

    def reset(self) -> None:
        self._last = None
        if self._crowd is not None:
            self._crowd.reset()
        if self._search is not None:
            self._search.reset()

    def close(self) -> None:
        self.reset()
        self._open = self._crowd = self._search = None

    @property
    def _models(self) -> Models:
        if self._open is None:
            raise ConfigurationError(CLOSED)
        return self._open

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        check_image(image_bgr)
        models, crowd = self._models, self._crowd
        if crowd is None:
            raise ConfigurationError(CLOSED)
        with models.turn:
            models.cutter.show(image_bgr)
            try:
                return self._estimate(crowd, image_bgr, stamp_ns)
            finally:
                models.cutter.forget()

    def _estimate(self, crowd: Crowd, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        size = (int(image_bgr.shape[0]), int(image_bgr.shape[1]))
        if self._last is not None and (stamp_ns < self._last[0] or size != self._last[1]):
            self.reset()
        self._last = (stamp_ns, size)
        started = time.perf_counter()
        lost = crowd.follow(image_bgr, stamp_ns)
        followed = time.perf_counter()
        scanned = crowd.take_up(image_bgr, stamp_ns, lost)
        detected = time.perf_counter()
        most = self._options.max_people
        shown = [p for p in crowd.people if p.score() >= self._min_score][:most]
        alone: list[LoneHands] = []
        if self._search is not None:
            self._search.update(image_bgr, stamp_ns, shown, scanned, most - len(shown))
            for phantom in self._search.expose(shown):
                crowd.people.remove(phantom)
                shown.remove(phantom)
            alone = self._search.alone
        people = [person_skeleton(p, size, stamp_ns) for p in shown]
        lone = [lone_skeleton(h, size, stamp_ns) for h in alone if h.score() >= self._min_score]
        ended = time.perf_counter()
        self._timings = {
            "body": (followed - started) * 1e3,
            "detect": (detected - followed) * 1e3,
            "hands": (ended - detected) * 1e3,
            "total": (ended - started) * 1e3,
        }
        return SkeletonFrame(stamp_ns, size, LAYOUT, (*people, *lone))

    def _is_hand(self, body: Body) -> bool:
        return self._search is not None and self._search.is_hand(body)


def _check_range(name: str, value: object, low: float, high: float) -> None:
    """Raises ConfigurationError unless the value is a number with low <= value <= high."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise ConfigurationError(f"{name} is {value!r}; it must be a number from {low} to {high}")
