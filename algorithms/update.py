"""One update of a method's networks: critic step, delayed actor step, temperature step, soft target updates."""

import math

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Adam, AdamW, Optimizer

from vitamin.algorithms import supervised
from vitamin.algorithms.gradients import GRADIENTS, Metrics, Noise, RLGradient
from vitamin.algorithms.gradients.base import AverageOverLearners, single_learner
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method, Phase
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.optimizers.lamb import Lamb
from vitamin.algorithms.segments import SegmentBatch

_LAMB_GRADIENT_CLIP = 1.0


class Updater:
    """Owns the optimizers of a method's networks and applies updates in the paper's order.

    Args:
        networks: The method's networks, already on their device.
        method: The row of the table of methods.
        hyperparameters: The run's settings.
        average_over_learners: Called on the gradients of each optimizer between backward and clipping, and on what
            losses are divided by.

    Attributes:
        networks: What is trained.
        optimizers: ``policy`` (LAMB), ``critic`` (AdamW) and ``temperature`` (Adam), those that the method has.
        actor_updates: Actor steps so far.
        critic_updates: Critic steps so far.
    """

    def __init__(
        self,
        networks: Networks,
        method: Method,
        hyperparameters: Hyperparameters,
        average_over_learners: AverageOverLearners = single_learner,
    ) -> None:
        settings = hyperparameters
        self.networks = networks
        self.hyperparameters = settings
        self.actor_updates = 0
        self.critic_updates = 0
        self._average = average_over_learners
        self._gradient: RLGradient | None = (
            None if method.gradient is None else GRADIENTS[method.gradient](settings, average_over_learners)
        )
        self.optimizers: dict[str, Optimizer] = {
            "policy": Lamb(
                networks.policy.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
            )
        }
        if networks.critic is not None:
            self.optimizers["critic"] = AdamW(
                networks.critic.parameters(),
                lr=settings.critic_learning_rate,
                weight_decay=settings.critic_weight_decay,
                fused=True,
            )
        if networks.log_temperature is not None:
            self.optimizers["temperature"] = Adam(
                [networks.log_temperature], lr=settings.temperature_learning_rate
            )

    def update(self, batch: SegmentBatch, phase: Phase, noise: Noise) -> Metrics:
        """A critic step, and an actor step if one is due: at every first of ``actor_update_interval`` critic steps.

        A method without an RL gradient takes an actor step each time.

        Args:
            batch: B segments of K steps, on the networks' device.
            phase: Decides which ``rl_coefficient`` holds.
            noise: Draws standard normals of a shape, on the networks' device.

        Returns:
            Detached scalars, named as in ``metrics.jsonl``.
        """
        actor_due = self.critic_updates % self.hyperparameters.actor_update_interval == 0
        metrics = {} if self._gradient is None else self.critic_step(batch, noise)
        return metrics | self.actor_step(batch, phase, noise) if actor_due else metrics

    def critic_step(self, batch: SegmentBatch, noise: Noise) -> Metrics:
        """One step of the critics of a method that has them; arguments and result as for `update`."""
        assert self._gradient is not None
        with self.autocast(batch.states):
            loss, metrics = self._gradient.critic_loss(self.networks, batch, noise)
        norm = self._descend("critic", loss)
        self.critic_updates += 1
        return {"loss/critic": loss.detach(), **metrics, "gradient_norm/critic": norm}

    def actor_step(self, batch: SegmentBatch, phase: Phase, noise: Noise) -> Metrics:
        """One step of policy and temperature, then of all targets; arguments and result as for `update`."""
        with self.autocast(batch.states):
            loss, metrics = self._actor_loss(batch, phase, noise)
        return self.descend_actor(loss, metrics, batch.actions.shape[-1])

    def descend_actor(self, loss: Tensor, metrics: Metrics, action_size: int) -> Metrics:
        """One step of policy and temperature down an actor loss, then of all targets.

        Args:
            loss: What the policy descends, a scalar.
            metrics: The loss's metrics; with a temperature, ``policy/entropy`` among them.
            action_size: A.

        Returns:
            The metrics, with those of the step.
        """
        settings = self.hyperparameters
        for group in self.optimizers["policy"].param_groups:
            group["lr"] = settings.learning_rate * self._warmup()
        norm = self._descend("policy", loss, min(settings.gradient_clip, _LAMB_GRADIENT_CLIP))
        if self.networks.log_temperature is not None:
            self._descend(
                "temperature",
                supervised.temperature_loss(
                    self.networks.log_temperature, metrics["policy/entropy"], action_size
                ),
            )
            metrics = metrics | {"policy/temperature": self.networks.log_temperature.detach().exp()}
        self.networks.update_targets(settings.tau)
        self.actor_updates += 1
        return metrics | {"loss/actor": loss.detach(), "gradient_norm/actor": norm}

    def _actor_loss(self, batch: SegmentBatch, phase: Phase, noise: Noise) -> tuple[Tensor, Metrics]:
        """The loss of Eq. 2, or of Online DT, and its metrics; one pass of the policy serves both terms."""
        settings = self.hyperparameters
        log_temperature = self.networks.log_temperature
        rl_coefficient = settings.rl_coefficient if phase == "online" else settings.pretrain_rl_coefficient
        gradient = self._gradient if rl_coefficient > 0 else None
        entropy_over_padding = log_temperature is not None and settings.entropy_over_padding
        action_over_padding = gradient is not None and gradient.reads_padded_actions
        output = self.networks.policy(
            batch.states,
            batch.actions,
            batch.returns_to_go[:, :-1],
            batch.timesteps,
            batch.mask,
            padding="compute" if entropy_over_padding or action_over_padding else "skip",
        )
        metrics: Metrics = {}
        if log_temperature is None:
            supervised_loss = supervised.squared_error(batch, output.action)
        else:
            draw = noise(output.action.shape)
            entropy = supervised.entropy(batch, output.distribution, draw, entropy_over_padding)
            likelihood = supervised.negative_log_likelihood(batch, output.distribution)
            supervised_loss = likelihood - log_temperature.detach().exp() * entropy
            metrics["policy/entropy"] = entropy.detach()
        metrics["loss/supervised"] = supervised_loss.detach()
        loss = settings.supervised_coefficient * supervised_loss
        if gradient is not None:
            rl_loss, rl_metrics = gradient.actor_loss(self.networks, batch, output)
            loss = loss + rl_coefficient * rl_loss
            metrics |= rl_metrics
        return loss, metrics

    def autocast(self, states: Tensor) -> torch.autocast:
        """The arithmetic of losses on a batch with these ``states``."""
        enabled = self.hyperparameters.precision == "bfloat16"
        return torch.autocast(states.device.type, torch.bfloat16, enabled=enabled)

    def _warmup(self) -> float:
        """Share of the step size in the next actor step."""
        return min((self.actor_updates + 1) / max(self.hyperparameters.warmup_updates, 1), 1.0)

    def _descend(self, name: str, loss: Tensor, clip: float = math.inf) -> Tensor:
        """One step of an optimizer; the gradient's norm before clipping."""
        optimizer = self.optimizers[name]
        optimizer.zero_grad()
        loss.backward()
        params = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        gradients = [p.grad for p in params]
        self._average(gradients)
        norm = get_total_norm(gradients)
        if clip < math.inf:
            clip_grads_with_norm_(params, clip, norm)
        optimizer.step()
        return norm
