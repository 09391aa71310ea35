"""The card of a data folder: what its films show, and with which settings they were made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from training.config import TrainingConfig
from training.files import writing

CARD_FILE = "dataset.json"


@dataclass(frozen=True)
class DatasetCard:
    """class_names: in the order of the network's outputs. pairs: classes that differ only in
    the fingers. estimator: who made the keypoints. digest: of the settings of the data."""

    layout: str
    class_names: tuple[str, ...]
    background: str
    pairs: tuple[tuple[str, str], ...]
    estimator: str
    seed: int
    digest: str

    @property
    def background_id(self) -> int:
        """Number of the class that is no gesture."""
        return self.class_names.index(self.background)

    @property
    def class_ids(self) -> dict[str, int]:
        """Number of each class."""
        return {name: number for number, name in enumerate(self.class_names)}


def write_card(folder: Path, card: DatasetCard) -> None:
    """Write `dataset.json`; `ConfigurationError` if it cannot be written."""
    with writing(folder / CARD_FILE):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CARD_FILE).write_text(json.dumps(asdict(card), indent=2) + "\n", "utf-8")


def read_card(folder: Path) -> DatasetCard:
    """Read `dataset.json`; `ConfigurationError` if the folder holds no usable one."""
    path = folder / CARD_FILE
    if not path.is_file():
        raise ConfigurationError(
            f"{folder} holds no {CARD_FILE}; run `python -m training generate --data {folder}` "
            "first."
        )
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        content["class_names"] = tuple(content["class_names"])
        content["pairs"] = tuple((first, second) for first, second in content["pairs"])
        card = DatasetCard(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path} is damaged ({error}); delete the folder and generate the data again."
        ) from error
    if card.background not in card.class_names:
        raise ConfigurationError(f"{path} has no class '{card.background}', its own background.")
    return card


def check_card(card: DatasetCard, config: TrainingConfig, folder: Path) -> None:
    """`ConfigurationError` unless the films were made with the settings of `config`."""
    if card.digest != config.data_digest():
        raise ConfigurationError(
            f"{folder} was generated with other data settings than configuration "
            f"'{config.name}' has; generate into another folder, or use the configuration it "
            "was made with."
        )
