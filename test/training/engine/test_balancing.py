from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from training.checkpoint import read_description
from training.engine.balancing import (
    FITTED_ON,
    Heard,
    balance,
    fit_factors,
    listen,
    scale_logits,
)
from training.engine.config import StoreConfig
from training.engine.data import EvaluationBatches
from training.engine.evaluating import open_run
from training.engine.fitting import Machine, fit_store
from training.engine.networks import make_network
from training.engine.runs import HELD_OUT, WEIGHTS_FILE
from training.models import BHaRNet

CPU = Machine(accelerator="cpu")


def two_judges(right_body: float, right_hand: float, count: int = 3000) -> Heard:
    """Two independent judges of 5 classes, both very sure, right in those shares of windows."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 5, count)
    logits = []
    for share in (right_body, right_hand):
        said = np.where(rng.random(count) < share, label, rng.integers(0, 5, count))
        logits.append(torch.nn.functional.one_hot(torch.from_numpy(said), 5) * 8.0)
    return Heard(logits[0], logits[1], torch.zeros(count, 2), torch.from_numpy(label))


def log_odds(share: float) -> float:
    """Of the class that a judge of `two_judges` names against one it does not name."""
    wrong = (1 - share) / 5
    return float(np.log((share + wrong) / wrong))


def test_factors_are_those_of_the_best_judgement() -> None:
    # For independent judges, adding log-odds is Bayes' rule.
    body, hand = fit_factors(two_judges(0.5, 0.9), "logit_sum")
    assert body * 8.0 == pytest.approx(log_odds(0.5), rel=0.1)
    assert hand * 8.0 == pytest.approx(log_odds(0.9), rel=0.1)


@pytest.mark.parametrize("fusion", ["noisy_or", "noisy_or_sigmoid", "noisy_or_reliability"])
def test_in_a_noisy_or_the_better_judge_is_louder_too(fusion: str) -> None:
    body, hand = fit_factors(two_judges(0.5, 0.9), fusion)
    assert body < hand


def test_where_all_is_right_factors_stay_in_bounds() -> None:
    body, hand = fit_factors(two_judges(1.0, 1.0), "logit_sum")
    assert 0.1 <= body <= 10.0 and 0.1 <= hand <= 10.0


def test_scaled_experts_prefer_what_they_preferred(trained: Path) -> None:
    network, data, _ = open_run(trained)
    assert isinstance(network, BHaRNet)
    batch = EvaluationBatches(data.loader("validation"), data.preparation)[0]
    with torch.no_grad():
        before = network(batch.body, batch.hand)
        body, hand = balance(network, data)
        after = network(batch.body, batch.hand)
    torch.testing.assert_close(after.body, before.body * body)
    torch.testing.assert_close(after.hand, before.hand * hand)


def test_expertized_branches_are_scaled_too(configured: Callable[..., StoreConfig]) -> None:
    config = configured()
    config = replace(config, model=replace(config.model, variant="expertized"))
    network = make_network(config, 3, "coco_body_hands_59", 2).eval()
    assert isinstance(network, BHaRNet)
    body, hand = torch.rand(2, 3, 16, 19, 1), torch.rand(2, 3, 16, 21, 2)
    with torch.no_grad():
        before = network(body, hand)
        scale_logits(network.body, 0.5)
        after = network(body, hand)
    torch.testing.assert_close(after.body, before.body * 0.5)
    torch.testing.assert_close(after.hand, before.hand)


def test_balance_is_fitted_on_validation_clips(trained: Path) -> None:
    network, data, _ = open_run(trained)
    assert isinstance(network, BHaRNet)
    heard = listen(network, data)
    labels = data.clips("validation").label
    assert heard.label.tolist() == [*labels] * len(FITTED_ON)


def test_a_run_says_how_it_was_balanced(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    fit = {"epochs": 1, "batch_size": 9, "warmup_epochs": 0.0, "balance": True}
    description = fit_store(configured(fit=fit), tmp_path, CPU, report=lambda _: None)
    assert set(description["balance"]) == {"body", "hand"}
    assert read_description(tmp_path / WEIGHTS_FILE)["balance"] == description["balance"]


def test_without_held_out_clips_there_is_nothing_to_balance_on(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    config = configured(fit={"epochs": 1, "batch_size": 9, "balance": True})
    text = Path(config.data.protocol).read_text("utf-8")
    alone = tmp_path / "protocol.yaml"
    alone.write_text(text.partition("validation:")[0])
    config = replace(config, data=replace(config.data, protocol=str(alone)))
    with pytest.raises(ConfigurationError, match="no validation part"):
        fit_store(config, tmp_path / "run", CPU, report=lambda _: None)


def test_a_run_on_everything_takes_the_factors_of_one_without_validation_clips(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    fit = {"epochs": 1, "batch_size": 9, "warmup_epochs": 0.0, "balance": True}
    config = configured(fit=fit)
    config = replace(config, data=replace(config.data, train_on="train_and_validation"))
    found = fit_store(config, tmp_path, CPU, report=lambda _: None)
    apart = read_description(tmp_path / HELD_OUT / WEIGHTS_FILE)
    assert apart["config"]["data"]["train_on"] == "train"
    assert found["balance"] == apart["balance"]
    lines: list[str] = []
    again = fit_store(config, tmp_path, CPU, resume=True, report=lines.append)
    assert again["balance"] == found["balance"]
    assert not any("count" in line for line in lines)  # the first half was kept


def test_a_first_half_of_another_configuration_is_trained_anew(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    fit = {"epochs": 1, "batch_size": 9, "warmup_epochs": 0.0, "balance": True}
    config = configured(fit=fit)
    config = replace(config, data=replace(config.data, train_on="train_and_validation"))
    found = fit_store(config, tmp_path, CPU, report=lambda _: None)
    other = replace(config, seed=7, data=replace(config.data, train_on="train"))
    fit_store(other, tmp_path / HELD_OUT, CPU, report=lambda _: None)
    again = fit_store(config, tmp_path, CPU, resume=True, report=lambda _: None)
    assert read_description(tmp_path / HELD_OUT / WEIGHTS_FILE)["config"]["seed"] == config.seed
    assert again["balance"] == found["balance"]
