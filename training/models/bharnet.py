"""BHaRNet: a body expert and a hand expert, what they tell each other, and how they decide."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import Graph, body_graph, hand_graph
from training.model_config import POSE_BLOCK, ExpertConfig, ModelConfig, check_model
from training.models.attention import PoolingAttention
from training.models.expert import Embedding, Expert
from training.models.fusion import ABSENT, Reliability, mean_score, noisy_or
from training.models.graphs import (
    join_body_and_hands,
    join_hands,
    joined_hands_graph,
    unified_graph,
)
from training.models.guiding import joint_attention
from training.models.posenet import PoseExpert

RELIABLE = "noisy_or_reliability"


class ExpertOutput(NamedTuple):
    """What the two experts say about N windows.

    body, hand: (N, C) logits; zero where that part was not seen well enough. usable: (N,) 1
    where the hands were seen long enough to be judged, else 0; body_usable: the same of the
    body. fused: (N, C), the sum of both, or what else `ModelConfig.fusion` makes of them, as
    logits of a softmax.

    The rest is there where the model has it. body_judged, hand_judged: (N, C) logits that L_B
    and L_H judge, if not all of body and hand. log_there, log_absent: (N, C) logarithms of the
    fused probability of each class and of its complement. reliabilities: (N, 2) of body and
    hands, 0..1. detached: L_cpl must not reach the streams. sigmoid: classes are judged one by
    one.
    """

    body: Tensor
    hand: Tensor
    usable: Tensor
    body_usable: Tensor
    body_judged: Tensor | None = None
    hand_judged: Tensor | None = None
    log_there: Tensor | None = None
    log_absent: Tensor | None = None
    reliabilities: Tensor | None = None
    detached: bool = False
    sigmoid: bool = False

    @property
    def fused(self) -> Tensor:
        if self.log_there is not None:
            return self.log_there
        total = self.body + self.hand
        return total.detach() if self.detached else total


class BHaRNet(nn.Module):
    """BHaRNet (Cho and Kim, IROS 2025, arXiv 2503.14960) and its follow-up (arXiv 2601.00369).

    body (N, 3, T, 19, 1) and hand (N, 3, T, 21, 2), channels x, y, score as made by
    `bharnet_ros.features`; hands are two instances of one graph, or one graph of 42 joints. A
    window whose hands are both seen in less than `min_hand_share` of its steps is judged by the
    body alone, one whose body is seen in less than `min_body_share` of them by the hands alone.

    Variants (`ModelConfig.variant`):

    - cooperative: the base. Two experts, each pooled by global averages; logits are added.
    - independent: the same, but the fused loss does not reach the streams.
    - pooling_attention: each stream is pooled by a `PoolingAttention` that looks at the other.
    - expertized: the last stage of each stream exists twice. The interactive one is pooled as
      above and judged by L_B and L_H, the expertized one sees its own stream only; body and hand
      logits are the sums of both, so the fused loss is over all four.
    - unified: one expert over one graph of 61 joints. Its logits are `body`; `hand` is zero.

    Raises ConfigurationError for options that do not go together.
    """

    def __init__(self, config: ModelConfig, num_classes: int, num_steps: int) -> None:
        super().__init__()
        check_model(config, num_steps, "The model")
        self.config = config
        self.min_hand_share = config.min_hand_share
        self.min_body_share = config.min_body_share
        shape = (num_steps, num_classes)
        if config.variant == "unified":
            self.body = make_expert(unified_graph(), config.body, *shape)
            return
        apart = config.variant == "expertized"
        hands = joined_hands_graph() if config.hands == "joined" else hand_graph()
        self.body = make_expert(body_graph(), config.body, *shape, expertized=apart)
        self.hand = make_expert(hands, config.hand, *shape, expertized=apart)
        body_width, hand_width = self.body.width, self.hand.width
        if config.variant in ("pooling_attention", "expertized"):
            self.body_attention = PoolingAttention(body_width, hand_width)
            self.hand_attention = PoolingAttention(hand_width, body_width)
        if config.fusion == RELIABLE:
            self.body_reliability = Reliability(body_width)
            self.hand_reliability = Reliability(hand_width)

    @property
    def fusion(self) -> str:
        """One of `training.model_config.FUSIONS`."""
        return self.config.fusion

    def forward(self, body: Tensor, hand: Tensor) -> ExpertOutput:
        if self.config.variant == "unified":
            return self._unified(body, hand)
        return self.decide(*self.embed(body, hand), (mean_score(body), mean_score(hand)))

    def embed(self, body: Tensor, hand: Tensor) -> tuple[Embedding, Embedding]:
        """What the experts' blocks make of body and hands; not for variant "unified"."""
        hands = join_hands(hand) if self.config.hands == "joined" else hand
        return self.body.embed(body), self.hand.embed(hands)

    def decide(
        self, own: Embedding, other: Embedding, scores: tuple[Tensor, Tensor]
    ) -> ExpertOutput:
        """Everything after the experts' blocks, but for variant "unified".

        own, other: of body and hands. scores: (N,) of each, mean score of the observed keypoints.
        """
        usable = (other.observed.amax(dim=1) >= self.min_hand_share).to(other.vector.dtype)
        body_usable = (own.observed[:, 0] >= self.min_body_share).to(own.vector.dtype)
        body_vector, hand_vector = self._pooled(own, other, body_usable, usable)
        body_logits, body_judged = _stream(self.body, body_vector, own, body_usable)
        hand_logits, hand_judged = _stream(self.hand, hand_vector, other, usable)
        output = ExpertOutput(
            body_logits, hand_logits, usable, body_usable, body_judged, hand_judged,
            detached=self.config.variant == "independent",
        )  # fmt: skip
        if self.config.fusion == "logit_sum":
            return output
        return self._fuse(output, own, other, scores)

    def _pooled(
        self, body: Embedding, hand: Embedding, body_usable: Tensor, usable: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The vectors to judge by: each stream's own, or with an eye on the other."""
        if self.config.variant not in ("pooling_attention", "expertized"):
            return body.vector, hand.vector
        if body.volume is None or hand.volume is None:
            raise TypeError("Attention needs experts that keep a volume.")
        # What is not judged is not listened to either.
        heard_body = body.volume._replace(weight=body.volume.weight * body_usable[:, None, None])
        heard_hand = hand.volume._replace(weight=hand.volume.weight * usable[:, None, None])
        return (
            self.body_attention(body.volume, heard_hand),
            self.hand_attention(hand.volume, heard_body),
        )

    def _fuse(
        self,
        output: ExpertOutput,
        body: Embedding,
        hand: Embedding,
        scores: tuple[Tensor, Tensor],
    ) -> ExpertOutput:
        streams, vectors = (output.body, output.hand), (body.vector, hand.vector)
        if output.detached:
            streams = (output.body.detach(), output.hand.detach())
            vectors = (body.vector.detach(), hand.vector.detach())
        seen = (body.observed.amax(dim=1), hand.observed.amax(dim=1))
        log_r = [torch.zeros_like(each, dtype=torch.float32) for each in seen]
        if self.config.fusion == RELIABLE:
            log_r = [
                self.body_reliability(vectors[0], scores[0], seen[0]),
                self.hand_reliability(vectors[1], scores[1], seen[1]),
            ]
        usable = (output.body_usable * seen[0] > 0, output.usable * seen[1] > 0)
        # Each from its own stream alone, so that the exported streams can be graphs of their own.
        log_r = [
            torch.where(u, r, torch.full_like(r, ABSENT))
            for u, r in zip(usable, log_r, strict=True)
        ]
        sigmoid = self.config.fusion == "noisy_or_sigmoid"
        fused = noisy_or(*streams, (log_r[0], log_r[1]), sigmoid)
        return output._replace(
            log_there=fused.log_there,
            log_absent=fused.log_absent,
            reliabilities=(
                torch.exp(torch.stack(log_r, dim=1)) if self.config.fusion == RELIABLE else None
            ),
            sigmoid=sigmoid,
        )

    def _unified(self, body: Tensor, hand: Tensor) -> ExpertOutput:
        logits, observed = self.body(join_body_and_hands(body, hand))
        usable = (observed[:, 0] >= self.min_body_share).to(logits.dtype)
        logits = logits * usable.unsqueeze(1)
        return ExpertOutput(logits, torch.zeros_like(logits), torch.zeros_like(usable), usable)


def _stream(
    expert: Expert | PoseExpert, vector: Tensor, embedding: Embedding, usable: Tensor
) -> tuple[Tensor, Tensor | None]:
    """A stream's logits, and those that its own loss judges if they are not the same."""
    judged = expert.logits(vector) * usable.unsqueeze(1)
    if not isinstance(expert, Expert) or expert.expertized is None:
        return judged, None
    apart = expert.expertized(embedding.expertized) * usable.unsqueeze(1)
    return judged + apart, judged


def make_expert(
    graph: Graph,
    config: ExpertConfig,
    num_steps: int,
    num_classes: int,
    expertized: bool = False,
) -> Expert | PoseExpert:
    """The expert of that configuration: whole poses, or graph blocks of the given name."""
    if config.block == POSE_BLOCK:
        return PoseExpert(graph, config, num_steps, num_classes)
    return Expert(graph, config, num_steps, num_classes, expertized=expertized)


class CalibratedBHaRNet(nn.Module):
    """What the bundle holds: the experts' logits, and fused probabilities that are calibrated.

    Returns (body_logits, hand_logits, probabilities), each (N, C), with learned reliabilities
    those, (N, 2), and if `attending` what the body expert attends to, (N, 19) (see
    `training.models.guiding`). Where no hand is usable, hand_logits are zero and the
    probabilities are the body's, over the body's own temperature.
    """

    def __init__(
        self,
        network: BHaRNet,
        fused_temperature: float = 1.0,
        body_temperature: float = 1.0,
        attending: bool = False,
    ) -> None:
        super().__init__()
        if attending and network.config.variant == "unified":
            raise ConfigurationError(
                "RGB is guided by a body expert of its own, which model.variant 'unified' has "
                "not; choose another variant."
            )
        self.network = network
        self.fused_temperature = fused_temperature
        self.body_temperature = body_temperature
        self.attending = attending

    @property
    def output_names(self) -> tuple[str, ...]:
        """Of what `forward` returns."""
        names: tuple[str, ...] = ("body_logits", "hand_logits", "probabilities")
        if self.network.fusion == RELIABLE:
            names = (*names, "reliabilities")
        return (*names, "body_attention") if self.attending else names

    def forward(self, body: Tensor, hand: Tensor) -> tuple[Tensor, ...]:
        if not self.attending:
            return self.calibrated(self.network(body, hand))
        own, other = self.network.embed(body, hand)
        output = self.network.decide(own, other, (mean_score(body), mean_score(hand)))
        return (*self.calibrated(output), joint_attention(own))

    def calibrated(self, output: ExpertOutput) -> tuple[Tensor, ...]:
        """What `forward` gives, of the network's output."""
        usable = output.usable.unsqueeze(1)
        fused = output.fused / self.fused_temperature
        alone = output.body / self.body_temperature
        judged = usable * fused + (1.0 - usable) * alone
        results = (output.body, output.hand, torch.softmax(judged, dim=1))
        if output.reliabilities is not None:
            return (*results, output.reliabilities)
        return results
