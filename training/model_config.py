"""What the networks look like: the model part of the training configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from bharnet_ros.errors import ConfigurationError
from training.number_checks import one_of

MODALITIES = ("joint", "bone", "joint_motion", "bone_motion")
"""The four of the field. An expert may read one of them or several side by side."""
MOTION = "motion"
"""Earlier name of joint_motion, still taken."""
VARIANTS = ("cooperative", "independent", "pooling_attention", "expertized", "unified")
FUSIONS = ("logit_sum", "noisy_or", "noisy_or_sigmoid", "noisy_or_reliability")
HANDS = ("instances", "joined")
POSE_BLOCK = "pose"
CAUSAL_BLOCKS = ("stgcnpp", "stgcnpp_paper")
"""Blocks whose graph part sees one frame at a time, so that `ExpertConfig.causal` is possible."""


@dataclass(frozen=True)
class ExpertConfig:
    """One expert: block name, channels and temporal stride of each block, input modalities.

    streams: trunks side by side over the same input, whose logits are added (DeGCN has two).
    time_offset: each step gets a learned summand after the first block, so that the network
    knows *when* something happens; the networks of the papers have none.
    distances: block "pose" on hands only: it reads how far tips and knuckles are apart, too, which
    no turn in the picture changes.
    causal: no step looks at a later one, and only steps that see nothing from before the window
    are pooled. Such a network also has a form that takes one frame at a time and gives the same
    (`training.models.continual`).
    """

    block: str = "stgcnpp"
    channels: tuple[int, ...] = (32, 48, 64, 96)
    strides: tuple[int, ...] = (1, 2, 1, 2)
    modalities: tuple[str, ...] = ("joint", "bone", "motion")
    dropout: float = 0.2
    streams: int = 1
    time_offset: bool = True
    distances: bool = False
    causal: bool = False


@dataclass(frozen=True)
class ModelConfig:
    """The dual stream; hands or a body seen in a smaller share of the steps are not judged.

    variant: "cooperative" (the base of BHaRNet), "independent" (the fused loss does not reach
    the streams), "pooling_attention" (P), "expertized" (E) or "unified" (one graph of body and
    both hands, as `body` describes it, for comparison).
    fusion: "logit_sum"; or Noisy-OR of softmax probabilities, of sigmoids, or of softmax
    probabilities weighted by learned reliabilities (see `training.models.fusion`).
    hands: "instances" of one graph of 21 joints, or "joined" in one of 42.
    """

    body: ExpertConfig = field(default_factory=ExpertConfig)
    hand: ExpertConfig = field(default_factory=ExpertConfig)
    min_hand_share: float = 0.15
    min_body_share: float = 0.0
    variant: str = "cooperative"
    fusion: str = "logit_sum"
    hands: str = "instances"


_FULL = {
    "channels": (64, 64, 64, 64, 128, 128, 128, 256, 256, 256),
    "strides": (1, 1, 1, 1, 2, 1, 1, 2, 1, 1),
    "modalities": ("joint",),
    "dropout": 0.0,
    "time_offset": False,
}
_LIGHT = {"channels": (32, 48, 64, 96), "strides": (1, 2, 1, 2)}
_PRESETS: dict[str, dict[str, object]] = {
    "degcn": {"block": "degcn", **_FULL},
    "degcn_two_stream": {"block": "degcn", **_FULL, "streams": 2},
    "ctrgcn": {"block": "ctrgcn_paper", **_FULL},
    "stgcnpp": {"block": "stgcnpp_paper", **_FULL},
    "degcn_light": {"block": "degcn", **_LIGHT},
    "ctrgcn_light": {"block": "ctrgcn", **_LIGHT},
    "stgcnpp_light": {"block": "stgcnpp", **_LIGHT},
    "stgcnpp_causal": {"block": "stgcnpp", **_LIGHT, "time_offset": False, "causal": True},
}


def available_presets() -> tuple[str, ...]:
    """Names that `expert_preset` takes."""
    return tuple(_PRESETS)


def expert_preset(name: str) -> ExpertConfig:
    """A ready expert. "degcn", "degcn_two_stream", "ctrgcn", "stgcnpp": 10 blocks as published,
    for 64 steps; with "_light": 4 blocks; "stgcnpp_causal": the light one for windows of 32 steps
    or more that also runs frame by frame. `ConfigurationError` for another name."""
    if name not in _PRESETS:
        raise ConfigurationError(
            f"There is no ready expert '{name}'; use one of {', '.join(_PRESETS)}, or a mapping "
            "with block, channels and strides."
        )
    return ExpertConfig(**_PRESETS[name])  # type: ignore[arg-type]


def check_model(model: ModelConfig, num_steps: int, where: str) -> None:
    """`ConfigurationError`, starting with `where`, for what is well-typed but cannot work."""
    one_of(where, {
        "model.variant": (model.variant, VARIANTS), "model.fusion": (model.fusion, FUSIONS),
        "model.hands": (model.hands, HANDS),
    })  # fmt: skip
    for name in ("min_hand_share", "min_body_share"):
        share = getattr(model, name)
        if not 0.0 <= share <= 1.0:
            raise ConfigurationError(f"{where}: model.{name} is {share}; it must be 0 to 1.")
    if model.variant == "unified" and (model.fusion, model.hands) != ("logit_sum", "instances"):
        raise ConfigurationError(
            f"{where}: model.variant 'unified' has one stream and nothing to fuse; leave out "
            "model.fusion and model.hands."
        )
    for name, expert in (("body", model.body), ("hand", model.hand)):
        check_expert(expert, num_steps, f"{where}: model.{name}")
        wanted = ("hand", POSE_BLOCK, "instances")
        if expert.distances and (name, expert.block, model.hands) != wanted:
            raise ConfigurationError(
                f"{where}: model.{name}.distances is true, but only a hand expert of block "
                f"'{POSE_BLOCK}' that sees each hand by itself (model.hands: instances) reads "
                "them; leave it out."
            )
        if expert.block == POSE_BLOCK and model.variant in ("pooling_attention", "expertized"):
            raise ConfigurationError(
                f"{where}: model.variant '{model.variant}' needs experts made of graph blocks, "
                f"but model.{name}.block is '{POSE_BLOCK}'; choose another block or variant."
            )
        if model.variant == "expertized" and len(expert.channels) < 2:
            raise ConfigurationError(
                f"{where}: model.{name} has one block; variant 'expertized' splits the last "
                "stage off and needs two or more."
            )


def check_expert(expert: ExpertConfig, num_steps: int, where: str) -> None:
    """The same for one expert."""
    if len(expert.channels) != len(expert.strides) or not expert.channels:
        raise ConfigurationError(f"{where} needs one stride for each of its channels.")
    if min(*expert.channels, *expert.strides, expert.streams) < 1:
        raise ConfigurationError(f"{where} has channels, strides or streams below 1.")
    reduction = prod(expert.strides)
    if num_steps % reduction:
        raise ConfigurationError(
            f"{where} divides time by {reduction}, which does not divide "
            f"windows.num_steps = {num_steps}."
        )
    strange = sorted(set(expert.modalities) - {*MODALITIES, MOTION})
    if strange or not expert.modalities:
        raise ConfigurationError(
            f"{where}.modalities takes joint, bone, motion (or joint_motion) and bone_motion, "
            f"not {strange}."
        )
    if not 0.0 <= expert.dropout < 1.0:
        raise ConfigurationError(f"{where}.dropout is {expert.dropout}; it must be 0 to below 1.")
    if expert.causal:
        _check_causal(expert, where)
    if expert.block == POSE_BLOCK and (expert.strides[0] != 1 or expert.streams != 1):
        raise ConfigurationError(
            f"{where} has block '{POSE_BLOCK}', whose first layer reads every step and which has "
            f"one trunk, but its first stride is {expert.strides[0]} and streams {expert.streams}; "
            "set both to 1, and give the stride to a later layer."
        )


def _check_causal(expert: ExpertConfig, where: str) -> None:
    if expert.block not in CAUSAL_BLOCKS:
        raise ConfigurationError(
            f"{where}.causal is true, but the block '{expert.block}' looks at the whole window at "
            f"once; use one of {', '.join(CAUSAL_BLOCKS)}."
        )
    if expert.time_offset:
        raise ConfigurationError(
            f"{where}.causal is true, but so is time_offset, which depends on where in the window "
            "a step lies; set time_offset: false."
        )
