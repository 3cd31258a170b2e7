"""From a row of the method table to its networks."""

from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method
from vitamin.algorithms.models.critics import Critic, ValueFunction
from vitamin.algorithms.models.decision_transformer import DecisionTransformer
from vitamin.algorithms.models.mlp_policy import MLPPolicy
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.models.policy import PolicyNetwork


def uses_temperature(method: Method) -> bool:
    """Whether an entropy enters one of the method's losses."""
    gradient = None if method.gradient is None else GRADIENTS[method.gradient]
    learned = gradient is not None and gradient.learns_temperature
    return method.policy == "stochastic" and (bool(method.supervised) or learned)


def build_policy(
    observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters
) -> PolicyNetwork:
    """The policy of a method, freshly initialized from torch's generator."""
    network = DecisionTransformer if method.network == "transformer" else MLPPolicy
    return network(observation_size, action_size, hyperparameters, method.policy)


def build_networks(
    observation_size: int, action_size: int, method: Method, hyperparameters: Hyperparameters
) -> Networks:
    """All networks of a method, freshly initialized from torch's generator: those that its gradient asks for."""
    settings = hyperparameters
    policy = build_policy(observation_size, action_size, method, settings)
    gradient = None if method.gradient is None else GRADIENTS[method.gradient]
    critic = value = None
    if gradient is not None and gradient.has_q:
        critic = Critic(
            observation_size,
            action_size,
            settings.critic_hidden_size,
            settings.critic_layer_norm,
            settings.critic_members,
        )
    if gradient is not None and gradient.has_value:
        value = ValueFunction(observation_size, settings.critic_hidden_size, settings.critic_layer_norm)
    return Networks(
        policy,
        critic,
        value,
        targets=gradient is not None and gradient.targets is not None,
        temperature=settings.initial_temperature if uses_temperature(method) else None,
    )
