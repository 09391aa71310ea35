"""What a trained network says about a part of its data, and keeping it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.engine.data import EvaluationBatches, StoreDataModule
from training.engine.inputs import Inputs
from training.engine.networks import Network
from training.files import writing

IntArray = npt.NDArray[np.int64]
PARTS = ("validation", "test")
JUDGES = ("body", "hand", "fused")


@dataclass(frozen=True, eq=False)
class Scores:
    """Of N clips. body, hand, fused: (N, C) logits. usable: (N,) 1 where hands could be judged.
    label (N,). sources (N,): which clips they are."""

    body: FloatArray
    hand: FloatArray
    fused: FloatArray
    usable: FloatArray
    label: IntArray
    sources: npt.NDArray[np.str_]


@torch.no_grad()
def predict(network: Network, batches: Iterable[Inputs], sources: npt.NDArray[np.str_]) -> Scores:
    """Logits of every window, in evaluation mode. sources: of the batches' clips, in order."""
    network.eval()
    columns: list[list[FloatArray]] = [[] for _ in range(4)]
    labels = []
    for batch in batches:
        output = network(batch.body, batch.hand)
        found = (output.body, output.hand, output.fused, output.usable)
        for column, value in zip(columns, found, strict=True):
            column.append(value.float().numpy())
        labels.append(batch.label.numpy())
    body, hand, fused, usable = (np.concatenate(column) for column in columns)
    return Scores(body, hand, fused, usable, np.concatenate(labels), sources)


def predict_part(network: Network, data: StoreDataModule, part: str) -> Scores:
    """Of the validation or the test part of the data."""
    clips = data.clips(part)
    if not len(clips):
        raise ConfigurationError(
            f"Protocol '{data.config.data.protocol}' has no {part} part; use another part."
        )
    batches = EvaluationBatches(data.loader(part), data.preparation)
    return predict(network, (batches[n] for n in range(len(batches))), clip_names(data, part))


def clip_names(data: StoreDataModule, part: str) -> npt.NDArray[np.str_]:
    """(N,) the source of each clip and the frame it begins at."""
    clips = data.clips(part)
    sources = data.store.sources[clips.sample]
    return np.array([f"{s}@{first}" for s, first in zip(sources, clips.first, strict=True)])


def save_scores(path: Path, scores: Scores) -> None:
    """Arrays only, whole or not at all; ConfigurationError if they cannot be written."""
    part = path.with_name(f".{path.name}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez_compressed(file, **vars(scores))
        part.replace(path)


def load_scores(path: Path) -> Scores:
    """Inverse of `save_scores`; ConfigurationError if the file is missing or another one."""
    try:
        with np.load(path, allow_pickle=False) as data:
            return Scores(**{name: data[name] for name in Scores.__dataclass_fields__})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"{path} holds no scores ({error}); run `python -m training evaluate` for that run."
        ) from error
