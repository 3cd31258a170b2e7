"""One update of a method's networks: critic step, delayed actor step, temperature step, soft target updates."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Adam, AdamW, Optimizer

from vitamin.algorithms import supervised
from vitamin.algorithms.coefficients import loss_coefficients
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients import GRADIENTS, Metrics, Noise, RLGradient
from vitamin.algorithms.gradients.base import AverageOverLearners, Data, single_learner
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method, Phase
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.optimizers.lamb import Lamb

_LAMB_GRADIENT_CLIP = 1.0


class Updater:
    """Owns the optimizers of a method's networks and applies updates in the paper's order.

    Args:
        networks: The method's networks, already on their device.
        method: The row of the table of methods.
        hyperparameters: The run's settings.
        average_over_learners: Called on the gradients of each optimizer between backward and clipping, and on what
            losses are divided by.
        learners: Number of learners that take part in the averages.

    Attributes:
        networks: What is trained.
        optimizers: ``policy`` (LAMB, or Adam for a perceptron), ``critic`` (AdamW) and ``temperature`` (Adam), those
            that the method has.
        actor_updates: Actor steps so far.
        critic_updates: Critic steps so far.
    """

    def __init__(
        self,
        networks: Networks,
        method: Method,
        hyperparameters: Hyperparameters,
        average_over_learners: AverageOverLearners = single_learner,
        learners: int = 1,
    ) -> None:
        settings = hyperparameters
        self.networks = networks
        self.hyperparameters = settings
        self.actor_updates = 0
        self.critic_updates = 0
        self._method = method
        self._average = average_over_learners
        self._gradient: RLGradient | None = (
            None
            if method.gradient is None
            else GRADIENTS[method.gradient](settings, average_over_learners, learners)
        )
        self._clip = math.inf
        parameters = networks.policy.parameters()
        self.optimizers: dict[str, Optimizer] = {}
        if method.network != "mlp":
            self._clip = min(settings.gradient_clip, _LAMB_GRADIENT_CLIP)
            self.optimizers["policy"] = Lamb(
                parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
            )
        else:
            self.optimizers["policy"] = Adam(parameters, lr=settings.learning_rate)
        if critics := networks.critic_parameters():
            self.optimizers["critic"] = AdamW(
                critics,
                lr=settings.critic_learning_rate,
                weight_decay=settings.critic_weight_decay,
                fused=True,
            )
        if networks.log_temperature is not None:
            self.optimizers["temperature"] = Adam(
                [networks.log_temperature], lr=settings.temperature_learning_rate
            )

    def begin_phase(self) -> None:
        """To be called as the online phase begins: targets become equal to their originals."""
        self.networks.copy_targets()

    def begin_iteration(self) -> None:
        """To be called as an online iteration begins, after `begin_phase`."""
        if self._gradient is not None and self._gradient.targets == "iteration":
            self.networks.copy_targets()

    @property
    def data(self) -> Data:
        """What the RL gradient learns from online."""
        return "replay" if self._gradient is None else self._gradient.data

    def update(
        self, batch: SegmentBatch, phase: Phase, noise: Noise, own_batch: SegmentBatch | None = None
    ) -> Metrics:
        """A critic step, and an actor step if one is due: at every first of ``actor_update_interval`` critic steps.

        A method without an RL gradient takes an actor step each time.

        Args:
            batch: B segments of K steps, on the networks' device.
            phase: Decides what the terms of the actor loss weigh.
            noise: Draws standard normals of a shape, on the networks' device.
            own_batch: What the RL gradient learns from, if that is not ``batch``; see `RLGradient.data`.

        Returns:
            Detached scalars, named as in ``metrics.jsonl``.
        """
        actor_due = self.critic_updates % self.hyperparameters.actor_update_interval == 0
        metrics = (
            {}
            if self._gradient is None
            else self.critic_step(batch if own_batch is None else own_batch, noise)
        )
        return metrics | self.actor_step(batch, phase, noise, own_batch) if actor_due else metrics

    def critic_step(self, batch: SegmentBatch, noise: Noise) -> Metrics:
        """One step of the critics of a method that has them; arguments and result as for `update`."""
        assert self._gradient is not None
        with self.autocast(batch.states):
            loss, metrics = self._gradient.critic_loss(self.networks, batch, noise)
        norm = self._descend("critic", loss)
        self.critic_updates += 1
        return {"loss/critic": loss.detach(), **metrics, "gradient_norm/critic": norm}

    def actor_step(
        self, batch: SegmentBatch, phase: Phase, noise: Noise, own_batch: SegmentBatch | None = None
    ) -> Metrics:
        """One step of policy and temperature, then of all targets; arguments and result as for `update`."""
        settings, log_temperature = self.hyperparameters, self.networks.log_temperature
        terms = self._terms(phase)
        with self.autocast(batch.states):
            loss, metrics = self._actor_loss(batch, terms, noise, own_batch)
        descended = self.descend_policy(loss, settings.learning_rate)
        if log_temperature is not None:
            if terms.learns_temperature:
                self._descend(
                    "temperature",
                    supervised.temperature_loss(
                        log_temperature, metrics["policy/entropy"], batch.actions.shape[-1]
                    ),
                )
            metrics["policy/temperature"] = log_temperature.detach().exp()
        if self._gradient is not None and self._gradient.targets == "soft":
            self.networks.update_targets(settings.tau)
        return metrics | descended

    def descend_policy(self, loss: Tensor, learning_rate: float) -> Metrics:
        """One step of the policy down ``loss``, an actor update; the step's metrics."""
        for group in self.optimizers["policy"].param_groups:
            group["lr"] = learning_rate * self._warmup()
        norm = self._descend("policy", loss, self._clip)
        self.actor_updates += 1
        return {"loss/actor": loss.detach(), "gradient_norm/actor": norm}

    def _terms(self, phase: Phase) -> "Terms":
        settings = self.hyperparameters
        supervised_coefficient, rl_coefficient = loss_coefficients(self._method, settings, phase)
        gradient = self._gradient if rl_coefficient > 0 else None
        beside = self._gradient if settings.published_entropy else gradient
        entropy = beside is None or beside.supervised_entropy
        return Terms(
            gradient,
            rl_coefficient,
            supervised_coefficient,
            entropy,
            (entropy and supervised_coefficient > 0) or (beside is not None and beside.learns_temperature),
            settings.action_regularization if phase == "online" else 0.0,
        )

    def _actor_loss(
        self, batch: SegmentBatch, terms: "Terms", noise: Noise, own_batch: SegmentBatch | None
    ) -> tuple[Tensor, Metrics]:
        """The loss of Eq. 2, or of Online DT, and its metrics.

        One pass of the policy serves both terms, unless the RL term has a batch of its own beside a supervised one.
        """
        settings = self.hyperparameters
        log_temperature = self.networks.log_temperature
        gradient, rl_batch = terms.gradient, batch if own_batch is None else own_batch
        if terms.supervised_coefficient == 0:
            batch = rl_batch
        entropy_over_padding = log_temperature is not None and settings.entropy_over_padding
        shared = gradient is not None and rl_batch is batch
        output = self._run_policy(batch, gradient if shared else None, entropy_over_padding)
        metrics: Metrics = {}
        if log_temperature is None:
            supervised_loss = supervised.squared_error(batch, output.action)
        else:
            assert output.distribution is not None
            draw = noise(output.action.shape)
            entropy = supervised.entropy(batch, output.distribution, draw, entropy_over_padding)
            supervised_loss = supervised.negative_log_likelihood(batch, output.distribution)
            if terms.supervised_entropy:
                supervised_loss = supervised_loss - log_temperature.detach().exp() * entropy
            metrics["policy/entropy"] = entropy.detach()
        metrics["loss/supervised"] = supervised_loss.detach()
        loss = terms.supervised_coefficient * supervised_loss
        if gradient is not None:
            rl_output = output if shared else self._run_policy(rl_batch, gradient, False)
            rl_loss, rl_metrics = gradient.actor_loss(self.networks, rl_batch, rl_output, noise)
            loss = loss + terms.rl_coefficient * rl_loss
            metrics |= rl_metrics
        if terms.action_regularization > 0:
            distance = self._distance_to_reference(batch, output)
            loss = loss + terms.action_regularization * distance
            metrics["loss/action_regularization"] = distance.detach()
        return loss, metrics

    def _distance_to_reference(self, batch: SegmentBatch, output: PolicyOutput) -> Tensor:
        """Mean over real positions of the squared distance of the policy's actions to the reference's; a scalar."""
        assert self.networks.reference_policy is not None
        with torch.no_grad():
            reference: PolicyOutput = self.networks.reference_policy(
                batch.states, batch.actions, batch.returns_to_go[:, :-1], batch.timesteps, batch.mask
            )
        return batch.mean((output.action - reference.action).square().mean(-1))

    def _run_policy(
        self, batch: SegmentBatch, gradient: RLGradient | None, compute_padding: bool
    ) -> PolicyOutput:
        compute_padding = compute_padding or (gradient is not None and gradient.reads_padded_actions)
        output: PolicyOutput = self.networks.policy(
            batch.states,
            batch.actions,
            batch.returns_to_go[:, :-1],
            batch.timesteps,
            batch.mask,
            padding="compute" if compute_padding else "skip",
        )
        return output

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


@dataclass(frozen=True)
class Terms:
    """What the actor loss of a phase consists of.

    Attributes:
        gradient: The RL gradient if its term counts, else None.
        rl_coefficient: The RL term's weight.
        supervised_coefficient: The supervised term's weight.
        supervised_entropy: Whether a stochastic policy's supervised term has an entropy bonus.
        learns_temperature: Whether the bonus's weight is adapted.
        action_regularization: Weight of the squared distance to the actions of the pretrained policy.
    """

    gradient: RLGradient | None
    rl_coefficient: float
    supervised_coefficient: float
    supervised_entropy: bool
    learns_temperature: bool
    action_regularization: float
