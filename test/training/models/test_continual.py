"""Frame by frame against whole windows, at every frame."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest
import torch
from torch import Tensor

from benchmarks.steppable import TINY, as_if_trained
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import Graph, body_graph, hand_graph
from training.model_config import ExpertConfig, ModelConfig, expert_preset
from training.models import BHaRNet, Expert
from training.models.bharnet import CalibratedBHaRNet, make_expert
from training.models.continual import StepAlone, StepExpert, StepNetwork
from training.models.memory import Memory

EXACT = 1e-5
FILM = 44


def _film(graph: Graph, instances: int) -> Tensor:
    """(2, 3, T, V, I) random frames; joints, and for some frames everything, are missing."""
    generator = torch.Generator().manual_seed(1)
    shape = (2, 3, FILM, graph.num_joints, instances)
    x = torch.randn(shape, generator=generator)
    x[:, 2] = torch.rand(x[:, 2].shape, generator=generator)
    x[:, 2][torch.rand(x[:, 2].shape, generator=generator) < 0.2] = 0.0
    x[:, :, 5:9] = 0.0
    x[0, :, 30:33] = 0.0
    return x


class Runner:
    """Keeps the states of a step network, one of each phase."""

    def __init__(self, memory: Memory, people: int = 2) -> None:
        blank = dict(zip(memory.sizes, memory.blank(people), strict=True))
        self._states = {period: [state] * period for period, state in blank.items()}
        self._memory = memory
        self._frame = 0

    def __call__(self, step: torch.nn.Module, *frame: Tensor) -> tuple[Tensor, ...]:
        now = [self._states[p][self._frame % p] for p in self._states]
        with torch.no_grad():
            outputs = step(*frame, *now)
        count = len(outputs) - len(now)
        for period, state in zip(self._states, outputs[count:], strict=True):
            self._states[period][self._frame % period] = state
        self._frame += 1
        return outputs[:count]


def _before(x: Tensor, steps: int) -> Tensor:
    """With so many frames before it in which nothing is seen."""
    return torch.cat([torch.zeros_like(x[:, :, :1]).expand(-1, -1, steps, -1, -1), x], dim=2)


def _windows(film: Tensor, steps: int) -> Tensor:
    """(N, C, T, V, I) -> (N F, C, steps, V, I), the windows that end with the last F = `FILM`
    frames."""
    cut = film[:, :, -FILM - steps + 1 :].unfold(2, steps, 1)  # (N, C, F, V, I, steps)
    return cut.permute(0, 2, 1, 5, 3, 4).reshape(-1, film.shape[1], steps, *film.shape[3:])


CAUSAL = ExpertConfig(dropout=0.0, time_offset=False, causal=True)


@pytest.mark.parametrize(
    ("config", "steps", "graph"),
    [
        (replace(CAUSAL, channels=(8, 8), strides=(1, 1)), 12, body_graph()),
        (replace(CAUSAL, channels=(8, 12, 16), strides=(2, 1, 2)), 24, body_graph()),
        (
            replace(CAUSAL, channels=(8, 12), strides=(1, 3), modalities=("joint",)),
            12,
            hand_graph(),
        ),
        (
            replace(CAUSAL, block="stgcnpp_paper", channels=(12, 16), strides=(1, 2)),
            20,
            body_graph(),
        ),
        (
            replace(CAUSAL, block="stgcnpp_paper", channels=(12, 12), strides=(2, 2)),
            28,
            hand_graph(),
        ),
        (replace(CAUSAL, channels=(8, 12), strides=(1, 2), streams=2), 16, hand_graph()),
    ],
)
def test_causal_experts_give_the_windows_answer_at_every_frame(config, steps, graph):
    """Also at the frames between those a strided window network computes, while frames are
    missing, and from the first sight of a person on."""
    torch.manual_seed(0)
    instances = 2 if graph is hand_graph() else 1
    expert = as_if_trained(Expert(graph, config, steps, 5))
    step = StepAlone(expert, instances).eval()  # type: ignore[arg-type]
    assert step.expert.lag == 0
    run = Runner(step.memory)
    film = _before(_film(graph, instances), 2 * steps)
    found = [run(step, frame)[0] for frame in film.split(1, dim=2)][-FILM:]
    with torch.no_grad():
        expected, _ = expert(_windows(film, steps))
    assert expected.abs().mean() > 0.05
    torch.testing.assert_close(
        torch.stack(found, dim=1).flatten(0, 1), expected, atol=EXACT, rtol=1e-4
    )


@pytest.mark.parametrize(
    ("config", "lag"),
    [
        (replace(CAUSAL, causal=False, channels=(8, 12, 16), strides=(1, 2, 1)), 7),
        (replace(CAUSAL, causal=False, channels=(8, 12), strides=(2, 2)), 3),
        (
            replace(CAUSAL, causal=False, block="stgcnpp_paper", channels=(12, 12), strides=(1, 2)),
            7,
        ),
    ],
)
def test_experts_that_look_ahead_give_what_a_long_film_gives(config, lag):
    """Away from the borders of the window: the volume of the whole film, pooled where the steps
    pool it, `lag` frames later; shortcuts and short branches wait for the longest."""
    torch.manual_seed(0)
    steps, reduction = 12, prod(config.strides)
    expert = as_if_trained(Expert(body_graph(), config, steps, 5))
    step = StepExpert(expert, Memory())  # type: ignore[arg-type]
    assert step.lag == lag
    film = _film(body_graph(), 1)
    run = Runner(step.memory)
    vectors = [run(_VectorOf(step), frame)[0] for frame in film.split(1, dim=2)]
    compared = 0
    for phase in range(reduction):
        # A film whose first frame is at the phase of the window.
        cut = film[:, :, phase : phase + (FILM - phase) // reduction * reduction]
        with torch.no_grad():
            volume = expert.embed(cut).volume
        assert volume is not None
        values, weight = volume.values[:, 0].mean(dim=3), volume.weight[:, 0]
        border = lag // reduction + 2  # steps that see what lies beyond the film
        for first in range(border, values.shape[2] - steps // reduction - border):
            newest = phase + first * reduction + steps - 1 + lag
            if newest >= FILM:
                break
            pooled = slice(first, first + steps // reduction)
            total = weight[:, pooled].sum(dim=1).clamp(min=1.0)[:, None]
            expected = (values[:, :, pooled] * weight[:, None, pooled]).sum(dim=2) / total
            torch.testing.assert_close(vectors[newest], expected, atol=EXACT, rtol=1e-4)
            compared += 1
    assert compared >= 6


class _VectorOf(torch.nn.Module):
    def __init__(self, step: StepExpert) -> None:
        super().__init__()
        self.step = step

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        self.step.memory.load(states)
        vector = self.step(x).embedding.vector
        return (vector, *self.step.memory.unload())


@pytest.mark.parametrize(
    ("fusion", "variant", "hands"),
    [
        ("logit_sum", "cooperative", "instances"),
        ("noisy_or_reliability", "cooperative", "instances"),
        ("noisy_or_sigmoid", "independent", "joined"),
    ],
)
def test_the_whole_network_gives_all_its_outputs(fusion, variant, hands):
    torch.manual_seed(0)
    steps = 16
    model = ModelConfig(TINY, TINY, fusion=fusion, variant=variant, hands=hands)
    network = as_if_trained(BHaRNet(model, 5, steps))
    judge = CalibratedBHaRNet(network, 1.5, 0.7).eval()  # type: ignore[arg-type]
    step = StepNetwork(judge).eval()
    assert step.output_names[: len(judge.output_names)] == judge.output_names
    body, hand = _film(body_graph(), 1), _film(hand_graph(), 2)
    hand[1, :, 10:36] = 0.0  # long enough that the hands are not judged
    body, hand = _before(body, 2 * steps), _before(hand, 2 * steps)
    run = Runner(step.memory)
    frames = zip(body.split(1, dim=2), hand.split(1, dim=2), strict=True)
    found = [run(step, *frame) for frame in frames][-FILM:]
    with torch.no_grad():
        expected = judge(_windows(body, steps), _windows(hand, steps))
    for number, values in enumerate(expected):
        one = torch.stack([outputs[number] for outputs in found], dim=1).flatten(0, 1)
        torch.testing.assert_close(one, values, atol=EXACT, rtol=1e-4)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (expert_preset("ctrgcn_light"), "mean of its features over the window.*stgcnpp_causal"),
        (expert_preset("degcn_light"), "mean of its features over the window.*stgcnpp_causal"),
        (ExpertConfig("pose", (8, 8), (1, 2)), "mean of the window.*stgcnpp_causal"),
        (expert_preset("stgcnpp_light"), "time_offset: false"),
    ],
)
def test_experts_without_such_a_form_are_refused_with_the_remedy(config, message):
    config = replace(config, channels=config.channels[:2], strides=config.strides[:2])
    with pytest.raises(ConfigurationError, match=message):
        StepExpert(make_expert(body_graph(), config, 32, 4), Memory())


@pytest.mark.parametrize("variant", ["pooling_attention", "expertized", "unified"])
def test_variants_that_attend_over_time_are_refused(variant):
    network = BHaRNet(ModelConfig(TINY, TINY, variant=variant), 4, 24)
    with pytest.raises(ConfigurationError, match=rf"'{variant}'.*cooperative"):
        StepNetwork(CalibratedBHaRNet(network))


def test_networks_that_would_answer_late_are_refused():
    late = replace(TINY, causal=False)
    network = BHaRNet(ModelConfig(late, late), 4, 24)
    with pytest.raises(ConfigurationError, match="3 and 3 frames late; set causal: true"):
        StepNetwork(CalibratedBHaRNet(network))
