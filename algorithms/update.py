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
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.lockstep import ALONE, Lockstep
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
        lockstep: The learner's place among several.

    Attributes:
        networks: What is trained.
        gradient: The RL gradient, or None.
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
        lockstep: Lockstep = ALONE,
    ) -> None:
        settings = hyperparameters
        self.networks = networks
        self.hyperparameters = settings
        self.actor_updates = 0
        self.critic_updates = 0
        self._method = method
        self._average = lockstep.average
        self.gradient: RLGradient | None = (
            None if method.gradient is None else GRADIENTS[method.gradient](settings, lockstep)
        )
        self._targets = None if self.gradient is None else self.gradient.targets
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
        if self._targets == "iteration":
            self.networks.copy_targets()

    def update(
        self, batch: SegmentBatch, phase: Phase, noise: Noise, rl_batch: SegmentBatch | None = None
    ) -> Metrics:
        """A critic step, then if one is due an actor step: at every first of ``actor_update_interval`` critic steps.

        A method without an RL gradient takes an actor step each time.

        Args:
            batch: B segments of K steps, on the networks' device.
            phase: Decides what the terms of the actor loss weigh.
            noise: Draws standard normals of a shape, on the networks' device.
            rl_batch: What the RL gradient learns from, if that is not ``batch``; see `RLGradient.data`.

        Returns:
            Detached scalars, named as in ``metrics.jsonl``.
        """
        actor_due = self.critic_updates % self.hyperparameters.actor_update_interval == 0
        critic = CriticStep({})
        if self.gradient is not None:
            critic = self.critic_step(batch if rl_batch is None else rl_batch, noise)
        metrics = critic.metrics
        # Delayed policy update: the policy and the targets move at every actor_update_interval-th critic step only
        if actor_due:
            metrics |= self.actor_step(batch, phase, noise, rl_batch, critic.advantages)
            if self._targets == "soft":
                self.networks.update_targets(self.hyperparameters.tau)
        return metrics

    def critic_step(self, batch: SegmentBatch, noise: Noise) -> "CriticStep":
        """One step of the critics of a method that has them; arguments as for `update`."""
        if self.gradient is None:
            raise TypeError(f"{self._method.label} has no RL gradient, and so no critics.")
        with self.autocast(batch.states):
            critics = self.gradient.critic_loss(self.networks, batch, noise)
        norm = self._descend("critic", critics.loss)
        self.critic_updates += 1
        metrics = {"loss/critic": critics.loss.detach(), **critics.metrics, "gradient_norm/critic": norm}
        return CriticStep(metrics, critics.advantages)

    def actor_step(
        self,
        batch: SegmentBatch,
        phase: Phase,
        noise: Noise,
        rl_batch: SegmentBatch | None = None,
        advantages: Tensor | None = None,
    ) -> Metrics:
        """One step of policy and temperature; ``advantages`` as `critic_step` gave them, the rest as for `update`."""
        log_temperature, terms = self.networks.log_temperature, self._terms(phase)
        if rl_batch is None:
            rl_batch = batch
        if terms.supervised_coefficient == 0:
            batch = rl_batch
        with self.autocast(batch.states):
            loss, metrics = self._actor_loss(batch, rl_batch, terms, noise, advantages)
        descended = self.descend_policy(loss, self.hyperparameters.learning_rate)
        if log_temperature is not None:
            if terms.learns_temperature:
                entropy, action_size = metrics["policy/entropy"], batch.actions.shape[-1]
                self._descend(
                    "temperature", supervised.temperature_loss(log_temperature, entropy, action_size)
                )
            metrics["policy/temperature"] = log_temperature.detach().exp()
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
        gradient = self.gradient if rl_coefficient > 0 else None
        beside = self.gradient if settings.published_entropy else gradient
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
        self,
        batch: SegmentBatch,
        rl_batch: SegmentBatch,
        terms: "Terms",
        noise: Noise,
        advantages: Tensor | None,
    ) -> tuple[Tensor, Metrics]:
        """L = λ L_sup + α L_RL (Eq. 2), the weights those of the phase, and its metrics."""
        output, rl_output = self._run_policy(batch, rl_batch, terms)
        L_sup, metrics = self._supervised_loss(batch, output, terms, noise)
        L_RL, rl_metrics = self._rl_loss(rl_batch, rl_output, terms, noise, advantages)
        loss = terms.supervised_coefficient * L_sup + terms.rl_coefficient * L_RL
        metrics |= rl_metrics
        if terms.action_regularization > 0:
            distance = self._distance_to_reference(batch, output)
            loss = loss + terms.action_regularization * distance
            metrics["loss/action_regularization"] = distance.detach()
        return loss, metrics

    def _run_policy(
        self, batch: SegmentBatch, rl_batch: SegmentBatch, terms: "Terms"
    ) -> tuple[PolicyOutput, PolicyOutput]:
        """The policy's outputs on ``batch`` and on ``rl_batch``: of one pass where they are the same."""
        policy, shared = self.networks.policy, rl_batch is batch
        for_entropy = self.hyperparameters.entropy_over_padding and self.networks.log_temperature is not None
        for_rl = terms.gradient is not None and terms.gradient.reads_padded_actions
        computes_padding = for_entropy or (shared and for_rl)
        output = policy(*batch.context(), padding="compute" if computes_padding else "skip")
        if shared or terms.gradient is None:
            return output, output
        return output, policy(*rl_batch.context(), padding="compute" if for_rl else "skip")

    def _supervised_loss(
        self, batch: SegmentBatch, output: PolicyOutput, terms: "Terms", noise: Noise
    ) -> tuple[Tensor, Metrics]:
        """L_sup, and its metrics: the squared error (Eq. 1), or the likelihood and entropy of Online DT."""
        if self.networks.log_temperature is None:
            loss = supervised.squared_error(batch, output.action)
            return loss, {"loss/supervised": loss.detach()}
        over_padding = self.hyperparameters.entropy_over_padding
        entropy = supervised.entropy(batch, output.pi, noise(output.action.shape), over_padding)
        loss = supervised.negative_log_likelihood(batch, output.pi)
        if terms.supervised_entropy:
            loss = loss - self.networks.temperature * entropy
        return loss, {"policy/entropy": entropy.detach(), "loss/supervised": loss.detach()}

    def _rl_loss(
        self,
        batch: SegmentBatch,
        output: PolicyOutput,
        terms: "Terms",
        noise: Noise,
        advantages: Tensor | None,
    ) -> tuple[Tensor | float, Metrics]:
        """L_RL, and its metrics; 0 where the phase has no such term."""
        if terms.gradient is None:
            return 0.0, {}
        return terms.gradient.actor_loss(self.networks, batch, output, noise, advantages)

    def _distance_to_reference(self, batch: SegmentBatch, output: PolicyOutput) -> Tensor:
        """Mean over real positions of the squared distance of the policy's actions to the reference's; a scalar."""
        with torch.no_grad():
            reference: PolicyOutput = self.networks.reference_pi(*batch.context())
        return batch.mean((output.action - reference.action).square().mean(-1))

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
class CriticStep:
    """The result of a step of the critics.

    Attributes:
        metrics: Detached scalars.
        advantages: For the actor step of the same update; see `CriticLoss`.
    """

    metrics: Metrics
    advantages: Tensor | None = None


@dataclass(frozen=True)
class Terms:
    """The terms of the actor loss of a phase.

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
