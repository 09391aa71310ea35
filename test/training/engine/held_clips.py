"""Two classes of one skeleton that differ in the colour of what the right hand holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from acted_clips import LAYOUT, acted, make_config

from bharnet_ros.roi import RoiConfig
from training.data import DataSheet, StoreWriter, open_store
from training.data.rois import RoiSheet, row_dtype, tiles_path, write_roi_sheet
from training.engine.config import StoreConfig
from training.engine.rgb_config import RgbConfig, rgb_config

CLASSES = ("idle", "red", "blue")
ROI = RoiConfig(("head", "left_hand", "right_hand"), tile_px=16, num_frames=3)
PROTOCOL = """\
format: 1
name: held
dataset: [held]
meaning: person 2 tests
source: made up
train: {subject: [0, 1]}
test: {subject: [2]}
validation:
- {group: [a]}
"""
QUIET: dict[str, Any] = {"hue": 0.0, "saturation": 0.1, "grey": 0.0}


def write_store(folder: Path, clips: int = 54) -> Path:
    """Clips of three people: idle, and waving with something red or blue."""
    sheet = DataSheet("held", LAYOUT, 2, "px", "nominal", CLASSES, "free", "made up", "test")
    with StoreWriter(folder, sheet) as writer:
        for number in range(clips):
            label = number % 3
            # Of "wave" alone: red and blue are seeds of the same skeletons.
            sample = acted(3 * number + (0 if label == 0 else 1))
            subject = str(number // 3 % 3)
            fields = {"subject": subject, "group": "a" if number % 2 else "b"}
            writer.add(
                replace(sample, source=f"clip{number}", class_name=CLASSES[label], fields=fields)
            )
        writer.finish()
    (folder.parent / "protocol.yaml").write_text(PROTOCOL)
    return folder


def write_rois(folder: Path, store_folder: Path) -> Path:
    """Grey noise, with a disc in the right hand."""
    store = open_store(store_folder)
    colours = {"red": (40, 40, 220), "blue": (220, 40, 40)}  # BGR
    y, x = np.mgrid[:16, :16] - 7.5
    disc = x**2 + y**2 < 25
    rows = 0
    for number in range(len(store)):
        sample = store.sample(number)
        rng = np.random.default_rng(number)
        own = np.zeros(len(sample.stamps_ns), row_dtype(ROI))
        own["stamp_ns"], own["seen"] = sample.stamps_ns, 1
        own["tiles"] = rng.integers(90, 166, own["tiles"].shape)
        if sample.class_name in colours:
            own["tiles"][:, 2, disc] = colours[sample.class_name]
        path = tiles_path(folder, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, own, allow_pickle=False)
        rows += len(own)
    sheet = RoiSheet(
        store.content_hash(), "held", ROI, "drawn", 15.0, state="complete",
        samples=len(store), rows=rows,
    )
    write_roi_sheet(folder, sheet)
    return folder


def skeleton_config(store: Path, **changes: Any) -> StoreConfig:
    """Of stage one."""
    fit = {"epochs": 1, "batch_size": 9, "warmup_epochs": 0.2, "validate_every": 1,
           "learning_rate": 0.01, "ema_decay": 0.0}  # fmt: skip
    data = {"store": str(store), "protocol": str(store.parent / "protocol.yaml"), "repeat": 8}
    return make_config(store, data=data, fit=fit, name="held", **changes)


def rgb_options(**changes: Any) -> RgbConfig:
    """Of stage two."""
    fit = {"epochs": 9, "batch_size": 12, "warmup_epochs": 1.0, "validate_every": 9,
           "learning_rate": 0.01, "ema_decay": 0.5, "label_smoothing": 0.05}  # fmt: skip
    content: dict[str, Any] = {
        "name": "held_rgb", "augment": QUIET, "fit": fit, "groups": [["red", "blue"]],
        "model": {"width": 16, "dropout": 0.0},
    }  # fmt: skip
    return rgb_config({**content, **changes}, "test")
