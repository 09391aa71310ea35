"""Ground truth: what people truly did, labelled by somebody, read strictly and saved safely."""

from bharnet_ros.evaluation.truth.attribution import Attribution, Attributor, attribute
from bharnet_ros.evaluation.truth.files import check_of_several, load_labels, save_labels
from bharnet_ros.evaluation.truth.segments import LabelledSegment, Labels

__all__ = [
    "Attribution",
    "Attributor",
    "LabelledSegment",
    "Labels",
    "attribute",
    "check_of_several",
    "load_labels",
    "save_labels",
]
