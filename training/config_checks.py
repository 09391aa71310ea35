"""Which numbers a training on films can work with; read by `training.config`.

Films take hours to make, so what could only fail then, or train nothing, is said before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bharnet_ros.errors import ConfigurationError
from training.number_checks import (
    above_zero,
    below_one,
    loss_weights,
    rising,
    shares,
    zero_or_more,
)

if TYPE_CHECKING:
    from training.config import AugmentConfig, DataConfig, SplitConfig, TrainingConfig

LEAD_S = 1.2
"""Every film begins with a moment of doing nothing, so that the first gesture has a before."""


def check_numbers(config: TrainingConfig, where: str) -> None:
    """`ConfigurationError` for the first number that cannot work."""
    zero_or_more(where, {"seed": config.seed})
    _check_films(config.data, where)
    for name, split in config.data.splits.items():
        _check_split(split, f"data.splits.{name}", where)
    windows = config.windows
    above_zero(where, {
        "windows.window_s": windows.window_s, "windows.stride_s": windows.stride_s,
        "windows.max_gap_s": windows.max_gap_s,
    })  # fmt: skip
    zero_or_more(where, {
        "windows.min_visible_s": windows.min_visible_s,
        "windows.ignore_after_s": windows.ignore_after_s,
    })  # fmt: skip
    if windows.num_steps < 2:
        raise ConfigurationError(
            f"{where}: windows.num_steps is {windows.num_steps}; it must be 2 or more."
        )
    check_augment(config.augment, where)
    _check_fit(config, where)


def check_augment(augment: AugmentConfig, where: str) -> None:
    """The same for what training does to windows, of films or of a store."""
    probabilities = (
        "mirror", "frame_drop", "hand_drop", "hand_span_drop", "score_drop", "both_hands_drop",
    )  # fmt: skip
    amounts = ("rotate_deg", "shear", "body_noise", "hand_noise", "hand_rotate_deg")
    shares(where, {f"augment.{name}": getattr(augment, name) for name in probabilities})
    zero_or_more(where, {f"augment.{name}": getattr(augment, name) for name in amounts})
    factors = ("scale", "speed", "hand_scale")
    rising(where, {f"augment.{name}": getattr(augment, name) for name in factors}, above=0.0)


def _check_films(data: DataConfig, where: str) -> None:
    if not data.fps:
        raise ConfigurationError(f"{where}: data.fps is empty; give one or more frame rates.")
    above_zero(where, {
        "data.scene_s": data.scene_s, "data.focal_px": data.focal_px,
        **{f"data.fps[{i}]": fps for i, fps in enumerate(data.fps)},
        **{f"data.image_size[{i}]": size for i, size in enumerate(data.image_size)},
    })  # fmt: skip
    rising(where, {"data.gesture_s": data.gesture_s, "data.idle_s": data.idle_s})
    if data.gesture_s[0] <= 0.0 or data.idle_s[0] < 0.0:
        raise ConfigurationError(
            f"{where}: data.gesture_s is {list(data.gesture_s)}, data.idle_s {list(data.idle_s)}; "
            "gestures must take time, and none may be negative."
        )
    zero_or_more(where, {
        "data.projected_scenes": data.projected_scenes,
        "data.outsider_scenes": min(data.outsider_scenes),
    })  # fmt: skip
    if not 0.0 <= data.stamp_jitter < 0.5:
        raise ConfigurationError(
            f"{where}: data.stamp_jitter is {data.stamp_jitter}; it must be 0 to below 0.5 frame "
            "periods, or frames would come in another order than they were taken."
        )
    if data.scene_s < LEAD_S + data.gesture_s[0]:
        raise ConfigurationError(
            f"{where}: data.scene_s is {data.scene_s}, but a film begins with {LEAD_S} s of "
            f"nothing, and no gesture takes less than {data.gesture_s[0]} s (data.gesture_s); none "
            "would be filmed. Make it longer."
        )


def _check_split(split: SplitConfig, name: str, where: str) -> None:
    above_zero(where, {f"{name}.scenes": split.scenes})
    zero_or_more(where, {f"{name}.actors": min(split.actors)})
    rising(where, {f"{name}.actors": split.actors})
    for bands, above in (("yaw_deg", None), ("speed", 0.0)):
        found = getattr(split, bands)
        if not found:
            raise ConfigurationError(
                f"{where}: {name}.{bands} is empty; give one or more ranges, as [[low, high]]."
            )
        rising(where, {f"{name}.{bands}[{i}]": band for i, band in enumerate(found)}, above)
    rising(where, {
        f"{name}.camera_height_m": split.camera_height_m, f"{name}.distance_m": split.distance_m,
    }, above=0.0)  # fmt: skip


def _check_fit(config: TrainingConfig, where: str) -> None:
    fit = config.fit
    above_zero(where, {
        "fit.steps": fit.steps, "fit.batch_size": fit.batch_size,
        "fit.learning_rate": fit.learning_rate, "fit.validate_every": fit.validate_every,
    })  # fmt: skip
    zero_or_more(where, {
        "fit.weight_decay": fit.weight_decay, "fit.warmup_steps": fit.warmup_steps,
        "fit.outsider_weight": fit.outsider_weight, "fit.gradient_clip": fit.gradient_clip,
    })  # fmt: skip
    below_one(where, {
        "fit.ema_decay": fit.ema_decay, "fit.label_smoothing": fit.label_smoothing,
        "fit.background_share": fit.background_share, "fit.outsider_share": fit.outsider_share,
    })  # fmt: skip
    shares(where, {"fit.projected_share": fit.projected_share})
    loss_weights(where, fit.loss_weights)
