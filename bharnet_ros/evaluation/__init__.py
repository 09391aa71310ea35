"""How right the recognised actions are, against known ones: pure functions and their report."""

from bharnet_ros.evaluation.episodes import Episode, EpisodeCollector
from bharnet_ros.evaluation.identity import PersonMatcher
from bharnet_ros.evaluation.report import format_score
from bharnet_ros.evaluation.scoring import Outcome, Score, score_episodes
from bharnet_ros.evaluation.statistics import Distribution, distribution

__all__ = [
    "Distribution",
    "Episode",
    "EpisodeCollector",
    "Outcome",
    "PersonMatcher",
    "Score",
    "distribution",
    "format_score",
    "score_episodes",
]
