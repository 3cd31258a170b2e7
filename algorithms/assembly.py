"""From a row of the method table to its networks, its rollouts, its replay and its updates."""

import torch

from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.transition_replay import TransitionReplay
from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.grpo.rollout import RollOutGroups
from vitamin.algorithms.grpo.source import GroupSource
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.lockstep import ALONE, Lockstep
from vitamin.algorithms.methods import Method
from vitamin.algorithms.models.critics import Critic, ValueFunction
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.models.future_encoder import FutureEncoder
from vitamin.algorithms.models.future_policy import FutureConditionedPolicy
from vitamin.algorithms.models.mlp_policy import MLPPolicy
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.models.normalized_networks import NormalizedNetworks
from vitamin.algorithms.models.policy import PolicyNetwork
from vitamin.algorithms.models.recurrent_critics import RecurrentCritic
from vitamin.algorithms.pdt.replay import FutureReplay
from vitamin.algorithms.pdt.update import FutureUpdater
from vitamin.algorithms.randomness import Stream, torch_seed
from vitamin.algorithms.rollouts.episodes import RollOut, RollOutEpisodes
from vitamin.algorithms.sources import IterationSource, ReplaySource, ValuedReplaySource
from vitamin.algorithms.update import Updater


def uses_temperature(method: Method) -> bool:
    """Whether an entropy enters one of the method's losses."""
    gradient = None if method.gradient is None else GRADIENTS[method.gradient]
    learned = gradient is not None and gradient.learns_temperature
    imitates = method.supervised or method.fixed.get("pretrain_supervised_coefficient") != "online"
    return method.policy == "stochastic" and (imitates or learned)


def records_log_probs(method: Method, hyperparameters: Hyperparameters) -> bool:
    """Whether online rollouts keep the log-likelihoods of their actions."""
    return (
        method.gradient is not None and GRADIENTS[method.gradient](hyperparameters).reads_recorded_log_probs
    )


def build_roll_out(method: Method, hyperparameters: Hyperparameters) -> RollOut:
    """How the method's online units come about."""
    if method.groups:
        return RollOutGroups(hyperparameters)
    return RollOutEpisodes(hyperparameters, records_log_probs(method, hyperparameters))


def build_policy(
    observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters
) -> PolicyNetwork:
    """The policy of a method, freshly initialized from torch's generator."""
    if method.network == "future_transformer":
        return FutureConditionedPolicy(observation_size, action_size, hyperparameters)
    network = DecisionTransformer if method.network == "transformer" else MLPPolicy
    return network(observation_size, action_size, hyperparameters, method.policy)


def build_networks(
    observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters
) -> Networks:
    """All networks of a method, freshly initialized from torch's generator: those that its gradient asks for."""
    settings = hyperparameters
    policy = build_policy(observation_size, action_size, method, settings)
    gradient = None if method.gradient is None else GRADIENTS[method.gradient]
    critic = value = encoder = None
    if gradient is not None and gradient.has_q:
        critic = _build_critic(observation_size, action_size, settings)
    if gradient is not None and gradient.has_value:
        value = ValueFunction(observation_size, settings.critic_hidden_size, settings.critic_layer_norm)
    if method.network == "future_transformer":
        encoder = FutureEncoder(observation_size, action_size, settings)
    return Networks(
        policy,
        critic,
        value,
        targets=gradient is not None and gradient.targets is not None,
        reference=settings.action_regularization > 0 or settings.jump_start_steps > 0,
        temperature=settings.initial_temperature if uses_temperature(method) else None,
        future_encoder=encoder,
    )


def initial_networks(
    observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters, seed: int
) -> Networks:
    """As `build_networks`; the initial weights depend on the ``seed`` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, Stream.NETWORKS))
        return build_networks(observation_size, action_size, method, hyperparameters)


def build_module(
    observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters, seed: int
) -> NormalizedNetworks:
    """`initial_networks` with room for the statistics of observations."""
    networks = initial_networks(observation_size, action_size, method, hyperparameters, seed)
    return NormalizedNetworks(networks, observation_size, guides=hyperparameters.jump_start_steps > 0)


def _build_critic(observation_size: int, action_size: int, settings: Hyperparameters) -> Critic:
    sizes = observation_size, action_size, settings.critic_hidden_size
    if settings.critic_network == "mlp":
        return Critic(*sizes, settings.critic_layer_norm, settings.critic_members)
    return RecurrentCritic(
        settings.critic_network,
        *sizes,
        settings.critic_layer_norm,
        settings.critic_members,
        settings.critic_reads_padding,
    )


def build_updater(
    networks: Networks, method: Method, hyperparameters: Hyperparameters, lockstep: Lockstep = ALONE
) -> Updater:
    """The updater of a method's networks; arguments as for `Updater`."""
    updater = FutureUpdater if method.network == "future_transformer" else Updater
    return updater(networks, method, hyperparameters, lockstep)


def build_source(method: Method, updater: Updater) -> ReplaySource:
    """The source of the method's batches."""
    if method.groups:
        return GroupSource(updater)
    data = "replay" if method.gradient is None else GRADIENTS[method.gradient].data
    return {"replay": ReplaySource, "iteration": IterationSource, "valued_replay": ValuedReplaySource}[data](
        updater
    )


def replay_class(method: Method) -> type[Replay]:
    """The class of a method's replay."""
    return {"transformer": Replay, "future_transformer": FutureReplay, "mlp": TransitionReplay}[
        method.network
    ]
