"""A batch of trajectory segments: what the replay samples and the losses take."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor


class Context(NamedTuple):
    """The part of B segments of K steps that a policy reads: the arguments of `PolicyNetwork.forward`, in order.

    Attributes:
        states: (B, K, S), normalized.
        actions: (B, K, A).
        conditions: (B, K), returns-to-go multiplied by ``return_scale``; or latents (B, K, Z).
        timesteps: (B, K) int64.
        mask: bool (B, K), True where real.
    """

    states: Tensor
    actions: Tensor
    conditions: Tensor
    timesteps: Tensor
    mask: Tensor


@dataclass(frozen=True)
class SegmentBatch:
    """B segments of K steps, left-padded; real positions have ``mask`` True.

    Attributes:
        states: (B, K, S), normalized; padded positions hold a normalized zero observation, (0 - mean) / std.
        actions: (B, K, A), clipped to the action range; 0 where padded.
        rewards: (B, K), after reward shift and divisor; 0 where padded.
        next_states: (B, K, S), normalized; padded as ``states``.
        terminals: (B, K) float, 1 where the environment terminated; 0 where padded.
        returns_to_go: (B, K + 1), multiplied by ``return_scale``; the last column belongs to the state after the
            segment and is 0 past the trajectory's end; 0 where padded.
        timesteps: (B, K) int64, position in the trajectory; 0 where padded.
        mask: (B, K) bool.
        real_count: Real positions by which sums are divided to give means. With several learners this is the count
            of the whole global batch divided by the number of learners, so that averaged gradients are the global mean.
    """

    states: Tensor
    actions: Tensor
    rewards: Tensor
    next_states: Tensor
    terminals: Tensor
    returns_to_go: Tensor
    timesteps: Tensor
    mask: Tensor
    real_count: float

    @classmethod
    def of(cls, batch: "SegmentBatch") -> Self:
        """The same ``batch``, which must be of this kind.

        Raises:
            TypeError: If it is not.
        """
        if not isinstance(batch, cls):
            raise TypeError(f"This loss learns from a {cls.__name__}, not from a {type(batch).__name__}.")
        return batch

    def context(self, conditions: Tensor | None = None) -> Context:
        """R_1 s_1 a_1 ... R_K s_K a_K; with ``conditions``, latents (B, K, Z), these in the place of R."""
        returns_to_go = self.returns_to_go[:, :-1]
        return Context(
            self.states,
            self.actions,
            returns_to_go if conditions is None else conditions,
            self.timesteps,
            self.mask,
        )

    def next_context(self, *, attends_padding: bool) -> Context:
        """The context of the next states, R_2 s_2 a_2 ... R_(K+1) s_(K+1), whose last action does not count.

        With ``attends_padding`` its mask is that of the published target policy, see `shifted_mask`.
        """
        return Context(
            self.next_states,
            self.shifted_actions(),
            self.returns_to_go[:, 1:],
            self.shifted_timesteps(),
            self.shifted_mask() if attends_padding else self.mask,
        )

    def mean_over(self, values: Tensor, padding: bool) -> Tensor:
        """Mean of ``values`` (B, K) over real positions, or with ``padding`` over all, padded ones as they are."""
        return values.mean() if padding else self.mean(values)

    def mean(self, values: Tensor) -> Tensor:
        """Mean of ``values`` (B, K) over real positions."""
        return torch.where(self.mask, values, values.new_zeros(())).sum() / self.real_count

    def mean_with_padding(self, values: Tensor) -> Tensor:
        """Mean of ``values`` (B, K) over all positions, padded ones counting as 0."""
        return torch.where(self.mask, values, values.new_zeros(())).mean()

    def shifted_mask(self) -> Tensor:
        """False where the context that ends in the next state holds nothing of the trajectory; (B, K).

        The last padded step of that context already has the first real return-to-go and action.
        """
        return torch.cat([self.mask[:, 1:], torch.ones_like(self.mask[:, :1])], dim=1)

    def shifted_actions(self) -> Tensor:
        """Actions of the context that ends in the next state: shifted left by one, 0 at the end; (B, K, A)."""
        return torch.cat([self.actions[:, 1:], torch.zeros_like(self.actions[:, :1])], dim=1)

    def shifted_timesteps(self) -> Tensor:
        """Timesteps of that context: the last padded step has the first real one's, those before it have 0; (B, K)."""
        return torch.cat([self.timesteps[:, 1:], self.timesteps[:, -1:] + 1], dim=1)


@dataclass(frozen=True)
class FutureBatch(SegmentBatch):
    """Segments together with the F steps that follow each, left-padded as the segments are.

    Attributes:
        future_states: (B, F, S), normalized; padded as ``states``.
        future_actions: (B, F, A), clipped to the action range; 0 where padded.
        future_mask: (B, F) bool, True where real: at most to the trajectory's end.
    """

    future_states: Tensor
    future_actions: Tensor
    future_mask: Tensor


@dataclass(frozen=True)
class ValuedBatch(SegmentBatch):
    """Segments with what a value function said of them when the iteration began.

    Attributes:
        values: (B, K), V(s_t); 0 where padded.
        value_targets: (B, K), TD(lambda) targets of V(s_t); 0 where padded.
        old_log_probs: (B, K), log-likelihoods of the actions, recorded when they were taken; 0 where padded. None if
            they were not.
    """

    values: Tensor
    value_targets: Tensor
    old_log_probs: Tensor | None = None

    @property
    def advantages(self) -> Tensor:
        """TD(lambda) targets less values; (B, K)."""
        return self.value_targets - self.values

    @property
    def recorded_log_probs(self) -> Tensor:
        """The ``old_log_probs``, (B, K).

        Raises:
            LookupError: If no rollout recorded them.
        """
        if self.old_log_probs is None:
            raise LookupError("No log-likelihoods of these actions were recorded when they were taken.")
        return self.old_log_probs
