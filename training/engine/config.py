"""The configuration of a training on a store; read by `training.engine.config_file`."""

# No postponed annotations here: the builder of `training.config` reads them as they stand.

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from bharnet_ros.features import FeatureConfig
from training.config import AugmentConfig
from training.data import LoaderConfig
from training.model_config import ModelConfig

STREAMS = ("body", "hand")


@dataclass(frozen=True)
class StoreData:
    """Which recordings, and who of them trains.

    store: folder of a store. protocol: a shipped one, or a YAML file. fold: which of its
    validation alternatives. train_on: "train" holds the validation part out;
    "train_and_validation" is for a last run with everything decided. repeat: times that each
    clip is shown in an epoch. even_classes: every class is shown as often as the others, whatever
    the number of its clips. background: folders of stores that show what none of the classes is,
    in the same layout; all their clips are called `bundle.background`, and background_share of
    each training batch is drawn from them.
    """

    store: str
    protocol: str
    fold: int = 0
    train_on: str = "train"
    repeat: int = 1
    even_classes: bool = False
    background: tuple[str, ...] = ()
    background_share: float = 0.25


@dataclass(frozen=True)
class ClipConfig:
    """How a clip becomes a window of num_steps steps (see `training.data.LoaderConfig`)."""

    num_steps: int = 64
    people: int = 1
    crop: tuple[float, float] = (0.5, 1.0)
    centre_share: float = 0.95
    sampling: str = "even"
    warp: float = 0.0
    anchor: str = "inside"

    def loader(self, batch_size: int) -> LoaderConfig:
        """For `training.data.BatchLoader`."""
        return LoaderConfig(batch_size=batch_size, **dataclasses.asdict(self))


@dataclass(frozen=True)
class SkeletonAugment:
    """What training does to windows of "skeleton" inputs.

    rotate_deg: largest turn about x, y and z (2D: of the image, the first number). scale: range;
    each_axis: every axis by itself. shear: share of the other axes. noise: deviation, in the
    preprocessing's unit. mirror: probability of left and right exchanged. keypoint_drop,
    frame_drop: largest shares of keypoints and of steps that go missing.
    """

    rotate_deg: tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    each_axis: bool = False
    shear: float = 0.0
    noise: float = 0.0
    mirror: float = 0.0
    keypoint_drop: float = 0.0
    frame_drop: float = 0.0


@dataclass(frozen=True)
class StoreFit:
    """Optimisation.

    optimiser: "adamw", or "sgd" with Nesterov momentum. schedule: "cosine" down to 0, or "step":
    times `decay` at each of `milestones` (epochs); both after `warmup_epochs` of linear rise.
    batch_size: of all processes together. ema_decay: of the average of the weights that is kept
    (0 = keep the last weights). loss_weights: of L_B, L_H and L_cpl. gradient_clip: largest norm
    (0 = none). precision: Lightning's name. validate_every: epochs. balance: after training, fit
    on the validation part how much body and hand expert count (`training.engine.balancing`); if
    training is to see that part, too, it is done twice, and the first time without it.
    """

    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    momentum: float = 0.9
    schedule: str = "cosine"
    milestones: tuple[int, ...] = ()
    decay: float = 0.1
    warmup_epochs: float = 5.0
    epochs: int = 60
    batch_size: int = 64
    ema_decay: float = 0.995
    label_smoothing: float = 0.1
    loss_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gradient_clip: float = 5.0
    precision: str = "32-true"
    validate_every: int = 5
    balance: bool = False


@dataclass(frozen=True)
class InitConfig:
    """Where training starts.

    bundle: name or folder of one whose experts are taken over as far as names and shapes agree
    ("" = random weights). rate: of the learning rate, what those weights learn at; 0 keeps them as
    they are.
    """

    bundle: str = ""
    rate: float = 1.0


@dataclass(frozen=True)
class BystanderConfig:
    """People who do something else, so that thresholds are chosen with them in view.

    vocabulary: what they do, a shipped one or a file ("" = there are none). leave_out: gestures of
    it that look like a class of the bundle. people: how many, a minute each.
    """

    vocabulary: str = ""
    leave_out: tuple[str, ...] = ()
    people: int = 20


@dataclass(frozen=True)
class BundleConfig:
    """What a run is exported as.

    name: of the bundle. layout: the one that the robot's pose estimator publishes; its experts'
    inputs must be those of the store's layout. background: the class of nothing going on.
    window_s: seconds the robot's windows span; max_gap_s: longest gap that is bridged.
    bystanders: see `BystanderConfig`. description, license: texts for people.
    """

    name: str = ""
    layout: str = "coco_wholebody_133"
    background: str = ""
    window_s: float = 1.6
    max_gap_s: float = 0.25
    bystanders: BystanderConfig = field(default_factory=BystanderConfig)
    description: str = ""
    license: str = ""


@dataclass(frozen=True)
class StoreConfig:
    """Everything that decides what comes out of a training on a store.

    streams: the experts trained: both, or one alone. inputs: "features" are those of the robot
    (`bharnet_ros.features`, 2D layouts); "skeleton" are all joints of the store's layout over
    its own graph, for one body expert, prepared by `preprocessing` (`training.preprocessing`).
    augment belongs to "features", skeleton_augment to "skeleton".
    """

    name: str
    data: StoreData
    seed: int = 0
    streams: tuple[str, ...] = STREAMS
    inputs: str = "features"
    clips: ClipConfig = field(default_factory=ClipConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    preprocessing: str = "calibration_free"
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    skeleton_augment: SkeletonAugment = field(default_factory=SkeletonAugment)
    model: ModelConfig = field(default_factory=ModelConfig)
    init: InitConfig = field(default_factory=InitConfig)
    fit: StoreFit = field(default_factory=StoreFit)
    bundle: BundleConfig = field(default_factory=BundleConfig)

    def digest(self) -> str:
        """SHA-256 of everything but where the stores lie. Options that came later leave it alone
        while nobody uses them, so that figures of earlier runs stay those of their
        configuration."""
        content = dataclasses.asdict(self)
        default = dataclasses.asdict(StoreConfig("", StoreData("", "")))
        del content["data"]["store"]
        content["data"]["background"] = tuple(Path(p).name for p in self.data.background)
        for *sections, option in _LATER_OPTIONS:
            part, usual = content, default
            for section in sections:
                part, usual = part[section], usual[section]
            if part[option] == usual[option]:
                del part[option]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


_LATER_OPTIONS = (
    ("clips", "anchor"), ("features", "estimate_wrist"), ("model", "body", "distances"),
    ("model", "hand", "distances"), ("init",), ("data", "background"),
    ("data", "background_share"), ("augment", "both_hands_drop"), ("bundle", "bystanders"),
)  # fmt: skip
