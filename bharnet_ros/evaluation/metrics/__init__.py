"""Figures that tell how good a recogniser is; docs/evaluation_metrics.md defines each."""

from bharnet_ros.evaluation.metrics.calibration import calibration
from bharnet_ros.evaluation.metrics.clips import ClipOutcome
from bharnet_ros.evaluation.metrics.confusion import FALSE_ALARM, MISSED, NOT_JUDGED
from bharnet_ros.evaluation.metrics.material import NOBODY
from bharnet_ros.evaluation.metrics.measuring import clip_outcomes, measure, score_recording

__all__ = [
    "FALSE_ALARM",
    "MISSED",
    "NOBODY",
    "NOT_JUDGED",
    "ClipOutcome",
    "calibration",
    "clip_outcomes",
    "measure",
    "score_recording",
]
