"""Stage two: from a skeleton run and tiles to the weights of the RGB branch."""

from __future__ import annotations

import logging
import platform
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bharnet_ros.bundle import file_record
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.manifest_parts import Fusion
from bharnet_ros.roi import RoiConfig
from training.checkpoint import load_weights, read_description, save_weights
from training.data.rois import open_rois
from training.engine.data import EvaluationBatches, StoreDataModule
from training.engine.evaluating import open_run
from training.engine.exporting import temperatures
from training.engine.fitting import Machine, Report, make_trainer, prepare_torch, train_on
from training.engine.resuming import SKELETON, checkpoint_of, refuse_other_grounds
from training.engine.rgb_config import RgbConfig, asdict, rgb_config
from training.engine.rgb_data import RgbDataModule, RgbInputs
from training.engine.rgb_groups import Groups, confused_groups, group_ids
from training.engine.rgb_module import RgbModule
from training.engine.runs import WEIGHTS_FILE
from training.engine.scores import predict_part
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.models.encoders import create_encoder
from training.models.rgb import RgbBranch

LOWEST, HIGHEST = 0.1, 10.0
_STEPS = 100


def fit_rgb(
    config: RgbConfig,
    skeleton: Path,
    rois: Path,
    run: Path,
    store: str = "",
    machine: Machine | None = None,
    resume: bool = False,
    report: Report = print,
) -> dict[str, Any]:
    """Train the branch and write `weights.npz` into `run`; returns what stands beside the weights.

    skeleton: folder of a finished stage one (`python -m training fit`), which is not changed.
    rois: the tiles of its store (`python -m training extract-rois`). store: where that lies now.
    resume: as in `fit_store`, and of the same skeleton run, tiles and encoder.
    Raises ConfigurationError if skeleton, tiles and configuration do not go together.
    """
    machine = machine or Machine()
    checkpoint = checkpoint_of(run, resume, config.digest())
    read_description(skeleton / WEIGHTS_FILE)  # raises if there are none
    skeleton_sha256 = file_record(skeleton / WEIGHTS_FILE)["sha256"]
    refuse_other_grounds(checkpoint, {SKELETON: skeleton_sha256})  # before anything takes time
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    prepare_torch(config.seed, machine.threads)
    judged = judge_of(skeleton, store)
    names = judged.data.split.class_names
    groups = config.groups or confused_groups(judged.validation, names, config.confused_share)
    ids = group_ids(groups, names)
    report(f"Pixels decide within: {'; '.join(', '.join(group) for group in groups)}")
    tiles = open_rois(rois, judged.data.store)
    data = RgbDataModule(
        judged.data.config, config, tiles, [n for group in ids for n in group], machine.workers
    )
    branch = make_branch(config, tiles.config, len(names), groups, names)
    weights = Path(config.model.weights) if config.model.weights else None
    encoder_weights = {} if weights is None else {weights.name: file_record(weights)}
    grounds = {SKELETON: skeleton_sha256, "the tiles of --rois": tiles.content_hash()}
    grounds |= {f"model.weights {n}": record["sha256"] for n, record in encoder_weights.items()}
    refuse_other_grounds(checkpoint, grounds)
    module = RgbModule(judged.judge, branch, config, data.steps_per_epoch)
    module.grounds = grounds
    trainer = make_trainer(config.fit, run, machine, True, report)
    clips = {part: len(data.clips(part)) for part in ("train", "validation")}
    if trainer.is_global_zero:
        parameters = sum(p.numel() for p in branch.parameters())
        report(
            f"{config.name}: {clips['train']} training, {clips['validation']} validation clips of "
            f"those classes, {parameters} parameters"
        )
    begin, begin_cpu = time.monotonic(), time.process_time()
    train_on(trainer, module, data, checkpoint, run)
    description: dict[str, Any] = {
        "encoder_weights": encoder_weights,
        "config": asdict(config),
        "config_sha256": config.digest(),
        "groups": [list(group) for group in groups],
        "roi": tiles.config.to_dict(),
        "class_names": list(names),
        "skeleton_sha256": skeleton_sha256,
        "store_sha256": judged.data.store.content_hash(),
        "clips": clips,
        "history": module.history,
        "epochs": trainer.current_epoch,
        "seconds": round(time.monotonic() - begin, 1),
        "cpu_seconds": round(time.process_time() - begin_cpu, 1),
        "packages": {
            "torch": torch.__version__, "lightning": version("pytorch-lightning"),
            "timm": version("timm"), "python": platform.python_version(),
        },
    }  # fmt: skip
    if trainer.is_global_zero:
        final = module.final.cpu().eval()
        description["factor"] = round(balance_rgb(module.cpu(), final, data), 4)
        report(f"On held-out clips the pixels' logits count {description['factor']:.2f} times")
        save_weights(run / WEIGHTS_FILE, final, description)
        report(f"Weights written to {run / WEIGHTS_FILE} ({description['seconds']:.0f} s)")
    trainer.strategy.barrier()
    return description


class Judged(NamedTuple):
    """A skeleton run, ready to be listened to, and its data."""

    judge: CalibratedBHaRNet
    data: StoreDataModule
    fusion: Fusion
    validation: Any
    description: dict[str, Any]


def judge_of(skeleton: Path, store: str = "") -> Judged:
    """The calibrated networks of a finished stage one, which also tell what the body attends to.

    Raises ConfigurationError for one expert alone, or one without features per joint.
    """
    network, data, description = open_run(skeleton, store)
    if not isinstance(network, BHaRNet):
        raise ConfigurationError(
            f"{skeleton} holds one expert alone (streams {list(data.config.streams)}); RGB goes "
            "with a body and a hand expert on the robot's features."
        )
    validation = predict_part(network, data, "validation")
    fusion = temperatures(validation)
    judge = CalibratedBHaRNet(network, fusion.temperature, fusion.body_temperature, attending=True)
    batch = EvaluationBatches(data.loader("validation"), data.preparation, 2)[0]
    with torch.no_grad():
        judge.eval()(batch.body, batch.hand)  # raises for an expert that has no attention
    return Judged(judge, data, fusion, validation, description)


def make_branch(
    config: RgbConfig, roi: RoiConfig, num_classes: int, groups: Groups, names: tuple[str, ...]
) -> RgbBranch:
    """Random but for the encoder's weights, if the configuration names some."""
    weights = Path(config.model.weights) if config.model.weights else None
    model = config.model
    encoder = create_encoder(model.encoder, roi.tile_px, weights, model.reduction)
    if model.frozen:
        encoder.freeze(model.frozen)
    if model.keep_statistics:
        encoder.keep_statistics()
    ids = group_ids(groups, names)
    return RgbBranch(roi, encoder, num_classes, ids, model.width, model.dropout)


def load_branch(run: Path) -> tuple[RgbBranch, RgbConfig, dict[str, Any]]:
    """A trained branch in evaluation mode; ConfigurationError if there is none."""
    description = read_description(run / WEIGHTS_FILE)
    if "roi" not in description:
        raise ConfigurationError(
            f"{run} is no RGB run; give one that `python -m training fit-rgb` wrote."
        )
    config = rgb_config(description["config"], str(run / WEIGHTS_FILE))
    plain = replace(config, model=replace(config.model, weights=""))
    names = tuple(description["class_names"])
    groups = tuple(tuple(group) for group in description["groups"])
    branch = make_branch(plain, RoiConfig.from_dict(description["roi"]), len(names), groups, names)
    load_weights(run / WEIGHTS_FILE, branch)
    return branch.eval(), config, description


@torch.no_grad()
def heard(
    module: RgbModule, branch: RgbBranch, data: RgbDataModule, part: str = "validation"
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of a part's clips: probabilities (N, C), logits (N, C), reliability (N, 1), label (N,)."""
    columns: list[list[Tensor]] = [[], [], [], []]
    module.eval()
    batches = EvaluationBatches(data.loader(part), data.preparation, 64)
    for number in range(len(batches)):
        batch: RgbInputs = batches[number]  # type: ignore[assignment]
        probabilities, attention = module.skeleton(batch)
        _, logits, reliability = branch.eval()(batch.tiles, batch.seen, attention, probabilities)
        for column, value in zip(
            columns, (probabilities, logits, reliability, batch.label), strict=True
        ):
            column.append(value)
    probabilities, logits, reliability, label = (torch.cat(column) for column in columns)
    return probabilities, logits, reliability, label


def balance_rgb(module: RgbModule, branch: RgbBranch, data: RgbDataModule) -> float:
    """Scale the branch's last layer in place, so that held-out clips are as likely as can be; the
    factor, 0.1 to 10. What the branch prefers stays the same. (As `training.engine.balancing`.)"""
    probabilities, logits, reliability, label = heard(module, branch, data)
    log_factor = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_factor], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimiser.zero_grad()
        shares = branch.fuse.log_shares(probabilities, logits * log_factor.exp(), reliability)
        # A little pull towards 1: where held-out clips are all right, no factor is large enough.
        loss = nn.functional.nll_loss(shares, label) + 1e-3 * log_factor.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    factor = float(log_factor.detach().exp().clamp(LOWEST, HIGHEST))
    with torch.no_grad():
        branch.classify.weight.mul_(factor)
        branch.classify.bias.mul_(factor)
    return factor
