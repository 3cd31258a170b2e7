"""Which hyperparameters a method does not use, so that an axis over them would only repeat its trials."""

from vitamin.algorithms.methods import Method

_OF_RL_GRADIENTS = frozenset(
    {
        "rl_coefficient",
        "pretrain_rl_coefficient",
        "normalize_rl_coefficient",
        "critic_hidden_size",
        "critic_layer_norm",
        "critic_learning_rate",
        "critic_weight_decay",
        "critic_loss_over_padding",
        "discount",
        "tau",
        "target_policy_noise",
        "target_noise_clip",
        "target_attends_padding",
        "actor_update_interval",
        "bootstrap_at_time_limit",
        "bootstrap_at_offline_cuts",
    }
)
_OF_DETERMINISTIC_POLICIES = frozenset({"exploration_noise"})
_OF_STOCHASTIC_POLICIES = frozenset(
    {"initial_temperature", "temperature_learning_rate", "entropy_over_padding"}
)


def ignored_settings(method: Method) -> frozenset[str]:
    """Hyperparameters without influence on the method's results."""
    other_policy = _OF_STOCHASTIC_POLICIES if method.policy == "deterministic" else _OF_DETERMINISTIC_POLICIES
    return other_policy if method.gradient else other_policy | _OF_RL_GRADIENTS
