"""Errors a user can meet. Each message is a sentence that names the value and the remedy."""

from __future__ import annotations


class BharnetError(Exception):
    """Base of every error this package raises on purpose."""


class InvalidImageError(BharnetError):
    """An image whose encoding, size, step or data cannot be used."""


class InvalidSkeletonError(BharnetError):
    """Keypoints or scores of a wrong shape, or with values that cannot be used."""


class LayoutError(BharnetError):
    """An unknown keypoint layout, or two parts that speak different layouts."""


class BundleError(BharnetError):
    """A model bundle that is missing, damaged or of another format."""


class BackendUnavailable(BharnetError):
    """An optional package is not installed or cannot work on this machine."""


class EngineError(BharnetError):
    """An inference engine that failed while it was built or run: no memory, a lost device."""


class ConfigurationError(BharnetError):
    """A parameter or option outside of what it may be."""


class GestureError(BharnetError):
    """A gesture description that is malformed, impossible or contradictory."""


class DownloadError(BharnetError):
    """A file that could not be fetched, or is not the expected one."""


class BagError(BharnetError):
    """A recording that is missing, empty, of another format, or has no such topic."""


class LabelError(BharnetError):
    """A file of ground truth that is malformed or contradicts its recording."""


class EvaluationError(BharnetError):
    """Results of an evaluation that are malformed, or a file of them that cannot be used."""


class WeightsError(BharnetError):
    """Weights of a network that are not here, or are not the expected ones."""
