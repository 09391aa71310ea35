"""The trainer that `python -m training measure` uses for what has to train."""

from __future__ import annotations

import argparse

import torch

from bharnet_ros.bundle import load_bundle
from bharnet_ros.gestures import load_vocabulary
from training.describing.quick import HandTrainer
from training.starting import starting_weights


def make_trainer(options: argparse.Namespace) -> HandTrainer:
    """options: `vocabulary`, `threads`, and `init`, a bundle made without recordings or None."""
    torch.set_num_threads(options.threads)
    start = getattr(options, "init", None)
    initial = None if start is None else starting_weights(load_bundle(start))
    return HandTrainer(load_vocabulary(options.vocabulary), initial)
